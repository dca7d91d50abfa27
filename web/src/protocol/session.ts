/*
 * What the browser asks of the session when the channel opens.
 *
 * The gateway has already given the call its session; the browser only adds
 * what the page needs. By default that is the transcription of what the user
 * says, which is off unless somebody asks for it.
 */

export type SessionSettings = Record<string, unknown>;

/** Used unless the session names another one; replace it with `session`. */
export const TRANSCRIPTION_MODEL = 'gpt-live-transcribe';

/*
 * Properties that only the removed beta had at the top level. A host that
 * gives one of them talks to a gateway of that time: its object passes as is.
 */
const BETA_ONLY = [
  'modalities',
  'voice',
  'input_audio_format',
  'output_audio_format',
  'input_audio_transcription',
  'input_audio_noise_reduction',
  'turn_detection',
  'temperature',
  'max_response_output_tokens',
  'speed',
];

function isObject(value: unknown): value is SessionSettings {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function merge(base: SessionSettings, over: SessionSettings): SessionSettings {
  const result: SessionSettings = { ...base };

  for (const [name, value] of Object.entries(over)) {
    const below = result[name];
    result[name] = isObject(below) && isObject(value) ? merge(below, value) : value;
  }

  return result;
}

/**
 * The `session.update` message for the settings a host gives.
 *
 * Settings are laid over the default, so `{audio: {output: {voice}}}` keeps
 * the transcription. null: the host wants no update at all.
 */
export function sessionUpdate(
  settings: SessionSettings | null | undefined,
): { type: 'session.update'; session: SessionSettings } | null {
  if (settings === null) {
    return null;
  }

  if (settings !== undefined && BETA_ONLY.some((name) => name in settings)) {
    return { type: 'session.update', session: settings };
  }

  return {
    type: 'session.update',
    session: merge(
      {
        type: 'realtime',
        audio: { input: { transcription: { model: TRANSCRIPTION_MODEL } } },
      },
      settings ?? {},
    ),
  };
}
