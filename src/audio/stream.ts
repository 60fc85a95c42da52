import { KletError } from '../errors';
import type { AudioFeatures } from './features';
import { featuresOf, inputFrames, soleInput, type AudioModel } from './input';

/** What runs: the model itself, or its recurrent state. */
interface Runner {
  predictInto(inputs: Float32Array, outputs: Float32Array | Record<string, Float32Array>): void;
  reset?(): void;
}

/** A `Model` of `load` or `loadSync`. */
export interface StreamingModel extends AudioModel, Omit<Runner, 'reset'> {
  createState?(): Runner;
  readonly memory?: { readonly state: number };
}

export interface AudioStreamOptions {
  /**
   * Frames from one output to the next: 1 unless told. A network with state takes each frame once,
   * so many at a time as its input holds: there it is that number, or a multiple of it.
   */
  every?: number;
  /** The output that is handed on, by name; the first unless told. */
  output?: string;
}

/**
 * Called with the real numbers of the output, and the index of the last frame that they rest on.
 * The array is used again.
 */
export type OnOutput = (output: Float32Array, frame: number) => void;

/**
 * A model that listens: sound in, outputs of the network as they come. A network whose input is
 * several frames sees the last ones, once there are so many; one that has recurrent state keeps it,
 * and takes every frame once. `push` allocates nothing.
 */
export class AudioStream {
  /** The front end. */
  readonly front: AudioFeatures;
  /** Frames that the network takes at once. */
  readonly frames: number;
  private readonly runner: Runner;
  private readonly window: Float32Array;
  private readonly output: Float32Array;
  private readonly outputs: Float32Array | Record<string, Float32Array>;
  private readonly every: number;
  /** Frames from one run to the next. */
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
        `the model has no output ${output === undefined ? '' : `"${output}"`}; it gives ${
          model.outputs.map(({ name }) => `"${name}"`).join(', ')
        }`,
      );
    }
    this.front = featuresOf(model);
    this.front.push(new Float32Array(0), () => undefined); // refuses parameters that are not for streams
    this.frames = inputFrames(input, this.front.parameters);
    const hasState = (model.memory?.state ?? 0) > 0;
    const unit = hasState ? this.frames : 1;
    this.every = every ?? unit;
    if (!(this.every > 0 && this.every % unit === 0)) {
      throw new KletError(
        'BAD_ARGUMENT',
        `every must be a whole number of frames above 0${
          unit > 1 ? `, and of the ${unit} that a network with state takes at once` : ''
        }, not ${every}`,
      );
    }
    this.step = hasState ? unit : this.every;
    this.window = new Float32Array(this.frames * this.front.features);
    this.output = new Float32Array(wanted.shape.reduce((a, b) => a * b, 1));
    this.outputs = model.outputs.length === 1 ? this.output : { [wanted.name]: this.output };
    this.runner = runnerOf(model);
  }

  /**
   * Takes the next samples, any number of them.
   *
   * @param samples −1..1 at the front end's sample rate
   * @throws KletError `NOT_A_NUMBER`, `DISPOSED`
   */
  push(samples: Float32Array, onOutput: OnOutput): void {
    this.onOutput = onOutput;
    this.front.push(samples, this.take);
  }

  /**
   * The end of the sound: hands on what rests on frames that reach into the padding behind it, if
   * the parameters have any (`padding` of `end`, `center-zeros` and `center-reflect`). All frames
   * are then those that `front.compute` gives for the whole. Then as after `reset`.
   */
  end(onOutput: OnOutput): void {
    this.onOutput = onOutput;
    this.front.end(this.take);
    this.reset();
  }

  /** Forgets all sound. */
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
      // moved by one, every row ends with what the next began with, and that is where its new value
      // goes
      window.copyWithin(0, 1);
      for (let n = 0; n < features; n++) window[n * frames + frames - 1] = frame[n]!;
    }
    this.count++;
    const behind = this.count - frames;
    if (behind < 0 || behind % this.step !== 0) return;
    this.runner.predictInto(window, this.outputs);
    if (behind % this.every === 0) this.onOutput(this.output, index);
  };
}

/** The recurrent state of a model that has some, else the model. */
function runnerOf(model: StreamingModel): Runner {
  return model.createState?.() ?? model;
}

/**
 * Makes a model listen.
 *
 * @param model one whose `meta.preprocessing` is of sound, with one input
 * @throws KletError as `featuresOf`; `BAD_ARGUMENT` also for parameters with `topDb`, which no
 *   stream can have
 */
export function createAudioStream(model: StreamingModel, options: AudioStreamOptions = {}): AudioStream {
  return new AudioStream(model, options);
}
