/*
 * The hook behind the component: a call, its turns, and their way to the
 * store. It draws nothing; a host that wants its own controls starts here.
 */

import { useActorRef, useSelector } from '@xstate/react';
import {
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { Gateway, type Me, storedToken, type TokenSource } from './client/gateway';
import { ownerOf } from './client/owner';
import { asProblem, type Problem } from './client/problem';
import type { Activity } from './conversation/activity';
import { type Turn, turnsOf } from './conversation/conversation';
import { Recorder } from './conversation/recorder';
import { type Said, voiceMachine } from './machine';
import type { SessionSettings } from './protocol/session';
import { openOutbox } from './transcripts/outbox';
import { type QueueState, TranscriptQueue } from './transcripts/queue';

export interface RealtimeVoiceOptions {
  /** What stands before `/realtime/...`; the page's own origin by default. */
  apiBase?: string;
  /** A JWT, or what gives one; `localStorage.token` by default. */
  token?: TokenSource;
  /** One of the models the gateway allows; its first by default. */
  model?: string;
  /** Laid over the default `session.update`; null sends none. */
  session?: SessionSettings | null;
  /** Groups the transcripts; without one they belong to their call only. */
  sessionId?: string;
  /** Each thing said: whole utterances of the user, pieces of an answer. */
  onSaid?: (said: Said) => void;
  /** No call, a call that ended by itself, or a transcript nobody takes. */
  onError?: (problem: Problem) => void;
}

export type VoiceState = 'idle' | 'permission' | 'connecting' | 'live';

export interface RealtimeVoice {
  state: VoiceState;
  /** Meaningful while live. */
  activity: Activity;
  turns: Turn[];
  problem: Problem | null;
  notice: string | null;
  muted: boolean;
  localStream: MediaStream | null;
  remoteStream: MediaStream | null;
  callId: string | undefined;
  /** ms since 1970; null while there is no open call. */
  openedAt: number | null;
  /** When the call will be ended by the gateway or by OpenAI, in ms. */
  endsAt: number | null;
  /** Transcripts that the gateway does not have yet. */
  queue: QueueState;
  me: Me | null;
  meProblem: Problem | null;
  start(): void;
  stop(): void;
  setMuted(muted: boolean): void;
  /** Stops the answer that is being spoken. */
  interrupt(): void;
  /** Sends any client event of the Realtime API. */
  send(event: Record<string, unknown>): void;
  dismiss(): void;
}

const STATES: VoiceState[] = ['permission', 'connecting', 'live'];

/** An effect's view of the newest props, without running the effect again. */
function useLatest<T>(value: T): { readonly current: T } {
  const ref = useRef(value);

  useLayoutEffect(() => {
    ref.current = value;
  });

  return ref;
}

export function useRealtimeVoice(options: RealtimeVoiceOptions = {}): RealtimeVoice {
  const { apiBase = '', token, sessionId } = options;
  const latest = useLatest(options);
  const [me, setMe] = useState<Me | null>(null);
  const [meProblem, setMeProblem] = useState<Problem | null>(null);
  const [queueState, setQueueState] = useState<QueueState>({ waiting: 0, problem: null });
  const queueRef = useRef<TranscriptQueue | null>(null);
  const meRef = useLatest(me);
  const owner = useRef('');

  const gateway = useMemo(
    () =>
      new Gateway(apiBase, async () => {
        const source = latest.current.token ?? storedToken;
        const value = (typeof source === 'function' ? await source() : source) ?? '';

        owner.current = ownerOf(value);
        return value;
      }),
    [apiBase, latest],
  );

  const actor = useActorRef(voiceMachine);
  const snapshot = useSelector(actor, (current) => current);
  const { context } = snapshot;

  // The queue, and what feeds it.
  useEffect(() => {
    const queue = new TranscriptQueue({
      outbox: openOutbox(),
      send: (records, how) => gateway.saveTranscripts(records, how),
      owner: async () => ownerOf(await gateway.token()),
      onChange: setQueueState,
      onRejected: (_, problem) => latest.current.onError?.(problem),
    });
    const recorder = new Recorder(queue);
    const subscription = actor.subscribe(({ context: now }) => {
      recorder.record(now.conversation, owner.current, {
        userId: meRef.current?.id,
        sessionId: latest.current.sessionId,
        callId: now.callId,
      });
    });
    const retry = () => void queue.retry();

    queueRef.current = queue;
    window.addEventListener('online', retry);

    return () => {
      window.removeEventListener('online', retry);
      subscription.unsubscribe();
      queue.leave(owner.current);
      queue.close();
      queueRef.current = null;
    };
  }, [actor, gateway, latest, meRef]);

  // Who is speaking; a new token is also a new chance for what waits.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the token is read through the gateway
  useEffect(() => {
    let current = true;

    setMeProblem(null);
    gateway.me().then(
      (value) => current && setMe(value),
      (error) => current && setMeProblem(asProblem(error)),
    );
    queueRef.current?.retry();

    return () => {
      current = false;
    };
  }, [gateway, token]);

  // A page that goes away hangs up, and sends the last words on its way.
  useEffect(() => {
    const leave = () => {
      actor.send({ type: 'STOP' });
      queueRef.current?.leave(owner.current);
    };

    window.addEventListener('pagehide', leave);
    return () => window.removeEventListener('pagehide', leave);
  }, [actor]);

  // Before the actor itself is stopped, so that half-said words are recorded.
  useLayoutEffect(() => () => actor.send({ type: 'STOP' }), [actor]);

  // Turns belong to one session.
  const shown = useRef(sessionId);
  useEffect(() => {
    if (shown.current !== sessionId) {
      shown.current = sessionId;
      actor.send({ type: 'RESET' });
    }
  }, [actor, sessionId]);

  useEffect(() => {
    const subscription = actor.on('said', (said) => latest.current.onSaid?.(said));
    return () => subscription.unsubscribe();
  }, [actor, latest]);

  const { problem } = context;
  useEffect(() => {
    if (problem !== null) {
      latest.current.onError?.(problem);
    }
  }, [problem, latest]);

  const state =
    STATES.find((name) => snapshot.matches({ active: name } as never)) ?? 'idle';
  const turns = useMemo(
    () => turnsOf(context.conversation, state === 'live'),
    [context.conversation, state],
  );

  const start = useCallback(() => {
    const { model, session } = latest.current;
    actor.send({ type: 'START', settings: { gateway, model, session } });
  }, [actor, gateway, latest]);

  const send = useCallback(
    (event: Record<string, unknown>) => actor.send({ type: 'SEND', event }),
    [actor],
  );

  const interrupt = useCallback(() => {
    send({ type: 'response.cancel' });
    send({ type: 'output_audio_buffer.clear' });
  }, [send]);

  return {
    state,
    activity: context.activity,
    turns,
    problem,
    notice: context.notice,
    muted: context.muted,
    localStream: context.localStream,
    remoteStream: context.remoteStream,
    callId: context.callId,
    openedAt: context.openedAt,
    endsAt: endOf(context.openedAt, context.expiresAt, me?.limits?.max_duration),
    queue: queueState,
    me,
    meProblem,
    start,
    stop: useCallback(() => actor.send({ type: 'STOP' }), [actor]),
    setMuted: useCallback((muted) => actor.send({ type: 'MUTE', muted }), [actor]),
    interrupt,
    send,
    dismiss: useCallback(() => actor.send({ type: 'DISMISS' }), [actor]),
  };
}

/** The sooner of OpenAI's end (unix seconds) and the gateway's (a duration in s). */
function endOf(
  openedAt: number | null,
  expiresAt: number | undefined,
  maxDuration: number | null | undefined,
): number | null {
  if (openedAt === null) {
    return null;
  }

  const ends = [
    expiresAt ? expiresAt * 1_000 : Number.POSITIVE_INFINITY,
    maxDuration ? openedAt + maxDuration * 1_000 : Number.POSITIVE_INFINITY,
  ];
  const end = Math.min(...ends);

  return Number.isFinite(end) ? end : null;
}
