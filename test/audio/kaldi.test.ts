import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { audioParameters, createAudioFeatures, type AudioSettings } from '../../src/audio/index';
import { powerSpectrum } from './reference';
import { anySound } from './settings';

// Kaldi's filter banks and cepstra (feat/feature-window.cc, mel-computations.cc, feature-fbank.cc,
// feature-mfcc.cc), with snip-edges, without dither and energy.

const kaldi = (settings: Partial<AudioSettings> = {}) => audioParameters('kaldi', { sampleRate: 16000, ...settings });

/** A tone with noise and an offset. */
const sound = (() => {
  let seed = 1;
  return Float32Array.from({ length: 1600 }, (_, t) => {
    seed = (seed * 16807) % 2147483647;
    return 0.3 * Math.sin(t * 0.15) + 0.2 * (seed / 2147483647 - 0.5) + 0.05;
  });
})();

interface KaldiOptions {
  rate: number;
  length: number;
  shift: number;
  bands: number;
  low: number;
  high: number;
  preemphasis: number;
}

/** Log energies of mel bands by Kaldi's definition, in plain loops. */
function reference(samples: ArrayLike<number>, o: KaldiOptions): number[][] {
  const size = 2 ** Math.ceil(Math.log2(o.length));
  const mel = (hertz: number): number => 1127 * Math.log(1 + hertz / 700);
  const delta = (mel(o.high) - mel(o.low)) / (o.bands + 1);
  const rows: number[][] = [];
  for (let at = 0; at + o.length <= samples.length; at += o.shift) {
    const frame = Array.from({ length: o.length }, (_, i) => 32768 * samples[at + i]!);
    const mean = frame.reduce((sum, x) => sum + x, 0) / o.length;
    const centred = frame.map((x) => x - mean);
    const emphasized = centred.map((x, i) => x - o.preemphasis * centred[Math.max(0, i - 1)]!);
    const windowed = emphasized.map((x, i) => x * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / (o.length - 1))) ** 0.85);
    const power = powerSpectrum(windowed, size);
    rows.push(Array.from({ length: o.bands }, (_, b) => {
      const [left, centre, right] = [0, 1, 2].map((i) => mel(o.low) + (b + i) * delta) as [number, number, number];
      let energy = 0;
      // Kaldi leaves out the bin at half the sample rate
      for (let k = 0; k < size / 2; k++) {
        const m = mel((k * o.rate) / size);
        if (m > left && m < right) {
          energy += power[k]! * (m <= centre ? (m - left) / (centre - left) : (right - m) / (right - centre));
        }
      }
      return Math.log(Math.max(energy, 2 ** -23));
    }));
  }
  return rows;
}

describe("audioParameters('kaldi')", () => {
  test('has the defaults of Kaldi', () => {
    expect(kaldi()).toMatchObject({
      frameLength: 400,
      hop: 160,
      fftSize: 512,
      window: 'povey',
      preemphasis: 0.97,
      frames: 'kaldi',
      inputScale: 32768,
      power: 2,
      mel: { bands: 23, low: 20, high: 8000, scale: 'htk', slopes: 'mel', norm: 'none' },
      compression: { unit: 'natural', floor: 2 ** -23, offset: 0 },
      mfcc: null,
    });
    expect(kaldi({ sampleRate: 8000, mfcc: {} })).toMatchObject({
      frameLength: 200,
      hop: 80,
      fftSize: 256,
      mfcc: { count: 13, scaling: 'kaldi', lifter: 22 },
    });
  });

  test('gives the values of torchaudio.compliance.kaldi 0.13.1', () => {
    const fbank = createAudioFeatures(kaldi()).compute(sound);
    expect(fbank).toHaveLength(8 * 23);
    // kaldi.fbank(32768 * x, num_mel_bins=23, dither=0)[7], in f32
    const row7 = [14.3163, 16.284, 22.5423, 24.3456, 21.6154, 18.9785, 19.1432, 20.1847, 20.5686, 21.4215, 21.1047,
      21.2572, 21.9138, 22.368, 22.1947, 23.2935, 22.8785, 23.2514, 23.89, 24.0355, 24.1782, 24.026, 24.6384];
    row7.forEach((value, b) => expect(Math.abs(fbank[7 * 23 + b]! - value)).toBeLessThan(2e-3));
    // kaldi.mfcc(32768 * x, dither=0)[0]
    const mfcc = createAudioFeatures(kaldi({ mfcc: {} })).compute(sound);
    const row0 = [104.1362, -21.7144, 5.9198, -4.4825, -12.6927, -19.5466, -30.1486, -38.3552, -36.99, -21.2561,
      -2.3311, 11.5219, 20.1192];
    row0.forEach((value, n) => expect(Math.abs(mfcc[n]! - value)).toBeLessThan(2e-3));
    // kaldi.fbank(32768 * x, num_mel_bins=80, dither=0, high_freq=-400)[3][40]
    const wide = createAudioFeatures(kaldi({ mel: { bands: 80, high: 7600 } })).compute(sound);
    expect(wide[3 * 80 + 40]).toBeCloseTo(20.1043, 3);
  });

  test("follows Kaldi's definition, in streams and for whole recordings", () => {
    const options = fc.record({
      rate: fc.constantFrom(800, 1600),
      length: fc.integer({ min: 8, max: 60 }),
      shift: fc.integer({ min: 1, max: 40 }),
      bands: fc.integer({ min: 2, max: 8 }),
      low: fc.constantFrom(0, 20),
      high: fc.constantFrom(380, 400),
      preemphasis: fc.constantFrom(0, 0.97),
    });
    fc.assert(fc.property(anySound, options, (samples, o) => {
      const front =
        createAudioFeatures(audioParameters('kaldi', {
          sampleRate: o.rate,
          frameLength: o.length,
          hop: o.shift,
          preemphasis: o.preemphasis,
          mel: { bands: o.bands, low: o.low, high: o.high },
        }));
      const expected = reference(samples, o);
      const whole = front.compute(samples);
      expect(whole).toHaveLength(expected.length * o.bands);
      expected.flat().forEach((value, i) => expect(Math.abs(whole[i]! - value)).toBeLessThan(1e-3));
      const streamed: number[] = [];
      for (let at = 0; at < samples.length; at += 7) {
        front.push(samples.subarray(at, at + 7), (frame) => streamed.push(...frame));
      }
      front.reset();
      expect(streamed).toEqual([...whole]);
    }));
  });

  test('gives the least energy for silence, and none of an offset', () => {
    const least = Math.fround(Math.log(2 ** -23));
    expect(new Set(createAudioFeatures(kaldi()).compute(new Float32Array(800)))).toEqual(new Set([least]));
    expect(new Set(createAudioFeatures(kaldi()).compute(new Float32Array(800).fill(0.25)))).toEqual(new Set([least]));
  });

  test('is stored in files by the property frames, which others do not have', () => {
    expect(audioParameters('librosa', { sampleRate: 8000 })).not.toHaveProperty('frames');
    expect(() => audioParameters('librosa', { sampleRate: 8000, frames: 'htk' as never }))
      .toThrow('needs "kaldi" or nothing as frames, not "htk"');
  });
});
