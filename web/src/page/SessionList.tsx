/* The earlier conversations, newest first; nothing where there is no list. */

import { ListBox, ListBoxItem, Text } from 'react-aria-components';
import type { SessionSummary } from '../client/gateway';
import { usePageText } from './text';

export interface SessionListProps {
  sessions: SessionSummary[];
  current: string;
  onOpen: (sessionId: string) => void;
}

export function SessionList({ sessions, current, onOpen }: SessionListProps) {
  const { t, i18n } = usePageText();
  const named = sessions.filter((session) => session.session_id !== null);
  const when = new Intl.DateTimeFormat(i18n.language, {
    dateStyle: 'medium',
    timeStyle: 'short',
  });

  if (named.length === 0) {
    return null;
  }

  return (
    <nav className="page-sessions" aria-labelledby="page-sessions-label">
      <h2 id="page-sessions-label">{t('sessions.label')}</h2>
      <ListBox
        aria-labelledby="page-sessions-label"
        selectionMode="single"
        disallowEmptySelection
        selectedKeys={[current]}
        onSelectionChange={(keys) => {
          const [key] = keys === 'all' ? [] : [...keys];

          if (key !== undefined) {
            onOpen(String(key));
          }
        }}
      >
        {named.map((session) => (
          <ListBoxItem
            key={session.session_id}
            id={session.session_id ?? ''}
            className="page-session"
            textValue={session.preview}
          >
            <Text slot="label">{session.preview || t('sessions.none')}</Text>
            <Text slot="description">
              {when.format(new Date(session.last_at))}
              {' · '}
              {t('sessions.turns', { count: session.count })}
            </Text>
          </ListBoxItem>
        ))}
      </ListBox>
    </nav>
  );
}
