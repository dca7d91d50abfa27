/* Chromium with a microphone that speaks, and a page of it. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { required } from './environment.mjs';
import { writeSpeech } from './speech.mjs';

/* A breath, then utterances with pauses in which the answer fits. */
const SPEECH = [
  [1.2, 1.6],
  [7, 1.4],
  [7, 1.4],
  [6, 0],
];

/** `permission: false` gives a browser whose user never allows the microphone. */
export async function openBrowser({ permission = true } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'realtime-e2e-'));
  const wav = join(folder, 'speech.wav');

  writeSpeech(wav, SPEECH);

  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: [
      '--no-sandbox',
      '--use-fake-device-for-media-stream',
      `--use-file-for-fake-audio-capture=${wav}`,
      ...(permission ? ['--use-fake-ui-for-media-stream'] : []),
      '--allow-loopback-in-peer-connection',
      '--autoplay-policy=no-user-gesture-required',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-default-apps',
      '--disable-sync',
      '--metrics-recording-only',
      '--no-first-run',
      '--no-proxy-server',
    ],
  });

  return {
    /** A person's own browser profile: storage, permissions, one page. */
    async person({ token, locale = 'en-US', ...options } = {}) {
      const context = await browser.newContext({ locale, ...options });
      const page = await context.newPage();

      page.errors = [];
      page.on('pageerror', (error) => page.errors.push(error.message));
      page.setDefaultTimeout(20_000);

      if (token !== undefined) {
        await page.goto(`${required('GATEWAY_URL')}/#token=${token}`);
      }

      return { context, page };
    },

    async close() {
      await browser.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** How loud the assistant is, measured in the page for `milliseconds`. */
export function remoteLevel(page, milliseconds = 1_000) {
  return page.evaluate(async (duration) => {
    const stream = document.querySelector('audio').srcObject;
    const audio = new AudioContext();
    const analyser = audio.createAnalyser();
    const samples = new Float32Array(analyser.fftSize);
    const until = performance.now() + duration;
    let loudest = 0;

    await audio.resume();
    audio.createMediaStreamSource(stream).connect(analyser);

    while (performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      analyser.getFloatTimeDomainData(samples);

      const power = samples.reduce((sum, value) => sum + value * value, 0);
      loudest = Math.max(loudest, Math.sqrt(power / samples.length));
    }

    await audio.close();
    return loudest;
  }, milliseconds);
}

/** The turns on the screen, in order. */
export function shownTurns(page) {
  return page.$$eval('.rv-turn:not([aria-busy])', (turns) =>
    turns.map((turn) => ({
      role: turn.dataset.role,
      item: turn.dataset.itemId,
      text: turn.querySelector('.rv-text').textContent,
    })),
  );
}
