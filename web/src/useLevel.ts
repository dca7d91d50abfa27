/* How loud a stream is, for the ring around the button. */

import { type RefObject, useEffect } from 'react';

/**
 * Writes the level (0 to 1) of `stream` into the style property `--rv-level`
 * of `target`, once a frame and without rendering anything. Does nothing
 * where the person asked for less motion.
 */
export function useLevel(
  stream: MediaStream | null,
  target: RefObject<HTMLElement | null>,
): void {
  useEffect(() => {
    const element = target.current;

    if (
      stream === null ||
      element === null ||
      typeof AudioContext === 'undefined' ||
      window.matchMedia('(prefers-reduced-motion: reduce)').matches
    ) {
      return;
    }

    const audio = new AudioContext();
    const analyser = audio.createAnalyser();
    const samples = new Float32Array(512);
    let frame = 0;

    analyser.fftSize = samples.length;
    audio.createMediaStreamSource(stream).connect(analyser);

    const draw = () => {
      analyser.getFloatTimeDomainData(samples);

      const power = samples.reduce((sum, value) => sum + value * value, 0);
      const level = Math.min(1, Math.sqrt(power / samples.length) * 6);

      element.style.setProperty('--rv-level', level.toFixed(3));
      frame = requestAnimationFrame(draw);
    };

    draw();

    return () => {
      cancelAnimationFrame(frame);
      element.style.removeProperty('--rv-level');
      audio.close();
    };
  }, [stream, target]);
}
