import { readOptions, type Options } from '../arguments';
import type { OpenedKlet } from '../format/klet';
import type { Meta, TensorInfo } from '../format/meta';
import type { CompiledCore } from './core';
import { profile, record, selfTest } from './diagnose';
import type { Limits } from '../limits';
import { Engine, type StartPool } from './engine';
import { Stream, wantsRaw } from './stream';
import type { Inputs, MemoryUse, ModelInfo, OutputTargets, PredictOptions, ProfileEntry, RawArray } from './types';

/** Options of `Model.profile`. */
export interface ProfileOptions {
  /** Default: those of the last call. */
  inputs?: Inputs;
  /** Number of runs (default 30). */
  runs?: number;
}

const profileOptions = { inputs: 'any', runs: 'any' } satisfies Options<ProfileOptions>;

/**
 * A network ready to run, made by `load` or `loadSync`. It owns one memory of exactly the size it
 * needs; `dispose` releases it.
 */
export class Model {
  /** The inputs in order, with name, type, shape and quantization. */
  readonly inputs: readonly TensorInfo[];
  /** The outputs in order. */
  readonly outputs: readonly TensorInfo[];
  /** Metadata of the file: labels, preprocessing, provenance, accuracy. */
  readonly meta: Meta;
  readonly memory: Readonly<MemoryUse>;
  /**
   * The work of one prediction, in multiply-adds as the core computes them: those of the network,
   * the lanes that pad its vectors, and an estimate of what is no product. `maxWork` limits it.
   */
  readonly work: number;
  readonly info: Readonly<ModelInfo>;

  /**
   * In languages with `using`, `using model = await load(…)` disposes the model at the end of the
   * block.
   */
  declare readonly [Symbol.dispose]: () => void;

  private readonly engine: Engine;
  /** The model's default stream, if its predictions continue from one call to the next. */
  private readonly own: Stream<Model> | undefined;

  /**
   * @param threads number of threads to reserve scratch for; `join` starts them
   * @internal
   */
  constructor(
    compiled: CompiledCore,
    parts: OpenedKlet,
    where: string,
    limits: Limits,
    threads = 1,
    singleThreadReason?: string,
  ) {
    this.engine = new Engine(compiled, parts, where, limits, threads, singleThreadReason);
    const { inputPorts, outputPorts, memory, info } = this.engine;
    const { state, ...meta } = parts.meta;
    this.inputs = inputPorts.map((port) => port.info);
    this.outputs = outputPorts.map((port) => port.info);
    this.meta = { ...meta, inputs: this.inputs, outputs: this.outputs } as Meta;
    this.memory = memory;
    this.work = this.engine.work;
    this.info = info;
    if (state?.carries) this.own = new Stream<Model>(this, this.engine);
  }

  /**
   * Shares the work with the workers that `start` starts.
   *
   * @internal
   */
  join(start: StartPool): Promise<void> {
    return this.engine.join(start);
  }

  /**
   * Runs the network once, synchronously. A network with its own state (variables of TensorFlow
   * Lite, the streaming form, states of a graph) continues from the previous call until `reset`. A
   * network over whole sequences starts from the initial state at each call. `createState` makes
   * independent streams.
   *
   * @param inputs one array for a model with one input, or a record of arrays by input name. An
   *   array of the model's own type (`Int8Array` for int8 …) is used unchanged; floats are real
   *   numbers and are quantized.
   * @param options `{ output: 'raw' }` gives the model's own type instead of real numbers
   * @returns one array for a model with one output, or a record of arrays by output name
   * @throws KletError `SHAPE_MISMATCH`, `TYPE_MISMATCH`, `MISSING_INPUT`, `NOT_A_NUMBER`,
   *   `BAD_ARGUMENT`, `DISPOSED`, or `OUT_OF_MEMORY` after a thread was lost. A refused call
   *   changes no state
   * @example
   * ```js
   * const model = await load('models/digits/digits.klet');
   * const scores = model.predict(new Float32Array(28 * 28));
   * console.log(scores.length); // 10
   * ```
   */
  predict(inputs: Inputs, options: PredictOptions & { output: 'raw' }): RawArray & Record<string, RawArray>;
  predict(inputs: Inputs, options?: PredictOptions): Float32Array & Record<string, Float32Array>;
  predict(inputs: Inputs, options?: PredictOptions): RawArray | Record<string, RawArray> {
    return this.engine.predict(inputs, wantsRaw(options), this.own);
  }

  /**
   * Like `predict`, but writes into the caller's arrays and allocates nothing.
   *
   * @param outputs an array, or a record of arrays for the wanted outputs. Float arrays receive
   *   real numbers; arrays of the model's own type receive raw values
   * @throws KletError as `predict`
   */
  predictInto(inputs: Inputs, outputs: OutputTargets): void {
    this.engine.predictInto(inputs, outputs, this.own);
  }

  /**
   * Resets the state of a model whose `predict` continues from call to call. Streams made by
   * `createState` are not affected.
   *
   * @throws KletError `DISPOSED`
   */
  reset(): void {
    this.engine.alive();
    this.own?.reset();
  }

  /**
   * Makes an independent stream through the network, whose state continues from call to call. Each
   * stream takes `memory.state` bytes.
   *
   * @throws KletError `DISPOSED`
   */
  createState(): Stream<Model> {
    this.engine.alive();
    return new Stream<Model>(this, this.engine);
  }

  /**
   * Runs the golden inputs in the file and compares every output byte with the golden outputs.
   *
   * @returns number of cases that ran (0 if the file has none)
   * @throws KletError `SELF_TEST_FAILED` naming the first difference, `CORRUPT`
   */
  selfTest(): number {
    return selfTest(this.engine);
  }

  /**
   * Runs once and returns copies of the input and output bytes, which make one golden case.
   *
   * @internal
   */
  record(inputs: Inputs): Uint8Array[] {
    return record(this.engine, inputs);
  }

  /**
   * Measures the run time of each record of the plan.
   *
   * @param options `inputs` (default: those of the last call) and `runs` (default 30)
   * @returns one entry per record, with the median time in milliseconds
   * @throws KletError `BAD_ARGUMENT` if `runs` is not an integer above 0, and as `predict`
   */
  profile(options: ProfileOptions = {}): ProfileEntry[] {
    const { inputs, runs = 30 } = readOptions(options, profileOptions, 'profile()');
    return profile(this.engine, inputs, runs);
  }

  /**
   * Releases the memory and ends the threads. Later calls of other methods throw `DISPOSED`; a
   * second `dispose` does nothing.
   */
  dispose(): void {
    this.engine.dispose();
  }
}

if (typeof Symbol.dispose === 'symbol') {
  Object.defineProperty(Model.prototype, Symbol.dispose, {
    value(this: Model) {
      this.dispose();
    },
    configurable: true,
    writable: true,
  });
}
