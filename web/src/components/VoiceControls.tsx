/*
 * The microphone button, what it is doing, and what can be done about it.
 * Drawn from a useRealtimeVoice() value; holds no state of the call itself.
 */

import { useRef } from 'react';
import { Button, ToggleButton } from 'react-aria-components';
import { useVoiceText } from '../i18n';
import { useLevel } from '../useLevel';
import type { RealtimeVoice } from '../useRealtimeVoice';
import { CallClock } from './CallClock';
import { HandIcon, MicrophoneIcon, MutedIcon, StopIcon } from './icons';
import { ProblemPanel } from './ProblemPanel';

export interface VoiceControlsProps {
  voice: RealtimeVoice;
  /** The host is busy with something the call needs. */
  loading?: boolean;
  /** A person pressed the button, before anything else happens. */
  onUserInteraction?: () => void;
}

export function VoiceControls({ voice, loading, onUserInteraction }: VoiceControlsProps) {
  const { t } = useVoiceText();
  const ring = useRef<HTMLDivElement>(null);
  const { state, activity, muted } = voice;
  const idle = state === 'idle';
  const live = state === 'live';
  const speaking = live && activity === 'speaking';

  useLevel(speaking ? voice.remoteStream : muted ? null : voice.localStream, ring);

  function status(): string {
    if (!live) {
      return t(idle && loading ? 'status.loading' : `status.${state}`);
    }

    return t(muted && activity === 'listening' ? 'status.muted' : `status.${activity}`);
  }

  function start() {
    onUserInteraction?.();
    voice.start();
  }

  function toggle() {
    if (idle) {
      start();
    } else {
      onUserInteraction?.();
      voice.stop();
    }
  }

  return (
    <section
      className="rv-controls"
      data-state={state}
      data-activity={live ? activity : undefined}
    >
      {voice.problem && (
        <ProblemPanel
          problem={voice.problem}
          onRetry={loading ? undefined : start}
          onDismiss={voice.dismiss}
        />
      )}

      {voice.notice && (
        <p className="rv-notice" role="alert">
          {t('notice.title')} {voice.notice}
        </p>
      )}

      <div className="rv-ring" ref={ring}>
        <Button
          className="rv-main"
          aria-label={t(idle ? 'control.start' : 'control.stop')}
          isDisabled={idle && loading}
          onPress={toggle}
        >
          {idle ? <MicrophoneIcon /> : <StopIcon />}
        </Button>
      </div>

      <p className="rv-status" role="status">
        {status()}
      </p>

      {live && voice.openedAt !== null && (
        <CallClock openedAt={voice.openedAt} endsAt={voice.endsAt} />
      )}

      {live && (
        <div className="rv-row">
          <ToggleButton
            className="rv-button"
            isSelected={muted}
            onChange={voice.setMuted}
          >
            {muted ? <MutedIcon /> : <MicrophoneIcon />}
            {t(muted ? 'control.unmute' : 'control.mute')}
          </ToggleButton>
          <Button className="rv-button" isDisabled={!speaking} onPress={voice.interrupt}>
            <HandIcon />
            {t('control.interrupt')}
          </Button>
        </div>
      )}

      {voice.queue.problem && voice.queue.waiting > 0 && (
        <p className="rv-queue" role="status">
          {t('queue.waiting', { count: voice.queue.waiting })}
        </p>
      )}
    </section>
  );
}
