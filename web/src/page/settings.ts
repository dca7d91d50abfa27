/* What a person may choose, and the session it makes. */

import type { SessionSettings } from '../protocol/session';
import { stored } from './stored';

export interface Settings {
  /** Empty: as the server decides, in each of the three. */
  model: string;
  voice: string;
  instructions: string;
}

export const VOICES = [
  'alloy',
  'ash',
  'ballad',
  'cedar',
  'coral',
  'echo',
  'marin',
  'sage',
  'shimmer',
  'verse',
];

export const storedSettings = stored<Settings>('realtime.settings', {
  model: '',
  voice: '',
  instructions: '',
});

export function sessionOf(settings: Settings): SessionSettings {
  return {
    ...(settings.voice && { audio: { output: { voice: settings.voice } } }),
    ...(settings.instructions.trim() && { instructions: settings.instructions.trim() }),
  };
}
