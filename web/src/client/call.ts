/*
 * One call: microphone -> peer connection, track, data channel -> offer ->
 * POST -> answer -> `session.update` when the channel opens.
 *
 * A Call owns everything it opened. close() may be called at any moment, also
 * while the browser still asks for the microphone, and releases all of it:
 * tracks, channel, peer connection and the call at the far end.
 */

import { parseEvent, type VoiceEvent } from '../protocol/events';
import { type SessionSettings, sessionUpdate } from '../protocol/session';
import { callIdOf, type Gateway } from './gateway';
import { asProblem, microphoneProblem, Problem } from './problem';

export interface CallOptions {
  gateway: Gateway;
  model?: string;
  session?: SessionSettings | null;
  /** The microphone is ours; the offer goes out now. */
  onMicrophone(stream: MediaStream): void;
  onRemoteStream(stream: MediaStream): void;
  /** Both ways are open. */
  onOpen(call: { id: string | undefined }): void;
  onEvent(event: VoiceEvent): void;
  /** Once, where the call ended by itself: a failure or the far end. */
  onEnd(problem: Problem): void;
}

export interface Call {
  /** Sends a client event; false where the channel is not open. */
  send(event: Record<string, unknown>): boolean;
  setMuted(muted: boolean): void;
  close(): void;
}

/** From the answer to an open channel; a blocked network shows itself here. */
const CHANNEL_TIMEOUT = 20_000;

/** How long a broken path may take to come back before the call is over. */
const RECOVERY_TIMEOUT = 15_000;

async function microphone(): Promise<MediaStream> {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Problem('insecure', 'The browser gives no microphone to this page');
  }

  try {
    return await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
    });
  } catch (error) {
    throw microphoneProblem(error);
  }
}

export function openCall(options: CallOptions): Call {
  const { gateway } = options;
  const abort = new AbortController();
  const { signal } = abort;

  let stream: MediaStream | undefined;
  let peer: RTCPeerConnection | undefined;
  let channel: RTCDataChannel | undefined;
  let callUrl: string | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let muted = false;

  function close() {
    if (signal.aborted) {
      return;
    }

    abort.abort();
    clearTimeout(timer);
    channel?.close();
    peer?.close();

    for (const track of stream?.getTracks() ?? []) {
      track.stop();
    }

    if (callUrl !== undefined) {
      gateway.hangUp(callUrl);
    }
  }

  function end(problem: Problem) {
    if (!signal.aborted) {
      close();
      options.onEnd(problem);
    }
  }

  function limit(milliseconds: number) {
    clearTimeout(timer);
    timer = setTimeout(() => {
      end(new Problem('media', 'No media path to the voice service'));
    }, milliseconds);
  }

  function watchPath() {
    switch (peer?.connectionState) {
      case 'failed':
        end(new Problem('media', 'The media connection failed'));
        break;
      case 'disconnected':
        limit(RECOVERY_TIMEOUT);
        break;
      case 'connected':
        // Before the channel is open its own limit still runs.
        if (channel?.readyState === 'open') {
          clearTimeout(timer);
        }
        break;
    }
  }

  function onChannelOpen() {
    const update = sessionUpdate(options.session);

    clearTimeout(timer);

    if (update !== null) {
      channel?.send(JSON.stringify(update));
    }

    options.onOpen({ id: callIdOf(callUrl) });
  }

  function onMessage(message: MessageEvent) {
    const event = parseEvent(message.data);

    if (event !== null && !signal.aborted) {
      options.onEvent(event);
    }
  }

  function connect(media: MediaStream): RTCPeerConnection {
    const connection = new RTCPeerConnection();

    connection.ontrack = ({ streams, track }) => {
      options.onRemoteStream(streams[0] ?? new MediaStream([track]));
    };
    connection.onconnectionstatechange = watchPath;

    for (const track of media.getAudioTracks()) {
      track.enabled = !muted;
      track.onended = () => {
        end(new Problem('mic-missing', 'The microphone was disconnected'));
      };
      connection.addTrack(track, media);
    }

    channel = connection.createDataChannel('oai-events');
    channel.onopen = onChannelOpen;
    channel.onmessage = onMessage;
    channel.onclose = () => end(new Problem('ended', 'The call was ended'));

    return connection;
  }

  async function run() {
    const media = await microphone();

    if (signal.aborted) {
      // Stopped while the browser was asking: nobody else knows this stream.
      for (const track of media.getTracks()) {
        track.stop();
      }
      return;
    }

    stream = media;
    options.onMicrophone(media);
    peer = connect(media);
    await peer.setLocalDescription(await peer.createOffer());

    const offer = peer.localDescription?.sdp ?? '';
    const answer = await gateway.offer(offer, options.model, signal);

    callUrl = answer.callUrl;

    if (signal.aborted) {
      if (callUrl !== undefined) {
        gateway.hangUp(callUrl);
      }
      return;
    }

    limit(CHANNEL_TIMEOUT);

    try {
      await peer.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
    } catch (error) {
      throw asProblem(error, 'upstream');
    }
  }

  run().catch((error) => end(asProblem(error)));

  return {
    send(event) {
      if (channel?.readyState !== 'open') {
        return false;
      }

      channel.send(JSON.stringify(event));
      return true;
    },

    setMuted(value) {
      muted = value;

      for (const track of stream?.getAudioTracks() ?? []) {
        track.enabled = !value;
      }
    },

    close,
  };
}
