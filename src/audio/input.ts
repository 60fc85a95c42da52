import { describeValue, KletError } from '../errors';
import type { AudioPreprocessing } from '../format/audio';
import type { TensorInfo } from '../format/meta';
import type { AudioFeatures } from './features';
import { createAudioFeatures } from './features';
import { checkModel, checkTensor, samplesOf } from './checks';
import { checkAudioParameters, featureCount } from './parameters';

/** The part of a `Model` that audio needs. */
export interface AudioModel {
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  readonly meta: { readonly name: string; readonly preprocessing?: unknown };
}

/**
 * Creates the feature extractor that a model was trained with, from its `meta.preprocessing`.
 *
 * @throws KletError `BAD_ARGUMENT` if the file has no valid audio preprocessing; `SHAPE_MISMATCH`
 *   if the input's shape does not fit the number of features
 * @example
 * ```js
 * import { audioParameters, featuresOf } from 'kinglet/audio';
 * import { compile, GraphBuilder } from 'kinglet/compiler';
 * const b = new GraphBuilder('loudness');
 * const x = b.input('bands', [1, 61, 20]);
 * const mean = { kind: 'mean', axes: [1, 2] };
 * const loudness = b.node('reduce', [x], mean, { name: 'mean', shape: [1] });
 * const settings = { sampleRate: 8000, frameLength: 256, hop: 128 };
 * const preprocessing = audioParameters('tensorflow', settings);
 * const model = loadSync(compile(b.finish([loudness]), { meta: { preprocessing } }));
 * const front = featuresOf(model);
 * const [level] = model.predict(front.compute(new Float32Array(8000)));
 * console.log(level.toFixed(2)); // -13.82
 * ```
 */
export function featuresOf(model: AudioModel): AudioFeatures {
  checkModel(model);
  return frontOf(model);
}

/** `featuresOf` for a checked model. */
export function frontOf(model: AudioModel): AudioFeatures {
  const { preprocessing, name } = model.meta;
  const kind = (preprocessing as { kind?: unknown } | undefined)?.kind;
  if (kind !== 'audio') {
    const found = kind === undefined
      ? 'no preprocessing'
      : `preprocessing of kind ${typeof kind === 'string' ? `"${kind}"` : describeValue(kind)}`;
    throw new KletError(
      'BAD_ARGUMENT',
      `the model "${name}" has ${found}, not audio preprocessing; convert it with --preprocess`,
    );
  }
  const front = createAudioFeatures(preprocessing as AudioPreprocessing);
  framesOf(soleInput(model), front.parameters);
  return front;
}

/** The only input of an audio model. */
export function soleInput({ inputs, meta }: AudioModel): TensorInfo {
  const [input] = inputs;
  if (!input || inputs.length > 1) {
    throw new KletError(
      'SHAPE_MISMATCH',
      `the model "${meta.name}" has ${inputs.length} inputs; an audio model must have one`,
    );
  }
  return input;
}

/**
 * Number of frames in an input.
 *
 * @throws KletError `SHAPE_MISMATCH` if its shape is neither flat nor [frames, features], or
 *   [features, frames] with the layout `features-first`, apart from dimensions of 1
 */
export function inputFrames(input: TensorInfo, parameters: AudioPreprocessing): number {
  checkTensor(input, 'the input');
  return framesOf(input, checkAudioParameters(parameters));
}

/** `inputFrames` for checked arguments. */
export function framesOf({ name, shape }: TensorInfo, parameters: AudioPreprocessing): number {
  const features = featureCount(parameters);
  const count = shape.reduce((a, b) => a * b, 1);
  const frames = count / features;
  const framesFirst = parameters.layout === 'frames-first';
  const sizes = shape.filter((d) => d > 1);
  const expected = (framesFirst ? [frames, features] : [features, frames]).filter((d) => d > 1);
  // a flat input takes either order
  if (!Number.isInteger(frames) || (sizes.length > 1 && sizes.join() !== expected.join())) {
    const found = `[${shape.join(', ')}]`;
    const order = framesFirst ? `[frames, ${features}]` : `[${features}, frames]`;
    throw new KletError(
      'SHAPE_MISMATCH',
      `input "${name}" has the shape ${found}; the preprocessing gives ${features} features per frame, ${order}`,
    );
  }
  return frames;
}

/**
 * Converts a recording to the input of a network. A short recording is padded with silence; of a
 * long one only the beginning is used.
 *
 * @param samples −1..1 at the sample rate of the preprocessing
 * @returns real numbers, in the layout of the input
 * @throws KletError `BAD_ARGUMENT`, `SHAPE_MISMATCH`, `NOT_A_NUMBER`
 */
export function audioToInput(
  samples: Float32Array,
  input: TensorInfo,
  preprocessing: AudioPreprocessing,
): Float32Array {
  const given = samplesOf(samples);
  const front = createAudioFeatures(preprocessing);
  const frames = inputFrames(input, preprocessing);
  const { features, hop } = front;
  const { length } = given;
  const found = front.frameCount(length);
  let wanted = length;
  if (found < frames) {
    wanted = Math.max(0, (frames - 1) * hop - front.parameters.fftSize);
    while (front.frameCount(wanted) < frames) wanted++;
  } else if (found > frames) {
    while (front.frameCount(wanted) > frames) wanted -= Math.max(1, (front.frameCount(wanted) - frames - 1) * hop);
  }
  const clip = new Float32Array(wanted);
  for (let t = 0; t < Math.min(wanted, length); t++) clip[t] = given[t]!;
  const values = front.compute(clip);
  if (preprocessing.layout === 'frames-first') return values;
  return values.map((_, i) => values[(i % frames) * features + Math.floor(i / frames)]!);
}
