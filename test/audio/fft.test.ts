import fc from 'fast-check';
import FFT from 'fft.js';
import { describe, expect, test } from 'vitest';
import { RealFft } from '../../src/audio/fft';
import { Random } from '../helpers/random';
import { powerSpectrum } from './reference';

const random = new Random(20261122);
const noise = (size: number): Float64Array => Float64Array.from({ length: size }, () => random.between(-1, 1));

function power(samples: ArrayLike<number>): Float64Array {
  const fft = new RealFft(samples.length);
  const out = new Float64Array(samples.length / 2 + 1);
  fft.input.set(samples);
  fft.power(out);
  return out;
}

/** Largest difference, relative to the largest value. */
function difference(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  const largest = Math.max(...Array.from(expected), Number.MIN_VALUE);
  return Math.max(...Array.from(found, (v, i) => Math.abs(v - expected[i]!))) / largest;
}

describe('RealFft', () => {
  test.each([2, 4, 8, 16, 64, 256, 512, 1024, 2048, 4096, 16384])('size %i: equals fft.js', (size) => {
    const samples = noise(size);
    const library = new FFT(size);
    const complex = library.createComplexArray() as number[];
    library.realTransform(complex, samples);
    const expected = Array.from({ length: size / 2 + 1 }, (_, k) => complex[2 * k]! ** 2 + complex[2 * k + 1]! ** 2);
    expect(difference(power(samples), expected)).toBeLessThan(1e-14);
  });

  test('even sizes up to 260: equals the definition', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 130 }), (half) => {
        const samples = noise(2 * half);
        expect(difference(power(samples), powerSpectrum(samples, 2 * half))).toBeLessThan(1e-12);
      }),
      { numRuns: 130 },
    );
  });

  test('keeps the energy of the samples (Parseval)', () => {
    for (const size of [400, 480, 882, 1024, 1102, 1200]) {
      const samples = noise(size);
      const bins = power(samples);
      const inner = bins.subarray(1, -1).reduce((a, b) => a + b, 0);
      const energy = samples.reduce((a, b) => a + b * b, 0);
      expect((bins[0]! + bins.at(-1) + 2 * inner) / size / energy).toBeCloseTo(1, 12);
    }
  });

  test('a second transform does not depend on the first', () => {
    const fft = new RealFft(48);
    const samples = noise(48);
    const first = new Float64Array(25);
    const second = new Float64Array(25);
    fft.input.set(samples);
    fft.power(first);
    fft.input.set(noise(48));
    fft.power(second);
    fft.input.set(samples);
    fft.power(second);
    expect(second).toEqual(first);
  });
});
