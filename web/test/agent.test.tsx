import 'fake-indexeddb/auto';
import { act, cleanup, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RealtimeVoiceAgent } from '../src/components/RealtimeVoiceAgent';

/* The browser's side of a call, which this test's DOM lacks; e2e has the real one. */

class Track extends EventTarget {
  enabled = true;
  onended = null;
  stop = vi.fn();
}

class Channel {
  readyState = 'connecting';
  onopen?: () => void;
  onmessage?: (message: { data: string }) => void;
  onclose?: () => void;
  send = vi.fn();
  close = vi.fn();

  open() {
    this.readyState = 'open';
    act(() => this.onopen?.());
  }

  say(...events: object[]) {
    act(() => {
      for (const event of events) {
        this.onmessage?.({ data: JSON.stringify(event) });
      }
    });
  }
}

class Peer {
  static last: Peer;
  channel = new Channel();
  connectionState = 'new';
  localDescription = { sdp: 'v=0\r\noffer\r\n' };
  onconnectionstatechange?: () => void;
  ontrack?: (event: { streams: MediaStream[]; track: unknown }) => void;
  addTrack = vi.fn();
  close = vi.fn();
  createOffer = async () => ({});
  setLocalDescription = async () => {};
  setRemoteDescription = vi.fn(async () => {});
  label = '';

  constructor() {
    Peer.last = this;
  }

  createDataChannel(label: string) {
    this.label = label;
    return this.channel;
  }
}

const tracks: Track[] = [];
let ask: () => Promise<MediaStream>;
let answers: Record<string, () => Response>;
let requests: { method: string; path: string; headers: Headers; init: RequestInit }[];

function stream(): MediaStream {
  const track = new Track();

  tracks.push(track);
  return {
    getTracks: () => [track],
    getAudioTracks: () => [track],
  } as unknown as MediaStream;
}

function answered(init: ResponseInit, body = 'v=0\r\nanswer\r\n') {
  return () => {
    const response = new Response(body, init);
    Object.defineProperty(response, 'url', { value: 'https://voice.example/realtime/x' });
    return response;
  };
}

const created = answered({ status: 201, headers: { Location: '/realtime/calls/rtc_1' } });
const sent = (method: string, path: string) =>
  requests.filter((request) => request.method === method && request.path.includes(path));

beforeEach(() => {
  localStorage.setItem('token', 'jwt');
  tracks.length = 0;
  requests = [];
  ask = async () => stream();
  answers = { 'webrtc-offer': created, transcripts: answered({}, '{"ids":[]}') };
  vi.stubGlobal('RTCPeerConnection', Peer);
  vi.stubGlobal('AudioContext', undefined);
  vi.stubGlobal('navigator', {
    ...navigator,
    language: 'en',
    mediaDevices: { getUserMedia: () => ask() },
  });
  vi.stubGlobal('fetch', async (url: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers);
    const name = Object.keys(answers).find((part) => url.includes(part));

    requests.push({ method: init.method ?? 'GET', path: url, headers, init });
    return name
      ? answers[name]?.()
      : new Response('{"detail":"Not Found"}', { status: 404 });
  });
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const button = () => screen.getByRole('button', { name: /the conversation/ });

async function call(props: Parameters<typeof RealtimeVoiceAgent>[0] = {}) {
  const view = render(<RealtimeVoiceAgent {...props} />);

  await userEvent.click(button());
  await waitFor(() => expect(Peer.last.setRemoteDescription).toHaveBeenCalled());
  Peer.last.channel.open();
  return { ...view, channel: Peer.last.channel };
}

describe('a call', () => {
  it('posts the offer as the original did, and configures the session', async () => {
    const onUserInteraction = vi.fn();
    const { channel } = await call({
      apiBase: 'https://voice.example',
      onUserInteraction,
      model: 'm 1',
    });
    const [offer] = sent('POST', 'webrtc-offer');

    expect(offer?.path).toBe('https://voice.example/realtime/webrtc-offer?model=m%201');
    expect(offer?.headers.get('Content-Type')).toBe('application/sdp');
    expect(offer?.headers.get('Authorization')).toBe('Bearer jwt');
    expect(offer?.init.body).toBe('v=0\r\noffer\r\n');
    expect(Peer.last.label).toBe('oai-events');
    expect(onUserInteraction).toHaveBeenCalledOnce();
    expect(JSON.parse(channel.send.mock.calls[0]?.[0])).toMatchObject({
      type: 'session.update',
      session: { type: 'realtime' },
    });
  });

  it('tells the host what both sides say, in the names of both APIs', async () => {
    const onTranscription = vi.fn();
    const onResponse = vi.fn();
    const { channel } = await call({ onTranscription, onResponse });

    channel.say(
      { type: 'input_audio_buffer.transcription.completed', transcription: 'Salut' },
      { type: 'response.audio_transcript.delta', delta: { text: 'Bon' } },
      { type: 'response.output_audio_transcript.delta', item_id: 'a1', delta: 'jour' },
      {
        type: 'conversation.item.input_audio_transcription.completed',
        item_id: 'u2',
        transcript: 'Merci',
      },
      { type: 'something.new' },
    );

    expect(onTranscription.mock.calls).toEqual([['Salut'], ['Merci']]);
    expect(onResponse.mock.calls).toEqual([['Bon'], ['jour']]);
  });

  it("plays the answer in the host's element, and hands its stream over", async () => {
    const audio = document.createElement('audio');
    const onStreamReady = vi.fn();
    const remote = new MediaStream();
    const { container, unmount } = await call({
      audioRef: { current: audio },
      onStreamReady,
    });

    act(() => Peer.last.ontrack?.({ streams: [remote], track: new Track() }));
    expect(audio.srcObject).toBe(remote);
    expect(onStreamReady.mock.calls).toEqual([[remote]]);
    expect(container.querySelector('audio')).toBeNull();

    unmount();
    expect(audio.srcObject).toBeNull();
  });

  it('plays the answer in an element of its own without one', async () => {
    const remote = new MediaStream();
    const { container } = await call();

    act(() => Peer.last.ontrack?.({ streams: [remote], track: new Track() }));
    expect(container.querySelector('audio')?.srcObject).toBe(remote);
  });

  it('saves both sides with their item ids', async () => {
    const { channel } = await call({ sessionId: 's1' });

    channel.say(
      {
        type: 'conversation.item.input_audio_transcription.completed',
        item_id: 'u1',
        transcript: 'Salut',
      },
      { type: 'response.output_audio_transcript.done', item_id: 'a1', transcript: 'Oui' },
    );
    await waitFor(() => {
      const records = sent('POST', 'transcripts')
        .flatMap(({ init }) => JSON.parse(init.body as string))
        // The outbox also holds the last words of the calls before.
        .filter((record) => record.session_id === 's1');
      expect(records).toMatchObject([
        { item_id: 'u1', role: 'user', session_id: 's1', call_id: 'rtc_1' },
        { item_id: 'a1', role: 'assistant', text: 'Oui' },
      ]);
    });
  });
});

describe('release', () => {
  function expectReleased() {
    expect(tracks.every((track) => track.stop.mock.calls.length === 1)).toBe(true);
    expect(Peer.last.close).toHaveBeenCalledOnce();
  }

  it.each([
    ['stop', () => userEvent.click(button())],
    ['leaving the page', async () => void window.dispatchEvent(new Event('pagehide'))],
  ])('happens on %s', async (_, leave) => {
    await call();
    await act(leave);

    expectReleased();
    const [hangUp] = sent('DELETE', '');
    expect(hangUp?.path).toBe('https://voice.example/realtime/calls/rtc_1');
    expect(hangUp?.headers.get('Authorization')).toBe('Bearer jwt');
    expect(hangUp?.init.keepalive).toBe(true);
    expect(screen.queryByRole('alert')).toBeNull();
  });

  it('happens on unmount', async () => {
    const { unmount } = await call();

    unmount();
    expectReleased();
    expect(sent('DELETE', 'rtc_1')).toHaveLength(1);
  });

  it('happens when the connection fails, and says so', async () => {
    const onError = vi.fn();

    await call({ onError });
    act(() => {
      Peer.last.connectionState = 'failed';
      Peer.last.onconnectionstatechange?.();
    });

    expectReleased();
    expect(screen.getByRole('alert').textContent).toContain('No audio connection');
    expect(onError.mock.calls[0]?.[0].kind).toBe('media');
  });

  it('happens when a call is stopped while the browser still asks', async () => {
    let allow: (media: MediaStream) => void = () => {};
    ask = () => new Promise((resolve) => (allow = resolve));
    render(<RealtimeVoiceAgent />);
    await userEvent.click(button());
    await userEvent.click(button());
    await act(async () => allow(stream()));

    expect(tracks[0]?.stop).toHaveBeenCalledOnce();
    expect(sent('POST', 'webrtc-offer')).toEqual([]);
  });

  it('asks no other origin to hang up', async () => {
    answers['webrtc-offer'] = answered({
      status: 201,
      headers: { Location: 'https://elsewhere.example/rtc_1' },
    });
    const { unmount } = await call();

    unmount();
    expect(sent('DELETE', '')).toEqual([]);
  });
});

describe('trouble', () => {
  it.each([
    [
      401,
      '{"detail":"Could not validate credentials"}',
      'Could not validate credentials',
    ],
    [500, '{"error":{"message":"OpenAI is out"}}', 'OpenAI is out'],
    [200, '{"ok":true}', 'not a session description'],
    [502, '<html></html>', 'HTTP 502'],
  ])(
    'a reply %i %s is shown, and never becomes an answer',
    async (status, body, text) => {
      answers['webrtc-offer'] = answered({ status }, body);
      render(<RealtimeVoiceAgent />);
      await userEvent.click(button());

      expect((await screen.findByRole('alert')).textContent).toContain(text);
      expect(Peer.last.setRemoteDescription).not.toHaveBeenCalled();
      expect(tracks[0]?.stop).toHaveBeenCalledOnce();
    },
  );

  it('shows an error inside a call that goes on', async () => {
    const { channel } = await call();

    channel.say({ type: 'error', error: { code: 'x', message: 'Unknown parameter' } });
    expect(screen.getByRole('alert').textContent).toContain('Unknown parameter');
    expect(tracks[0]?.stop).not.toHaveBeenCalled();
  });

  it('cannot be started while the host is loading', async () => {
    render(<RealtimeVoiceAgent loading />);
    await userEvent.click(button());

    expect(button().hasAttribute('disabled')).toBe(true);
    expect(tracks).toEqual([]);
  });
});
