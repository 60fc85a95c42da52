import { checkOptions, type Options } from '../arguments';
import { KletError } from '../errors';
import { checkCallback, checkRunner } from './checks';
import type { AudioFeatures } from './features';
import { framesOf, frontOf, soleInput, type AudioModel } from './input';

/** The model itself, or a stream of its state. */
interface Runner {
  predictInto(inputs: Float32Array, outputs: Float32Array | Record<string, Float32Array>): void;
  reset?(): void;
}

/** A `Model` from `load` or `loadSync`. */
export interface StreamingModel extends AudioModel, Omit<Runner, 'reset'> {
  createState?(): Runner;
  readonly memory?: { readonly state: number };
}

export interface AudioStreamOptions {
  /**
   * Number of frames between outputs (default 1). For a network with state, which takes each frame
   * once, the default is the number of frames in its input, and other values must be multiples of
   * it.
   */
  every?: number;
  /** Name of the output to report. Default: the first. */
  output?: string;
}

export const streamOptions = { every: 'number', output: 'string' } satisfies Options<AudioStreamOptions>;

/**
 * Called with the output as real numbers and the index of the last frame that it depends on. The
 * array is reused.
 */
export type OnOutput = (output: Float32Array, frame: number) => void;

/**
 * Streams audio through a model. A network without state gets a sliding window of the last frames,
 * as soon as there are enough; a network with state gets every frame once. `push` allocates
 * nothing.
 */
export class AudioStream {
  /** The feature extractor. */
  readonly front: AudioFeatures;
  /** Number of frames in the network's input. */
  readonly frames: number;
  /** Number of frames between outputs. */
  readonly every: number;
  /** Number of values in an output. */
  readonly outputLength: number;
  private readonly runner: Runner;
  private readonly window: Float32Array;
  private readonly output: Float32Array;
  private readonly outputs: Float32Array | Record<string, Float32Array>;
  /** Number of frames between predictions. */
  private readonly step: number;
  private onOutput: OnOutput = () => undefined;
  private count = 0;

  /** @internal */
  constructor(model: StreamingModel, { every, output }: AudioStreamOptions) {
    const input = soleInput(model);
    const wanted = output === undefined ? model.outputs[0] : model.outputs.find(({ name }) => name === output);
    if (!wanted) {
      throw new KletError(
        'BAD_ARGUMENT',
        `the model has no output ${output === undefined ? '' : `"${output}"`}; its outputs are ${
          model.outputs.map(({ name }) => `"${name}"`).join(', ')
        }`,
      );
    }
    this.front = frontOf(model);
    this.front.push(new Float32Array(0), () => undefined); // throws if the parameters do not allow streams
    this.frames = framesOf(input, this.front.parameters);
    const hasState = (model.memory?.state ?? 0) > 0;
    const unit = hasState ? this.frames : 1;
    this.every = every ?? unit;
    if (!(this.every > 0 && this.every % unit === 0)) {
      const expected = unit > 1 ? `a multiple of the ${unit} frames in the input` : 'an integer';
      throw new KletError('BAD_ARGUMENT', `every must be ${expected}, above 0, not ${every}`);
    }
    this.step = hasState ? unit : this.every;
    this.window = new Float32Array(this.frames * this.front.features);
    this.outputLength = wanted.shape.reduce((a, b) => a * b, 1);
    this.output = new Float32Array(this.outputLength);
    this.outputs = model.outputs.length === 1 ? this.output : { [wanted.name]: this.output };
    this.runner = runnerOf(model);
  }

  /**
   * Takes the next samples, in pieces of any length.
   *
   * @param samples −1..1 at the front end's sample rate
   * @throws KletError `NOT_A_NUMBER` if a sample is not finite, `DISPOSED`
   */
  push(samples: Float32Array, onOutput: OnOutput): void {
    checkCallback(onOutput);
    this.onOutput = onOutput;
    this.front.push(samples, this.take);
  }

  /**
   * Ends the stream: reports the outputs of frames that reach into the padding at the end
   * (`padding` of `end`, `center-zeros` or `center-reflect`), so that all frames equal those of
   * `front.compute` for the whole recording. Then resets.
   */
  end(onOutput: OnOutput): void {
    checkCallback(onOutput);
    this.onOutput = onOutput;
    this.front.end(this.take);
    this.reset();
  }

  /** Discards all audio and resets the state. */
  reset(): void {
    this.front.reset();
    this.runner.reset?.();
    this.count = 0;
  }

  private readonly take = (frame: Float32Array, index: number): void => {
    const { window, frames } = this;
    const { features } = this.front;
    if (this.front.parameters.layout === 'frames-first') {
      window.copyWithin(0, features);
      window.set(frame, window.length - features);
    } else {
      // after shifting by one, the last element of each row is free for the new value
      window.copyWithin(0, 1);
      for (let n = 0; n < features; n++) window[n * frames + frames - 1] = frame[n]!;
    }
    this.count++;
    const sinceFull = this.count - frames;
    if (sinceFull < 0 || sinceFull % this.step !== 0) return;
    this.runner.predictInto(window, this.outputs);
    if (sinceFull % this.every === 0) this.onOutput(this.output, index);
  };
}

/** A stream of the model's state if it has one, otherwise the model. */
function runnerOf(model: StreamingModel): Runner {
  return model.createState?.() ?? model;
}

/**
 * Creates a stream of audio through a model.
 *
 * @param model a model with audio preprocessing and one input
 * @throws KletError as `featuresOf`; also `BAD_ARGUMENT` for parameters with `topDb`, which streams
 *   cannot have
 */
export function createAudioStream(model: StreamingModel, options: AudioStreamOptions = {}): AudioStream {
  checkRunner(model);
  checkOptions(options, streamOptions, 'createAudioStream()');
  return new AudioStream(model, options);
}
