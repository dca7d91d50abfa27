/*
 * The component: a microphone button that holds a conversation. Its props are
 * those of the original service's component; what is new is optional.
 */

import { type RefObject, useEffect, useRef } from 'react';
import type { TokenSource } from '../client/gateway';
import type { Problem } from '../client/problem';
import type { SessionSettings } from '../protocol/session';
import { useRealtimeVoice } from '../useRealtimeVoice';
import { VoiceControls } from './VoiceControls';

export interface RealtimeVoiceAgentProps {
  /** Where the answer is heard; without one the component has its own. */
  audioRef?: RefObject<HTMLAudioElement | null>;
  /** What the user said, once for each utterance. */
  onTranscription?: (text: string) => void;
  /** The next piece of the answer. */
  onResponse?: (text: string) => void;
  /** A person pressed the button. */
  onUserInteraction?: () => void;
  /** Disables the button while the host is busy. */
  loading?: boolean;
  /** What stands before `/realtime/...`; the page's own origin by default. */
  apiBase?: string;

  model?: string;
  session?: SessionSettings | null;
  token?: TokenSource;
  sessionId?: string;
  /** The voice of the assistant, as soon as it can be heard. */
  onStreamReady?: (stream: MediaStream) => void;
  onError?: (problem: Problem) => void;
}

/** Plays a stream in an audio element, and lets go of it afterwards. */
export function usePlayback(
  stream: MediaStream | null,
  audioRef: RefObject<HTMLAudioElement | null>,
): void {
  useEffect(() => {
    const audio = audioRef.current;

    if (audio === null || stream === null) {
      return;
    }

    audio.srcObject = stream;
    audio.play().catch(() => {
      // Only possible without a press of the button; the next press plays it.
    });

    return () => {
      audio.srcObject = null;
    };
  }, [stream, audioRef]);
}

export function RealtimeVoiceAgent(props: RealtimeVoiceAgentProps) {
  const { onTranscription, onResponse, onStreamReady } = props;
  const ownAudio = useRef<HTMLAudioElement>(null);
  const voice = useRealtimeVoice({
    apiBase: props.apiBase,
    token: props.token,
    model: props.model,
    session: props.session,
    sessionId: props.sessionId,
    onError: props.onError,
    onSaid: (said) => {
      const tell = said.role === 'user' ? onTranscription : onResponse;
      tell?.(said.text);
    },
  });
  const { remoteStream } = voice;

  usePlayback(remoteStream, props.audioRef ?? ownAudio);

  const ready = useRef(onStreamReady);
  ready.current = onStreamReady;

  useEffect(() => {
    if (remoteStream !== null) {
      ready.current?.(remoteStream);
    }
  }, [remoteStream]);

  return (
    <>
      <VoiceControls
        voice={voice}
        loading={props.loading}
        onUserInteraction={props.onUserInteraction}
      />
      {!props.audioRef && (
        // biome-ignore lint/a11y/useMediaCaption: the transcript is the caption
        <audio ref={ownAudio} autoPlay />
      )}
    </>
  );
}
