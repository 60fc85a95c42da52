import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createMicroFeatures } from '../../src/audio/index';
import { FixedFft } from '../../src/audio/fixedFft';
import { gainTable, logTable, microFilters, microWindow, squareRoot } from '../../src/audio/microTables';
import { powerSpectrum } from './reference';
import { anySound } from './settings';

const refusal = (text: string): unknown =>
  expect.objectContaining({ code: 'BAD_ARGUMENT', message: expect.stringContaining(text) as string });

describe('the fixed-point FFT', () => {
  test('gives the values of fft_test.cc of TensorFlow', () => {
    const fft = new FixedFft(32);
    fft.input.set([0, 1151, 0, -5944, 0, 13311, 0, -21448, 0, 28327, 0, -32256, 0, 32255, 0, -28328, 0, 21447, 0,
      -13312, 0, 5943, 0, -1152, 0]);
    fft.transform();
    expect([...fft.output]).toEqual([0, 0, -10, 9, -20, 0, -9, -10, 0, 25, -119, 119, -887, 0, 3000, 3000, 0, -6401,
      -3000, 3000, 886, 0, 118, 119, 0, 25, 9, -10, 19, 0, 9, 9, 0, 0]);
  });

  test.each([4, 8, 16, 64, 128, 512])('is the Fourier transform divided by %i, within rounding', (size) => {
    const fft = new FixedFft(size);
    const samples = Int16Array.from({ length: size }, (_, t) => 20000 * Math.sin(t * t * 0.37));
    fft.input.set(samples);
    fft.transform();
    const power = powerSpectrum([...samples], size);
    for (let k = 0; k <= size / 2; k++) {
      const magnitude = Math.hypot(fft.output[2 * k]!, fft.output[2 * k + 1]!);
      expect(Math.abs(magnitude - Math.sqrt(power[k]!) / size)).toBeLessThan(4);
    }
  });
});

describe('the tables', () => {
  // of a preprocessor of 480 samples and 40 bands that TensorFlow generated
  test('equal those of a network that TensorFlow generated', () => {
    expect([...microWindow(480).subarray(0, 12)]).toEqual([0, 0, 1, 2, 4, 5, 7, 10, 13, 16, 19, 23]);
    expect([...gainTable(7, 0.95, 80, 21).subarray(0, 12)]).toEqual([32636, 32633, 32630, -6, 0, 0, 32624, -12, 0, 0,
      32612, -23]);
    const { starts, weights, unweights } = microFilters(40, 125, 7500, 16000, 512, false);
    expect([starts[0], starts[41]]).toEqual([5, 241]);
    expect([...weights.subarray(5, 9)]).toEqual([1377, 2851, 321, 1971]);
    expect([...unweights.subarray(5, 9)]).toEqual([2718, 1244, 3774, 2124]);
    expect(microFilters(40, 125, 7500, 16000, 512, true).unweights[5]).toBe(2719);
  });

  test('log2(1 + x) − x is that of log_lut.c', () => {
    const table = logTable();
    expect([...table.subarray(0, 8)]).toEqual([0, 224, 442, 654, 861, 1063, 1259, 1450]);
    expect([table[57], table[100], table[127], table[128], table[129]]).toEqual([5641, 3384, 142, 0, 0]);
  });

  test('square roots are rounded to the nearest', () => {
    fc.assert(fc.property(fc.maxSafeInteger().map(Math.abs), (x) => {
      const root = squareRoot(x);
      expect(Math.abs(Math.sqrt(x) - root))
        .toBeLessThanOrEqual(0.5 + 1e-9 * root + (x < 2 ** 32 && root === 65535 ? 1 : 0));
    }));
    expect([0, 1, 2, 3, 6, 7, 2 ** 32 - 1].map(squareRoot)).toEqual([0, 1, 1, 2, 2, 3, 65535]);
  });
});

describe('createMicroFeatures', () => {
  test('gives the values of frontend_test.cc of TensorFlow', () => {
    const settings = { sampleRate: 1000, frameLength: 25, hop: 10, bands: 2, low: 8, high: 450 };
    const samples = Float32Array.from({ length: 36 }, (_, t) => [0, 32767, 0, -32768][t % 4]! / 32768);
    expect([...createMicroFeatures(settings).compute(samples)]).toEqual([479, 425, 436, 378]);
  });

  test('gives the same features for pieces of any length, also with a hop longer than a frame', () => {
    const settings = fc.record({
      frameLength: fc.integer({ min: 3, max: 30 }),
      hop: fc.integer({ min: 1, max: 40 }),
      bands: fc.integer({ min: 1, max: 5 }),
      pcan: fc.boolean(),
    });
    fc.assert(fc.property(anySound, settings, fc.integer({ min: 1, max: 50 }), (sound, given, length) => {
      const front = createMicroFeatures({ sampleRate: 1000, low: 20, high: 450, ...given });
      const whole = front.compute(sound);
      const streamed: number[] = [];
      let frames = 0;
      for (let at = 0; at < sound.length; at += length) {
        frames += front.push(sound.subarray(at, at + length), (frame) => streamed.push(...frame));
      }
      expect(streamed).toEqual([...whole]);
      expect(frames).toBe(Math.max(0, 1 + Math.floor((sound.length - given.frameLength) / given.hop)));
    }));
  });

  test.each([[true, 6], [false, 6], [true, 8]])(
    'is near the formulas in real numbers (gain control %s)',
    (pcan, logBits) => {
      const settings = { sampleRate: 16000, frameLength: 480, hop: 320, bands: 40, pcan, logBits };
      let seed = 3;
      // noise that becomes louder, so that no band has only a few bits
      const sound = Float32Array.from({ length: 16000 }, (_, t) => {
        seed = (seed * 16807) % 2147483647;
        return (0.2 + 0.8 * (t / 16000)) * (2 * seed / 2147483647 - 1);
      });
      const found = createMicroFeatures(settings).compute(sound);
      const expected = inRealNumbers(sound, settings);
      expect(found).toHaveLength(expected.length);
      const unit = 2 ** logBits;
      const errors = expected.map((value, i) => Math.abs(found[i]! - value) / unit).sort((a, b) => a - b);
      expect(errors[Math.floor(errors.length / 2)]).toBeLessThan(0.05);
      expect(errors[Math.floor(errors.length * 0.9)]).toBeLessThan(0.3);
    },
  );

  test('silence is 0, and scale multiplies', () => {
    expect(new Set(createMicroFeatures({ sampleRate: 16000 }).compute(new Float32Array(1600)))).toEqual(new Set([0]));
    const sound = Float32Array.from({ length: 800 }, (_, t) => Math.sin(t));
    const plain = createMicroFeatures({ sampleRate: 16000 }).compute(sound);
    expect([...createMicroFeatures({ sampleRate: 16000, scale: 0.5 }).compute(sound)])
      .toEqual([...plain].map((v) => v / 2));
    expect(Math.max(...plain)).toBeGreaterThan(100);
  });

  test('refuses settings out of range', () => {
    const make = (settings: object) => () => createMicroFeatures({ sampleRate: 16000, ...settings });
    expect(make({ sampleRate: 16000.5 }))
      .toThrow(refusal('a whole number from 1 to 1000000 as sampleRate, not 16000.5'));
    expect(make({ high: 9000 })).toThrow(refusal('from 0 to 8000 as high, not 9000'));
    expect(make({ low: 7500 })).toThrow(refusal('bands from 7500 to 7500 Hz'));
    expect(make({ smoothing: 0.1 })).toThrow(refusal('no option "smoothing"'));
    expect(() => createMicroFeatures({ sampleRate: 16000 }).push(Float32Array.of(NaN), () => undefined))
      .toThrow(expect.objectContaining({ code: 'NOT_A_NUMBER' }) as Error);
  });
});

/** The steps of the front end without rounding. */
function inRealNumbers(
  samples: Float32Array,
  o: { bands: number; frameLength: number; hop: number; pcan: boolean; logBits: number },
): number[] {
  const mel = (hertz: number): number => 1127 * Math.log1p(hertz / 700);
  const size = 512;
  const spacing = (mel(7500) - mel(125)) / (o.bands + 1);
  const noise = new Array<number>(o.bands).fill(0);
  const out: number[] = [];
  for (let at = 0; at + o.frameLength <= samples.length; at += o.hop) {
    const frame = Array.from(
      { length: o.frameLength },
      (_, i) => 32768 * samples[at + i]! * (0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / o.frameLength)),
    );
    const power = powerSpectrum(frame, size).map((p) => p / size ** 2);
    for (let b = 0; b < o.bands; b++) {
      let sum = 0;
      for (let k = 5; k < 241; k++) {
        const place = (mel((k * 16000) / size) - mel(125)) / spacing - b;
        sum += Math.max(0, Math.min(place, 2 - place)) * power[k]!;
      }
      const band = Math.sqrt(4096 * sum);
      const weight = b % 2 === 0 ? 0.025 : 0.06;
      noise[b] = weight * band + (1 - weight) * noise[b]!;
      const reduced = Math.max(0.05 * band, band - noise[b]!);
      const signal = reduced * 8;
      // the gain knows the noise in the units of the FFT without division
      const snr = o.pcan ? signal * (noise[b]! * 8 + 80) ** -0.95 : signal;
      const shrunk = snr < 2 ? (snr * snr) / 4 : snr - 1;
      const value = o.pcan ? 64 * 8 * shrunk : signal;
      out.push(value > 1 ? Math.log(value) * 2 ** o.logBits : 0);
    }
  }
  return out;
}
