import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, test } from 'vitest';
import { cosineRows, hertzToMel, melFilters, melToHertz, windowOf } from '../../src/audio/tables';
import { audioParameters, type MelParameters } from '../../src/audio/index';
import { melMatrix } from './reference';

function dense(mel: MelParameters, sampleRate: number, size: number): number[][] {
  const { first, start, weights } = melFilters(mel, sampleRate, size);
  return Array.from({ length: mel.bands }, (_, b) =>
    Array.from({ length: size / 2 + 1 }, (_, k) => {
      const i = k - first[b]!;
      return i >= 0 && i < start[b + 1]! - start[b]! ? weights[start[b]! + i]! : 0;
    }));
}

describe('mel scales', () => {
  // the examples of librosa.hz_to_mel and librosa.mel_to_hz, with the digits of docs.rs/mel_filter
  // 0.1.1
  test('slaney: equals the examples in the documentation of librosa', () => {
    expect(hertzToMel(60, 'slaney')).toBeCloseTo(0.9, 14);
    expect([110, 220, 440].map((f) => hertzToMel(f, 'slaney')))
      .toEqual([1.65, 3.3, 6.6].map((m) => expect.closeTo(m, 12) as number));
    expect(hertzToMel(11025, 'slaney')).toBeCloseTo(49.91059448015905, 12);
    expect([1, 2, 3, 4, 5].map((m) => melToHertz(m, 'slaney')))
      .toEqual([66.66666666666667, 133.33333333333334, 200, 266.6666666666667, 333.33333333333337].map((f) =>
        expect.closeTo(f, 12) as number
      ));
  });

  // the example of librosa.mel_frequencies(n_mels=40)
  test('slaney: divides 0 to 11025 Hz like librosa', () => {
    const documented = [0, 85.317, 170.635, 255.952, 341.269, 426.586, 511.904, 597.221, 682.538, 767.855, 853.173,
      938.49, 1024.856, 1119.114, 1222.042, 1334.436, 1457.167, 1591.187, 1737.532, 1897.337, 2071.84, 2262.393,
      2470.47, 2697.686, 2945.799, 3216.731, 3512.582, 3835.643, 4188.417, 4573.636, 4994.285, 5453.621, 5955.205,
      6502.92, 7101.009, 7754.107, 8467.272, 9246.028, 10096.408, 11025];
    const top = hertzToMel(11025, 'slaney');
    documented.forEach((hertz, i) => expect(melToHertz((top * i) / 39, 'slaney')).toBeCloseTo(hertz, 2));
  });

  test.each(['htk', 'slaney'] as const)('%s: melToHertz inverts hertzToMel', (scale) => {
    for (const hertz of [0, 1, 440, 999.9, 1000, 1000.1, 4000, 22050]) {
      expect(melToHertz(hertzToMel(hertz, scale), scale)).toBeCloseTo(hertz, 9);
    }
  });

  // tf.signal's documentation: mel(f) = 2595 log10(1 + f/700)
  test('htk: equals 2595 log10(1 + f/700) at 1000 Hz', () => {
    expect(hertzToMel(1000, 'htk')).toBeCloseTo(2595 * Math.log10(1 + 1000 / 700), 1);
  });
});

describe('mel bands', () => {
  // librosa.filters.mel(sr=22050, n_fft=2048), as docs.rs/mel_filter 0.1.1 lists the first rows
  test("librosa's defaults give the documented weights", () => {
    const rows = dense(audioParameters('librosa', { sampleRate: 22050 }).mel!, 22050, 2048);
    const documented = [[0, 0.016182853208219942, 0.032365706416439884, 0.028990088037379964, 0.012807234829160026, 0],
      [0, 0, 0, 0.009779235793639925, 0.025962089001859864, 0.035393705451959974, 0.01921085224374004,
        0.003027999035520103, 0]];
    documented.forEach((row, b) =>
      row.forEach((value, k) => expect(rows[b]![k], `band ${b} bin ${k}`).toBeCloseTo(value, 14))
    );
    expect(rows).toHaveLength(128);
  });

  const settings: Record<string, [...Parameters<typeof audioParameters>, fftSize: number]> = {
    'tensorflow, 20 to 4000 Hz': ['tensorflow', { sampleRate: 16000, mel: { bands: 40, low: 20, high: 4000 } }, 512],
    'tensorflow, defaults': ['tensorflow', { sampleRate: 8000 }, 256],
    'librosa, 80 bands': ['librosa', { sampleRate: 16000, mel: { bands: 80 } }, 400],
    'librosa, defaults': ['librosa', { sampleRate: 22050 }, 2048],
    'librosa, htk': ['librosa', { sampleRate: 8000, mel: { bands: 30, scale: 'htk' } }, 64],
    'tensorflow, slaney': ['tensorflow', { sampleRate: 8000, mel: { norm: 'slaney', scale: 'slaney' } }, 512],
  };

  test.each(Object.entries(settings))('%s: equal the reference', (_, [convention, given, fftSize]) => {
    const mel = audioParameters(convention, { ...given, fftSize, frameLength: fftSize, hop: 1 }).mel!;
    const expected = melMatrix(mel, given.sampleRate, fftSize);
    const worst = dense(mel, given.sampleRate, fftSize).map((row, b) =>
      Math.max(...row.map((value, k) => Math.abs(value - expected[b]![k]!)))
    );
    expect(Math.max(...worst)).toBeLessThan(1e-12);
  });

  test("tf.signal's bands peak at 1, ignore the bin at 0 Hz, and sum to 1 between the outer peaks", () => {
    const mel = audioParameters('tensorflow', { sampleRate: 8000, frameLength: 2048, hop: 1 }).mel!;
    const rows = dense(mel, 8000, 2048);
    const sums = rows[0]!.map((_, k) => rows.reduce((sum, row) => sum + row[k]!, 0));
    const peak = (b: number): number => rows[b]!.indexOf(Math.max(...rows[b]!));
    expect(rows.every((row) => row[0] === 0)).toBe(true);
    expect(Math.max(...rows.flat())).toBeLessThanOrEqual(1);
    for (let k = peak(0) + 1; k < peak(19); k++) expect(sums[k]).toBeCloseTo(1, 12);
  });
});

describe('windows', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  test.each([1, 2, 5, 8, 400, 480])('%i samples: equal tf.signal (TensorFlow.js)', (length) => {
    const name = audioParameters('tensorflow', { sampleRate: 8000, frameLength: length, hop: 1 }).window;
    const even = length % 2 === 0;
    const hann = Array.from(tf.signal.hannWindow(length).dataSync());
    const hamming = Array.from(tf.signal.hammingWindow(length).dataSync());
    // one sample: TensorFlow.js gives NaN or 0, TensorFlow 1
    if (length === 1) return expect([...windowOf(name, 1)]).toEqual([1]);
    expect([...windowOf(name, length)]).toEqual(hann.map((v) => expect.closeTo(v, 6) as number));
    expect([...windowOf(even ? 'hamming' : 'hamming-symmetric', length)]).toEqual(hamming.map((v) =>
      expect.closeTo(v, 6) as number
    ));
  });

  // scipy.signal.get_window and scipy.signal.windows, by their formulas
  test('a periodic window is the symmetric one of length + 1 without its last sample', () => {
    for (const name of ['hann', 'hamming', 'blackman'] as const) {
      for (const length of [3, 8, 25]) {
        expect([...windowOf(name, length)])
          .toEqual([...windowOf(`${name}-symmetric`, length + 1)].slice(0, length).map((v) =>
            expect.closeTo(v, 15) as number
          ));
      }
    }
    expect([...windowOf('hann-symmetric', 5)]).toEqual([0, 0.5, 1, 0.5, 0].map((v) => expect.closeTo(v, 15) as number));
    expect([...windowOf('hamming-symmetric', 3)]).toEqual([0.08, 1, 0.08].map((v) => expect.closeTo(v, 15) as number));
    expect([...windowOf('blackman-symmetric', 3)]).toEqual([0, 1, 0].map((v) => expect.closeTo(v, 15) as number));
  });
});

describe('cosineRows', () => {
  test('"ortho" is orthonormal', () => {
    const rows = cosineRows({ count: 20, scaling: 'ortho', lifter: 0 }, 20);
    const row = (n: number): Float64Array => rows.subarray(n * 20, n * 20 + 20);
    for (let a = 0; a < 20; a++) {
      for (let b = 0; b < 20; b++) {
        expect(row(a).reduce((sum, v, i) => sum + v * row(b)[i]!, 0)).toBeCloseTo(a === b ? 1 : 0, 12);
      }
    }
  });

  // 2 Σ x cos(πn(2b + 1)/2N) · rsqrt(2N), of tensorflow/python/ops/signal/mfcc_ops.py
  test('"tensorflow" differs only in coefficient 0', () => {
    const ortho = cosineRows({ count: 5, scaling: 'ortho', lifter: 0 }, 8);
    const tensorflow = cosineRows({ count: 5, scaling: 'tensorflow', lifter: 0 }, 8);
    ortho.forEach((v, i) => expect(tensorflow[i]).toBeCloseTo(i < 8 ? v * Math.SQRT2 : v, 14));
    expect(tensorflow[0]).toBeCloseTo(2 / Math.sqrt(16), 14);
  });

  // librosa.feature.mfcc: M[n] ← M[n] · (1 + sin(π(n + 1)/lifter) · lifter/2)
  test("lifter equals librosa's formula", () => {
    const plain = cosineRows({ count: 13, scaling: 'ortho', lifter: 0 }, 20);
    const lifted = cosineRows({ count: 13, scaling: 'ortho', lifter: 22 }, 20);
    for (let n = 0; n < 13; n++) {
      expect(lifted[n * 20 + 3]).toBeCloseTo(plain[n * 20 + 3]! * (1 + 11 * Math.sin((Math.PI * (n + 1)) / 22)), 12);
    }
  });
});
