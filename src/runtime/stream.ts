import { KletError } from '../errors';
import type { RawArray } from './tensor';
import { describeValue } from './read';
import type { Inputs, Model, OutputTargets, PredictOptions } from './model';

/**
 * What a stream asks of its model.
 *
 * @internal
 */
export interface Host {
  /** The arena's first bytes: the state of the stream that ran last. */
  live: Uint8Array;
  initial: Uint8Array;
  /** Which stream that is. */
  resident: Stream | undefined;
  alive(): void;
  predict(inputs: Inputs, options: PredictOptions | undefined, stream: Stream): RawArray | Record<string, RawArray>;
  predictInto(inputs: Inputs, outputs: OutputTargets, stream: Stream): void;
}

/**
 * One stream through a model that keeps a state: a microphone, a sensor, a conversation. Streams
 * share the model's weights and memory; each holds the bytes of its state and nothing else. Made by
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
  /** The state, while another stream is resident. */
  private readonly kept: Uint8Array;

  /** @internal */
  constructor(readonly model: Model, private readonly host: Host) {
    this.kept = host.initial.slice();
  }

  /** Bytes of the state. */
  get bytes(): number {
    return this.kept.length;
  }

  /**
   * Runs the network once from this stream's state, which goes on.
   *
   * @param inputs as `model.predict` takes them: the next frame
   * @throws KletError as `model.predict`; the state stays as it was
   */
  predict(inputs: Inputs, options: PredictOptions & { output: 'raw' }): RawArray & Record<string, RawArray>;
  predict(inputs: Inputs, options?: PredictOptions): Float32Array & Record<string, Float32Array>;
  predict(inputs: Inputs, options?: PredictOptions): RawArray | Record<string, RawArray> {
    return this.host.predict(inputs, options, this);
  }

  /** Like `predict`, into arrays of the caller's: nothing is allocated. */
  predictInto(inputs: Inputs, outputs: OutputTargets): void {
    this.host.predictInto(inputs, outputs, this);
  }

  /** Back to the beginning. */
  reset(): void {
    this.host.alive();
    this.place().set(this.host.initial);
  }

  /** A second stream that goes on from where this one is. */
  clone(): Stream {
    const copy = this.model.createState();
    copy.kept.set(this.place());
    return copy;
  }

  /** The state as bytes of its own, for `restore`. */
  save(): Uint8Array {
    this.host.alive();
    return this.place().slice();
  }

  /**
   * Goes on from a state that `save` gave, of this stream or another of the same model.
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
        `the state of this model has ${this.bytes} bytes, the one to restore has ${bytes.length}: it is of another model`,
      );
    }
    this.place().set(bytes);
  }

  /**
   * Takes the place in the arena before a run; the stream that was there keeps its own.
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

  /** Where the state is now. */
  private place(): Uint8Array {
    return this.host.resident === this ? this.host.live : this.kept;
  }
}
