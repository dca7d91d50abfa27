import { describe, expect, it } from 'vitest';
import { ownerOf } from '../src/client/owner';
import { asProblem, microphoneProblem, problemOf } from '../src/client/problem';

const answer = (status: number, body: string, headers: HeadersInit = {}) =>
  problemOf(new Response(body, { status, headers }));

describe('a refused answer', () => {
  it('is shown as error.message, with its code', async () => {
    const body = {
      detail: 'Could not validate credentials',
      error: { message: 'The token has expired', code: 'expired_token' },
    };

    expect(await answer(401, JSON.stringify(body))).toMatchObject({
      kind: 'token',
      status: 401,
      code: 'expired_token',
      message: 'The token has expired',
    });
  });

  it('is shown as detail where there is no error object', async () => {
    expect(
      await answer(403, '{"detail":"Access Denied: Insufficient permissions"}'),
    ).toMatchObject({
      kind: 'role',
      message: 'Access Denied: Insufficient permissions',
    });
  });

  it('joins a list of validation errors', async () => {
    const body = { detail: [{ msg: 'text: required' }, { msg: 'role: unknown' }] };

    expect(await answer(422, JSON.stringify(body))).toMatchObject({
      kind: 'request',
      message: 'text: required; role: unknown',
    });
  });

  it('keeps the words of an upstream error although its fields are empty', async () => {
    const body = {
      detail: 'OpenAI Realtime API error: {}',
      error: { message: '', type: '', code: 'upstream_error' },
    };

    expect(await answer(500, JSON.stringify(body))).toMatchObject({
      kind: 'upstream',
      message: 'OpenAI Realtime API error: {}',
    });
  });

  it('takes the message out of a quoted upstream error', async () => {
    const quoted = '{"error": {"message": "No quota", "code": "insufficient_quota"}}';
    const body = (message: string) => JSON.stringify({ error: { message } });

    expect(
      (await answer(500, body(`OpenAI Realtime API error: ${quoted}`))).message,
    ).toBe('OpenAI Realtime API error: No quota');
    expect((await answer(500, body('OpenAI: {"ok": true}'))).message).toBe(
      'OpenAI: {"ok": true}',
    );
    expect((await answer(500, body('OpenAI: {broken}'))).message).toBe(
      'OpenAI: {broken}',
    );
  });

  it.each([
    ['<html><h1>502 Bad Gateway</h1></html>', 502, 'unavailable', 'HTTP 502'],
    ['', 504, 'unavailable', 'HTTP 504'],
    ['{"detail":17}', 500, 'upstream', 'HTTP 500'],
    ['null', 400, 'request', 'HTTP 400'],
    ['[]', 400, 'request', 'HTTP 400'],
    ['plain words', 400, 'request', 'plain words'],
  ])('with the body %s says something readable', async (body, status, kind, message) => {
    const problem = await answer(status, body);

    expect(problem.kind).toBe(kind);
    expect(problem.message).toContain(message);
    expect(problem.message).not.toContain('<');
  });

  it('keeps how long to wait', async () => {
    expect(await answer(429, '{}', { 'Retry-After': '7' })).toMatchObject({
      kind: 'limit',
      retryAfter: 7,
    });
    expect((await answer(503, '{}', { 'Retry-After': 'soon' })).retryAfter).toBe(
      undefined,
    );
  });

  it('never calls an upstream 401 the user’s own', async () => {
    const body = { error: { message: 'Incorrect API key', code: 'upstream_error' } };

    expect((await answer(401, JSON.stringify(body))).kind).toBe('upstream');
  });
});

describe('the microphone', () => {
  it.each([
    ['NotAllowedError', 'mic-denied'],
    ['SecurityError', 'mic-denied'],
    ['NotFoundError', 'mic-missing'],
    ['NotReadableError', 'mic-busy'],
    ['SomethingNew', 'mic-busy'],
  ])('%s is %s', (name, kind) => {
    expect(microphoneProblem(new DOMException('why', name))).toMatchObject({
      kind,
      message: 'why',
    });
  });
});

describe('anything thrown', () => {
  it('becomes a problem once', () => {
    const problem = asProblem(new TypeError('Failed to fetch'), 'network');

    expect(problem).toMatchObject({ kind: 'network', message: 'Failed to fetch' });
    expect(asProblem(problem, 'unknown')).toBe(problem);
    expect(asProblem('text').message).toBe('text');
  });
});

describe('the owner of a token', () => {
  const token = (claims: object) =>
    `x.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.y`;

  it('is its subject and issuer', () => {
    expect(ownerOf(token({ sub: 'Zoé', iss: 'a' }))).toBe('["a","Zoé"]');
    expect(ownerOf(token({ sub: 'u' }))).not.toBe(ownerOf(token({ sub: 'u', iss: 'a' })));
    expect(ownerOf(token({ email: 'z@example.org' }))).toBe('["","z@example.org"]');
  });

  it.each(['', 'opaque', 'a.b.c', 'x.bnVsbA.y'])('is nobody for %s', (opaque) => {
    expect(ownerOf(opaque)).toBe('');
  });
});
