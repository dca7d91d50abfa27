/*
 * The gateway's HTTP contract, one function for each request the browser
 * makes. Every wait is bounded and every refusal is thrown as a Problem.
 */

import type { Role } from '../protocol/events';
import { asProblem, Problem, problemOf } from './problem';

/** A JWT, or what gives one when it is needed (it may have been renewed). */
export type TokenSource =
  | string
  | (() => string | null | undefined | Promise<string | null | undefined>);

export interface Me {
  id: string;
  roles: string[];
  email: string | null;
  models: string[];
  limits: { calls: number | null; max_duration: number | null };
}

/** What is sent to be stored. */
export interface TranscriptRecord {
  text: string;
  role: Role;
  item_id: string;
  timestamp: string;
  user_id?: string;
  session_id?: string;
  call_id?: string;
  previous_item_id?: string;
}

/** What comes back from the store. */
export interface StoredTranscript {
  id: string;
  role: Role;
  text: string;
  timestamp: string;
  session_id: string | null;
  item_id: string | null;
}

export interface TranscriptPage {
  transcripts: StoredTranscript[];
  next: string | null;
}

export interface SessionSummary {
  session_id: string | null;
  first_at: string;
  last_at: string;
  count: number;
  preview: string;
}

export interface Answer {
  sdp: string;
  /** Where the call is ended with DELETE; undefined where nobody named it. */
  callUrl: string | undefined;
}

/** The gateway itself waits 30 s for OpenAI; then it answers. */
const OFFER_TIMEOUT = 45_000;
const REQUEST_TIMEOUT = 15_000;

/** The original front end kept its token here. */
export function storedToken(): string | null {
  return localStorage.getItem('token');
}

export class Gateway {
  private readonly base: string;
  private readonly source: TokenSource;
  private last = '';

  /** `base`: what stands before `/realtime/...`; empty for the same origin. */
  constructor(base: string, source: TokenSource = storedToken) {
    this.base = base.replace(/\/+$/, '');
    this.source = source;
  }

  async token(): Promise<string> {
    const { source } = this;

    this.last = (typeof source === 'function' ? await source() : source) ?? '';
    return this.last;
  }

  private async request(
    path: string,
    init: RequestInit & { timeout?: number } = {},
  ): Promise<Response> {
    const { timeout = REQUEST_TIMEOUT, signal, ...rest } = init;
    const headers = new Headers(init.headers);
    const token = await this.token();
    const bound = AbortSignal.timeout(timeout);
    let response: Response;

    // Without one the gateway may still know the user by a cookie.
    if (token !== '') {
      headers.set('Authorization', `Bearer ${token}`);
    }

    try {
      response = await fetch(`${this.base}${path}`, {
        ...rest,
        headers,
        signal: signal ? AbortSignal.any([signal, bound]) : bound,
      });
    } catch (error) {
      throw signal?.aborted ? error : asProblem(error, 'network');
    }

    if (!response.ok) {
      throw await problemOf(response);
    }

    return response;
  }

  private async json<T>(path: string, init?: RequestInit): Promise<T> {
    const response = await this.request(path, init);

    try {
      return await response.json();
    } catch {
      throw new Problem('request', 'The answer is not JSON', {
        status: response.status,
      });
    }
  }

  /** Posts the offer as the browser made it; resolves with an answer only. */
  async offer(sdp: string, model?: string, signal?: AbortSignal): Promise<Answer> {
    const query = model ? `?model=${encodeURIComponent(model)}` : '';
    const response = await this.request(`/realtime/webrtc-offer${query}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/sdp' },
      body: sdp,
      signal,
      timeout: OFFER_TIMEOUT,
    });
    const answer = await response.text();

    if (!answer.startsWith('v=0')) {
      throw new Problem('upstream', 'The answer is not a session description', {
        status: response.status,
      });
    }

    return { sdp: answer, callUrl: callUrl(response) };
  }

  /**
   * Ends a call. Best effort: a deployment without a calls location answers
   * 404 or 405, and a call nobody could end is ended by its own time limit.
   * Sent at once, with the token of the last request: a page that is going
   * away has no time to wait for a new one.
   */
  hangUp(url: string): void {
    const headers: HeadersInit =
      this.last === '' ? {} : { Authorization: `Bearer ${this.last}` };

    fetch(url, { method: 'DELETE', headers, keepalive: true }).catch(() => {});
  }

  me(): Promise<Me> {
    return this.json('/realtime/me');
  }

  saveTranscripts(
    records: TranscriptRecord[],
    options: { keepalive?: boolean } = {},
  ): Promise<unknown> {
    return this.json('/realtime/transcripts', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(records),
      keepalive: options.keepalive,
    });
  }

  /** The latest turns of a session first; `cursor` goes further back. */
  transcripts(sessionId: string, cursor?: string): Promise<TranscriptPage> {
    const query = new URLSearchParams({
      session_id: sessionId,
      order: 'desc',
      limit: '50',
    });

    if (cursor) {
      query.set('cursor', cursor);
    }

    return this.json(`/realtime/transcripts?${query}`);
  }

  sessions(): Promise<{ sessions: SessionSummary[]; next: string | null }> {
    return this.json('/realtime/transcripts/sessions');
  }
}

/** The call's address: only on the origin that answered, as the token goes there. */
function callUrl(response: Response): string | undefined {
  const location = response.headers.get('Location');

  if (location === null) {
    return undefined;
  }

  try {
    const base = new URL(response.url);
    const url = new URL(location, base);
    return url.origin === base.origin ? url.href : undefined;
  } catch {
    return undefined;
  }
}

/** `rtc_...` out of a call's address. */
export function callIdOf(url: string | undefined): string | undefined {
  return url ? new URL(url).pathname.split('/').pop() || undefined : undefined;
}
