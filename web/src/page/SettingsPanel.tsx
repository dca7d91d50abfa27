/* Model, voice and instructions, folded away until somebody wants them. */

import {
  Button,
  Disclosure,
  DisclosurePanel,
  Heading,
  Label,
  Text,
  TextArea,
  TextField,
} from 'react-aria-components';
import { Choice } from './Choice';
import { type Settings, VOICES } from './settings';
import { usePageText } from './text';

export interface SettingsPanelProps {
  /** Those the gateway allows. */
  models: string[];
  value: Settings;
  onChange: (settings: Settings) => void;
}

export function SettingsPanel({ models, value, onChange }: SettingsPanelProps) {
  const { t } = usePageText();
  const server = { id: '', name: t('settings.asServer') };
  const named = (name: string) => ({ id: name, name });

  return (
    <Disclosure className="page-settings">
      <Heading level={2}>
        <Button slot="trigger" className="rv-button rv-quiet">
          {t('settings.label')}
        </Button>
      </Heading>
      <DisclosurePanel>
        <div className="page-fields">
          {models.length > 1 && (
            <Choice
              label={t('settings.model')}
              items={[server, ...models.map(named)]}
              value={value.model}
              onChange={(model) => onChange({ ...value, model })}
            />
          )}
          <Choice
            label={t('settings.voice')}
            items={[server, ...VOICES.map(named)]}
            value={value.voice}
            onChange={(voice) => onChange({ ...value, voice })}
          />
          <TextField
            value={value.instructions}
            onChange={(instructions) => onChange({ ...value, instructions })}
          >
            <Label>{t('settings.instructions')}</Label>
            <TextArea className="page-input" rows={3} />
            <Text slot="description">{t('settings.hint')}</Text>
          </TextField>
        </div>
      </DisclosurePanel>
    </Disclosure>
  );
}
