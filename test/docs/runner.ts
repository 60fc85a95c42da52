import { decode, expand, unpack } from './coding';
import { elementwise } from './elementwise';
import { C, Fields, type Records, sizeOf, up8 } from './fields';
import { products } from './products';
import { gatesOf, recurrent } from './recurrent';
import { extra } from './extra';
import { shapes } from './shapes';
import { wide } from './wide';

// A second runner of .klet files, written from docs/format/ alone. Even its constants come from the
// tables of these pages. It checks nothing and is slow. If it disagrees with the core, either the
// core or a page is wrong.

interface Port {
  name: string;
  dtype: string;
  shape: number[];
  offset: number;
}

export class PageRunner {
  readonly inputs: Port[];
  readonly outputs: Port[];
  readonly golden: Uint8Array;
  /** Bytes of scratch and of memory that kinglet's core needs. */
  readonly scratch: number;
  readonly total: number;
  private readonly arena: DataView;
  private readonly weights: DataView;
  private readonly plan: DataView;
  private readonly state: { bytes: number; initial: number; carries?: boolean } | undefined;
  private hasBegun = false;

  constructor(file: Uint8Array) {
    const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
    const sections: Uint8Array[] = [];
    for (let i = 0; i < view.getUint32(24, true); i++) {
      const [kind, offset, length] = [0, 4, 8].map((at) => view.getUint32(32 + i * 16 + at, true)) as [number, number,
        number];
      sections[kind] = file.slice(offset, offset + length);
    }
    const meta = JSON.parse(String.fromCharCode(...sections[C.SECTION_META!]!)) as { inputs: Port[]; outputs: Port[];
      state?: { bytes: number; initial: number; carries?: boolean } };
    this.state = meta.state;
    this.inputs = meta.inputs;
    this.outputs = meta.outputs;
    const sectionOf = (kind: number): Uint8Array | undefined =>
      sections[kind] ?? (sections[kind + C.SECTION_PACKED!] && unpack(sections[kind + C.SECTION_PACKED!]!));
    this.golden = sectionOf(C.SECTION_GOLDEN!) ?? new Uint8Array(0);
    this.plan = new DataView(sectionOf(C.SECTION_PLAN!)!.buffer);
    const coded = sections[C.SECTION_CODED!];
    const nibbles = sections[C.SECTION_NIBBLES!];
    const weights = (coded && decode(coded)) ?? (nibbles && expand(nibbles)) ?? sections[C.SECTION_WEIGHTS!]!;
    this.weights = new DataView(weights.buffer);
    this.arena = new DataView(new ArrayBuffer(view.getUint32(16, true)));
    this.scratch = this.records().reduce((most, record) => Math.max(most, scratchOf(record)), 0);
    const aligned = (x: number): number => Math.ceil(x / C.SECTION_ALIGNMENT!) * C.SECTION_ALIGNMENT!;
    const end = [this.plan, this.weights, this.arena].reduce(
      (at, region) => aligned(at + region.byteLength),
      C.RESERVED!,
    );
    const decoding = coded ? roomOf(coded, aligned(C.RESERVED! + this.plan.byteLength)) : 0;
    this.total = Math.ceil((Math.max(aligned(end + this.scratch), decoding) + C.SLACK!) / 65536) * 65536;
  }

  private records(): Fields[] {
    const records: Fields[] = [];
    for (let at = 0; at < this.plan.byteLength; at += this.plan.getUint32(at + C.RECORD_SIZE!, true)) {
      records.push(new Fields(this.plan, at, this.arena, this.weights));
    }
    return records;
  }

  /** Returns to the initial state, for files whose predictions continue from one another. */
  reset(): void {
    this.hasBegun = false;
  }

  /** Takes and returns the bytes of all tensors, in the order of META. */
  run(inputs: Uint8Array[]): Uint8Array[] {
    if (this.state && !(this.state.carries && this.hasBegun)) {
      new Uint8Array(this.arena.buffer).set(new Uint8Array(this.weights.buffer, this.state.initial, this.state.bytes));
    }
    this.hasBegun = true;
    this.inputs.forEach(({ offset }, i) => new Uint8Array(this.arena.buffer).set(inputs[i]!, offset));
    this.records().forEach(execute);
    return this.outputs.map((port) => new Uint8Array(this.arena.buffer, port.offset, bytesOf(port)).slice());
  }
}

/** End of the memory that decoding in place needs; `weights` is the address of the weights. */
function roomOf(coded: Uint8Array, weights: number): number {
  const view = new DataView(coded.buffer);
  const u32 = (at: number): number => view.getUint32(at, true);
  const up = (x: number): number => Math.ceil(x / 64) * 64;
  return up(weights + up(u32(C.CODED_LEAD!)) + coded.length + 64) + u32(C.CODED_TABLES!) * C.CODED_TABLE_ROOM! +
    C.CODED_STATE_ROOM! + u32(C.CODED_RUNS!) * C.CODED_RUN_BYTES!;
}

/** Bytes of a tensor in the arena. */
export function bytesOf({ dtype, shape }: Port): number {
  return shape.reduce(
    (a, b) => a * b,
    ({ int8: 1, uint8: 1, bool: 1, int16: 2 } as Record<string, number>)[dtype] ?? 4,
  );
}

/** Scratch of a depthwise convolution, by the first of its rows in docs/format/memory.md. */
function pixelsScratch(r: Fields): number {
  const { CHANNELS, KERNEL_H, KERNEL_W } = r.ints('DEPTHWISE', 'CHANNELS', 'KERNEL_H', 'KERNEL_W');
  const pairs = Math.ceil(KERNEL_H * KERNEL_W / 2);
  const weights = r.floats ? 0 : Math.ceil(CHANNELS / 8) * Math.max(304, 32 * pairs);
  return CHANNELS * sizeOf(r.dtype) + 64 + weights + 8 * pairs;
}

/** Scratch of a depthwise convolution with planes, by the other rows. */
function planesScratch(r: Fields): number {
  const f = r.ints(
    'DEPTHWISE',
    'CHANNELS',
    'KERNEL_H',
    'KERNEL_W',
    'STRIDE_Y',
    'STRIDE_X',
    'DILATION_Y',
    'DILATION_X',
    'IN_W',
    'OUT_H',
    'OUT_W',
  );
  const is3x3 = f.KERNEL_H === 3 && f.KERNEL_W === 3 && f.DILATION_Y === 1 && f.DILATION_X === 1;
  const isPlain = is3x3 && (r.floats || f.STRIDE_X <= 2);
  if (isPlain && r.floats) return 0;
  const isColumn = f.IN_W === 1 && f.OUT_W === 1 && f.KERNEL_W === 1;
  const [height, width, stride, dilation, outputs] = isColumn
    ? [1, f.KERNEL_H, f.STRIDE_Y, f.DILATION_Y, f.OUT_H]
    : [f.KERNEL_H, f.KERNEL_W, f.STRIDE_X, f.DILATION_X, f.OUT_W];
  const planes = r.floats ? height : Math.ceil(height / 2);
  const columns = (Math.max(outputs, 4) - 1) * stride + (width - 1) * dilation + 1;
  return f.CHANNELS * sizeOf(r.dtype) + 80 + 36 * planes * width + Math.max(isPlain ? 0 : 32768, 32 * planes * columns);
}

/** Bytes of scratch, by the table of docs/format/memory.md. */
function scratchOf(r: Fields): number {
  const product = (prefix: string, ...names: string[]): number =>
    names.reduce((p, name) => p * r.int(`${prefix}_${name}`), 1);
  const up4 = (k: number): number => Math.ceil(k / 4) * 4;
  const convolutionK = (): number => product('CONV2D', 'KERNEL_H', 'KERNEL_W', 'IN_C') / r.int('CONV2D_GROUPS');
  switch (r.opcode) {
    case C.OP_CONV2D: {
      const rows = r.int('CONV2D_BLOCK_ROWS');
      const outC = r.int('CONV2D_OUT_C');
      const K = convolutionK();
      return r.floats
        ? 4 * rows * (1 + product('CONV2D', 'KERNEL_H', 'KERNEL_W') + K)
        : 8 * rows + 32 + outC + 48 + 2 * rows * up4(K) + 32 + 16 * up4(K) + 32;
    }
    case C.OP_HYBRID_CONV2D: {
      const k = up4(convolutionK());
      const pixels = product('CONV2D', 'OUT_H', 'OUT_W');
      const rows = 24 * Math.min(Math.max(Math.floor(16384 / (24 * k)), 1), 3, Math.ceil(pixels / 24));
      return product('CONV2D', 'IN_H', 'IN_W', 'IN_C') + 4 * r.int('CONV2D_OUT_C') + (2 * rows + 16) * k + 4 * rows +
        512;
    }
    case C.OP_NIBBLE_PRODUCT:
      return 16 * Math.ceil(r.int('NIBBLE_PRODUCT_INPUTS') / 8) + 4 * up8(r.int('NIBBLE_PRODUCT_OUTPUTS'));
    case C.OP_SPARSE_CONV2D: {
      const rows = r.int('CONV2D_BLOCK_ROWS');
      const K = convolutionK();
      const common = 8 * rows + r.int('CONV2D_IN_C') + 32;
      return r.int('SPARSE_PATTERN') === C.SPARSE_PAIRS
        ? common + 256 + 4 * rows * (Math.ceil(K / 2) + 3)
        : common + 2 * rows * (up4(K) + 8);
    }
    case C.OP_DEPTHWISE_CONV2D:
      return Math.max(pixelsScratch(r), planesScratch(r));
    case C.OP_WIDE_CONV2D: {
      const rows = r.int('CONV2D_BLOCK_ROWS');
      const K = up4(convolutionK());
      return 4 * rows + 384 + 2 * rows * K + 16 * K + 64;
    }
    case C.OP_WIDE_DEPTHWISE_CONV2D: {
      const pairs = Math.ceil(product('DEPTHWISE', 'KERNEL_H', 'KERNEL_W') / 2);
      const channels = r.int('DEPTHWISE_CHANNELS');
      return 32 + 32 * Math.ceil(channels / 8) * pairs + 2 * channels + 32 + 8 * pairs;
    }
    case C.OP_WIDE_BINARY:
      return 32;
    case C.OP_BINARY:
      return 64;
    case C.OP_COPY:
      return 32;
    case C.OP_ELEMENTWISE:
      return 24;
    case C.OP_BATCH_MATMUL: {
      const R = Math.min(64, Math.ceil(r.int('BATCH_MATMUL_M') / 4) * 4);
      const K = r.int('BATCH_MATMUL_K');
      return r.floats
        ? 8 * R + 32 + 32 * K + (r.int('BATCH_MATMUL_A_TRANSPOSED') ? 4 * R * K : 0)
        : 8 * R + 96 + 16 * (K + 1) + 2 * R * (K + 1) + 32;
    }
    case C.OP_RECURRENT:
    case C.OP_SPARSE_RECURRENT: {
      const { INPUTS, CELLS, OUTPUTS } = r.ints('RECURRENT', 'INPUTS', 'CELLS', 'OUTPUTS');
      const gates = gatesOf(r) * up8(CELLS);
      return 3 * (4 + Math.max(INPUTS, CELLS, OUTPUTS)) + 4 * Math.max(gates, up8(OUTPUTS)) + 8 * gates +
        12 * Math.max(up8(CELLS), up8(OUTPUTS)) + 384;
    }
    case C.OP_SVDF:
      return 3 * up4(r.int('SVDF_INPUTS')) + 192 + 8 * up8(product('SVDF', 'UNITS', 'RANK'));
    default:
      return 0;
  }
}

function execute(r: Fields): void {
  const run = operators.get(r.opcode);
  if (!run) throw new Error(`docs/format/ has no opcode ${r.opcode}`);
  run(r);
}

const records: Records = { ...elementwise, ...products, ...recurrent, ...shapes, ...extra, ...wide };
const operators = new Map(Object.entries(records).map(([name, run]) => [C[name]!, run]));
