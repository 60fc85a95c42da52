import type { DebugInfo, Verdict } from '../../../src/compiler/index';
import type { Meta, ProfileEntry, Flavor } from '../../../src/browser';

// What the page and its worker send each other.

/** A node of a network, to be drawn. */
export interface DrawnNode {
  name: string;
  op: string;
  /** Shape and type of the first output. */
  shape: string;
  weights: number;
  /** Indices of the nodes that it reads; −1 is an input of the network. */
  from: number[];
}

/** A `.klet` file and what is in it. */
export interface Variant {
  /** Name in the list of versions, such as "float32" or "int8". */
  label: string;
  klet: Uint8Array;
  meta: Meta;
  records: DebugInfo['records'];
  arena: DebugInfo['arena'];
  arenaBytes: number;
  scratchBytes: number;
  planBytes: number;
  weightsBytes: number;
}

/** A network that was opened. */
export interface Network {
  name: string;
  /** Title of the format, such as "ONNX". */
  format: string;
  fileBytes: number;
  /** Empty for `.klet` files, which contain a plan and no graph. */
  nodes: DrawnNode[];
  /** Whether it can be quantized and pruned. */
  isFloat: boolean;
  variant: Variant;
}

export interface LayerRow {
  name: string;
  op: string;
  sqnr: number;
}

export interface OutputRow {
  name: string;
  agreement?: number;
  sqnr?: number;
  maxError: number;
}

/** A version that was made from the network, and how its outputs differ. */
export interface Changed {
  variant: Variant;
  verdict: Verdict;
  samples: number;
  outputs: OutputRow[];
  /** After quantization, the layers with the largest errors first. */
  layers: LayerRow[];
}

export interface Timing {
  flavor: Flavor;
  /** Median milliseconds of a prediction. */
  ms?: number;
  /** Why there is no time. */
  reason?: string;
}

export interface BoardFiles {
  /** The network as C. */
  c: Record<string, string>;
  constantBytes: number;
  codeBytes: number;
  ram: { arena: number; scratch: number };
}

export interface ScriptFile {
  name: string;
  code: string;
}

export interface OpenOptions {
  /** Shapes of inputs that a file leaves open, by name. */
  shapes?: Record<string, number[]>;
  /** Values at which the network ends. */
  outputs?: string[];
}

/** The functions of the worker. */
export interface Tasks {
  open(files: Record<string, Uint8Array>, options: OpenOptions): Network;
  quantize(samples: Float32Array[]): Changed;
  prune(sparsity: number, samples: Float32Array[]): Changed;
  measure(klet: Uint8Array): Timing[];
  profile(klet: Uint8Array): ProfileEntry[];
  toC(klet: Uint8Array): BoardFiles;
  toScript(klet: Uint8Array): ScriptFile;
}

export type TaskName = keyof Tasks;

export interface Call {
  id: number;
  task: TaskName;
  args: unknown[];
}

export type Reply = { id: number; progress: { text: string; part?: number } } | { id: number; value: unknown } | {
  id: number;
  error: { message: string; code?: string };
};
