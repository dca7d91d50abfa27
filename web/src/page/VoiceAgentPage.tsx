/*
 * The page: a conversation, its earlier turns, and the sessions before it.
 * The call itself is useRealtimeVoice(); the page only arranges.
 */

import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState } from 'react';
import { Button } from 'react-aria-components';
import { Gateway } from '../client/gateway';
import { Problem } from '../client/problem';
import { ProblemPanel } from '../components/ProblemPanel';
import { usePlayback } from '../components/RealtimeVoiceAgent';
import { TranscriptView } from '../components/TranscriptView';
import { VoiceControls } from '../components/VoiceControls';
import { useRealtimeVoice } from '../useRealtimeVoice';
import { PageHeader } from './PageHeader';
import { SessionList } from './SessionList';
import { SettingsPanel } from './SettingsPanel';
import { sessionOf, storedSettings } from './settings';
import { stored } from './stored';
import { TokenForm } from './TokenForm';
import { usePageText } from './text';
import { forgetToken } from './token';
import { useEarlierTurns, useSessions } from './useHistory';

const storedSession = stored<string>('realtime.session', '');

function newSession(): string {
  const id = crypto.randomUUID();

  storedSession.write(id);
  return id;
}

/** Said once for the whole page, not for each thing that is refused. */
function isRefusal(error: Error): boolean {
  return error instanceof Problem && (error.kind === 'token' || error.kind === 'role');
}

export function VoiceAgentPage({ onToken }: { onToken: () => void }) {
  const { t } = usePageText();
  const queries = useQueryClient();
  const audio = useRef<HTMLAudioElement>(null);
  const gateway = useMemo(() => new Gateway(''), []);
  const [sessionId, setSessionId] = useState(() => storedSession.read() || newSession());
  const [settings, setSettings] = useState(storedSettings.read);
  const session = useMemo(() => sessionOf(settings), [settings]);
  const voice = useRealtimeVoice({ model: settings.model, session, sessionId });
  const earlier = useEarlierTurns(gateway, sessionId);
  const sessions = useSessions(gateway);
  const { turns, state } = voice;

  usePlayback(voice.remoteStream, audio);

  // A call that ended, or a saved turn, may be news for the list of sessions.
  // biome-ignore lint/correctness/useExhaustiveDependencies: these are what changes the list
  useEffect(() => {
    queries.invalidateQueries({ queryKey: ['sessions'] });
  }, [state === 'idle', voice.queue.waiting === 0, queries]);

  const shown = useMemo(() => {
    const spoken = new Set(turns.map((turn) => turn.id));
    return [...earlier.turns.filter((turn) => !spoken.has(turn.id)), ...turns];
  }, [earlier.turns, turns]);

  function open(id: string) {
    storedSession.write(id);
    // The live turns of the session that is left are in the store by now.
    queries.removeQueries({ queryKey: ['transcripts', id] });
    setSessionId(id);
  }

  function signOut() {
    voice.stop();
    forgetToken();
    onToken();
  }

  const refused = [voice.meProblem, voice.problem].find(
    (problem) => problem?.kind === 'token',
  );

  if (refused) {
    return (
      <>
        <PageHeader />
        <TokenForm problem={refused} onToken={onToken} />
      </>
    );
  }

  return (
    <>
      <PageHeader onSignOut={signOut} />
      <div className="page-columns">
        <aside className="page-side">
          <Button
            className="rv-button page-new"
            isDisabled={state !== 'idle' || shown.length === 0}
            onPress={() => setSessionId(newSession())}
          >
            {t('conversation.new')}
          </Button>
          <SettingsPanel
            models={voice.me?.models ?? []}
            value={settings}
            onChange={(next) => {
              storedSettings.write(next);
              setSettings(next);
            }}
          />
          {sessions && (
            <SessionList sessions={sessions} current={sessionId} onOpen={open} />
          )}
        </aside>

        <main className="page-main" aria-label={t('conversation.label')}>
          {earlier.hasNextPage && (
            <Button
              className="rv-button rv-quiet page-earlier"
              isDisabled={earlier.isFetchingNextPage}
              onPress={() => earlier.fetchNextPage()}
            >
              {t('conversation.earlier')}
            </Button>
          )}
          {voice.meProblem?.kind === 'role' && !voice.problem && (
            <ProblemPanel problem={voice.meProblem} />
          )}
          {earlier.isError && !isRefusal(earlier.error) && (
            <p className="page-hint" role="alert">
              {t('conversation.failed')} {earlier.error.message}
            </p>
          )}
          {shown.length > 0 ? (
            <TranscriptView turns={shown} />
          ) : (
            <p className="page-hint page-empty">
              {t(earlier.isLoading ? 'conversation.loading' : 'conversation.empty')}
            </p>
          )}
          <VoiceControls voice={voice} />
        </main>
      </div>
      {/* biome-ignore lint/a11y/useMediaCaption: the transcript is the caption */}
      <audio ref={audio} autoPlay />
    </>
  );
}
