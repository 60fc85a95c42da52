import { readOptions, show, type Options } from '../arguments';
import { describeValue, KletError } from '../errors';
import { lengthOf, typeOf } from './typed';
import type { Inputs, OutputTargets, PredictOptions, RawArray } from './types';

/**
 * A state that can be in the arena.
 *
 * @internal
 */
export interface State {
  /** Copies the state into the arena before a run; the state that was there is saved first. */
  activate(): void;
  /** Saves the state from the arena. */
  deactivate(): void;
}

/**
 * The part of a model that its streams use.
 *
 * @internal
 */
export interface Host {
  /** The first bytes of the arena, which hold the resident state. */
  live: Uint8Array;
  initial: Uint8Array;
  /** The state in the arena, if it belongs to a stream. */
  resident: State | undefined;
  /** @throws KletError `DISPOSED` */
  alive(): unknown;
  predict(inputs: Inputs, raw: boolean, state: State): RawArray | Record<string, RawArray>;
  predictInto(inputs: Inputs, outputs: OutputTargets, state: State): void;
}

const predictOptions = { output: 'any' } satisfies Options<PredictOptions>;

/** Whether options ask for raw values. @throws KletError `BAD_ARGUMENT` */
export function wantsRaw(options: PredictOptions | undefined): boolean {
  if (options === undefined) return false;
  const { output = 'real' } = readOptions(options, predictOptions, 'predict()');
  if (output !== 'real' && output !== 'raw') {
    throw new KletError('BAD_ARGUMENT', `the option "output" of predict() is "real" or "raw", not ${show(output)}`);
  }
  return output === 'raw';
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
export class Stream<M extends { createState(): Stream<M> }> {
  /** The state while another stream is in the arena. */
  private readonly kept: Uint8Array;

  /** @internal */
  constructor(readonly model: M, private readonly host: Host) {
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
    return this.host.predict(inputs, wantsRaw(options), this);
  }

  /** Like `predict`, but writes into the caller's arrays and allocates nothing. */
  predictInto(inputs: Inputs, outputs: OutputTargets): void {
    this.host.predictInto(inputs, outputs, this);
  }

  /** Returns to the initial state. */
  reset(): void {
    this.host.alive();
    this.current().set(this.host.initial);
  }

  /** Makes a second stream that starts from this stream's current state. */
  clone(): Stream<M> {
    const copy = this.model.createState();
    copy.kept.set(this.current());
    return copy;
  }

  /** Returns a copy of the state, for `restore`. */
  save(): Uint8Array {
    this.host.alive();
    return this.current().slice();
  }

  /**
   * Continues from a state that `save` returned, of this stream or of another stream of the same
   * model.
   *
   * @throws KletError `TYPE_MISMATCH`, or `SHAPE_MISMATCH` for a state of another model's size
   */
  restore(bytes: Uint8Array): void {
    this.host.alive();
    if (typeOf(bytes) !== 'Uint8Array') {
      throw new KletError('TYPE_MISMATCH', `restore takes the Uint8Array that save gave, not ${describeValue(bytes)}`);
    }
    if (lengthOf(bytes) !== this.bytes) {
      throw new KletError(
        'SHAPE_MISMATCH',
        `the state has ${
          lengthOf(bytes)
        } bytes, and those of this model have ${this.bytes}; it belongs to another model`,
      );
    }
    this.current().set(bytes);
  }

  /** @internal */
  activate(): void {
    const { host } = this;
    if (host.resident === this) return;
    host.resident?.deactivate();
    host.live.set(this.kept);
    host.resident = this;
  }

  /** @internal */
  deactivate(): void {
    this.kept.set(this.host.live);
    this.host.resident = undefined;
  }

  /** The current bytes of the state. */
  private current(): Uint8Array {
    return this.host.resident === this ? this.host.live : this.kept;
  }
}
