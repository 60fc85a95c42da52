import { audioParameters, type AudioPreprocessing, type AudioSettings } from '../../src/audio/index';
import { compile, GraphBuilder } from '../../src/compiler/index';

// Small networks with audio inputs.

export const toneLabels = ['low', 'high'];

/** Mel bands of 16 kHz, in decibels, 32 ms every 16 ms. */
export function toneParameters(settings: Partial<AudioSettings> = {}): AudioPreprocessing {
  return audioParameters('tensorflow', {
    sampleRate: 16000,
    frameLength: 512,
    hop: 256,
    mel: { bands: 16, low: 60, high: 7600 },
    ...settings,
  });
}

/**
 * Says whether the louder half of the bands is the lower or the upper one, over `frames` frames.
 */
export function toneDetector(frames = 8, parameters = toneParameters()): Uint8Array {
  const features = 16;
  const b = new GraphBuilder('tones');
  const framesFirst = parameters.layout === 'frames-first';
  const x = b.input('bands', framesFirst ? [1, frames, features, 1] : [1, features, frames, 1]);
  const flat = b.node('reshape', [x], {}, { shape: [1, frames * features] });
  const weights = Float32Array.from({ length: 2 * frames * features }, (_, i) => {
    const at = i % (frames * features);
    const band = framesFirst ? at % features : Math.floor(at / frames);
    const upper = band >= features / 2;
    return ((i >= frames * features) === upper ? 1 : -1) / (frames * features);
  });
  const scores = b.node('fullyConnected', [flat, b.constant(weights, [2, frames * features]), null], {
    activation: 'none',
  });
  return compile(b.finish([b.node('softmax', [scores], { beta: 1 }, { name: 'scores' })]), {
    meta: { labels: toneLabels, preprocessing: parameters },
  });
}

/** Returns its input. */
export function echo(frames: number, parameters = toneParameters(), shape = [1, frames, 16]): Uint8Array {
  const b = new GraphBuilder('echo');
  const x = b.input('x', shape);
  return compile(
    b.finish([
      b.node('binary', [x, b.constant(Float32Array.of(1), [1])], { kind: 'mul', activation: 'none' }, { name: 'y' }),
    ]),
    { meta: { preprocessing: parameters } },
  );
}

/** Returns the running sum of its inputs, each of `frames` frames. */
export function summing(frames: number, parameters = toneParameters(), shape = [1, frames, 16]): Uint8Array {
  const b = new GraphBuilder('summing');
  const total = b.state('total', shape, new Float32Array(frames * 16));
  const sum = b.node('binary', [total, b.input('x', shape)], { kind: 'add', activation: 'none' }, { name: 'sum' });
  b.assign(total, sum);
  return compile(b.finish([sum]), { meta: { preprocessing: parameters } });
}
