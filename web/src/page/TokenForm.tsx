/* Shown while there is no token, or where the gateway refused it. */

import { type FormEvent, useState } from 'react';
import {
  Button,
  FieldError,
  Form,
  Input,
  Label,
  Text,
  TextField,
} from 'react-aria-components';
import type { Problem } from '../client/problem';
import { ProblemPanel } from '../components/ProblemPanel';
import { usePageText } from './text';
import { keepToken } from './token';

export interface TokenFormProps {
  problem: Problem | null;
  onToken: () => void;
}

export function TokenForm({ problem, onToken }: TokenFormProps) {
  const { t } = usePageText();
  const [value, setValue] = useState('');

  function submit(event: FormEvent) {
    event.preventDefault();

    if (value.trim() !== '') {
      keepToken(value);
      onToken();
    }
  }

  return (
    <main className="page-token">
      <h2>{t('token.title')}</h2>
      {problem && <ProblemPanel problem={problem} />}
      <Form onSubmit={submit}>
        <TextField
          isRequired
          type="password"
          autoComplete="off"
          value={value}
          onChange={setValue}
        >
          <Label>{t('token.label')}</Label>
          <Input className="page-input" spellCheck={false} />
          <Text slot="description">{t('token.explain')}</Text>
          <FieldError>{t('token.empty')}</FieldError>
        </TextField>
        <Button className="rv-button rv-primary" type="submit">
          {t('token.use')}
        </Button>
      </Form>
    </main>
  );
}
