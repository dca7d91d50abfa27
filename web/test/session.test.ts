import { describe, expect, it } from 'vitest';
import { sessionUpdate, TRANSCRIPTION_MODEL } from '../src/protocol/session';

describe('session.update', () => {
  it('is in today’s shape and asks for the user’s words', () => {
    expect(sessionUpdate(undefined)).toEqual({
      type: 'session.update',
      session: {
        type: 'realtime',
        audio: { input: { transcription: { model: TRANSCRIPTION_MODEL } } },
      },
    });
  });

  it('keeps the default below what a host gives', () => {
    expect(
      sessionUpdate({
        instructions: 'Short.',
        audio: {
          output: { voice: 'marin' },
          input: { transcription: { model: 'gpt-transcribe', language: 'fr' } },
        },
      })?.session,
    ).toEqual({
      type: 'realtime',
      instructions: 'Short.',
      audio: {
        output: { voice: 'marin' },
        input: { transcription: { model: 'gpt-transcribe', language: 'fr' } },
      },
    });
  });

  it('lets a host switch the transcription off', () => {
    expect(sessionUpdate({ audio: { input: { transcription: null } } })?.session).toEqual(
      {
        type: 'realtime',
        audio: { input: { transcription: null } },
      },
    );
  });

  it('passes the beta’s object as it is', () => {
    const session = {
      voice: 'alloy',
      input_audio_transcription: { model: 'whisper-1' },
    };

    expect(sessionUpdate(session)).toEqual({ type: 'session.update', session });
  });

  it('is not sent where the host wants none', () => {
    expect(sessionUpdate(null)).toBeNull();
  });
});
