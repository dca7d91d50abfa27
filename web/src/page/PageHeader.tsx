/* The name of the page, its language, and the way out. */

import { Button } from 'react-aria-components';
import { Choice } from './Choice';
import { LANGUAGES, setLanguage, usePageText } from './text';

export function PageHeader({ onSignOut }: { onSignOut?: () => void }) {
  const { t, i18n } = usePageText();
  const items = Object.entries(LANGUAGES).map(([id, name]) => ({ id, name }));

  return (
    <header className="page-header">
      <h1>{t('title')}</h1>
      <Choice
        label={t('language')}
        items={items}
        value={i18n.resolvedLanguage ?? 'en'}
        onChange={setLanguage}
      />
      {onSignOut && (
        <Button className="rv-button rv-quiet" onPress={onSignOut}>
          {t('token.forget')}
        </Button>
      )}
    </header>
  );
}
