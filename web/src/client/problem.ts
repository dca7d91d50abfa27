/*
 * Everything that can go wrong, as one kind of error a page can explain.
 *
 * `kind` picks the advice shown to the person ("allow the microphone in the
 * address bar"); `message` is what the gateway, OpenAI or the browser said.
 */

export type ProblemKind =
  | 'insecure'
  | 'mic-denied'
  | 'mic-missing'
  | 'mic-busy'
  | 'token'
  | 'role'
  | 'limit'
  | 'request'
  | 'upstream'
  | 'unavailable'
  | 'network'
  | 'media'
  | 'ended'
  | 'unknown';

export class Problem extends Error {
  readonly kind: ProblemKind;
  /** HTTP status, where an answer came. */
  readonly status: number | undefined;
  /** The gateway's `error.code`. */
  readonly code: string | undefined;
  /** Seconds the gateway asks to wait. */
  readonly retryAfter: number | undefined;

  constructor(
    kind: ProblemKind,
    message: string,
    answer: { status?: number; code?: string; retryAfter?: number } = {},
  ) {
    super(message);
    this.name = 'Problem';
    this.kind = kind;
    this.status = answer.status;
    this.code = answer.code;
    this.retryAfter = answer.retryAfter;
  }
}

function kindOfAnswer(status: number, code: string | undefined): ProblemKind {
  if (code?.startsWith('upstream_')) {
    return 'upstream';
  }

  if (status === 401) {
    return 'token';
  }

  if (status === 403) {
    return 'role';
  }

  if (status === 429) {
    return 'limit';
  }

  if (status === 502 || status === 503 || status === 504) {
    return 'unavailable';
  }

  return status >= 500 ? 'upstream' : 'request';
}

/** FastAPI's list of validation errors, or its one sentence. */
function detailText(detail: unknown): string | undefined {
  if (typeof detail === 'string') {
    return detail;
  }

  if (Array.isArray(detail)) {
    const sentences = detail.flatMap((entry) =>
      typeof entry?.msg === 'string' ? entry.msg : [],
    );
    return sentences.length > 0 ? sentences.join('; ') : undefined;
  }

  return undefined;
}

/** OpenAI's own error comes quoted behind a few words: its message is enough. */
function readable(message: string): string {
  const [, words = '', quoted = ''] = /^([^{]*)(\{.*\})\s*$/s.exec(message) ?? [];

  try {
    const inner = JSON.parse(quoted)?.error?.message;
    return typeof inner === 'string' && inner !== '' ? words + inner : message;
  } catch {
    return message;
  }
}

/**
 * Reads a refused answer: `error.message`, else `detail`, else plain text.
 * An HTML page of some proxy on the way says nothing to a person, so its
 * status stands instead.
 */
export async function problemOf(response: Response): Promise<Problem> {
  const text = await response.text().catch(() => '');
  const seconds = Number(response.headers.get('Retry-After'));
  let message: string | undefined;
  let code: string | undefined;

  try {
    const body = JSON.parse(text);
    const error = body?.error;
    message =
      typeof error?.message === 'string' && error.message !== ''
        ? error.message
        : detailText(body?.detail);
    code = typeof error?.code === 'string' ? error.code : undefined;
  } catch {
    message = /^\s*</.test(text) ? undefined : text.trim().slice(0, 500);
  }

  return new Problem(
    kindOfAnswer(response.status, code),
    message ? readable(message) : `HTTP ${response.status} ${response.statusText}`.trim(),
    {
      status: response.status,
      code,
      retryAfter: seconds > 0 ? seconds : undefined,
    },
  );
}

const MICROPHONE: Record<string, ProblemKind> = {
  NotAllowedError: 'mic-denied',
  SecurityError: 'mic-denied',
  NotFoundError: 'mic-missing',
  OverconstrainedError: 'mic-missing',
  NotReadableError: 'mic-busy',
  AbortError: 'mic-busy',
};

/** What getUserMedia threw. */
export function microphoneProblem(error: unknown): Problem {
  const name = error instanceof Error ? error.name : '';
  const message = error instanceof Error ? error.message : String(error);

  return new Problem(MICROPHONE[name] ?? 'mic-busy', message);
}

/** Anything thrown, as a Problem; `kind` for what is not one yet. */
export function asProblem(error: unknown, kind: ProblemKind = 'unknown'): Problem {
  if (error instanceof Problem) {
    return error;
  }

  return new Problem(kind, error instanceof Error ? error.message : String(error));
}
