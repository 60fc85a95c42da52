import { describeValue, KletError, messageOf } from '../errors';
import type { OpenedKlet } from '../format/klet';
import { recordOffsets } from '../format/records';
import type { CompiledCore, Core, SharedMemory } from './core';
import type { Limits } from '../limits';
import { loadCore, memoryUse } from './memory';
import type { Host, State } from './stream';
import { portsOf, type Port } from './tensor';
import { isTyped, type TypedArray } from './typed';
import type { CoreExports, Inputs, MemoryUse, ModelInfo, OutputTargets, RawArray } from './types';
import type { WorkerPool } from './workerPool';

/** Starts the workers of a model. */
export type StartPool = (core: CoreExports, memory: SharedMemory, info: ModelInfo) => Promise<WorkerPool>;

/** The values of the only input, or those of all inputs in order. */
export type Values = TypedArray | TypedArray[];

/** Ends the workers of models that have been garbage-collected. */
const abandoned = typeof FinalizationRegistry === 'function'
  ? new FinalizationRegistry<WorkerPool>((pool) => {
    pool.end();
  })
  : undefined;

/**
 * A network in memory: its core, its inputs and outputs, the current state, and the worker pool.
 */
export class Engine implements Host {
  readonly memory: MemoryUse;
  readonly work: number;
  readonly info: ModelInfo;
  readonly planBytes: number;
  /** Plan offsets of the records. */
  readonly records: readonly number[];
  readonly readDebug: OpenedKlet['readDebug'];
  readonly readGolden: OpenedKlet['readGolden'];
  inputPorts: Port[];
  outputPorts: Port[];
  live: Uint8Array;
  /** Cleared before each run. */
  private stale: Uint8Array;
  initial: Uint8Array;
  resident: State | undefined;

  private readonly name: string;
  /** Undefined after `dispose`. */
  private core: CoreExports | undefined;
  private shared: SharedMemory | undefined;
  private pool: WorkerPool | undefined;
  /** With a worker pool: a copy of the state before the job. */
  private before = new Uint8Array(0);

  /** @param threads number of threads to reserve scratch for; `join` starts them */
  constructor(
    compiled: CompiledCore,
    parts: OpenedKlet,
    where: string,
    limits: Limits,
    threads: number,
    singleThreadReason: string | undefined,
  ) {
    const loaded = loadCore(compiled, parts, where, limits, threads);
    const { exports, memory, shared, map } = loaded;
    const { name, inputs, outputs, state } = parts.meta;
    const ports = (tensors: typeof inputs, side: 'input' | 'output'): Port[] =>
      portsOf(tensors, { exports, memory, shared }, compiled.utility, map[4]!, side);
    this.name = name;
    this.core = exports;
    this.shared = shared;
    this.inputPorts = ports(inputs, 'input');
    this.outputPorts = ports(outputs, 'output');
    this.planBytes = parts.plan.length;
    this.records = recordOffsets(parts.plan);
    this.readDebug = parts.readDebug;
    this.readGolden = parts.readGolden;
    this.memory = memoryUse(parts, loaded, threads);
    this.work = loaded.work;
    const stateBytes = this.memory.state;
    const initial = map[2]! + (state?.initial ?? 0);
    this.stale = loaded.stale;
    this.live = memory.subarray(map[4], map[4]! + stateBytes);
    this.initial = memory.subarray(initial, initial + stateBytes);
    this.info = {
      flavor: compiled.flavor,
      threads: 1,
      ...(singleThreadReason !== undefined && { singleThreadReason }),
    };
  }

  /** Shares the work with the workers that `start` starts. */
  async join(start: StartPool): Promise<void> {
    this.pool = await start(this.alive(), this.shared!, this.info);
    abandoned?.register(this, this.pool, this.pool);
    this.before = this.live.slice();
  }

  alive(): CoreExports {
    if (!this.core) {
      throw new KletError('DISPOSED', `the model "${this.name}" was disposed; load it again to use it`);
    }
    return this.core;
  }

  dispose(): void {
    this.dropPool();
    this.core = undefined;
    this.shared = undefined;
    this.live = this.initial = this.stale = new Uint8Array(0);
    this.resident = undefined;
    this.inputPorts = [];
    this.outputPorts = [];
  }

  /** @param raw whether to return the model's own type instead of real numbers */
  predict(inputs: Inputs, raw: boolean, state: State | undefined): RawArray | Record<string, RawArray> {
    this.execute(this.read(inputs), state);
    const read = (port: Port): RawArray => (raw ? port.readRaw() : port.readReal());
    if (this.outputPorts.length === 1) return read(this.outputPorts[0]!);
    return Object.fromEntries(this.outputPorts.map((port) => [port.info.name, read(port)]));
  }

  predictInto(inputs: Inputs, outputs: OutputTargets, state: State | undefined): void {
    const given = this.read(inputs);
    if (isTyped(outputs)) {
      const ports = this.outputPorts;
      if (ports.length !== 1) throw this.alive() && wantsRecord('outputs', ports);
      ports[0]!.checkTarget(outputs);
      this.execute(given, state);
      // the port may be another one now, because a lost thread moves the model to other memory
      this.outputPorts[0]!.readInto(outputs);
      return;
    }
    const targets = guarded('outputs', () => this.targetsOf(outputs));
    this.alive();
    for (const [port, target] of targets) this.outputPorts[port]!.checkTarget(target);
    this.execute(given, state);
    for (const [port, target] of targets) this.outputPorts[port]!.readInto(target as TypedArray);
  }

  /** The wanted outputs, as index of the port and the array to fill. */
  private targetsOf(outputs: unknown): [port: number, target: unknown][] {
    const ports = this.outputPorts;
    if (Array.isArray(outputs)) ports[0]!.checkTarget(outputs);
    if (typeof outputs !== 'object' || outputs === null) {
      throw new KletError(
        'TYPE_MISMATCH',
        `outputs are an array or a record of arrays by output name, not ${describeValue(outputs)}`,
      );
    }
    return Object.entries(outputs).map(([name, target]) => {
      const port = ports.findIndex((candidate) => candidate.info.name === name);
      if (port < 0) throw new KletError('BAD_ARGUMENT', `the model has no output "${name}"; it has ${namesOf(ports)}`);
      return [port, target];
    });
  }

  private execute(given: Values, state: State | undefined): void {
    do this.write(given); while (!this.runAll(state));
  }

  /** Runs the whole plan from a stream's state, or from the initial state. @returns as `run` */
  runAll(state?: State): boolean {
    this.activate(state);
    return this.run(0, this.planBytes);
  }

  /**
   * Reads the inputs before anything is written, because the getters of a record may run, reset or
   * dispose this model or another one.
   */
  read(inputs: Inputs): Values {
    this.alive();
    if (isTyped(inputs)) return inputs;
    return guarded('inputs', () => {
      const ports = this.inputPorts;
      if (Array.isArray(inputs) || ArrayBuffer.isView(inputs)) {
        if (ports.length !== 1) throw wantsRecord('inputs', ports);
        return ports[0]!.read(inputs);
      }
      return readRecord(inputs, ports);
    });
  }

  /** Forgets the run before, as far as the plan could read what it left. Precedes inputs. */
  forget(): void {
    this.stale.fill(0);
  }

  /** Writes the inputs into the arena. */
  write(given: Values): void {
    this.alive();
    this.forget();
    const ports = this.inputPorts;
    if (Array.isArray(given)) {
      ports.forEach((port, i) => {
        port.write(given[i]!);
      });
    } else {
      if (ports.length !== 1) throw wantsRecord('inputs', ports);
      ports[0]!.write(given);
    }
  }

  /** Copies a stream's state into the arena, or the initial state if there is no stream. */
  activate(state?: State): void {
    if (state) {
      state.activate();
    } else {
      this.resident?.deactivate();
      this.live.set(this.initial);
    }
    if (this.pool) this.before.set(this.live);
  }

  /**
   * Runs the records in a range of plan offsets.
   *
   * @returns false if a thread was lost during the run. The model then runs on one thread, and the
   *   caller must write the inputs and the state again
   */
  run(from: number, to: number): boolean {
    const core = this.alive();
    if (!this.pool) {
      core.run(from, to);
      return true;
    }
    if (this.pool.run(core, from, to)) return true;
    this.leavePool();
    return false;
  }

  /**
   * Moves to fresh memory that no worker can reach, and restores the state. A worker that is only
   * late would keep writing into the old memory.
   */
  private leavePool(): void {
    let core: Core;
    try {
      core = this.pool!.leave(this.name);
    } catch (error) {
      this.dispose();
      throw error;
    }
    const inCopy = ({ byteOffset, length }: Uint8Array): Uint8Array =>
      core.memory.subarray(byteOffset, byteOffset + length);
    this.dropPool();
    this.core = core.exports;
    this.shared = core.shared;
    this.live = inCopy(this.live);
    this.stale = inCopy(this.stale);
    this.initial = inCopy(this.initial);
    this.live.set(this.before);
    this.inputPorts = this.inputPorts.map((port) => port.movedTo(core));
    this.outputPorts = this.outputPorts.map((port) => port.movedTo(core));
  }

  private dropPool(): void {
    if (!this.pool) return;
    abandoned?.unregister(this.pool);
    this.pool.end();
    this.pool = undefined;
  }
}

function wantsRecord(side: string, ports: Port[]): KletError {
  return new KletError(
    'MISSING_INPUT',
    `the model has ${ports.length} ${side}: pass a record of arrays by name (${namesOf(ports)})`,
  );
}

/** Reads arguments. An error of the caller's own getters becomes a `KletError` with that cause. */
function guarded<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof KletError) throw cause;
    throw new KletError('BAD_ARGUMENT', `reading the ${what} failed: ${messageOf(cause)}`, { cause });
  }
}

/**
 * Reads the inputs from a record of arrays by name.
 *
 * @throws KletError `TYPE_MISMATCH`, `MISSING_INPUT`, and as `Port.read`
 */
function readRecord(inputs: unknown, ports: Port[]): TypedArray[] {
  if (typeof inputs !== 'object' || inputs === null) {
    throw new KletError(
      'TYPE_MISMATCH',
      `predict takes an array or a record of arrays by input name, not ${describeValue(inputs)}`,
    );
  }
  const given = ports.map((port) => {
    const { name } = port.info;
    // a record does not have an input named "constructor" because every object has one
    const values = Object.hasOwn(inputs, name) || !(name in Object.prototype)
      ? (inputs as Record<string, unknown>)[name]
      : undefined;
    if (values === undefined) throw missing(port, inputs, ports);
    return port.read(values);
  });
  for (const name of Object.keys(inputs)) {
    if (!ports.some((port) => port.info.name === name)) {
      throw new KletError('MISSING_INPUT', `the model has no input "${name}"; it has ${namesOf(ports)}`);
    }
  }
  return given;
}

function missing({ info }: Port, inputs: object, ports: Port[]): KletError {
  if (['width', 'videoWidth', 'displayWidth'].some((side) => side in inputs)) {
    return new KletError(
      'TYPE_MISMATCH',
      `predict takes arrays, not ${describeValue(inputs)}: import imageToInput from kinglet/tasks and call ` +
        'model.predict(imageToInput(image, model))',
    );
  }
  const found = Object.keys(inputs).slice(0, 4).map((name) => `"${name}"`).join(', ') || 'nothing';
  return new KletError(
    'MISSING_INPUT',
    `input "${info.name}" is missing; the model takes ${namesOf(ports)}, it got ${found}`,
  );
}

function namesOf(ports: Port[]): string {
  return ports.map((port) => `"${port.info.name}"`).join(', ');
}
