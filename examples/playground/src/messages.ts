import type { Verdict } from '../../../src/compiler/index';
import type { Flavor, Meta } from '../../../src/browser';
import type { layersOf } from '../../../src/format/debugInfo';

// What the page and its worker send each other.

/** A node of a network, to be drawn. */
export interface DrawnNode {
  name: string;
  op: string;
  /** Shape and type of the first output. */
  shape: string;
  /** Number of weights. */
  weights: number;
  /** Indices of the nodes that it reads; −1 is an input of the network. */
  from: number[];
}

/** A layer; `weights` are bytes. */
export type Layer = ReturnType<typeof layersOf>[number];

/** The part of META that the page changes: what the network is for. */
export type Purpose = Pick<Meta, 'labels' | 'preprocessing' | 'task'>;

/** A `.klet` file and what is in it. */
export interface Variant {
  /** Name in the list of versions, such as "float32" or "int8". */
  label: string;
  klet: Uint8Array;
  meta: Meta;
  /** Layers; one that runs in strips of rows has several records. */
  layers: Layer[];
  /** Number of records of the plan. */
  records: number;
  /** Buffers as [name, offset, bytes, first record, last record]. */
  arena: [name: string, offset: number, bytes: number, first: number, last: number][];
  arenaBytes: number;
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
  /** What the file does not say and the page assumes. */
  guessed: (keyof Purpose)[];
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

/** An input of the network, with its class if that is known. */
export interface Sample {
  /** The values of one input, or of consecutive inputs of a network with state. */
  values: Float32Array;
  target?: number;
}

/** Right answers of a version. */
export interface Score {
  accuracy: number;
  /** Interval of 95 % confidence. */
  low: number;
  high: number;
  right: number;
}

/** How often a class is taken for another by both versions. */
export interface Confusion {
  target: number;
  answer: number;
  before: number;
  after: number;
}

/** A version on the samples, beside the original. */
export interface Accuracy {
  /** Samples that both have answered. */
  samples: number;
  /** Absent without labels. */
  score?: Score;
  /** Part of the samples with the same answer as the original's. */
  agreement?: number;
  /** What the difference in accuracy means, in a sentence. */
  verdict?: string;
  /** Confusions whose counts differ, those that changed most first. */
  confusions: Confusion[];
}

export interface Timing {
  flavor: Flavor;
  /** Median milliseconds of a prediction. */
  ms?: number;
  /** Why there is no time. */
  reason?: string;
}

export interface LayerTime {
  index: number;
  op: string;
  name: string;
  ms: number;
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
  /** Writes what the network is for into its versions. */
  describe(variants: { label: string; klet: Uint8Array }[], purpose: Purpose): Variant[];
  /** Keeps samples in place of those before. */
  keep(samples: Sample[]): void;
  quantize(): Changed;
  prune(sparsity: number): Changed;
  /** The accuracy of the original if there is no other version, else that of the other one. */
  evaluate(original: Uint8Array, other?: Uint8Array): Accuracy;
  measure(klet: Uint8Array): Timing[];
  profile(klet: Uint8Array): LayerTime[];
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
