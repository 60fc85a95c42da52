// Types that several files of the runtime use. This file imports nothing, so that these files need
// not import each other for a type.

/** Typed arrays of raw values. */
export type RawArray = Float32Array | Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Int32Array
  | BigInt64Array;
/**
 * An input: raw values in the model's own type, or real numbers, which are quantized.
 */
export type InputArray = RawArray | Float64Array | readonly number[];

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

/**
 * Builds of the core: with relaxed SIMD, with 128-bit SIMD, plain WebAssembly 1.0, and plain
 * JavaScript for engines without WebAssembly. Their results are bit-identical.
 */
export type Flavor = 'relaxed' | 'simd' | 'scalar' | 'js';

/** The exports of assembly/index.ts. */
export interface CoreExports {
  /** Says that a run begins with bytes [from, to) of the arena that the host writes. */
  given(from: number, to: number, state: number): void;
  validate(): number;
  /** Says that the host reads bytes [from, to) of the arena after a run. */
  wanted(from: number, to: number, integers: number): void;
  /** Says that the first bytes of the arena, the state, are there in the next run. */
  keep(to: number): void;
  faultOffset(): number;
  prepare(): void;
  /** Returns −1 when done, or the record to resume from when another thread is late. */
  run(from: number, to: number): number;
  scratchOf(): number;
  decode(coded: number, bytes: number, room: number): number;
  crc32(at: number, bytes: number, crc: number): number;
  allNumbers(at: number, count: number): number;
  quantizeInput(at: number, count: number, scale: number, zero: number, unsigned: boolean): number;
  flavor(): number;
  register(index: number, count: number, mayWait: boolean): void;
  serve(): void;
}
