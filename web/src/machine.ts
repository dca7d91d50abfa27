/*
 * The life of a call as a state machine.
 *
 *   idle -> permission -> connecting -> live -> idle
 *
 * The call itself is an actor that lives exactly as long as the machine is in
 * `active`: however that state is left (stop, failure, unmount), the actor's
 * cleanup releases the microphone, the peer and the far end.
 */

import { assign, emit, enqueueActions, fromCallback, sendTo, setup } from 'xstate';
import { type CallOptions, openCall } from './client/call';
import { Problem } from './client/problem';
import { type Activity, nextActivity } from './conversation/activity';
import {
  beginCall,
  type Conversation,
  converse,
  emptyConversation,
  endCall,
} from './conversation/conversation';
import type { Role, VoiceEvent } from './protocol/events';

export type CallSettings = Pick<CallOptions, 'gateway' | 'model' | 'session'>;

interface Context {
  settings: CallSettings | null;
  conversation: Conversation;
  activity: Activity;
  muted: boolean;
  localStream: MediaStream | null;
  remoteStream: MediaStream | null;
  callId: string | undefined;
  /** ms since 1970; null until both ways are open. */
  openedAt: number | null;
  /** Unix seconds, as OpenAI says it. */
  expiresAt: number | undefined;
  model: string | undefined;
  /** Why there is no call. */
  problem: Problem | null;
  /** What went wrong inside a call that goes on. */
  notice: string | null;
}

type CallCommand =
  | { type: 'MUTE'; muted: boolean }
  | { type: 'SEND'; event: Record<string, unknown> };

export type MachineEvent =
  | { type: 'START'; settings: CallSettings }
  | { type: 'STOP' }
  | { type: 'RESET' }
  | { type: 'DISMISS' }
  | CallCommand
  | { type: 'MICROPHONE'; stream: MediaStream }
  | { type: 'REMOTE'; stream: MediaStream }
  | { type: 'OPEN'; id: string | undefined }
  | { type: 'EVENT'; event: VoiceEvent; now: number }
  | { type: 'END'; problem: Problem };

/** What a host is told as it happens. */
export type Said = {
  type: 'said';
  role: Role;
  text: string;
  /** A whole utterance of the user, or a piece of an answer. */
  whole: boolean;
};

const call = fromCallback<CallCommand, CallSettings>(({ sendBack, receive, input }) => {
  const open = openCall({
    ...input,
    onMicrophone: (stream) => sendBack({ type: 'MICROPHONE', stream }),
    onRemoteStream: (stream) => sendBack({ type: 'REMOTE', stream }),
    onOpen: ({ id }) => sendBack({ type: 'OPEN', id }),
    onEvent: (event) => sendBack({ type: 'EVENT', event, now: Date.now() }),
    onEnd: (problem) => sendBack({ type: 'END', problem }),
  });

  receive((command) => {
    if (command.type === 'MUTE') {
      open.setMuted(command.muted);
    } else {
      open.send(command.event);
    }
  });

  return () => open.close();
});

function saidBy(conversation: Conversation, event: VoiceEvent): Said | null {
  switch (event.type) {
    case 'user-text':
      return event.text === ''
        ? null
        : { type: 'said', role: 'user', text: event.text, whole: true };

    case 'assistant-delta':
      return { type: 'said', role: 'assistant', text: event.text, whole: false };

    case 'assistant-text': {
      // An answer that came without pieces is told in one.
      const item = event.itemId ? conversation.items[event.itemId] : undefined;
      const heard = event.itemId === undefined || item?.parts[event.part]?.text;

      return heard || event.text === ''
        ? null
        : { type: 'said', role: 'assistant', text: event.text, whole: false };
    }

    default:
      return null;
  }
}

function noticeOf(event: VoiceEvent): string | undefined {
  switch (event.type) {
    case 'error':
      // The answer was over before the interruption arrived: nothing is wrong.
      return event.code === 'response_cancel_not_active' ? undefined : event.message;
    case 'response-done':
      return event.error;
    default:
      return undefined;
  }
}

/** A call that ended by itself ended for the reason told last. */
function explained(problem: Problem, notice: string | null): Problem {
  return problem.kind === 'ended' && notice !== null
    ? new Problem('ended', notice)
    : problem;
}

export const voiceMachine = setup({
  types: {
    context: {} as Context,
    events: {} as MachineEvent,
    emitted: {} as Said,
  },
  actors: { call },
  actions: {
    hear: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'EVENT') {
        return;
      }

      const said = saidBy(context.conversation, event.event);
      const session = event.event.type === 'session' ? event.event : undefined;

      enqueue.assign({
        conversation: converse(context.conversation, event.event, event.now),
        activity: nextActivity(context.activity, event.event),
        notice: noticeOf(event.event) ?? context.notice,
        model: session?.model ?? context.model,
        expiresAt: session?.expiresAt ?? context.expiresAt,
      });

      if (said !== null) {
        enqueue(emit(said));
      }
    }),
  },
}).createMachine({
  id: 'voice',
  initial: 'idle',
  context: {
    settings: null,
    conversation: emptyConversation,
    activity: 'listening',
    muted: false,
    localStream: null,
    remoteStream: null,
    callId: undefined,
    openedAt: null,
    expiresAt: undefined,
    model: undefined,
    problem: null,
    notice: null,
  },
  on: {
    DISMISS: { actions: assign({ problem: null, notice: null }) },
    RESET: {
      target: '.idle',
      actions: assign({ conversation: emptyConversation, problem: null, notice: null }),
    },
  },
  states: {
    idle: {
      on: {
        START: {
          target: 'active',
          actions: assign(({ context, event }) => ({
            settings: event.settings,
            conversation: beginCall(context.conversation),
            activity: 'listening' as const,
            muted: false,
            callId: undefined,
            expiresAt: undefined,
            model: undefined,
            problem: null,
            notice: null,
          })),
        },
      },
    },

    active: {
      invoke: {
        id: 'call',
        src: 'call',
        input: ({ context }) => context.settings as CallSettings,
      },
      initial: 'permission',
      exit: assign(({ context }) => ({
        conversation: endCall(context.conversation),
        localStream: null,
        remoteStream: null,
        openedAt: null,
      })),
      on: {
        STOP: { target: 'idle' },
        END: {
          target: 'idle',
          actions: assign(({ context, event }) => ({
            problem: explained(event.problem, context.notice),
            notice: null,
          })),
        },
        EVENT: { actions: 'hear' },
        REMOTE: { actions: assign({ remoteStream: ({ event }) => event.stream }) },
        MUTE: {
          actions: [
            assign({ muted: ({ event }) => event.muted }),
            sendTo('call', ({ event }) => event),
          ],
        },
      },
      states: {
        permission: {
          on: {
            MICROPHONE: {
              target: 'connecting',
              actions: assign({ localStream: ({ event }) => event.stream }),
            },
          },
        },
        connecting: {
          on: {
            OPEN: {
              target: 'live',
              actions: assign({
                callId: ({ event }) => event.id,
                openedAt: () => Date.now(),
              }),
            },
          },
        },
        live: {
          on: { SEND: { actions: sendTo('call', ({ event }) => event) } },
        },
      },
    },
  },
});
