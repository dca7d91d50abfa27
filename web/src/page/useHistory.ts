/* What the store knows: the turns of a session, and the sessions there are. */

import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import type { Gateway, StoredTranscript } from '../client/gateway';
import { Problem } from '../client/problem';
import type { ShownTurn } from '../components/TranscriptView';

function shown(transcript: StoredTranscript): ShownTurn {
  return {
    id: transcript.item_id ?? transcript.id,
    role: transcript.role,
    text: transcript.text,
  };
}

/** Refusals stay refusals; only what may pass is tried again. */
export function worthRetrying(failures: number, error: Error): boolean {
  const status = error instanceof Problem ? error.status : undefined;
  return failures < 3 && (status === undefined || status >= 500 || status === 429);
}

/** The turns of `sessionId` that were stored before this page was opened. */
export function useEarlierTurns(gateway: Gateway, sessionId: string) {
  const query = useInfiniteQuery({
    queryKey: ['transcripts', sessionId],
    queryFn: ({ pageParam }) => gateway.transcripts(sessionId, pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    // What is said from now on comes from the call itself.
    staleTime: Number.POSITIVE_INFINITY,
    retry: worthRetrying,
  });
  const turns = (query.data?.pages ?? [])
    .flatMap((page) => page.transcripts)
    .map(shown)
    .reverse();

  return { ...query, turns };
}

/** The person's sessions; undefined where the gateway has no such list. */
export function useSessions(gateway: Gateway) {
  const { data } = useQuery({
    queryKey: ['sessions'],
    queryFn: () => gateway.sessions(),
    retry: false,
  });

  return data?.sessions;
}
