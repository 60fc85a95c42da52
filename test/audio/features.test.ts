import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { audioParameters, createAudioFeatures, type AudioFeatures,
  type AudioPreprocessing } from '../../src/audio/index';
import { features as reference } from './reference';
import { anyParameters, anySound, tone } from './settings';

/** All frames of a stream that arrives in chunks of these sizes, cyclically. */
function streamed(front: AudioFeatures, samples: Float32Array<ArrayBuffer>, chunks: number[]): number[] {
  const out: number[] = [];
  const keep = (frame: Float32Array): void => {
    out.push(...frame);
  };
  for (let t = 0, i = 0; t < samples.length; i++) {
    const size = chunks[i % chunks.length]!;
    front.push(samples.subarray(t, t + size), keep);
    t += size;
  }
  front.end(keep);
  return out;
}

function withoutTop(p: AudioPreprocessing): AudioPreprocessing {
  return p.compression?.kind === 'log' ? { ...p, compression: { ...p.compression, topDb: null } } : p;
}

describe('AudioFeatures', () => {
  test('equals the reference for random parameters and signals', () => {
    fc.assert(
      fc.property(anyParameters, anySound, (parameters, samples) => {
        const front = createAudioFeatures(parameters);
        const found = front.compute(samples);
        const expected = reference([...samples], parameters);
        expect(found.length).toBe(expected.length * front.features);
        expect(front.frameCount(samples.length)).toBe(expected.length);
        // logarithms of values near 0 magnify the rounding errors of f64
        const size = Math.max(1, ...expected.flat().map(Math.abs));
        const close = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-5 * size;
        expected.flat().forEach((value, i) =>
          expect(close(found[i]!, value), `value ${i} is ${found[i]}, expected ${value}`).toBe(true)
        );
      }),
      { numRuns: 600 },
    );
  });

  test('push and end give the same bits as compute, for any chunk sizes', () => {
    fc.assert(
      fc.property(
        anyParameters,
        anySound,
        fc.array(fc.integer({ min: 1, max: 150 }), { minLength: 1, maxLength: 5 }),
        (given, samples, chunks) => {
          const front = createAudioFeatures(withoutTop(given));
          const whole = [...front.compute(samples)];
          expect(streamed(front, samples, chunks)).toEqual(whole);
          // end() resets everything, so a second stream gives the same
          expect(streamed(front, samples, [128])).toEqual(whole);
        },
      ),
      { numRuns: 600 },
    );
  });

  test('emits a frame as soon as its last sample arrives', () => {
    const firstFrameAt = (settings: Partial<AudioPreprocessing>): number => {
      const given = { sampleRate: 8000, frameLength: 40, fftSize: 64, hop: 10, mel: null, ...settings };
      const front = createAudioFeatures(audioParameters('tensorflow', given));
      let frames = 0;
      let t = 0;
      while (frames === 0) {
        t++;
        expect(front.push(new Float32Array(1), () => frames++)).toBe(frames);
      }
      return t;
    };
    expect(firstFrameAt({})).toBe(40);
    expect(firstFrameAt({ windowPosition: 'center' })).toBe(64);
    expect(firstFrameAt({ windowPosition: 'center', padding: 'center-zeros' })).toBe(20);
    expect(firstFrameAt({ windowPosition: 'center', padding: 'center-reflect', frameLength: 64 })).toBe(33);
  });

  test('gives the right number of frames for 0, 1, 4 and 5 samples', () => {
    const frames = (settings: object, samples: number): number =>
      createAudioFeatures(audioParameters('librosa', {
        sampleRate: 8000,
        fftSize: 16,
        hop: 4,
        mel: null,
        compression: null,
        ...settings,
      })).compute(new Float32Array(samples)).length / 9;
    const counts = (settings: object): number[] => [0, 1, 4, 5].map((n) => frames(settings, n));
    expect(counts({ padding: 'none' })).toEqual([0, 0, 0, 0]);
    expect(counts({ padding: 'center-zeros' })).toEqual([0, 1, 2, 2]);
    expect(counts({ padding: 'center-reflect' })).toEqual([0, 1, 2, 2]);
    expect(counts({ padding: 'end', windowPosition: 'start' })).toEqual([0, 1, 1, 2]);
    expect(createAudioFeatures(audioParameters('tensorflow', { sampleRate: 8000, frameLength: 1, hop: 1, mel: null }))
      .compute(Float32Array.of(1, 1))).toHaveLength(4);
  });

  test('refuses NaN and infinity, and keeps its state when it does', () => {
    const front = createAudioFeatures(audioParameters('tensorflow', { sampleRate: 8000, frameLength: 16, hop: 4 }));
    const sound = tone(1000, 0.01, 8000);
    const whole = [...front.compute(sound)];
    const out: number[] = [];
    const keep = (frame: Float32Array): void => {
      out.push(...frame);
    };
    front.push(sound.subarray(0, 30), keep);
    for (const bad of [NaN, Infinity, -Infinity]) {
      expect(() => front.push(Float32Array.of(0, 0.5, bad), keep))
        .toThrow(expect.objectContaining({
          code: 'NOT_A_NUMBER',
          message: expect.stringContaining('sample 2 of 3') as string,
        }));
      expect(() => front.compute(Float32Array.of(bad))).toThrow(expect.objectContaining({ code: 'NOT_A_NUMBER' }));
    }
    front.push(sound.subarray(30), keep);
    expect(out).toEqual(whole);
    front.reset();
    expect(streamed(front, sound, [7])).toEqual(whole);
  });

  test('copies the parameters, so that later changes have no effect', () => {
    const parameters = audioParameters('librosa', { sampleRate: 8000, fftSize: 64 });
    const front = createAudioFeatures(parameters);
    const sound = tone(500, 0.1, 8000);
    const before = front.compute(sound);
    parameters.hop = 3;
    (parameters.mel as { low: number }).low = 2000;
    expect(front.compute(sound)).toEqual(before);
  });

  test('gives a tone the highest value in its own mel band', () => {
    for (const convention of ['tensorflow', 'librosa'] as const) {
      const front =
        createAudioFeatures(audioParameters(convention, {
          sampleRate: 16000,
          frameLength: 400,
          hop: 160,
          mel: { bands: 40, low: 20, high: 8000 },
        }));
      const loudest = [300, 1000, 3000].map((hertz) => {
        const frame = front.compute(tone(hertz, 0.5, 16000)).subarray(front.features * 10, front.features * 11);
        return frame.indexOf(Math.max(...frame));
      });
      expect([...loudest].sort((a, b) => a - b)).toEqual(loudest);
      expect(new Set(loudest).size).toBe(3);
    }
  });
});

describe('the convention "tensorflow"', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  test.each([[480, 320, 512], [400, 160, 512], [256, 128, 256], [25, 10, 32]])(
    'frame length %i, hop %i, FFT size %i: equals the magnitudes of tf.signal.stft (TensorFlow.js)',
    (frameLength, hop, fftSize) => {
      const samples = tone(440, 0.25, 8000).map((v, t) => v + 0.1 * Math.sin(t * t));
      const parameters = audioParameters('tensorflow', {
        sampleRate: 8000,
        frameLength,
        hop,
        mel: null,
        compression: null,
      });
      expect(parameters.fftSize).toBe(fftSize);
      const found = createAudioFeatures(parameters).compute(samples);
      const stft = tf.signal.stft(tf.tensor1d(samples), frameLength, hop, fftSize);
      const expected = tf.abs(stft).dataSync();
      expect(stft.shape).toEqual([found.length / (fftSize / 2 + 1), fftSize / 2 + 1]);
      const worst = Math.max(...found.map((v, i) => Math.abs(v - expected[i]!)));
      // TensorFlow.js computes in f32
      expect(worst).toBeLessThan(2e-5 * Math.max(...expected));
    },
  );

  test('the padding "end" equals tf.signal.frame with pad_end=True', () => {
    for (const length of [1, 9, 10, 11, 64, 100]) {
      const samples = Float32Array.from({ length }, (_, t) => Math.sin(t));
      const frames = tf.signal.frame(tf.tensor1d(samples), 16, 10, true);
      const parameters = audioParameters('tensorflow', {
        sampleRate: 8000,
        frameLength: 16,
        hop: 10,
        window: 'rectangular',
        padding: 'end',
        mel: null,
        compression: null,
      });
      const found = createAudioFeatures(parameters).compute(samples);
      const sums = tf.abs(tf.sum(frames, 1)).dataSync();
      expect(found.length / 9).toBe(frames.shape[0]);
      sums.forEach((sum, k) => expect(found[k * 9]).toBeCloseTo(sum, 5));
    }
  });
});

describe('the convention "librosa"', () => {
  const p = (given: object): AudioPreprocessing =>
    audioParameters('librosa', { sampleRate: 8000, fftSize: 32, hop: 8, mel: null, ...given });

  // librosa.power_to_db(S, ref=1.0, amin=1e-10, top_db=80.0): 10 log10(max(amin, S)), clipped below
  // at the maximum − 80
  test('clips decibels at 80 below the maximum of the recording', () => {
    const samples = Float32Array.from({ length: 256 }, (_, t) => (t < 128 ? Math.sin(t) : 0));
    const db = createAudioFeatures(p({})).compute(samples);
    const loudest = Math.max(...db);
    expect(Math.min(...db)).toBeCloseTo(loudest - 80, 4);
    const unclipped = createAudioFeatures(p({ compression: { kind: 'log', topDb: null } })).compute(samples);
    expect(Math.min(...unclipped)).toBeCloseTo(-100, 5);
    expect([...db]).toEqual([...unclipped].map((v) => expect.closeTo(Math.max(v, loudest - 80), 4) as number));
  });

  test('refuses streams with topDb, because their maximum is not known yet', () => {
    expect(() => createAudioFeatures(p({})).push(new Float32Array(1), () => undefined))
      .toThrow(expect.objectContaining({
        code: 'BAD_ARGUMENT',
        message: expect.stringContaining('topDb: null') as string,
      }));
  });

  // librosa.pcen: M starts at 1 (scipy.signal.lfilter_zi), b = (√(1 + 4T²) − 1)/(2T²) with T = 0.4
  // · sr / hop
  test('PCEN starts smoothing from 1, with a time constant of 0.4 s', () => {
    const parameters = p({ compression: { kind: 'pcen' }, padding: 'none', window: 'rectangular' });
    const { smoothing } = parameters.compression as { smoothing: number };
    const t = (0.4 * 8000) / 8;
    expect(smoothing).toBeCloseTo((Math.sqrt(1 + 4 * t * t) - 1) / (2 * t * t), 15);
    expect(smoothing).toBeCloseTo(1 / t, 5);
    // for a signal of ones, the bin at 0 Hz has the power 32² in every frame
    const found = createAudioFeatures(parameters).compute(new Float32Array(80).fill(1));
    let m = 1;
    for (let k = 0; k < found.length / 17; k++) {
      m = (1 - smoothing) * m + smoothing * 1024;
      expect(found[k * 17]).toBeCloseTo(Math.sqrt(1024 / (1e-6 + m) ** 0.98 + 2) - Math.SQRT2, 4);
    }
  });
});

test('streaming allocates nothing', () => {
  const bundle = path.resolve(import.meta.dirname, '../../dist/audio.js');
  expect(readFileSync(bundle, 'utf8').length).toBeGreaterThan(0);
  const program = `
    import { audioParameters, createAudioFeatures } from ${JSON.stringify(bundle)};
    const cases = [
      audioParameters('tensorflow', {
        sampleRate: 16000, frameLength: 480, hop: 320, mel: { bands: 40, low: 20, high: 4000 }, mfcc: { count: 10 },
      }),
      audioParameters('librosa', {
        sampleRate: 16000, fftSize: 400, hop: 160, mel: { bands: 40 }, padding: 'center-reflect',
        compression: { kind: 'pcen' },
      }),
      audioParameters('kaldi', { sampleRate: 16000 }),
    ];
    for (const parameters of cases) {
      const front = createAudioFeatures(parameters);
      const chunk = Float32Array.from({ length: 128 }, (_, t) => Math.sin(t));
      const nothing = () => {};
      for (let i = 0; i < 20000; i++) front.push(chunk, nothing);
      // the minimum, because the engine itself allocates when it recompiles
      console.log(Math.min(...Array.from({ length: 6 }, () => {
        gc();
        const before = process.memoryUsage().heapUsed;
        let frames = 0;
        for (let i = 0; i < 5000; i++) frames += front.push(chunk, nothing);
        return (process.memoryUsage().heapUsed - before) / frames;
      })));
    }`;
  const bytes = execFileSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', program], {
    encoding: 'utf8',
  }).trim().split('\n').map(Number);
  expect(bytes).toHaveLength(3);
  // the measurement itself takes a few bytes; the smallest object takes 12
  for (const each of bytes) expect(each).toBeLessThan(4);
});
