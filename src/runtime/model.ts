import * as L from '../../assembly/layout';
import { describeValue, KletError } from '../errors';
import { alignUp, codedRoom, MAJOR, MINOR, weightsBytes, type KletParts, type Meta, type OpenedKlet,
  type TensorInfo } from '../format/klet';
import { now } from './clock';
import { instantiate, type CompiledCore, type Core, type CoreExports, type Flavor, type SharedMemory } from './core';
import { portsOf, type InputArray, type Port, type RawArray } from './tensor';
import { Stream, type Host } from './stream';
import type { Crew } from './threads';

/** One array for a model with one input, or arrays by input name. */
export type Inputs = InputArray | Record<string, InputArray>;
/** Arrays to fill: one for a model with one output, or arrays by output name. */
export type OutputTargets = RawArray | Float64Array | Record<string, RawArray | Float64Array>;

export interface PredictOptions {
  /** `'raw'`: return the model's own type instead of real numbers. */
  output?: 'real' | 'raw';
}

/**
 * Memory of a loaded model, in bytes. `total` is the size of its WebAssembly memory, which never
 * grows.
 */
export interface MemoryUse {
  total: number;
  plan: number;
  weights: number;
  arena: number;
  scratch: number;
  /** The part of the arena that persists between predictions. Each stream keeps its own copy. */
  state: number;
}

/** How a model runs. */
export interface ModelInfo {
  flavor: Flavor;
  /** Number of threads that share the work, including the caller's. */
  threads: number;
  /** Why the model runs on one thread although more were requested. */
  singleThreadReason?: string;
}

/** Run time of one record of the plan. */
export interface ProfileEntry {
  index: number;
  /** Name and operator of the graph node, if the file has debug info. */
  name: string;
  op: string;
  /** Median milliseconds. */
  ms: number;
  /** Multiply-adds, if the file has debug info. */
  macs?: number;
}

const faults: Record<number, string> = {
  [L.FAULT_OPCODE]: 'has an operator code that this core does not know',
  [L.FAULT_RECORD_SIZE]: 'has a wrong size',
  [L.FAULT_ARENA]: 'reaches outside the arena',
  [L.FAULT_WEIGHTS]: 'reaches outside the weights',
  [L.FAULT_ATTRIBUTE]: 'has an attribute out of range',
  [L.FAULT_ALIGNMENT]: 'has a misaligned offset',
};

/**
 * Addresses of the coded weights during in-place decoding, and of the room that the decoder needs.
 */
interface CodedPlace {
  section: number;
  room: number;
}

/**
 * The memory map of a model: plan, weights, arena, then scratch for each thread.
 */
export function mapMemory(
  parts: Pick<KletParts, 'plan' | 'weights' | 'coded' | 'arenaBytes' | 'scratchBytes'>,
  threads = 1,
): { map: number[]; total: number; coded?: CodedPlace } {
  const map: number[] = [];
  let at = L.RESERVED;
  for (const bytes of [parts.plan.length, weightsBytes(parts), parts.arenaBytes, parts.scratchBytes]) {
    map.push(at, bytes);
    at = alignUp(at + bytes, L.SECTION_ALIGNMENT);
  }
  at += (threads - 1) * alignUp(parts.scratchBytes, L.SECTION_ALIGNMENT);
  if (!parts.coded) return { map, total: at + L.SLACK };
  const { lead, bytes } = codedRoom(parts.weights);
  const section = map[2]! + lead;
  // the decoder's room begins behind both sections, whatever lead the file claims, so that decoding
  // overwrites only bytes that it has read
  const room = alignUp(Math.max(section + parts.weights.length + L.SLACK, map[2]! + map[3]!), L.SECTION_ALIGNMENT);
  return { map, total: Math.max(at, room + bytes) + L.SLACK, coded: { section, room } };
}

interface Placed extends Core {
  map: number[];
  total: number;
}

/** Instantiates a core, copies a file's sections into its memory and validates the plan. */
function place(
  compiled: CompiledCore,
  parts: OpenedKlet,
  where: string,
  maxMemory: number | undefined,
  threads: number,
): Placed {
  const { map, total, coded } = mapMemory(parts, threads);
  if (maxMemory !== undefined && total > maxMemory) {
    throw new KletError('OUT_OF_MEMORY', `${where} needs ${total} bytes of memory and the limit is ${maxMemory}`);
  }
  if (total > 2 ** 32 - 65536) {
    throw new KletError('OUT_OF_MEMORY', `${where} needs ${total} bytes, more than WebAssembly can address (4 GiB)`);
  }
  const { exports, memory, shared } = instantiate(compiled, total);
  const view = new DataView(memory.buffer);
  map.forEach((value, i) => view.setUint32(L.MAP + i * 4, value, true));
  memory.set(parts.plan, map[0]);
  memory.set(parts.weights, coded ? coded.section : map[2]);
  if (coded && exports.decode(coded.section, parts.weights.length, coded.room) !== L.FAULT_NONE) {
    throw new KletError('CORRUPT', `${where} is damaged: its weights cannot be decoded; fetch or convert it again`);
  }
  const fault = exports.validate();
  if (fault === L.FAULT_NONE) return { exports, memory, shared, map, total };
  const at = exports.faultOffset() >>> 0;
  const index = recordOffsets(parts.plan).indexOf(at);
  const name = parts.readNotes()?.records[index]?.name;
  const record = `record ${index}${name ? ` ("${name}")` : ''} at plan offset ${at}`;
  if (fault === L.FAULT_OPCODE && parts.minor > MINOR) {
    throw new KletError(
      'BAD_VERSION',
      `${where} has format version ${MAJOR}.${parts.minor}, this kinglet reads ${MAJOR}.${MINOR}: ${record} has an opcode that it does not know; update kinglet`,
    );
  }
  throw new KletError(
    'CORRUPT',
    `${where} is damaged: ${record} ${faults[fault] ?? `has fault ${fault}`}; fetch or convert it again`,
  );
}

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
  readonly info: Readonly<ModelInfo>;

  /**
   * In languages with `using`, `using model = await load(…)` disposes the model at the end of the
   * block.
   */
  declare readonly [Symbol.dispose]: () => void;

  private core: CoreExports | undefined;
  private inputPorts: Port[];
  private outputPorts: Port[];
  private readonly planBytes: number;
  private readonly records: number[] = [];
  private readonly readNotes: OpenedKlet['readNotes'];
  private readonly readGolden: OpenedKlet['readGolden'];
  private readonly host: Host;
  /** The model's default stream, if its predictions continue from one call to the next. */
  private readonly own: Stream | undefined;

  private shared: SharedMemory | undefined;
  private crew: Crew | undefined;
  /** With threads: a copy of the state before the run. */
  private before = new Uint8Array(0);
  /** Makes a core on a copy of the memory, with the thread synchronization words reset. */
  private readonly copy: () => Core;

  /**
   * @param threads number of threads to reserve scratch for; `join` starts them
   * @internal
   */
  constructor(
    compiled: CompiledCore,
    parts: OpenedKlet,
    where: string,
    maxMemory: number | undefined,
    threads = 1,
    singleThreadReason?: string,
  ) {
    let placed = place(compiled, parts, where, maxMemory, threads);
    // the file's scratch size is of the core that compiled it; this core may need more
    const scratchBytes = Math.max(parts.scratchBytes, placed.exports.scratchOf());
    if (scratchBytes > parts.scratchBytes) {
      placed = place(compiled, { ...parts, scratchBytes }, where, maxMemory, threads);
    }
    const { exports, memory, shared, map, total } = placed;
    exports.prepare();
    const { inputs, outputs, state, ...meta } = parts.meta;
    this.core = exports;
    this.shared = shared;
    this.inputPorts = portsOf(inputs, { exports, memory, shared }, compiled.spare, map[4]!, 'input');
    this.outputPorts = portsOf(outputs, { exports, memory, shared }, compiled.spare, map[4]!, 'output');
    this.inputs = this.inputPorts.map((port) => port.info);
    this.outputs = this.outputPorts.map((port) => port.info);
    this.meta = { ...meta, inputs: this.inputs, outputs: this.outputs } as Meta;
    this.planBytes = parts.plan.length;
    this.records = recordOffsets(parts.plan);
    this.readNotes = parts.readNotes;
    this.readGolden = parts.readGolden;
    const weights = map[2]! + (state?.initial ?? 0);
    const bytes = state?.bytes ?? 0;
    this.host = {
      live: memory.subarray(map[4], map[4]! + bytes),
      initial: memory.subarray(weights, weights + bytes),
      resident: undefined,
      alive: () => {
        this.alive();
      },
      predict: (given, options, stream) => this.predictFrom(given, options, stream),
      predictInto: (given, targets, stream) => {
        this.predictIntoFrom(given, targets, stream);
      },
    };
    if (state?.carries) this.own = new Stream(this, this.host);
    this.copy = () => {
      const core = instantiate(compiled, total);
      core.memory.set(new Uint8Array(this.shared!.buffer));
      core.memory.fill(0, L.SYNC_JOB, L.STATIC_DATA);
      return core;
    };
    this.memory = {
      total: Math.ceil(total / 65536) * 65536,
      plan: parts.plan.length,
      weights: weightsBytes(parts),
      arena: parts.arenaBytes,
      scratch: scratchBytes + (threads - 1) * alignUp(scratchBytes, L.SECTION_ALIGNMENT),
      state: bytes,
    };
    this.info = {
      flavor: compiled.flavor,
      threads: 1,
      ...(singleThreadReason !== undefined && { singleThreadReason }),
    };
  }

  /**
   * Shares the work with the threads that `start` starts.
   *
   * @internal
   */
  async join(start: (core: CoreExports, memory: SharedMemory, info: ModelInfo) => Promise<Crew>): Promise<void> {
    this.crew = await start(this.alive(), this.shared!, this.info);
    abandoned?.register(this, this.crew, this.crew);
    this.before = this.host.live.slice();
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
   * `DISPOSED`, or `OUT_OF_MEMORY` after a thread was lost
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
    return this.predictFrom(inputs, options, this.own);
  }

  private predictFrom(
    inputs: Inputs,
    options: PredictOptions | undefined,
    stream: Stream | undefined,
  ): RawArray | Record<string, RawArray> {
    this.execute(inputs, stream);
    const raw = options?.output === 'raw';
    const read = (port: Port): RawArray => (raw ? port.readRaw() : port.readReal());
    if (this.outputPorts.length === 1) return read(this.outputPorts[0]!);
    return Object.fromEntries(this.outputPorts.map((port) => [port.info.name, read(port)]));
  }

  /**
   * Like `predict`, but writes into the caller's arrays and allocates nothing.
   *
   * @param outputs an array, or a record of arrays for the wanted outputs. Float arrays receive
   *   real numbers; arrays of the model's own type receive raw values
   * @throws KletError as `predict`
   */
  predictInto(inputs: Inputs, outputs: OutputTargets): void {
    this.predictIntoFrom(inputs, outputs, this.own);
  }

  /**
   * Resets the state of a model whose `predict` continues from call to call. Streams made by
   * `createState` are not affected.
   *
   * @throws KletError `DISPOSED`
   */
  reset(): void {
    this.alive();
    this.own?.reset();
  }

  /**
   * Makes an independent stream through the network, whose state continues from call to call. Each
   * stream takes `memory.state` bytes.
   *
   * @throws KletError `DISPOSED`
   */
  createState(): Stream {
    this.alive();
    return new Stream(this, this.host);
  }

  private predictIntoFrom(inputs: Inputs, outputs: OutputTargets, stream: Stream | undefined): void {
    this.execute(inputs, stream);
    if (isArrayLike(outputs)) {
      if (this.outputPorts.length !== 1) throw this.wantsRecord('outputs', this.outputPorts);
      this.outputPorts[0]!.readInto(outputs);
      return;
    }
    if (typeof outputs !== 'object' || outputs === null) {
      throw new KletError(
        'TYPE_MISMATCH',
        `outputs are an array or a record of arrays by output name, not ${describeValue(outputs)}`,
      );
    }
    for (const name of Object.keys(outputs)) {
      const port = this.outputPorts.find((candidate) => candidate.info.name === name);
      if (!port) {
        throw new KletError('BAD_ARGUMENT', `the model has no output "${name}"; it gives ${namesOf(this.outputPorts)}`);
      }
      port.readInto((outputs as Record<string, RawArray | Float64Array>)[name]!);
    }
  }

  /**
   * Runs the golden inputs in the file and compares every output byte with the golden outputs.
   *
   * @returns number of cases that ran (0 if the file has none)
   * @throws KletError `SELF_TEST_FAILED` naming the first difference, `CORRUPT`
   */
  selfTest(): number {
    this.alive();
    const golden = this.readGolden();
    if (!golden) return 0;
    const caseBytes = [...this.inputPorts, ...this.outputPorts].reduce((sum, port) => sum + port.bytes().length, 0);
    if (golden.length % caseBytes !== 0) {
      throw new KletError('CORRUPT', `the golden section has ${golden.length} bytes, not a multiple of ${caseBytes}`);
    }
    let at = 0;
    for (let index = 0; index < golden.length / caseBytes; index++) {
      do {
        at = index * caseBytes;
        for (const port of this.inputPorts) {
          const bytes = port.bytes();
          bytes.set(golden.subarray(at, at + bytes.length));
          at += bytes.length;
        }
        this.enter(undefined);
      } while (!this.run(0, this.planBytes));
      for (const port of this.outputPorts) {
        const bytes = port.bytes();
        const different = bytes.findIndex((byte, i) => byte !== golden[at + i]);
        if (different >= 0) {
          throw new KletError(
            'SELF_TEST_FAILED',
            `golden case ${index}: output "${port.info.name}" differs first at byte ${different} (expected ${
              golden[at + different]
            }, found ${bytes[different]}) in flavor ${this.info.flavor}`,
          );
        }
        at += bytes.length;
      }
    }
    return golden.length / caseBytes;
  }

  /**
   * Runs once and returns copies of the input and output bytes, which make one golden case.
   *
   * @internal
   */
  record(inputs: Inputs): Uint8Array[] {
    let given: Uint8Array[];
    this.alive();
    do {
      this.write(inputs);
      given = this.inputPorts.map((port) => port.bytes().slice());
      this.enter(undefined);
    } while (!this.run(0, this.planBytes));
    return [...given, ...this.outputPorts.map((port) => port.bytes().slice())];
  }

  /**
   * Measures the run time of each record of the plan.
   *
   * @param options `inputs` (default: those of the last call) and `runs` (default 30)
   */
  profile(options: { inputs?: Inputs; runs?: number } = {}): ProfileEntry[] {
    this.alive();
    const runs = options.runs ?? 30;
    if (!(Number.isInteger(runs) && runs > 0)) {
      throw new KletError('BAD_ARGUMENT', `runs must be a whole number above 0, not ${runs}`);
    }
    const times = this.records.map(() => new Float64Array(runs));
    for (let run = 0; run < runs;) {
      if (options.inputs !== undefined) this.write(options.inputs);
      this.enter(undefined);
      const whole = this.records.every((from, i) => {
        const start = now();
        const done = this.run(from, this.records[i + 1] ?? this.planBytes);
        times[i]![run] = now() - start;
        return done;
      });
      if (whole) run++;
    }
    const notes = this.readNotes();
    return times.map((samples, index) => {
      const note = notes?.records[index];
      return {
        index,
        name: note?.name ?? `record ${index}`,
        op: note?.op ?? '',
        ms: samples.sort()[runs >> 1]!,
        ...(note && { macs: note.macs }),
      };
    });
  }

  /**
   * Releases the memory and ends the threads. Later calls of other methods throw `DISPOSED`; a
   * second `dispose` does nothing.
   */
  dispose(): void {
    this.dropCrew();
    this.core = undefined;
    this.shared = undefined;
    this.host.live = this.host.initial = new Uint8Array(0);
    this.host.resident = undefined;
    this.inputPorts = [];
    this.outputPorts = [];
  }

  private alive(): CoreExports {
    if (!this.core) {
      throw new KletError('DISPOSED', `the model "${this.meta.name}" was disposed; load it again to use it`);
    }
    return this.core;
  }

  /** Copies a stream's state into the arena, or the initial state if there is no stream. */
  private enter(stream: Stream | undefined): void {
    if (stream) {
      stream.enter();
    } else {
      this.host.resident?.leave();
      this.host.live.set(this.host.initial);
    }
    if (this.crew) this.before.set(this.host.live);
  }

  /**
   * Runs records. @returns false if a thread was lost during the run. The model then runs on one
   * thread, and the caller must write the inputs and the state again
   */
  private run(from: number, to: number): boolean {
    if (!this.crew) {
      this.core!.run(from, to);
      return true;
    }
    if (this.crew.run(this.core!, from, to)) return true;
    this.leaveCrew();
    return false;
  }

  /**
   * Moves to fresh memory that no worker can reach, and restores the state. A worker that is only
   * late would keep writing into the old memory.
   */
  private leaveCrew(): void {
    let core: Core;
    try {
      core = this.copy();
    } catch (cause) {
      const { singleThreadReason } = this.info;
      this.dispose();
      throw new KletError(
        'OUT_OF_MEMORY',
        `${singleThreadReason}, and there is no memory to continue without it; the model "${this.meta.name}" was disposed, load it again`,
        { cause },
      );
    }
    const { host } = this;
    const { memory } = core;
    const [live, initial] = [host.live, host.initial].map(({ byteOffset, length }) =>
      memory.subarray(byteOffset, byteOffset + length)
    );
    this.dropCrew();
    this.core = core.exports;
    this.shared = core.shared;
    host.live = live!;
    host.initial = initial!;
    host.live.set(this.before);
    this.inputPorts = this.inputPorts.map((port) => port.movedTo(core));
    this.outputPorts = this.outputPorts.map((port) => port.movedTo(core));
  }

  private dropCrew(): void {
    if (!this.crew) return;
    abandoned?.unregister(this.crew);
    this.crew.end();
    this.crew = undefined;
  }

  private execute(inputs: Inputs, stream: Stream | undefined): void {
    this.alive();
    do {
      this.write(inputs);
      this.enter(stream);
    } while (!this.run(0, this.planBytes));
  }

  private write(inputs: Inputs): void {
    const ports = this.inputPorts;
    if (isArrayLike(inputs)) {
      if (ports.length !== 1) throw this.wantsRecord('inputs', ports);
      ports[0]!.write(inputs);
      return;
    }
    if (typeof inputs !== 'object' || inputs === null) {
      throw new KletError(
        'TYPE_MISMATCH',
        `predict takes an array or a record of arrays by input name, not ${describeValue(inputs)}`,
      );
    }
    for (const port of ports) {
      const values = (inputs as Record<string, InputArray>)[port.info.name];
      if (values === undefined) {
        throw new KletError('MISSING_INPUT', `input "${port.info.name}" is missing; the model takes ${namesOf(ports)}`);
      }
      port.write(values);
    }
    for (const name of Object.keys(inputs)) {
      if (!ports.some((port) => port.info.name === name)) {
        throw new KletError('MISSING_INPUT', `the model has no input "${name}"; it takes ${namesOf(ports)}`);
      }
    }
  }

  private wantsRecord(side: string, ports: Port[]): KletError {
    return new KletError(
      'MISSING_INPUT',
      `the model has ${ports.length} ${side}: pass a record of arrays by name (${namesOf(ports)})`,
    );
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

/** Ends the threads of models that were garbage-collected. */
const abandoned = typeof FinalizationRegistry === 'function'
  ? new FinalizationRegistry<Crew>((crew) => {
    crew.end();
  })
  : undefined;

function recordOffsets(plan: Uint8Array): number[] {
  const view = new DataView(plan.buffer, plan.byteOffset, plan.byteLength);
  const offsets: number[] = [];
  for (let at = 0; at + 8 <= plan.length;) {
    offsets.push(at);
    const size = view.getUint32(at + L.RECORD_SIZE, true);
    if (size === 0) break;
    at += size;
  }
  return offsets;
}

function namesOf(ports: Port[]): string {
  return ports.map((port) => `"${port.info.name}"`).join(', ');
}

function isArrayLike(value: unknown): value is InputArray & RawArray {
  return ArrayBuffer.isView(value) || Array.isArray(value);
}
