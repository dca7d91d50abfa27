/* The whole loop: Chromium, nginx, the far end, and back into the store. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser, remoteLevel, shownTurns } from './browser.mjs';
import {
  eventually,
  hungUp,
  required,
  storedTurns,
  upstreamCalls,
} from './environment.mjs';

const START = 'Start the conversation';
const STOP = 'End the conversation';

let browser;

before(async () => {
  browser = await openBrowser();
});

after(() => browser.close());

const session = (page) =>
  page.evaluate(() => JSON.parse(localStorage.getItem('realtime.session')));

async function newCall(known) {
  const calls = await upstreamCalls();
  return calls.find((call) => !known.has(call.id));
}

async function knownCalls() {
  return new Set((await upstreamCalls()).map((call) => call.id));
}

/** Waits until both sides are on the screen and finished. */
function bothSides(page) {
  return eventually('a turn of both sides', async () => {
    const turns = await shownTurns(page);
    const roles = new Set(turns.map((turn) => turn.role));
    return roles.has('user') && roles.has('assistant') && turns;
  });
}

test('a person speaks, hears an answer, reads both, and finds them after a reload', async () => {
  const known = await knownCalls();
  const { context, page } = await browser.person({ token: required('TOKEN') });

  assert.ok(!page.url().includes('token'), 'the token stays in the address bar');
  await page.getByRole('button', { name: START }).click();
  await page.waitForSelector('[data-state="live"]');
  await page.waitForSelector('[data-activity="speaking"]');

  const level = await remoteLevel(page);
  assert.ok(level > 0.005, `the assistant is not heard: RMS ${level}`);

  const shown = await bothSides(page);
  assert.equal(shown[0].role, 'user', 'the user spoke first');

  const id = await session(page);
  const stored = await eventually('both sides in the store', async () => {
    const turns = await storedTurns(id);
    return new Set(turns.map((turn) => turn.role)).size === 2 && turns;
  });
  const call = await newCall(known);
  const texts = new Map(call.transcripts.map((turn) => [turn.item_id, turn.text]));

  for (const turn of stored) {
    assert.equal(turn.text, texts.get(turn.item_id), 'stored as it was said');
    assert.equal(turn.call_id, call.id);
  }
  assert.equal(stored[0].role, 'user', 'stored in the order it was said');

  await page.getByRole('button', { name: STOP }).click();
  await page.waitForSelector('[data-state="idle"]');
  await hungUp(call.id);

  const before = await shownTurns(page);
  await page.reload();
  const earlier = await eventually('the earlier turns', async () => {
    const turns = await shownTurns(page);
    return turns.length >= before.length && turns;
  });

  assert.deepEqual(
    earlier.map(({ role, item }) => ({ role, item })),
    before.map(({ role, item }) => ({ role, item })),
  );
  assert.deepEqual(page.errors, []);
  await context.close();
});

test('stop releases the microphone and ends the call upstream', async () => {
  const known = await knownCalls();
  const { context, page } = await browser.person({ token: required('TOKEN') });

  await page.evaluate(() => {
    const original = navigator.mediaDevices.getUserMedia;

    window.streams = [];
    navigator.mediaDevices.getUserMedia = async function (...given) {
      const stream = await original.apply(this, given);
      window.streams.push(stream);
      return stream;
    };
  });

  const button = page.getByRole('button', { name: START });

  await button.focus();
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-state="live"]');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-state="idle"]');

  const states = await page.evaluate(() =>
    window.streams.flatMap((stream) =>
      stream.getTracks().map((track) => track.readyState),
    ),
  );
  assert.deepEqual(states, ['ended']);

  const call = await newCall(known);
  await hungUp(call.id);
  await context.close();
});

test('a tab closed in the middle of a call hangs up and loses no word', async () => {
  const known = await knownCalls();
  const { context, page } = await browser.person({ token: required('TOKEN') });

  await page.getByRole('button', { name: START }).click();
  await page.waitForSelector('[data-activity="speaking"]');
  await page.waitForSelector('.rv-turn[data-role="assistant"]');

  const id = await session(page);
  const call = await newCall(known);

  await page.close({ runBeforeUnload: true });
  await hungUp(call.id);
  await eventually('the half-said answer in the store', async () =>
    (await storedTurns(id)).some((turn) => turn.role === 'assistant'),
  );
  await context.close();
});

test('transcripts made offline are saved after a reload', async () => {
  const { context, page } = await browser.person({ token: required('TOKEN') });

  await page.route('**/realtime/transcripts', (route) =>
    route.request().method() === 'POST' ? route.abort() : route.continue(),
  );
  await page.getByRole('button', { name: START }).click();
  await bothSides(page);
  await page.getByText(/waiting to be saved/).waitFor();
  await page.getByRole('button', { name: STOP }).click();

  const id = await session(page);
  assert.deepEqual(await storedTurns(id), []);

  await page.unroute('**/realtime/transcripts');
  await page.reload();
  await eventually('both sides in the store', async () => {
    const roles = (await storedTurns(id)).map((turn) => turn.role);
    return roles.includes('user') && roles.includes('assistant');
  });
  await context.close();
});

test('mute silences the microphone, and the answer can be interrupted', async () => {
  const known = await knownCalls();
  const { context, page } = await browser.person({ token: required('TOKEN') });

  await page.getByRole('button', { name: START }).click();
  await page.waitForSelector('[data-activity="speaking"]');
  await page.getByRole('button', { name: 'Interrupt the answer' }).click();
  await page.waitForSelector('[data-activity="listening"]');

  const call = await newCall(known);
  const interrupted = await eventually('a cancelled answer', async () => {
    const now = (await upstreamCalls()).find((one) => one.id === call.id);
    return now.events['output_audio_buffer.cleared'];
  });
  assert.equal(interrupted, 1);

  await page.getByRole('button', { name: 'Mute' }).click();
  await page.getByText('Your microphone is muted').waitFor();
  await page.getByRole('button', { name: 'Unmute' }).click();
  await context.close();
});
