import { audioParameters, type AudioPreprocessing, type AudioSettings } from '../../../src/audio/index';
import { compile, GraphBuilder } from '../../../src/compiler/index';
import { loadSync, type Model } from '../../../src/index';

// Networks whose scores are easy to choose: the samples carry the scores.

export const HOP = 10;
export const RATE = 1000;

/** Frames of 10 samples, whose features are magnitudes: 0 Hz and 500 Hz of two samples each. */
export function scoreParameters(settings: Partial<AudioSettings> = {}): AudioPreprocessing {
  return audioParameters('tensorflow', {
    sampleRate: RATE,
    frameLength: 2,
    hop: HOP,
    fftSize: 2,
    window: 'rectangular',
    mel: null,
    compression: null,
    ...settings,
  });
}

export interface ScoreNetwork {
  labels?: string[];
  /** Frames that the network takes. Its scores are those of the last one. */
  frames?: number;
  /** Whether the network has a state, which does not change its scores. */
  hasState?: boolean;
  settings?: Partial<AudioSettings>;
  task?: object;
}

/** A network whose two scores are the features of the last frame. */
export function scoreNetwork({ labels = ['a', 'b'], frames = 1, hasState, settings, task }: ScoreNetwork = {}): Model {
  const b = new GraphBuilder('scores');
  const x = b.input('x', [1, frames, 2]);
  const last = b.node('slice', [x], { begin: [0, frames - 1, 0], stride: [1, 1, 1] }, { shape: [1, 1, 2] });
  const scores = b.node('binary', [last, b.constant(Float32Array.of(1), [1])], { kind: 'mul', activation: 'none' }, {
    name: 'scores',
  });
  if (hasState) {
    const count = b.state('count', [1], new Float32Array(1));
    b.assign(
      count,
      b.node('binary', [count, b.constant(Float32Array.of(1), [1])], { kind: 'add', activation: 'none' }),
    );
  }
  return loadSync(compile(b.finish([scores]), {
    meta: { labels, preprocessing: scoreParameters(settings), ...(task && { task }) },
  }));
}

/** Samples of which frame f has the scores [a, b], both from 0 to 1. */
export function samplesOf(scores: readonly (readonly [number, number])[]): Float32Array<ArrayBuffer> {
  const samples = new Float32Array(scores.length * HOP);
  scores.forEach(([a, b], f) => {
    samples[f * HOP] = (a + b) / 2;
    samples[f * HOP + 1] = (a - b) / 2;
  });
  return samples;
}

/** Pieces of the samples with the given lengths, repeated. */
export function* pieces(samples: Float32Array<ArrayBuffer>, lengths: readonly number[]): Generator<Float32Array> {
  for (let at = 0, i = 0; at < samples.length; i++) {
    const length = lengths[i % lengths.length]!;
    yield samples.subarray(at, at + length);
    at += length;
  }
}
