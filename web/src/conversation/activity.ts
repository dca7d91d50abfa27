/* What is going on in an open call, for the status line and the button. */

import type { VoiceEvent } from '../protocol/events';

export type Activity = 'listening' | 'hearing' | 'thinking' | 'speaking';

export function nextActivity(activity: Activity, event: VoiceEvent): Activity {
  switch (event.type) {
    case 'speech-started':
      return 'hearing';

    case 'speech-stopped':
      return 'thinking';

    case 'response-started':
      return activity === 'listening' ? 'thinking' : activity;

    case 'audio-started':
      return 'speaking';

    case 'audio-stopped':
      // Cleared because the user interrupts: then it is the user's turn.
      return activity === 'speaking' ? 'listening' : activity;

    case 'response-done':
      // The sound goes on after the response is done; a text has none.
      return activity === 'thinking' && event.status !== 'cancelled'
        ? 'listening'
        : activity;

    default:
      return activity;
  }
}
