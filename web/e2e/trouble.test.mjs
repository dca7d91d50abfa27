/* What a person sees when something does not work, and what to do about it. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { openBrowser } from './browser.mjs';
import { eventually, required, upstreamCalls, upstreamFault } from './environment.mjs';

const START = 'Start the conversation';

let browser;

before(async () => {
  browser = await openBrowser();
});

after(() => browser.close());

/** Opens the page, presses the button, and gives what the alert says. */
async function alertAfterStart(page) {
  await page.getByRole('button', { name: START }).click();
  return page.getByRole('alert').textContent();
}

async function offersReceived() {
  return (await upstreamCalls()).length;
}

test('a denied microphone says how to allow it, and sends no offer', async () => {
  const before = await offersReceived();
  const strict = await openBrowser({ permission: false });

  try {
    const { page } = await strict.person({ token: required('TOKEN') });
    const text = await alertAfterStart(page);

    assert.match(text, /microphone is blocked/);
    assert.match(text, /Allow the microphone/);
    assert.equal(await offersReceived(), before);
  } finally {
    await strict.close();
  }
});

test('no microphone at all is said so', async () => {
  const { context, page } = await browser.person({ token: required('TOKEN') });

  await page.evaluate(() => {
    navigator.mediaDevices.getUserMedia = () =>
      Promise.reject(new DOMException('Requested device not found', 'NotFoundError'));
  });
  assert.match(await alertAfterStart(page), /No microphone found/);
  await context.close();
});

test('without a token the page asks for one, and goes on with it', async () => {
  const { context, page } = await browser.person();

  await page.goto(required('GATEWAY_URL'));
  await page.getByLabel('Access token').fill(`Bearer ${required('TOKEN')}`);
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('button', { name: START }).waitFor();
  await context.close();
});

for (const [name, token] of [
  ['an expired token', () => required('TOKEN_EXPIRED')],
  ['a forged token', () => `${required('TOKEN').slice(0, -6)}AAAAAA`],
  ['no token of that form', () => 'nonsense'],
]) {
  test(`${name} asks to sign in again`, async () => {
    const { context, page } = await browser.person({ token: token() });
    const text = await page.getByRole('alert').textContent();

    assert.match(text, /Could not validate credentials/);
    assert.match(text, /Sign in again/);
    await page.getByLabel('Access token').waitFor();
    await context.close();
  });
}

test('a token that expires during the visit is noticed when the call starts', async () => {
  const { context, page } = await browser.person({ token: required('TOKEN') });

  await page.getByRole('button', { name: START }).waitFor();
  await page.evaluate(
    (expired) => localStorage.setItem('token', expired),
    required('TOKEN_EXPIRED'),
  );
  await page.getByRole('button', { name: START }).click();
  await page.getByLabel('Access token').waitFor();
  assert.match(await page.getByRole('alert').textContent(), /Could not validate/);
  await context.close();
});

test('a user without a role is told to ask for access', async () => {
  const { context, page } = await browser.person({
    token: required('TOKEN_WITHOUT_ROLE'),
  });
  const text = await alertAfterStart(page);

  assert.match(text, /Access Denied: Insufficient permissions/);
  assert.match(text, /Ask an administrator/);
  await context.close();
});

for (const [name, fault, expected] of [
  [
    'a refusal of the voice service',
    { status: 429, body: { error: { message: 'You exceeded your current quota' } } },
    /You exceeded your current quota/,
  ],
  ['an answer that is no session description', { status: 200, body: { ok: true } }, /./],
  ['an empty answer', { status: 200, empty: true }, /./],
  [
    'a broken connection to the voice service',
    { reset: true },
    /Request to OpenAI failed/,
  ],
]) {
  test(`${name} is shown, and the next attempt works`, async () => {
    const { context, page } = await browser.person({ token: required('TOKEN') });

    await upstreamFault({ match: '/v1/realtime/calls', method: 'POST', ...fault });
    const text = await alertAfterStart(page);

    assert.match(text, expected);
    assert.match(text, /Try again in a moment/);
    assert.doesNotMatch(text, /Expect line/);
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.waitForSelector('[data-state="live"]');
    assert.equal(await page.getByRole('alert').count(), 0);
    assert.deepEqual(page.errors, []);
    await context.close();
  });
}

test('a valid answer with an error status is a success', async () => {
  const { context, page } = await browser.person({ token: required('TOKEN') });

  await upstreamFault({ match: '/v1/realtime/calls', answer: true, status: 500 });
  await page.getByRole('button', { name: START }).click();
  await page.waitForSelector('[data-state="live"]');
  await context.close();
});

test('a call ended by the far end is told, and can be started again', async () => {
  const known = new Set((await upstreamCalls()).map((call) => call.id));
  const { context, page } = await browser.person({ token: required('TOKEN') });

  await page.getByRole('button', { name: START }).click();
  await page.waitForSelector('[data-state="live"]');

  const call = (await upstreamCalls()).find((one) => !known.has(one.id));
  const answer = await fetch(
    `${required('SANDBOX_URL')}/v1/realtime/calls/${call.id}/hangup`,
    {
      method: 'POST',
      headers: { Authorization: `Bearer ${required('SANDBOX_KEY')}` },
    },
  );

  assert.equal(answer.status, 200);
  assert.match(await page.getByRole('alert').textContent(), /conversation has ended/);
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.waitForSelector('[data-state="live"]');
  await context.close();
});

test('a gateway that is down is said so, and works again when it is back', async () => {
  const [nginx, ...options] = required('NGINX_COMMAND').split(' ');
  const { context, page } = await browser.person({ token: required('TOKEN') });
  const reachable = () =>
    fetch(required('GATEWAY_URL')).then(
      () => true,
      () => false,
    );

  await page.getByRole('button', { name: START }).waitFor();
  await page.waitForLoadState('networkidle');
  execFileSync(nginx, [...options, '-s', 'stop'], { stdio: 'ignore' });
  await eventually('nginx stopped', async () => !(await reachable()));

  try {
    const text = await alertAfterStart(page);
    assert.match(text, /server cannot be reached/);
    assert.match(text, /network connection/);
  } finally {
    // A pipe would be held open by the daemon.
    execFileSync(nginx, options, { stdio: 'ignore' });
    await eventually('nginx is back', reachable);
  }

  await page.getByRole('button', { name: 'Try again' }).click();
  await page.waitForSelector('[data-state="live"]');
  await context.close();
});
