/* A recording for the fake microphone: bursts that a speech detector hears. */

import { writeFileSync } from 'node:fs';

const RATE = 48_000;

/** A voiced sound: a few harmonics, swelling and fading like syllables. */
function voiced(time) {
  const pitch = 140 + 25 * Math.sin(2 * Math.PI * 1.7 * time);
  const syllable = 0.55 + 0.45 * Math.sin(2 * Math.PI * 4 * time) ** 2;
  let sum = 0;

  for (let harmonic = 1; harmonic <= 8; harmonic += 1) {
    sum += Math.sin(2 * Math.PI * pitch * harmonic * time) / harmonic;
  }

  return 0.22 * syllable * sum;
}

/** Writes a mono WAV file: for each part `[seconds of silence, seconds of speech]`. */
export function writeSpeech(file, parts) {
  const samples = parts.flatMap(([silence, speech]) => [
    ...new Array(Math.round(silence * RATE)).fill(0),
    ...Array.from({ length: Math.round(speech * RATE) }, (_, n) => voiced(n / RATE)),
  ]);
  const wav = Buffer.alloc(44 + samples.length * 2);

  wav.write('RIFF', 0);
  wav.writeUInt32LE(wav.length - 8, 4);
  wav.write('WAVEfmt ', 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(RATE, 24);
  wav.writeUInt32LE(RATE * 2, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write('data', 36);
  wav.writeUInt32LE(samples.length * 2, 40);

  samples.forEach((sample, n) => {
    const clipped = Math.max(-1, Math.min(1, sample));
    wav.writeInt16LE(Math.round(clipped * 32_767), 44 + n * 2);
  });

  writeFileSync(file, wav);
}
