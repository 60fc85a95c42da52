import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Resampler } from '../../src/audio/resample';
import { resample } from '../../src/audio/index';
import { tone } from './settings';

/** Largest difference between two signals, without `margin` samples at each end. */
function difference(a: Float32Array, b: Float32Array, margin: number): number {
  const length = Math.min(a.length, b.length) - 2 * margin;
  return Math.max(...Array.from({ length }, (_, i) => Math.abs(a[i + margin]! - b[i + margin]!)));
}

describe('resample', () => {
  test.each([[48000, 16000], [44100, 16000], [48000, 8000], [44100, 8000], [8000, 16000], [16000, 44100], [22050,
    16000]])('%i to %i Hz: keeps tones and their phase', (from, to) => {
      for (const hertz of [100, 440, 0.4 * Math.min(from, to)]) {
        const out = resample(tone(hertz, 0.1, from), from, to);
        expect(out.length).toBe(Math.ceil((Math.round(0.1 * from) * to) / from));
        expect(difference(out, tone(hertz, 0.1, to), Math.ceil((36 * to) / Math.min(from, to)))).toBeLessThan(1e-3);
      }
    });

  test('removes frequencies above half the lower rate', () => {
    for (const hertz of [8000, 9000, 12000, 20000]) {
      expect(Math.max(...resample(tone(hertz, 0.1, 48000), 48000, 16000).subarray(70, -70).map(Math.abs)))
        .toBeLessThan(1e-3);
    }
  });

  test('Resampler: a stream in chunks equals the whole recording', () => {
    fc.assert(fc.property(
      fc.constantFrom([48000, 16000], [44100, 8000], [8000, 11025]),
      fc.integer({ min: 0, max: 900 }),
      fc.integer({ min: 1, max: 200 }),
      ([from, to], length, chunk) => {
        const samples = Float32Array.from({ length }, (_, t) => Math.sin(t * t * 0.001));
        const resampler = new Resampler(from, to);
        const out: number[] = [];
        const keep = (block: Float32Array): void => {
          out.push(...block);
        };
        for (let t = 0; t < length; t += chunk) resampler.push(samples.subarray(t, t + chunk), keep);
        resampler.end(keep);
        expect(out).toEqual([...resample(samples, from, to)]);
        expect(out).toHaveLength(Math.ceil((length * to) / from));
      },
    ));
  });

  test('returns the same array for equal rates', () => {
    const samples = tone(440, 0.01, 8000);
    expect(resample(samples, 8000, 8000)).toBe(samples);
  });

  test.each([[0, 8000], [8000, 0], [NaN, 8000], [1, 8000], [8000, 1]])('%d to %d Hz is refused', (from, to) => {
    expect(() => resample(new Float32Array(1), from, to)).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }));
  });
});
