import { describeValue, KletError } from '../errors';
import type { RawArray } from './tensor';
import type { Inputs, Model, OutputTargets, PredictOptions } from './model';

/**
 * The part of a model that its streams use.
 *
 * @internal
 */
export interface Host {
  /** The first bytes of the arena, which hold the state of the stream that ran last. */
  live: Uint8Array;
  initial: Uint8Array;
  /** The stream whose state is in the arena. */
  resident: Stream | undefined;
  alive(): void;
  predict(inputs: Inputs, options: PredictOptions | undefined, stream: Stream): RawArray | Record<string, RawArray>;
  predictInto(inputs: Inputs, outputs: OutputTargets, stream: Stream): void;
}

/**
 * One stream of data through a model with state, for example one microphone or sensor. Streams
 * share the model's weights and memory; each stores only its own state. Made by
 * `model.createState()`.
 *
 * @example
 * ```js
 * const model = await load('models/digits/digits.klet');
 * const stream = model.createState();
 * console.log(stream.predict(new Float32Array(784)).length, stream.bytes); // 10 0
 * ```
 */
export class Stream {
  /** The state while another stream is in the arena. */
  private readonly kept: Uint8Array;

  /** @internal */
  constructor(readonly model: Model, private readonly host: Host) {
    this.kept = host.initial.slice();
  }

  /** Size of the state, in bytes. */
  get bytes(): number {
    return this.kept.length;
  }

  /**
   * Runs the network once from this stream's state and advances the state.
   *
   * @param inputs the next frame, in the form that `model.predict` takes
   * @throws KletError as `model.predict`; the state then does not change
   */
  predict(inputs: Inputs, options: PredictOptions & { output: 'raw' }): RawArray & Record<string, RawArray>;
  predict(inputs: Inputs, options?: PredictOptions): Float32Array & Record<string, Float32Array>;
  predict(inputs: Inputs, options?: PredictOptions): RawArray | Record<string, RawArray> {
    return this.host.predict(inputs, options, this);
  }

  /** Like `predict`, but writes into the caller's arrays and allocates nothing. */
  predictInto(inputs: Inputs, outputs: OutputTargets): void {
    this.host.predictInto(inputs, outputs, this);
  }

  /** Returns to the initial state. */
  reset(): void {
    this.host.alive();
    this.place().set(this.host.initial);
  }

  /** Makes a second stream that starts from this stream's current state. */
  clone(): Stream {
    const copy = this.model.createState();
    copy.kept.set(this.place());
    return copy;
  }

  /** Returns a copy of the state, for `restore`. */
  save(): Uint8Array {
    this.host.alive();
    return this.place().slice();
  }

  /**
   * Continues from a state that `save` returned, of this stream or of another stream of the same
   * model.
   *
   * @throws KletError `TYPE_MISMATCH`, or `SHAPE_MISMATCH` for a state of another model's size
   */
  restore(bytes: Uint8Array): void {
    this.host.alive();
    if (!(bytes instanceof Uint8Array)) {
      throw new KletError('TYPE_MISMATCH', `restore takes the Uint8Array that save gave, not ${describeValue(bytes)}`);
    }
    if (bytes.length !== this.bytes) {
      throw new KletError(
        'SHAPE_MISMATCH',
        `the state of this model has ${this.bytes} bytes, the one to restore has ${bytes.length}: it belongs to another model`,
      );
    }
    this.place().set(bytes);
  }

  /**
   * Copies this stream's state into the arena before a run; the previous stream saves its state
   * first.
   *
   * @internal
   */
  enter(): void {
    const { host } = this;
    if (host.resident === this) return;
    host.resident?.leave();
    host.live.set(this.kept);
    host.resident = this;
  }

  /** @internal */
  leave(): void {
    this.kept.set(this.host.live);
    this.host.resident = undefined;
  }

  /** The current location of the state. */
  private place(): Uint8Array {
    return this.host.resident === this ? this.host.live : this.kept;
  }
}
