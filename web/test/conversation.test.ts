import { describe, expect, it } from 'vitest';
import { type Activity, nextActivity } from '../src/conversation/activity';
import {
  beginCall,
  type Conversation,
  converse,
  emptyConversation,
  endCall,
  turnsOf,
} from '../src/conversation/conversation';
import { cutText, finishedRecords } from '../src/conversation/records';
import { readEvent } from '../src/protocol/events';

type Raw = Record<string, unknown>;

const said = (id: string, transcript: string): Raw => ({
  type: 'conversation.item.input_audio_transcription.completed',
  item_id: id,
  transcript,
});
const delta = (id: string, text: string): Raw => ({
  type: 'response.output_audio_transcript.delta',
  item_id: id,
  content_index: 0,
  delta: text,
});
const answered = (id: string, transcript: string): Raw => ({
  type: 'response.output_audio_transcript.done',
  item_id: id,
  content_index: 0,
  transcript,
});
const added = (id: string, previous: string | null, role: string): Raw => ({
  type: 'conversation.item.added',
  previous_item_id: previous,
  item: { id, type: 'message', role },
});
const committed = (id: string, previous: string | null): Raw => ({
  type: 'input_audio_buffer.committed',
  item_id: id,
  previous_item_id: previous,
});

function hear(state: Conversation, ...events: Raw[]): Conversation {
  let now = 1_000;

  return events.reduce((current: Conversation, raw) => {
    const event = readEvent(raw);
    now += 10;
    return event ? converse(current, event, now) : current;
  }, state);
}

const begun = beginCall(emptyConversation);
const texts = (state: Conversation) => turnsOf(state, true).map((turn) => turn.text);
const context = { userId: 'u-1', sessionId: 's-1', callId: 'rtc_1' };

describe('order', () => {
  it('puts the user before the answer although the words came after it', () => {
    const state = hear(
      begun,
      committed('u1', null),
      added('u1', null, 'user'),
      added('a1', 'u1', 'assistant'),
      delta('a1', 'Hello'),
      answered('a1', 'Hello there'),
      said('u1', 'Hi'),
    );

    expect(texts(state)).toEqual(['Hi', 'Hello there']);
  });

  it('follows the chain where even the items come out of order', () => {
    const state = hear(
      begun,
      answered('a2', 'four'),
      added('a2', 'u2', 'assistant'),
      said('u2', 'three'),
      committed('u2', 'a1'),
      answered('a1', 'two'),
      added('a1', 'u1', 'assistant'),
      said('u1', 'one'),
      committed('u1', null),
    );

    expect(texts(state)).toEqual(['one', 'two', 'three', 'four']);
  });

  it('keeps the chain through an item that is not spoken', () => {
    const state = hear(
      begun,
      committed('u1', null),
      {
        type: 'conversation.item.added',
        previous_item_id: 'u1',
        item: { id: 'f1', type: 'function_call' },
      },
      answered('a1', 'two'),
      added('a1', 'f1', 'assistant'),
      said('u1', 'one'),
    );

    expect(texts(state)).toEqual(['one', 'two']);
  });

  it('puts what is inserted later between', () => {
    const state = hear(
      begun,
      committed('u1', null),
      said('u1', 'one'),
      added('a1', 'u1', 'assistant'),
      answered('a1', 'three'),
      added('x1', 'u1', 'assistant'),
      answered('x1', 'two'),
    );

    expect(texts(state)).toEqual(['one', 'two', 'three']);
  });

  it('orders by speech where nobody names what came before', () => {
    const state = hear(
      begun,
      { type: 'input_audio_buffer.speech_started', item_id: 'u1' },
      { type: 'response.audio_transcript.delta', item_id: 'a1', delta: { text: 'two' } },
      { type: 'response.audio_transcript.done', item_id: 'a1' },
      {
        type: 'input_audio_buffer.transcription.completed',
        item_id: 'u1',
        transcription: 'one',
      },
    );

    expect(texts(state)).toEqual(['one', 'two']);
  });

  it('loses no words to a chain that bites its tail', () => {
    const state = hear(
      begun,
      added('a', 'b', 'assistant'),
      added('b', 'a', 'assistant'),
      answered('a', 'one'),
      answered('b', 'two'),
    );

    expect(texts(state)).toEqual(['one', 'two']);
  });

  it('puts a second call after the first', () => {
    const first = endCall(hear(begun, committed('u1', null), said('u1', 'one')));
    const state = hear(beginCall(first), committed('u2', null), said('u2', 'two'));

    expect(texts(state)).toEqual(['one', 'two']);
  });
});

describe('text', () => {
  it('collects pieces and takes the final text', () => {
    const partial = hear(begun, delta('a1', 'Hel'), delta('a1', 'lo'));

    expect(turnsOf(partial, true)).toMatchObject([{ text: 'Hello', partial: true }]);
    expect(turnsOf(hear(partial, answered('a1', 'Hello!')), true)).toMatchObject([
      { text: 'Hello!', partial: false },
    ]);
  });

  it('ignores a piece that comes after the final text', () => {
    expect(texts(hear(begun, answered('a1', 'Hello'), delta('a1', 'lo')))).toEqual([
      'Hello',
    ]);
  });

  it('gives words without an item id to one turn of their side', () => {
    const state = hear(
      begun,
      { type: 'response.audio_transcript.delta', delta: { text: 'Bon' } },
      { type: 'response.audio_transcript.delta', delta: { text: 'jour' } },
      { type: 'response.audio_transcript.done' },
      { type: 'response.audio_transcript.delta', delta: { text: 'Encore' } },
    );

    expect(texts(state)).toEqual(['Bonjour', 'Encore']);
  });

  it('shows that a turn is being said, and drops silence', () => {
    const speaking = hear(begun, {
      type: 'input_audio_buffer.speech_started',
      item_id: 'u1',
    });

    expect(turnsOf(speaking, true)).toMatchObject([{ role: 'user', partial: true }]);
    expect(turnsOf(speaking, false)).toEqual([]);
    expect(texts(hear(speaking, said('u1', '')))).toEqual([]);
  });

  it('says so where words could not be transcribed', () => {
    const state = hear(begun, committed('u1', null), {
      type: 'conversation.item.input_audio_transcription.failed',
      item_id: 'u1',
    });

    expect(turnsOf(state, true)).toMatchObject([{ failed: true, partial: false }]);
    expect(finishedRecords(state, context)).toEqual([]);
  });

  it('marks an answer the user interrupted', () => {
    const state = hear(begun, delta('a1', 'Once upon'), {
      type: 'response.done',
      response: { status: 'cancelled', output: [{ id: 'a1' }] },
    });

    expect(turnsOf(state, true)).toMatchObject([
      { text: 'Once upon', interrupted: true, partial: false },
    ]);
  });
});

describe('records', () => {
  it('are made of finished parts only, with ids and the session', () => {
    const state = hear(
      begun,
      committed('u1', null),
      added('a1', 'u1', 'assistant'),
      delta('a1', 'Hel'),
      said('u1', ' Hi '),
    );

    expect(finishedRecords(state, context)).toEqual([
      {
        text: 'Hi',
        role: 'user',
        item_id: 'u1',
        timestamp: new Date(1_010).toISOString(),
        user_id: 'u-1',
        session_id: 's-1',
        call_id: 'rtc_1',
        previous_item_id: undefined,
      },
    ]);
  });

  it('have times in the order of the chain, not of arrival', () => {
    const state = hear(
      begun,
      answered('a1', 'two'),
      added('a1', 'u1', 'assistant'),
      said('u1', 'one'),
      committed('u1', null),
    );
    const records = finishedRecords(state, context);

    expect(records.map((record) => record.text)).toEqual(['one', 'two']);
    expect((records[0]?.timestamp ?? '') < (records[1]?.timestamp ?? '')).toBe(true);
  });

  it('keep what was half said when the call ends', () => {
    const state = endCall(hear(begun, delta('a1', 'Once upon a')));

    expect(finishedRecords(state, context)).toMatchObject([
      { text: 'Once upon a', role: 'assistant', item_id: 'a1' },
    ]);
  });

  it('give each part of an item an id of its own', () => {
    const state = hear(begun, answered('a1', 'one'), {
      ...answered('a1', 'two'),
      content_index: 1,
    });

    expect(finishedRecords(state, context).map((record) => record.item_id)).toEqual([
      'a1',
      'a1#1.0',
    ]);
  });

  it('fit the store, cut between words and never inside a character', () => {
    const text = 'né à Évry '.repeat(4_000).trim();
    const pieces = cutText(text);

    expect(pieces.length).toBeGreaterThan(2);
    expect(pieces.join(' ')).toBe(text);

    for (const piece of [...pieces, ...cutText('é'.repeat(20_000))]) {
      expect(new TextEncoder().encode(piece).length).toBeLessThanOrEqual(16_000);
      expect(piece).not.toContain('\uFFFD');
    }
  });
});

describe('activity', () => {
  const run = (...types: [string, Raw?][]): Activity =>
    types.reduce((activity: Activity, [type, body]) => {
      const event = readEvent({ type, ...body });
      return event ? nextActivity(activity, event) : activity;
    }, 'listening');

  it('goes through a turn', () => {
    const turn: [string, Raw?][] = [
      ['input_audio_buffer.speech_started'],
      ['input_audio_buffer.speech_stopped'],
      ['response.created'],
      ['output_audio_buffer.started'],
      ['response.done', { response: { status: 'completed' } }],
      ['output_audio_buffer.stopped'],
    ];
    const seen = turn.map((_, index) => run(...turn.slice(0, index + 1)));

    expect(seen).toEqual([
      'hearing',
      'thinking',
      'thinking',
      'speaking',
      'speaking',
      'listening',
    ]);
  });

  it('stays with the user who interrupts', () => {
    expect(
      run(
        ['output_audio_buffer.started'],
        ['input_audio_buffer.speech_started'],
        ['output_audio_buffer.cleared'],
        ['response.done', { response: { status: 'cancelled' } }],
      ),
    ).toBe('hearing');
  });

  it('comes back where an answer has no sound', () => {
    expect(
      run(
        ['input_audio_buffer.speech_stopped'],
        ['response.created'],
        ['response.done', { response: { status: 'failed' } }],
      ),
    ).toBe('listening');
  });
});
