import { describe, expect, it } from 'vitest';
import { parseEvent, readEvent } from '../src/protocol/events';

describe('assistant text', () => {
  const delta = {
    item_id: 'item_a',
    content_index: 0,
    delta: 'Bon',
  };

  it.each([
    'response.output_audio_transcript.delta',
    'response.audio_transcript.delta',
    'response.output_text.delta',
    'response.text.delta',
  ])('reads %s', (type) => {
    expect(readEvent({ ...delta, type })).toEqual({
      type: 'assistant-delta',
      itemId: 'item_a',
      part: 0,
      text: 'Bon',
    });
  });

  it('reads a delta given as {text}', () => {
    expect(
      readEvent({ type: 'response.audio_transcript.delta', delta: { text: 'jour' } }),
    ).toEqual({ type: 'assistant-delta', itemId: undefined, part: 0, text: 'jour' });
  });

  it.each([
    ['response.output_audio_transcript.done', { transcript: 'Bonjour' }],
    ['response.audio_transcript.done', { transcript: 'Bonjour' }],
    ['response.output_text.done', { text: 'Bonjour' }],
    ['response.text.done', { text: 'Bonjour' }],
  ])('reads %s', (type, body) => {
    expect(readEvent({ type, item_id: 'item_a', content_index: 1, ...body })).toEqual({
      type: 'assistant-text',
      itemId: 'item_a',
      part: 1,
      text: 'Bonjour',
    });
  });

  it('takes a "done" without text as the end of what was heard', () => {
    expect(readEvent({ type: 'response.audio_transcript.done' })).toMatchObject({
      type: 'assistant-text',
      text: '',
    });
  });
});

describe('user text', () => {
  it.each([
    ['conversation.item.input_audio_transcription.completed', { transcript: 'Oui' }],
    ['input_audio_buffer.transcription.completed', { transcription: 'Oui' }],
    ['input_audio_buffer.transcription.completed', { transcript: 'Oui' }],
  ])('reads %s %o', (type, body) => {
    expect(readEvent({ type, item_id: 'item_u', ...body })).toEqual({
      type: 'user-text',
      itemId: 'item_u',
      part: 0,
      text: 'Oui',
    });
  });

  it('tells why it could not be transcribed', () => {
    expect(
      readEvent({
        type: 'conversation.item.input_audio_transcription.failed',
        item_id: 'item_u',
        error: { message: 'audio unintelligible' },
      }),
    ).toEqual({ type: 'user-failed', itemId: 'item_u', message: 'audio unintelligible' });
  });
});

describe('items', () => {
  it.each([
    'conversation.item.added',
    'conversation.item.created',
    'conversation.item.done',
  ])('reads %s', (type) => {
    expect(
      readEvent({
        type,
        previous_item_id: null,
        item: { id: 'item_u', type: 'message', role: 'user', content: [] },
      }),
    ).toEqual({
      type: 'item',
      itemId: 'item_u',
      previousItemId: null,
      role: 'user',
      text: undefined,
    });
  });

  it('keeps a tool call in the chain, without a role', () => {
    expect(
      readEvent({
        type: 'conversation.item.added',
        previous_item_id: 'item_u',
        item: { id: 'item_f', type: 'function_call' },
      }),
    ).toMatchObject({ itemId: 'item_f', previousItemId: 'item_u', role: undefined });
  });

  it('does not show a system message', () => {
    expect(
      readEvent({
        type: 'conversation.item.added',
        item: { id: 'item_s', type: 'message', role: 'system' },
      }),
    ).toMatchObject({ role: undefined });
  });

  it('reads what a user typed', () => {
    expect(
      readEvent({
        type: 'conversation.item.added',
        item: {
          id: 'item_t',
          type: 'message',
          role: 'user',
          content: [{ type: 'input_text', text: 'Salut' }],
        },
      }),
    ).toMatchObject({ role: 'user', text: 'Salut' });
  });
});

describe('response.done', () => {
  it('carries the reason of a failure', () => {
    expect(
      readEvent({
        type: 'response.done',
        response: {
          status: 'failed',
          status_details: { error: { code: 'insufficient_quota', message: 'No quota' } },
          output: [{ id: 'item_a' }],
        },
      }),
    ).toEqual({
      type: 'response-done',
      status: 'failed',
      itemIds: ['item_a'],
      error: 'No quota',
    });
  });

  it('does not call an interruption a failure', () => {
    expect(
      readEvent({
        type: 'response.done',
        response: {
          status: 'cancelled',
          status_details: { type: 'cancelled', reason: 'turn_detected' },
        },
      }),
    ).toMatchObject({ status: 'cancelled', error: undefined, itemIds: [] });
  });
});

describe('what must not stop a call', () => {
  it.each([
    undefined,
    null,
    42,
    '',
    'no json',
    '{',
    'null',
    '[]',
    '"text"',
    new ArrayBuffer(4),
    '{"type":"rate_limits.updated","rate_limits":[]}',
    '{"type":"response.new_thing","delta":"x"}',
    '{"type":17}',
    '{"type":"conversation.item.added"}',
    '{"type":"conversation.item.added","item":{"id":5}}',
    '{"type":"response.output_audio_transcript.delta","item_id":"a"}',
    '{"type":"response.output_audio_transcript.delta","delta":{"text":1}}',
    '{"type":"conversation.item.input_audio_transcription.completed","item_id":"a"}',
    '{"type":"input_audio_buffer.committed"}',
  ])('ignores %s', (data) => {
    expect(parseEvent(data)).toBeNull();
  });

  it.each([-1, Number.NaN, 'x', 1.5])(
    'reads a content_index of %s as a part',
    (index) => {
      const event = readEvent({
        type: 'response.text.delta',
        item_id: 'a',
        content_index: index,
        delta: 'x',
      });

      expect(event).toMatchObject({ part: index === 1.5 ? 1 : 0 });
    },
  );
});

describe('the rest', () => {
  it('reads an error with its message', () => {
    expect(
      parseEvent('{"type":"error","error":{"code":"session_expired","message":"Over"}}'),
    ).toEqual({ type: 'error', code: 'session_expired', message: 'Over' });
  });

  it('reads model and end of a session', () => {
    expect(
      readEvent({
        type: 'session.created',
        session: { model: 'gpt-realtime-2.1', expires_at: 1795478400 },
      }),
    ).toEqual({ type: 'session', model: 'gpt-realtime-2.1', expiresAt: 1795478400 });
  });
});
