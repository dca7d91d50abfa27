/*
 * What OpenAI says on the data channel, as one small vocabulary.
 *
 * The names of the removed beta and today's names, and the two forms of a
 * delta (a string, or `{text}`), end up as the same VoiceEvent, so nothing
 * behind this file knows that there were two APIs. What is not needed here,
 * unknown or malformed gives null: a new event must never stop a call.
 */

export type Role = 'user' | 'assistant';

export interface ItemEvent {
  type: 'item';
  itemId: string;
  /** null: the first item; undefined: the event does not say. */
  previousItemId: string | null | undefined;
  /** undefined: an item that is not spoken (a tool call, a system message). */
  role: Role | undefined;
  /** What a user typed; spoken words come in events of their own. */
  text: string | undefined;
}

interface TextEvent {
  /** undefined only from gateways that still speak the first beta. */
  itemId: string | undefined;
  part: number;
  text: string;
}

export type VoiceEvent =
  | { type: 'session'; model: string | undefined; expiresAt: number | undefined }
  | ItemEvent
  | { type: 'speech-started'; itemId: string | undefined }
  | { type: 'speech-stopped'; itemId: string | undefined }
  | { type: 'committed'; itemId: string; previousItemId: string | null | undefined }
  | ({ type: 'user-delta' } & TextEvent)
  | ({ type: 'user-text' } & TextEvent)
  | { type: 'user-failed'; itemId: string; message: string }
  | ({ type: 'assistant-delta' } & TextEvent)
  | ({ type: 'assistant-text' } & TextEvent)
  | { type: 'response-started' }
  | {
      type: 'response-done';
      status: string | undefined;
      itemIds: string[];
      /** Set where the response failed. */
      error: string | undefined;
    }
  | { type: 'audio-started' }
  | { type: 'audio-stopped' }
  | { type: 'truncated'; itemId: string }
  | { type: 'deleted'; itemId: string }
  | { type: 'error'; code: string | undefined; message: string };

type Json = Record<string, unknown>;

function object(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Json)
    : undefined;
}

function string(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** A delta is a string today; the original service's front end read `{text}`. */
function deltaText(value: unknown): string | undefined {
  return string(value) ?? string(object(value)?.text);
}

function previousId(event: Json): string | null | undefined {
  const id = event.previous_item_id;
  return id === null ? null : string(id);
}

function itemEvent(event: Json): VoiceEvent | null {
  const item = object(event.item);
  const itemId = string(item?.id);

  if (item === undefined || itemId === undefined) {
    return null;
  }

  const spoken = item.type === 'message' || item.type === undefined;
  const role = spoken && (item.role === 'user' || item.role === 'assistant');
  const content = Array.isArray(item.content) ? item.content.map(object) : [];
  const typed = content.find((part) => part?.type === 'input_text');

  return {
    type: 'item',
    itemId,
    previousItemId: previousId(event),
    role: role ? (item.role as Role) : undefined,
    text: string(typed?.text),
  };
}

function textEvent(
  type: 'user-delta' | 'user-text' | 'assistant-delta' | 'assistant-text',
  event: Json,
  text: string | undefined,
): VoiceEvent | null {
  if (text === undefined) {
    return null;
  }

  return {
    type,
    itemId: string(event.item_id),
    part: Math.max(0, Math.trunc(number(event.content_index) ?? 0)),
    text,
  };
}

function withItem<T extends 'truncated' | 'deleted'>(
  type: T,
  event: Json,
): { type: T; itemId: string } | null {
  const itemId = string(event.item_id);
  return itemId === undefined ? null : { type, itemId };
}

function responseDone(event: Json): VoiceEvent {
  const response = object(event.response);
  const details = object(response?.status_details);
  const output = Array.isArray(response?.output) ? response.output : [];
  const status = string(response?.status);
  const error = object(details?.error);

  return {
    type: 'response-done',
    status,
    itemIds: output.flatMap((item) => string(object(item)?.id) ?? []),
    error:
      status === 'failed'
        ? (string(error?.message) ?? string(error?.code) ?? 'response failed')
        : undefined,
  };
}

/** One decoded message of the data channel; null where it is of no interest. */
export function readEvent(value: unknown): VoiceEvent | null {
  const event = object(value);

  if (event === undefined) {
    return null;
  }

  switch (event.type) {
    case 'session.created':
    case 'session.updated': {
      const session = object(event.session);
      return {
        type: 'session',
        model: string(session?.model),
        expiresAt: number(session?.expires_at),
      };
    }

    case 'conversation.item.added':
    case 'conversation.item.created':
    case 'conversation.item.done':
    case 'response.output_item.added':
      return itemEvent(event);

    case 'conversation.item.truncated':
      return withItem('truncated', event);

    case 'conversation.item.deleted':
      return withItem('deleted', event);

    case 'input_audio_buffer.speech_started':
      return { type: 'speech-started', itemId: string(event.item_id) };

    case 'input_audio_buffer.speech_stopped':
      return { type: 'speech-stopped', itemId: string(event.item_id) };

    case 'input_audio_buffer.committed': {
      const itemId = string(event.item_id);
      return itemId === undefined
        ? null
        : { type: 'committed', itemId, previousItemId: previousId(event) };
    }

    case 'conversation.item.input_audio_transcription.delta':
      return textEvent('user-delta', event, deltaText(event.delta));

    case 'conversation.item.input_audio_transcription.completed':
    case 'input_audio_buffer.transcription.completed':
      return textEvent(
        'user-text',
        event,
        string(event.transcript) ?? string(event.transcription),
      );

    case 'conversation.item.input_audio_transcription.failed': {
      const itemId = string(event.item_id);
      return itemId === undefined
        ? null
        : {
            type: 'user-failed',
            itemId,
            message: string(object(event.error)?.message) ?? '',
          };
    }

    case 'response.output_audio_transcript.delta':
    case 'response.audio_transcript.delta':
    case 'response.output_text.delta':
    case 'response.text.delta':
      return textEvent('assistant-delta', event, deltaText(event.delta));

    case 'response.output_audio_transcript.done':
    case 'response.audio_transcript.done':
      // The first beta's "done" carries no text: what was heard so far stands.
      return textEvent('assistant-text', event, string(event.transcript) ?? '');

    case 'response.output_text.done':
    case 'response.text.done':
      return textEvent('assistant-text', event, string(event.text) ?? '');

    case 'response.created':
      return { type: 'response-started' };

    case 'response.done':
      return responseDone(event);

    case 'output_audio_buffer.started':
      return { type: 'audio-started' };

    case 'output_audio_buffer.stopped':
    case 'output_audio_buffer.cleared':
      return { type: 'audio-stopped' };

    case 'error': {
      const error = object(event.error);
      return {
        type: 'error',
        code: string(error?.code) ?? string(error?.type),
        message: string(error?.message) ?? string(event.message) ?? 'error',
      };
    }

    default:
      return null;
  }
}

/** The text of one data channel message; null also where it is no JSON. */
export function parseEvent(data: unknown): VoiceEvent | null {
  if (typeof data !== 'string') {
    return null;
  }

  try {
    return readEvent(JSON.parse(data));
  } catch {
    return null;
  }
}
