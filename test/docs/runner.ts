import { decode, unpack } from './coding';
import { constantsOf, readPage } from './page';

// A second runner of .klet files, written from docs/format.md and nothing else: it even takes its numbers from the
// page's tables. It checks nothing, and is slow. Where it and the core disagree, one of core and page is wrong.

const C = Object.fromEntries(constantsOf(readPage('docs/format.md')));
const f = Math.fround;

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
    const view = new DataView(file.buffer, file.byteOffset, file.byteLength), sections: Uint8Array[] = [];
    for (let i = 0; i < view.getUint32(24, true); i++) {
      const [kind, offset, length] = [0, 4, 8].map((at) => view.getUint32(32 + i * 16 + at, true)) as [number, number, number];
      sections[kind] = file.slice(offset, offset + length);
    }
    const meta = JSON.parse(String.fromCharCode(...sections[C.SECTION_META!]!)) as { inputs: Port[]; outputs: Port[]; state?: { bytes: number; initial: number; carries?: boolean } };
    this.state = meta.state;
    this.inputs = meta.inputs;
    this.outputs = meta.outputs;
    const sectionOf = (kind: number): Uint8Array | undefined => sections[kind] ?? (sections[kind + C.SECTION_PACKED!] && unpack(sections[kind + C.SECTION_PACKED!]!));
    this.golden = sectionOf(C.SECTION_GOLDEN!) ?? new Uint8Array(0);
    this.plan = new DataView(sectionOf(C.SECTION_PLAN!)!.buffer);
    const coded = sections[C.SECTION_CODED!];
    this.weights = new DataView((coded ? decode(coded) : sections[C.SECTION_WEIGHTS!]!).buffer);
    this.arena = new DataView(new ArrayBuffer(view.getUint32(16, true)));
    this.scratch = this.records().reduce((most, record) => Math.max(most, scratchOf(record)), 0);
    const aligned = (x: number): number => Math.ceil(x / C.SECTION_ALIGNMENT!) * C.SECTION_ALIGNMENT!;
    const end = [this.plan, this.weights, this.arena].reduce((at, region) => aligned(at + region.byteLength), C.RESERVED!);
    const decoding = coded ? roomOf(coded, aligned(C.RESERVED! + this.plan.byteLength)) : 0;
    this.total = Math.ceil((Math.max(aligned(end + this.scratch), decoding) + C.SLACK!) / 65536) * 65536;
  }

  private records(): Fields[] {
    const records: Fields[] = [];
    for (let at = 0; at < this.plan.byteLength; at += this.plan.getUint32(at + C.RECORD_SIZE!, true)) records.push(new Fields(this.plan, at, this.arena, this.weights));
    return records;
  }

  /** Starts anew where predictions go on from one to the next. */
  reset(): void {
    this.hasBegun = false;
  }

  /** Bytes in, bytes out, in the order of META. */
  run(inputs: Uint8Array[]): Uint8Array[] {
    if (this.state && !(this.state.carries && this.hasBegun)) new Uint8Array(this.arena.buffer).set(new Uint8Array(this.weights.buffer, this.state.initial, this.state.bytes));
    this.hasBegun = true;
    this.inputs.forEach(({ offset }, i) => new Uint8Array(this.arena.buffer).set(inputs[i]!, offset));
    this.records().forEach(execute);
    return this.outputs.map((port) => new Uint8Array(this.arena.buffer, port.offset, bytesOf(port)).slice());
  }
}

/** Where the memory that decoding in place needs ends, with the weights at an address. */
function roomOf(coded: Uint8Array, weights: number): number {
  const view = new DataView(coded.buffer), u32 = (at: number): number => view.getUint32(at, true), up = (x: number): number => Math.ceil(x / 64) * 64;
  return up(weights + up(u32(C.CODED_LEAD!)) + coded.length + 64) + u32(C.CODED_TABLES!) * C.CODED_TABLE_ROOM! + C.CODED_STATE_ROOM! + u32(C.CODED_RUNS!) * C.CODED_RUN_BYTES!;
}

/** Bytes of a tensor in the arena. */
export function bytesOf({ dtype, shape }: Port): number {
  return shape.reduce((a, b) => a * b, ['int8', 'uint8', 'bool'].includes(dtype) ? 1 : 4);
}

/** An array in the arena or in WEIGHTS. */
class Place {
  /** @param dtype one of the page's, or I16, which only records of states and their tables hold */
  constructor(private readonly view: DataView, private readonly start: number, private readonly dtype: number, private readonly bytes = sizeOf(dtype)) {}
  get(i: number): number {
    const at = this.start + i * this.bytes, { view } = this;
    switch (this.dtype) {
      case C.DTYPE_I8: return view.getInt8(at);
      case C.DTYPE_U8: return view.getUint8(at);
      case C.DTYPE_F32: return view.getFloat32(at, true);
      case I16: return view.getInt16(at, true);
      default: return view.getInt32(at, true);
    }
  }
  set(i: number, x: number): void {
    const at = this.start + i * this.bytes, { view } = this;
    if (this.dtype === C.DTYPE_F32) view.setFloat32(at, x, true);
    else if (this.bytes === 1) view.setInt8(at, x);
    else if (this.bytes === 2) view.setInt16(at, x, true);
    else view.setInt32(at, x, true);
  }
}

const I16 = -16;

function sizeOf(dtype: number): number {
  return dtype === I16 ? 2 : dtype === C.DTYPE_I8 || dtype === C.DTYPE_U8 ? 1 : 4;
}

/** The fields of one record. */
class Fields {
  readonly opcode: number;
  readonly dtype: number;
  readonly floats: boolean;
  constructor(private readonly plan: DataView, private readonly at: number, private readonly arena: DataView, private readonly weights: DataView) {
    this.opcode = plan.getUint8(at + C.RECORD_OPCODE!);
    this.dtype = plan.getUint8(at + C.RECORD_DTYPE!);
    this.floats = this.dtype === C.DTYPE_F32;
  }
  int(name: string, i = 0): number {
    return this.plan.getInt32(this.at + C[name]! + i * 4, true);
  }
  float(name: string): number {
    return this.plan.getFloat32(this.at + C[name]!, true);
  }
  /** MIN, MAX: i32 or f32 by the record's dtype. */
  bound(name: string): number {
    return this.floats ? this.float(name) : this.int(name);
  }
  source(name: string, dtype = this.dtype): Place {
    const raw = this.plan.getUint32(this.at + C[name]!, true), constant = raw >= C.SOURCE_IN_WEIGHTS!;
    return new Place(constant ? this.weights : this.arena, constant ? raw - C.SOURCE_IN_WEIGHTS! : raw, dtype);
  }
  target(name: string, dtype = this.dtype): Place {
    return new Place(this.arena, this.int(name), dtype);
  }
  table(name: string, dtype: number): Place {
    return new Place(this.weights, this.int(name), dtype);
  }
  /** The numbers of fields NAME_A NAME_B …, shortly. */
  ints<K extends string>(prefix: string, ...names: K[]): Record<K, number> {
    return Object.fromEntries(names.map((name) => [name, this.int(`${prefix}_${name}`)])) as Record<K, number>;
  }
}

// ── arithmetic ────────────────────────────────────────────────────────────────────────────────────────────

function even(x: number): number {
  const down = Math.floor(x), rest = x - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 !== 0) ? down + 1 : down;
}

function away(x: number): number {
  return Math.trunc(f(x + (x < 0 ? -0.5 : 0.5)));
}

function clamp(x: number, low: number, high: number): number {
  const y = x < low ? low : x;
  return high < y ? high : y;
}

interface Steps {
  zero: number;
  min: number;
  max: number;
}

function steps(r: Fields, prefix: string): Steps {
  return { zero: r.int(`${prefix}_TARGET_ZERO`), min: C[`${prefix}_MIN`] === undefined ? -128 : r.int(`${prefix}_MIN`), max: C[`${prefix}_MAX`] === undefined ? 127 : r.int(`${prefix}_MAX`) };
}

const wholeRange = (zero: number): Steps => ({ zero, min: -128, max: 127 });

function requantize(acc: number, scale: number, { zero, min, max }: Steps): number {
  return even(clamp(f(f(acc) * scale), min - zero, max - zero)) + zero;
}

function quantize(x: number, { zero, min, max }: Steps): number {
  return even(clamp(Number.isNaN(x) ? 0 : x, min - zero, max - zero)) + zero;
}

const max = (a: number, b: number): number => (a < b ? b : a), min = (a: number, b: number): number => (b < a ? b : a), add = (a: number, b: number): number => f(a + b);

/** A row of f32 in its order; `take` joins an element to a partial result. */
function fold(row: number[], first: number, take: (p: number, x: number) => number, join = take): number {
  const whole = row.length - (row.length % 4), p = [first, first, first, first];
  for (let i = 0; i < whole; i++) p[i % 4] = take(p[i % 4]!, row[i]!);
  return row.slice(whole).reduce(take, join(join(p[0]!, p[2]!), join(p[1]!, p[3]!)));
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** The table of scratch. */
function scratchOf(r: Fields): number {
  const product = (prefix: string, ...names: string[]): number => names.reduce((p, name) => p * r.int(`${prefix}_${name}`), 1), up = (k: number): number => Math.ceil(k / 4) * 4;
  const sum = (): number => product('CONV2D', 'KERNEL_H', 'KERNEL_W', 'IN_C') / r.int('CONV2D_GROUPS');
  switch (r.opcode) {
    case C.OP_CONV2D: {
      const rows = r.int('CONV2D_BLOCK_ROWS'), outC = r.int('CONV2D_OUT_C'), K = sum();
      return r.floats ? 4 * rows * (1 + product('CONV2D', 'KERNEL_H', 'KERNEL_W') + K) : 8 * rows + 32 + outC + 48 + 2 * rows * up(K) + 32 + 16 * up(K) + 32;
    }
    case C.OP_HYBRID_CONV2D: return product('CONV2D', 'IN_H', 'IN_W', 'IN_C') + 32 + 32 * up(sum()) + 32 + 16 * up(sum()) + 32;
    case C.OP_SPARSE_CONV2D: {
      const rows = r.int('CONV2D_BLOCK_ROWS'), K = sum(), common = 8 * rows + r.int('CONV2D_IN_C') + 32;
      return r.int('SPARSE_PATTERN') === C.SPARSE_PAIRS ? common + 256 + 4 * rows * (Math.ceil(K / 2) + 3) : common + 2 * rows * (up(K) + 8);
    }
    case C.OP_DEPTHWISE_CONV2D: {
      const pairs = Math.ceil(product('DEPTHWISE', 'KERNEL_H', 'KERNEL_W') / 2), channels = r.int('DEPTHWISE_CHANNELS');
      return channels * sizeOf(r.dtype) + 64 + (r.floats ? 0 : Math.ceil(channels / 8) * Math.max(448, 32 * pairs)) + 8 * pairs;
    }
    case C.OP_BINARY: return 64;
    case C.OP_COPY: return 32;
    case C.OP_BATCH_MATMUL: {
      const R = Math.min(64, Math.ceil(r.int('MATMUL_M') / 4) * 4), K = r.int('MATMUL_K');
      return r.floats ? 8 * R + 32 + 32 * K + (r.int('MATMUL_A_TRANSPOSED') ? 4 * R * K : 0) : 8 * R + 96 + 16 * (K + 1) + 2 * R * (K + 1) + 32;
    }
    case C.OP_RECURRENT: case C.OP_SPARSE_RECURRENT: {
      const { INPUTS, CELLS, OUTPUTS } = r.ints('RECURRENT', 'INPUTS', 'CELLS', 'OUTPUTS'), gates = gatesOf(r) * up8(CELLS);
      return 3 * (4 + Math.max(INPUTS, CELLS, OUTPUTS)) + 4 * Math.max(gates, up8(OUTPUTS)) + 8 * gates + 12 * Math.max(up8(CELLS), up8(OUTPUTS)) + 384;
    }
    case C.OP_SVDF: return 3 * up(r.int('SVDF_INPUTS')) + 192 + 8 * up8(product('SVDF', 'UNITS', 'RANK'));
    default: return 0;
  }
}

const up8 = (n: number): number => Math.ceil(n / 8) * 8;

// ── records ───────────────────────────────────────────────────────────────────────────────────────────────

function execute(r: Fields): void {
  const run = operators.get(r.opcode);
  if (!run) throw new Error(`the page has no opcode ${r.opcode}`);
  run(r);
}

const operators = new Map<number, (r: Fields) => void>(Object.entries({
  OP_CONV2D: convolution, OP_HYBRID_CONV2D: convolution, OP_SPARSE_CONV2D: convolution, OP_DEPTHWISE_CONV2D: depthwise, OP_POOL2D: pool, OP_REDUCE: reduce, OP_BINARY: binary, OP_UNARY: unary,
  OP_SOFTMAX: softmax, OP_LOG_SOFTMAX: softmax, OP_L2_NORMALIZE: normalize, OP_COPY: copy, OP_FILL: fill, OP_RESIZE2D: resize, OP_ARGMAX: argmax,
  OP_RECURRENT: recurrent, OP_SPARSE_RECURRENT: recurrent, OP_SVDF: svdf, OP_GATHER: gather, OP_BATCH_MATMUL: matmul, OP_QUANTIZE: quantizing, OP_DEQUANTIZE: dequantizing, OP_CAST: cast,
}).map(([name, run]) => [C[name]!, run]));

function convolution(r: Fields): void {
  const { BATCH, IN_H, IN_W, IN_C, OUT_H, OUT_W, OUT_C, KERNEL_H, KERNEL_W, STRIDE_Y, STRIDE_X, DILATION_Y, DILATION_X, PAD_TOP, PAD_LEFT, GROUPS, PIXEL_STRIDE, ROW_STRIDE, BATCH_STRIDE } = r.ints(
    'CONV2D', 'BATCH', 'IN_H', 'IN_W', 'IN_C', 'OUT_H', 'OUT_W', 'OUT_C', 'KERNEL_H', 'KERNEL_W', 'STRIDE_Y', 'STRIDE_X', 'DILATION_Y', 'DILATION_X', 'PAD_TOP', 'PAD_LEFT',
    'GROUPS', 'PIXEL_STRIDE', 'ROW_STRIDE', 'BATCH_STRIDE');
  const hybrid = r.opcode === C.OP_HYBRID_CONV2D, floats = r.floats && !hybrid;
  const source = r.source('CONV2D_SOURCE'), target = r.target('CONV2D_TARGET'), weights = r.table('CONV2D_WEIGHTS', floats ? C.DTYPE_F32! : C.DTYPE_I8!);
  const bias = r.table('CONV2D_BIAS', r.floats ? C.DTYPE_F32! : C.DTYPE_I32!), scale = r.table('CONV2D_SCALE', C.DTYPE_F32!), sums = r.table('HYBRID_SUMS', C.DTYPE_I32!);
  const channels = IN_C / GROUPS, N = OUT_C / GROUPS, panels = Math.ceil(N / 8), K = KERNEL_H * KERNEL_W * channels;
  const zw = floats || hybrid ? 0 : r.int('CONV2D_WEIGHTS_ZERO');
  const lists = r.opcode === C.OP_SPARSE_CONV2D ? listedWeights(r, 'CONV2D_WEIGHTS', 'SPARSE', OUT_C, K, zw) : undefined;
  const weight = (g: number, n: number, k: number): number => {
    if (lists) return lists[n * K + k]!;
    const panel = g * panels + Math.floor(n / 8);
    return weights.get(floats ? (panel * K + k) * 8 + (n % 8) : (panel * Math.ceil(K / 4) + (k >> 2)) * 32 + (n % 8) * 4 + (k % 4));
  };
  for (let b = 0; b < BATCH; b++) {
    const size = IN_H * IN_W * IN_C;
    let read = (i: number): number => source.get(b * size + i), outside = floats ? 0 : r.int('CONV2D_SOURCE_ZERO'), s = 1;
    if (hybrid) {
      const numbers = range(size).map(read), picture = quantizePicture(numbers, r.int('HYBRID_MODE') === C.HYBRID_ASYMMETRIC!);
      read = (i) => picture.q[i]!;
      outside = picture.z;
      ({ s } = picture);
    }
    for (let y = 0; y < OUT_H; y++) {
      for (let x = 0; x < OUT_W; x++) {
        for (let g = 0; g < GROUPS; g++) {
          const a: number[] = [];
          for (let ky = 0; ky < KERNEL_H; ky++) {
            for (let kx = 0; kx < KERNEL_W; kx++) {
              const iy = y * STRIDE_Y - PAD_TOP + ky * DILATION_Y, ix = x * STRIDE_X - PAD_LEFT + kx * DILATION_X, inside = iy >= 0 && iy < IN_H && ix >= 0 && ix < IN_W;
              for (let c = 0; c < channels; c++) a.push(inside ? read((iy * IN_W + ix) * IN_C + g * channels + c) : outside);
            }
          }
          for (let n = 0; n < N; n++) {
            const lane = g * panels * 8 + n, at = b * BATCH_STRIDE + y * ROW_STRIDE + x * PIXEL_STRIDE + g * N + n;
            if (floats) {
              target.set(at, clamp(a.reduce((sum, v, k) => f(sum + f(v * weight(g, n, k))), bias.get(lane)), r.float('CONV2D_MIN'), r.float('CONV2D_MAX')));
            } else if (hybrid) {
              const acc = (a.reduce((sum, v, k) => sum + v * weight(g, n, k), 0) - outside * sums.get(lane)) | 0;
              target.set(at, clamp(f(f(f(acc) * f(s * scale.get(lane))) + bias.get(lane)), r.float('CONV2D_MIN'), r.float('CONV2D_MAX')));
            } else {
              const acc = a.reduce((sum, v, k) => sum + v * (weight(g, n, k) - zw), bias.get(lane)) | 0;
              target.set(at, requantize(acc, scale.get(lane), steps(r, 'CONV2D')));
            }
          }
        }
      }
    }
  }
}

/** [N][K] from lists, whose fields have a prefix. */
function listedWeights(r: Fields, name: string, lists: string, N: number, K: number, zw: number): number[] {
  const weights = r.table(name, C.DTYPE_I8!), distances = r.table(`${lists}_STEPS`, C.DTYPE_U8!), counts = r.table(`${lists}_COUNTS`, C.DTYPE_U8!);
  const pairs = lists === 'SPARSE' && r.int('SPARSE_PATTERN') === C.SPARSE_PAIRS, [channels, depth, unit] = pairs ? [1, 2, 4] as const : [8, 4, 1] as const, all = Array.from({ length: N * K }, () => zw);
  let entry = 0;
  for (let list = 0; list * channels < N; list++) {
    let place = 0;
    for (let left = (counts.get(2 * list) + 256 * counts.get(2 * list + 1)) * unit; left > 0; left--, entry++) {
      place += distances.get(entry);
      for (const row of range(channels)) for (const j of range(depth)) {
        const n = list * channels + row, k = place * depth + j, w = weights.get((entry * channels + row) * depth + j);
        // what fills up lists may come on top of weights: it adds nothing to them
        if (n < N && k < K) all[n * K + k]! += w - zw;
      }
    }
  }
  return all;
}

function quantizePicture(numbers: number[], asymmetric: boolean): { q: number[]; s: number; z: number } {
  const low = numbers.reduce(min, 0), high = numbers.reduce(max, 0), width = f(high - low);
  let s = 1, z = 0;
  if (width > 0 && width < Infinity) {
    if (asymmetric) {
      const step = (high - low) / 255, e = 128 + Math.abs(low / step) < 127 + Math.abs(high / step) ? -128 - low / step : 127 - high / step;
      z = Math.max(-128, Math.min(127, Math.sign(e) * Math.floor(Math.abs(e) + 0.5)));
      s = f(step);
    } else {
      s = f(max(-low, high) / 127);
    }
  }
  return { q: numbers.map((x) => (Number.isNaN(x) ? z : away(clamp(f(z + f(x * f(1 / s))), -128, 127)))), s, z };
}

function depthwise(r: Fields): void {
  const { BATCH, IN_H, IN_W, CHANNELS, OUT_H, OUT_W, KERNEL_H, KERNEL_W, STRIDE_Y, STRIDE_X, DILATION_Y, DILATION_X, PAD_TOP, PAD_LEFT } = r.ints(
    'DEPTHWISE', 'BATCH', 'IN_H', 'IN_W', 'CHANNELS', 'OUT_H', 'OUT_W', 'KERNEL_H', 'KERNEL_W', 'STRIDE_Y', 'STRIDE_X', 'DILATION_Y', 'DILATION_X', 'PAD_TOP', 'PAD_LEFT');
  const source = r.source('DEPTHWISE_SOURCE'), target = r.target('DEPTHWISE_TARGET'), weights = r.table('DEPTHWISE_WEIGHTS', r.dtype);
  const bias = r.table('DEPTHWISE_BIAS', r.floats ? C.DTYPE_F32! : C.DTYPE_I32!), scale = r.table('DEPTHWISE_SCALE', C.DTYPE_F32!);
  const T = KERNEL_H * KERNEL_W;
  let at = 0;
  for (let b = 0; b < BATCH; b++) {
    for (let y = 0; y < OUT_H; y++) {
      for (let x = 0; x < OUT_W; x++) {
        for (let c = 0; c < CHANNELS; c++) {
          let s = bias.get(c);
          for (let t = 0; t < T; t++) {
            const iy = y * STRIDE_Y - PAD_TOP + (t % KERNEL_H) * DILATION_Y, ix = x * STRIDE_X - PAD_LEFT + Math.floor(t / KERNEL_H) * DILATION_X;
            const inside = iy >= 0 && iy < IN_H && ix >= 0 && ix < IN_W, a = inside ? source.get(((b * IN_H + iy) * IN_W + ix) * CHANNELS + c) : r.floats ? 0 : r.int('DEPTHWISE_SOURCE_ZERO');
            if (r.floats) s = f(s + f(a * weights.get(t * CHANNELS + c)));
            else s = (s + a * (weights.get(((c >> 3) * T + t) * 8 + (c % 8)) - r.int('DEPTHWISE_WEIGHTS_ZERO'))) | 0;
          }
          target.set(at++, r.floats ? clamp(s, r.float('DEPTHWISE_MIN'), r.float('DEPTHWISE_MAX')) : requantize(s, scale.get(c), steps(r, 'DEPTHWISE')));
        }
      }
    }
  }
}

function pool(r: Fields): void {
  const { KIND, BATCH, IN_H, IN_W, CHANNELS, OUT_H, OUT_W, KERNEL_H, KERNEL_W, STRIDE_Y, STRIDE_X, PAD_TOP, PAD_LEFT, ROUNDING_OFFSET } = r.ints(
    'POOL2D', 'KIND', 'BATCH', 'IN_H', 'IN_W', 'CHANNELS', 'OUT_H', 'OUT_W', 'KERNEL_H', 'KERNEL_W', 'STRIDE_Y', 'STRIDE_X', 'PAD_TOP', 'PAD_LEFT', 'ROUNDING_OFFSET');
  const source = r.source('POOL2D_SOURCE'), target = r.target('POOL2D_TARGET');
  let at = 0;
  for (let b = 0; b < BATCH; b++) {
    for (let y = 0; y < OUT_H; y++) {
      for (let x = 0; x < OUT_W; x++) {
        const rows = range(KERNEL_H).map((k) => y * STRIDE_Y - PAD_TOP + k).filter((i) => i >= 0 && i < IN_H), columns = range(KERNEL_W).map((k) => x * STRIDE_X - PAD_LEFT + k).filter((i) => i >= 0 && i < IN_W);
        for (let c = 0; c < CHANNELS; c++) {
          const window = rows.flatMap((iy) => columns.map((ix) => source.get(((b * IN_H + iy) * IN_W + ix) * CHANNELS + c))), n = window.length;
          let value: number;
          if (KIND === C.POOL2D_MAXIMUM!) value = window.reduce(max, -Infinity);
          else if (r.floats) value = f(window.reduce(add, 0) / n);
          else {
            const s = window.reduce((sum, q) => sum + q, n * ROUNDING_OFFSET), half = Math.trunc(n / 2);
            value = Math.trunc((s > 0 ? s + half : s - half) / n) - ROUNDING_OFFSET;
          }
          target.set(at++, clamp(value, r.bound('POOL2D_MIN'), r.bound('POOL2D_MAX')));
        }
      }
    }
  }
}

function reduce(r: Fields): void {
  const { KIND, OUTER, COUNT, INNER, SOURCE_ZERO, TARGET_ZERO, ROUNDING } = r.ints('REDUCE', 'KIND', 'OUTER', 'COUNT', 'INNER', 'SOURCE_ZERO', 'TARGET_ZERO', 'ROUNDING');
  const source = r.source('REDUCE_SOURCE'), target = r.target('REDUCE_TARGET'), scale = r.float('REDUCE_SCALE'), all = wholeRange(TARGET_ZERO);
  const combine = (values: number[]): number => {
    const join = (first: number, take: (p: number, x: number) => number): number => (INNER === 1 ? fold(values, first, take) : values.reduce(take, first));
    if (KIND === C.REDUCE_MAX) return join(-Infinity, max);
    if (KIND === C.REDUCE_MIN) return join(Infinity, min);
    if (r.floats) {
      if (KIND === C.REDUCE_PROD) return values.reduce((p, x) => f(p * x), 1);
      return KIND === C.REDUCE_MEAN ? f(join(0, add) / COUNT) : join(0, add);
    }
    if (KIND === C.REDUCE_PROD) {
      const factor = (x: bigint): bigint => fixedPoint(x, BigInt(r.int('REDUCE_MULTIPLIER')), r.int('REDUCE_EXPONENT')), [first, ...rest] = values.map((q) => BigInt(q - SOURCE_ZERO));
      return clamp(Number(factor(rest.reduce((p, q) => factor(p * q), first!))) + TARGET_ZERO, -128, 127);
    }
    const S = values.reduce((sum, q) => sum + q - SOURCE_ZERO, 0);
    if (ROUNDING === C.ROUND_EVEN) return requantize(S, scale, all);
    if (ROUNDING === C.ROUND_AWAY) return away(clamp(f(f(S) * scale), -128 - TARGET_ZERO, 127 - TARGET_ZERO)) + TARGET_ZERO;
    return clamp(Math.trunc(S / COUNT) + TARGET_ZERO, -128, 127);
  };
  for (let o = 0; o < OUTER; o++) for (let i = 0; i < INNER; i++) target.set(o * INNER + i, combine(range(COUNT).map((j) => source.get((o * COUNT + j) * INNER + i))));
}

/** x·m·2^(e − 31) with two roundings. */
function fixedPoint(x: bigint, m: bigint, e: number): bigint {
  const i32 = (y: bigint): bigint => (y > 2147483647n ? 2147483647n : y < -2147483648n ? -2147483648n : y), [left, right] = [BigInt(Math.max(e, 0)), BigInt(Math.max(-e, 0))];
  const product = i32(i32(x) << left) * m, h = (product + (product >= 0n ? 1n << 30n : 1n - (1n << 30n))) / (1n << 31n);
  const size = h < 0n ? -h : h, quotient = right === 0n ? size : (size + (1n << (right - 1n))) >> right;
  return i32(h < 0n ? -quotient : quotient);
}

/** Every index of a walk, with its elements in two tensors, the last dimension fastest. */
function* walk(r: Fields, dimensions: string, first: string, second: string): Generator<[number, number]> {
  const sizes = range(C.MAX_RANK!).map((d) => r.int(dimensions, d)), count = sizes.reduce((a, b) => a * b, 1);
  for (let n = 0; n < count; n++) {
    let rest = n, a = 0, b = 0;
    for (let d = C.MAX_RANK! - 1; d >= 0; d--) {
      const i = rest % sizes[d]!;
      rest = (rest - i) / sizes[d]!;
      a += i * r.int(first, d);
      b += i * r.int(second, d);
    }
    yield [a, b];
  }
}

function binary(r: Fields): void {
  const a = r.source('BINARY_A'), b = r.source('BINARY_B'), target = r.target('BINARY_TARGET'), kind = r.int('BINARY_KIND'), s = steps(r, 'BINARY');
  const compute = r.floats ? floats : r.dtype === C.DTYPE_I32 ? integers : quantized;
  const values = [...walk(r, 'BINARY_DIMENSIONS', 'BINARY_A_STRIDES', 'BINARY_B_STRIDES')].map(([i, j]) => compute(a.get(i), b.get(j)));
  values.forEach((value, i) => target.set(i, value));

  function floats(p: number, q: number): number {
    const d = f(p - q);
    const value = [f(p + q), d, f(p * q), f(p / q), min(p, q), max(p, q), f(d * d), p >= 0 ? p : f(p * q)][kind]!;
    return clamp(value, r.float('BINARY_MIN'), r.float('BINARY_MAX'));
  }
  function integers(p: number, q: number): number {
    return [p + q, p - q, Math.imul(p, q), 0, min(p, q), max(p, q)][kind]! | 0;
  }
  function quantized(p: number, q: number): number {
    const da = p - r.int('BINARY_A_ZERO'), db = q - r.int('BINARY_B_ZERO'), scale = r.float('BINARY_SCALE'), second = r.float('BINARY_NEGATIVE_SCALE'), out = r.float('BINARY_OUT_SCALE');
    switch (kind) {
      case C.BINARY_ADD: case C.BINARY_SUB:
        return clamp(((Math.imul(r.int('BINARY_A_FACTOR'), p) + Math.imul(r.int('BINARY_B_FACTOR'), q) + r.int('BINARY_BIAS')) | 0) >> r.int('BINARY_SHIFT'), s.min - s.zero, s.max - s.zero) + s.zero;
      case C.BINARY_MUL: return requantize(da * db, scale, s);
      case C.BINARY_DIV: return quantize(f(f(f(scale * da) / f(second * db)) / out), s);
      case C.BINARY_MINIMUM: return clamp(min(p, q), s.min, s.max);
      case C.BINARY_MAXIMUM: return clamp(max(p, q), s.min, s.max);
      case C.BINARY_PRELU: return da >= 0 ? requantize(da, scale, s) : requantize(da * db, second, s);
      default: {
        const d = f(f(scale * da) - f(second * db));
        return quantize(f(f(d * d) / out), s);
      }
    }
  }
}

function unary(r: Fields): void {
  const source = r.source('UNARY_SOURCE'), target = r.target('UNARY_TARGET'), count = r.int('UNARY_COUNT');
  if (!r.floats) {
    const bytes = r.source('UNARY_SOURCE', C.DTYPE_U8), table = r.table('UNARY_TABLE', C.DTYPE_U8!);
    for (let i = 0; i < count; i++) target.set(i, table.get(bytes.get(i)));
    return;
  }
  const compute = functions[r.int('UNARY_KIND')]!, alpha = r.float('UNARY_ALPHA');
  for (let i = 0; i < count; i++) target.set(i, compute(source.get(i), alpha));
}

/** In the order of their numbers; the caller rounds to f32. */
const functions: ((x: number, alpha: number) => number)[] = [
  (x) => max(x, 0), (x) => min(max(x, 0), 6), (x) => min(max(x, -1), 1), (x) => min(max(x, 0), 1), (x, alpha) => (x >= 0 ? x : x * alpha),
  (x) => f(x * min(max(f(x + 3), 0), 6)) * f(1 / 6), (x) => 1 / (1 + Math.exp(-x)), Math.tanh, (x, alpha) => (x >= 0 ? x : alpha * Math.expm1(x)),
  (x) => x / 2 * (1 + erf(x / Math.SQRT2)), (x) => x / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  Math.exp, Math.log, Math.sqrt, (x) => 1 / f(Math.sqrt(x)), Math.abs, (x) => -x, (x) => x * x, Math.floor, Math.ceil, even, Math.sin, Math.cos,
];

/** By its series (Abramowitz and Stegun 7.1.6), good to double precision for |x| < 6. */
function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x, sum = x;
  for (let n = 1; n < 200; n++) {
    term *= 2 * x * x / (2 * n + 1);
    sum += term;
  }
  return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
}

function softmax(r: Fields): void {
  const source = r.source('SOFTMAX_SOURCE'), target = r.target('SOFTMAX_TARGET'), table = r.table('SOFTMAX_TABLE', C.DTYPE_F32!), depth = r.int('SOFTMAX_DEPTH');
  const scale = r.float('SOFTMAX_SCALE'), out = r.float('SOFTMAX_OUT_SCALE'), zero = r.int('SOFTMAX_TARGET_ZERO'), logs = r.opcode === C.OP_LOG_SOFTMAX;
  for (let row = 0; row < r.int('SOFTMAX_ROWS'); row++) {
    const values = range(depth).map((i) => source.get(row * depth + i)), m = fold(values, -Infinity, max);
    const powers = values.map((x) => (r.floats ? f(Math.exp(logs ? f(x - m) : f(f(x - m) * scale))) : table.get(m - x))), sum = fold(powers, 0, add), L = f(Math.log(sum));
    values.forEach((x, i) => {
      let y: number;
      if (r.floats) y = logs ? f(f(x - m) - L) : f(powers[i]! * f(1 / sum));
      else if (logs) y = quantize(f(f(f(scale * (x - m)) - L) / out), wholeRange(zero));
      else {
        const p = f(powers[i]! * f(1 / f(sum * out)));
        y = even(p < 127 - zero ? p : 127 - zero) + zero;
      }
      target.set(row * depth + i, y);
    });
  }
}

function normalize(r: Fields): void {
  const source = r.source('L2_NORMALIZE_SOURCE'), target = r.target('L2_NORMALIZE_TARGET'), depth = r.int('L2_NORMALIZE_DEPTH'), epsilon = r.float('L2_NORMALIZE_EPSILON');
  const za = r.int('L2_NORMALIZE_SOURCE_ZERO'), zo = r.int('L2_NORMALIZE_TARGET_ZERO');
  for (let row = 0; row < r.int('L2_NORMALIZE_ROWS'); row++) {
    const values = range(depth).map((i) => source.get(row * depth + i));
    if (r.floats) {
      const S = fold(values, 0, (p, x) => f(p + f(x * x)), add), factor = f(1 / f(Math.sqrt(S < epsilon ? epsilon : S)));
      values.forEach((x, i) => target.set(row * depth + i, f(x * factor)));
    } else {
      const S = values.reduce((sum, q) => sum + (q - za) ** 2, 0), factor = f(1 / (Math.sqrt(Math.max(S, epsilon)) * r.float('L2_NORMALIZE_OUT_SCALE')));
      values.forEach((q, i) => target.set(row * depth + i, quantize(f((q - za) * factor), wholeRange(zo))));
    }
  }
}

function copy(r: Fields): void {
  const dtype = r.int('COPY_ELEMENT_BYTES') === 1 ? C.DTYPE_U8! : C.DTYPE_I32!, source = r.source('COPY_SOURCE', dtype), target = r.target('COPY_TARGET', dtype);
  for (const [from, to] of walk(r, 'COPY_DIMENSIONS', 'COPY_SOURCE_STRIDES', 'COPY_TARGET_STRIDES')) target.set(to, source.get(from));
}

function fill(r: Fields): void {
  const target = r.target('FILL_TARGET', r.int('FILL_ELEMENT_BYTES') === 1 ? C.DTYPE_U8 : C.DTYPE_I32);
  for (let i = 0; i < r.int('FILL_COUNT'); i++) target.set(i, r.int('FILL_VALUE'));
}

function resize(r: Fields): void {
  const { MODE, BATCH, IN_H, IN_W, CHANNELS, OUT_H, OUT_W } = r.ints('RESIZE2D', 'MODE', 'BATCH', 'IN_H', 'IN_W', 'CHANNELS', 'OUT_H', 'OUT_W');
  const source = r.source('RESIZE2D_SOURCE'), target = r.target('RESIZE2D_TARGET'), words = C.RESIZE2D_ENTRY_BYTES! / 4;
  const entry = (name: string, i: number): [number, number, number] => {
    const numbers = r.table(name, C.DTYPE_I32!), floats = r.table(name, C.DTYPE_F32!);
    return [numbers.get(i * words), numbers.get(i * words + 1), (r.floats ? floats : numbers).get(i * words + 2)];
  };
  let at = 0;
  for (let b = 0; b < BATCH; b++) {
    for (let y = 0; y < OUT_H; y++) {
      for (let x = 0; x < OUT_W; x++) {
        const [top, bottom, wy] = entry('RESIZE2D_ROWS', y), [left, right, wx] = entry('RESIZE2D_COLUMNS', x);
        for (let c = 0; c < CHANNELS; c++) {
          const a = (iy: number, ix: number): number => source.get(((b * IN_H + iy) * IN_W + ix) * CHANNELS + c);
          const whole = (iy: number): number => a(iy, left) * 2048 + (a(iy, right) - a(iy, left)) * wx, real = (iy: number): number => f(a(iy, left) + f(f(a(iy, right) - a(iy, left)) * wx));
          let value: number;
          if (MODE === C.RESIZE2D_NEAREST) value = a(top, left);
          else if (r.floats) value = f(real(top) + f(f(real(bottom) - real(top)) * wy));
          else value = (whole(top) * 2048 + (whole(bottom) - whole(top)) * wy + 2 ** 21) >> 22;
          target.set(at++, value);
        }
      }
    }
  }
}

function argmax(r: Fields): void {
  const { KIND, OUTER, COUNT, INNER } = r.ints('ARGMAX', 'KIND', 'OUTER', 'COUNT', 'INNER'), source = r.source('ARGMAX_SOURCE'), target = r.target('ARGMAX_TARGET', C.DTYPE_I32);
  for (let o = 0; o < OUTER; o++) {
    for (let i = 0; i < INNER; i++) {
      const value = (j: number): number => source.get((o * COUNT + j) * INNER + i);
      target.set(o * INNER + i, range(COUNT).reduce((best, j) => ((KIND === C.ARGMAX_MAX ? value(j) > value(best) : value(j) < value(best)) ? j : best)));
    }
  }
}

function matmul(r: Fields): void {
  const { BATCH, M, K, N, A_BATCH_STRIDE, B_BATCH_STRIDE, A_TRANSPOSED, B_TRANSPOSED, A_ZERO, B_ZERO } = r.ints(
    'MATMUL', 'BATCH', 'M', 'K', 'N', 'A_BATCH_STRIDE', 'B_BATCH_STRIDE', 'A_TRANSPOSED', 'B_TRANSPOSED', 'A_ZERO', 'B_ZERO');
  const a = r.source('MATMUL_A'), b = r.source('MATMUL_B'), target = r.target('MATMUL_TARGET');
  for (let batch = 0; batch < BATCH; batch++) {
    for (let m = 0; m < M; m++) {
      for (let n = 0; n < N; n++) {
        let s = 0;
        for (let k = 0; k < K; k++) {
          const p = a.get(batch * A_BATCH_STRIDE + (A_TRANSPOSED ? k * M + m : m * K + k)), q = b.get(batch * B_BATCH_STRIDE + (B_TRANSPOSED ? n * K + k : k * N + n));
          s = r.floats ? f(s + f(p * q)) : s + (p - A_ZERO) * (q - B_ZERO);
        }
        target.set((batch * M + m) * N + n, r.floats ? clamp(s, r.float('MATMUL_MIN'), r.float('MATMUL_MAX')) : requantize(s, r.float('MATMUL_SCALE'), steps(r, 'MATMUL')));
      }
    }
  }
}

function quantizing(r: Fields): void {
  const source = r.source('QUANTIZE_SOURCE'), target = r.target('QUANTIZE_TARGET', C.DTYPE_I8), scale = r.float('QUANTIZE_SCALE'), zero = r.int('QUANTIZE_ZERO');
  for (let i = 0; i < r.int('QUANTIZE_COUNT'); i++) target.set(i, quantize(f(source.get(i) * scale), wholeRange(zero)));
}

function dequantizing(r: Fields): void {
  const source = r.source('QUANTIZE_SOURCE'), target = r.target('QUANTIZE_TARGET', C.DTYPE_F32), scale = r.float('QUANTIZE_SCALE'), zero = r.int('QUANTIZE_ZERO');
  for (let i = 0; i < r.int('QUANTIZE_COUNT'); i++) target.set(i, f(scale * (source.get(i) - zero)));
}

function cast(r: Fields): void {
  const to = r.int('CAST_TO'), source = r.source('CAST_SOURCE'), target = r.target('CAST_TARGET', to), bytes = (dtype: number): boolean => sizeOf(dtype) === 1;
  const limits = new Map([[C.DTYPE_I8, [-128, 127]], [C.DTYPE_U8, [0, 255]], [C.DTYPE_I32, [-2147483648, 2147483647]]]).get(to) as [number, number] | undefined;
  for (let i = 0; i < r.int('CAST_COUNT'); i++) {
    const x = source.get(i);
    if (r.dtype !== to && bytes(r.dtype) && bytes(to)) target.set(i, x ^ 0x80);
    else if (r.floats && limits) target.set(i, Number.isNaN(x) ? 0 : clamp(Math.trunc(x), ...limits));
    else target.set(i, x);
  }
}

// ── layers with a state ───────────────────────────────────────────────────────────────────────────────────

function gatesOf(r: Fields): number {
  const kind = r.int('RECURRENT_KIND');
  return kind === C.RECURRENT_RNN! ? 1 : kind !== C.RECURRENT_LSTM! || r.int('RECURRENT_PARTS') & C.RECURRENT_COUPLED! ? 3 : 4;
}

const sat16 = (x: number): number => clamp(x, -32768, 32767), sat8 = (x: number): number => clamp(x, -128, 127);
/** a / 2^n, halves away from zero */
const over = (a: number, n: number): number => Math.sign(a) * Math.floor(Math.abs(a) / 2 ** n + (n > 0 ? 0.5 : 0));
const floorOver = (a: bigint, n: bigint): bigint => a >> n;

function factor(x: number, multiplier: number, exponent: number): number {
  const left = Math.max(exponent, 0), most = Math.floor((2 ** 31 - 1) / 2 ** left), cut = clamp(x, -most - 1, most) * 2 ** left;
  return over(Number(floorOver(BigInt(cut) * BigInt(multiplier) + (1n << 30n), 31n)), Math.max(-exponent, 0));
}

const ring = (a: number, b: number): number => sat16(Math.floor((a * b + 16384) / 32768));

function exp16(x: number, b: number): number {
  if (x === 0) return 32767;
  if (b > 5 && x < -(2 ** (20 - b))) return 0;
  const Q = 2 ** (13 - b), p = (x & (Q - 1)) - Q, a = p * 2 ** b + 4096, a2 = ring(a, a);
  let y = sat16(28918 + ring(28918, a + over(ring(over(ring(a2, a2), 2) + ring(a2, a), 10923) + a2, 1)));
  [25520, 19875, 12055, 4435, 600, 11, 0].forEach((m, i) => { if (i < b + 2 && (p - x) & (Q * 2 ** i)) y = ring(y, m); });
  return y;
}

function inverse16(e: number): number {
  const v = (e + 32768) >> 1;
  let x = 23130 + ring(v, -15420);
  for (let i = 0; i < 3; i++) x += sat16(4 * ring(x, 8192 - ring(v, x)));
  return x;
}

const logistic16 = (x: number): number => {
  const y = sat16(2 * inverse16(exp16(-Math.abs(x), 3)));
  return x === 0 ? 16384 : x > 0 ? y : 32767 - y;
};
const tanh16 = (x: number, b: number): number => (x === 0 ? 0 : Math.sign(x) * sat16(4 * (inverse16(exp16(-Math.abs(x), b + 1)) - 8192)));

function norm16(s: number[], weight: (n: number) => number, bias: (n: number) => number, multiplier: number, exponent: number, guard: number): number[] {
  const N = s.length, M = Math.trunc(1024 * s.reduce((a, b) => a + b, 0) / N), squares = s.reduce((a, b) => a + b * b, 0);
  let V = Number((BigInt(squares) * BigInt(Math.trunc(2 ** 20 / N)) - BigInt(M) * BigInt(M)) / (1n << 20n)), root = [2147483647, 0];
  if (V < 1) V = guard;
  if (V > 1) {
    let e = 11;
    for (; V >= 2 ** 29; e++) V = Math.trunc(V / 4);
    for (; V < 2 ** 27; e--) V *= 4;
    const dot = (a: number, b: number): number => Number(floorOver(BigInt(a) * BigInt(b) + (1n << 30n), 31n)), held = (x: number): number => clamp(x, -2147483648, 2147483647), h = over(V >> 1, 1);
    let x = 2 ** 28;
    for (let i = 0; i < 5; i++) x = held(8 * (dot(402653184, x) - dot(h, held(64 * dot(dot(x, x), x)))));
    x = dot(x, 1518500250);
    root = e < 0 ? [x * 2 ** -e | 0, 0] : [x, -e];
  }
  return s.map((v, n) => {
    const u = (Math.imul(factor(1024 * v - M, root[0]!, root[1]!), weight(n)) + bias(n)) | 0;
    return sat16(factor(Math.trunc((u > 0 ? u + 512 : u - 512) / 1024), multiplier, exponent + 12));
  });
}

/** A packed matrix of a step: Σ a·w of lane n of gate g, from a start on in f32. */
function matrix(r: Fields, name: string, floats: boolean, lanes: number, K: number, lists?: string): (gate: number, n: number, a: number[], start?: number) => number {
  const weights = r.table(name, floats ? C.DTYPE_F32! : C.DTYPE_I8!), panels = up8(lanes) / 8;
  if (lists !== undefined && r.opcode === C.OP_SPARSE_RECURRENT && r.int(`${lists}_ENTRIES`) > 0) {
    const listed = listedWeights(r, name, lists, gatesOf(r) * up8(lanes), K, 0);
    return (gate, n, a, start = 0) => a.reduce((s, v, k) => s + v * listed[(gate * up8(lanes) + n) * K + k]!, start);
  }
  return (gate, n, a, start = 0) => {
    const panel = gate * panels + (n >> 3), at = (k: number): number => weights.get(floats ? (panel * K + k) * 8 + (n % 8) : (panel * Math.ceil(K / 4) + (k >> 2)) * 32 + (n % 8) * 4 + (k % 4));
    return a.reduce((s, v, k) => (floats ? f(s + f(v * at(k))) : s + v * at(k)), start);
  };
}

const logistic = (x: number): number => f(1 / f(1 + f(Math.exp(-x))));

function activation(kind: number): (x: number) => number {
  const functions: Record<string, (x: number) => number> = { UNARY_RELU: (x) => max(x, 0), UNARY_RELU6: (x) => min(max(x, 0), 6), UNARY_RELU_N1_TO_1: (x) => min(max(x, -1), 1), UNARY_TANH: (x) => f(Math.tanh(x)) };
  return kind === -1 ? (x) => x : functions[Object.keys(functions).find((name) => C[name] === kind)!]!;
}

function recurrent(r: Fields): void {
  const { KIND, TIME, BATCH, INPUTS, CELLS, OUTPUTS, SOURCE_STEP, SOURCE_BATCH, TARGET_STEP, TARGET_BATCH, REVERSE, PARTS, MODE } = r.ints(
    'RECURRENT', 'KIND', 'TIME', 'BATCH', 'INPUTS', 'CELLS', 'OUTPUTS', 'SOURCE_STEP', 'SOURCE_BATCH', 'TARGET_STEP', 'TARGET_BATCH', 'REVERSE', 'PARTS', 'MODE');
  const G = gatesOf(r), N = CELLS, lanes = up8(N), gru = KIND === C.RECURRENT_GRU! || KIND === C.RECURRENT_GRU_RESET_FIRST!, plain = r.floats && MODE === C.RECURRENT_PLAIN!;
  const source = r.source('RECURRENT_SOURCE'), target = r.target('RECURRENT_TARGET'), hidden = r.target('RECURRENT_HIDDEN', !r.floats && gru ? I16 : r.dtype), cell = r.target('RECURRENT_CELL', r.floats ? C.DTYPE_F32 : I16);
  const W = matrix(r, 'RECURRENT_INPUT_WEIGHTS', plain, N, INPUTS, 'SPARSE_RECURRENT_INPUT'), U = matrix(r, 'RECURRENT_HIDDEN_WEIGHTS', plain, N, OUTPUTS, 'SPARSE_RECURRENT_HIDDEN'), number = r.floats ? C.DTYPE_F32! : C.DTYPE_I32!, small = r.floats ? C.DTYPE_F32! : I16;
  const biasW = r.table('RECURRENT_INPUT_BIAS', number), biasU = r.table('RECURRENT_HIDDEN_BIAS', number), gates = r.table('RECURRENT_GATES', plain || MODE ? C.DTYPE_F32! : C.DTYPE_I32!), sums = r.table('RECURRENT_SUMS', C.DTYPE_I32!);
  const peephole = r.table('RECURRENT_PEEPHOLE', small), norm = r.table('RECURRENT_NORM', small), normBias = r.table('RECURRENT_NORM_BIAS', number), words = (gate: number, i: number): number => gates.get(gate * 9 + i);
  const P = matrix(r, 'RECURRENT_PROJECTION', plain, OUTPUTS, N), biasP = r.table('RECURRENT_PROJECTION_BIAS', number), all = range(N), act = r.floats ? activation(r.int('RECURRENT_ACTIVATION')) : () => 0;
  /** f32: start plus the products of a row, hybrid ones by its own range. */
  const products = (of: typeof W, gate: number, row: number[], start: (n: number) => number, count: number, scale: number, firstSum: number): number[] => {
    if (plain) return range(count).map((n) => of(gate, n, row, start(n)));
    const { q, s, z } = quantizePicture(row, MODE === C.RECURRENT_ASYMMETRIC!);
    return range(count).map((n) => f(f(f((of(gate, n, q) - z * sums.get(firstSum + n)) | 0) * f(s * scale)) + start(n)));
  };
  for (let b = 0; b < BATCH; b++) {
    let h = range(OUTPUTS).map((n) => hidden.get(b * OUTPUTS + n)), c = KIND === C.RECURRENT_LSTM! ? all.map((n) => cell.get(b * N + n)) : [];
    for (let step = 0; step < TIME; step++) {
      const t = REVERSE ? TIME - 1 - step : step, x = range(INPUTS).map((k) => source.get(t * SOURCE_STEP + b * SOURCE_BATCH + k));
      let shown: number[] | undefined;
      const coupled = G === 3, [I, F, Gate, O] = coupled ? [0, 0, 1, 2] : [0, 1, 2, 3];
      if (r.floats) {
        const w = (gate: number): number[] => products(W, gate, x, (n) => biasW.get(gate * lanes + n), N, gates.get(gate * 2), gate * lanes);
        const u = (gate: number, row: number[], start: (n: number) => number): number[] => products(U, gate, row, start, N, gates.get(gate * 2 + 1), (G + gate) * lanes);
        const both = (gate: number): number[] => { const s = w(gate); return u(gate, h, (n) => s[n]!); };
        if (KIND === C.RECURRENT_RNN!) h = both(0).map(act);
        else if (gru) {
          const T = (gate: number, row = h): number[] => u(gate, row, (n) => biasU.get(gate * lanes + n)), sum = (gate: number): number[] => { const a = w(gate), d = T(gate); return all.map((n) => logistic(f(a[n]! + d[n]!))); };
          const z = sum(0), reset = sum(1), last = w(2), d = KIND === C.RECURRENT_GRU! ? T(2).map((v, n) => f(reset[n]! * v)) : T(2, h.map((v, n) => f(reset[n]! * v)));
          h = h.map((v, n) => f(f(z[n]! * v) + f(f(1 - z[n]!) * f(Math.tanh(f(last[n]! + d[n]!))))));
        } else {
          const finish = (gate: number, peeps: boolean): number[] => {
            let s = both(gate);
            if (peeps && PARTS & C.RECURRENT_HAS_PEEPHOLE!) s = s.map((v, n) => f(v + f(peephole.get(gate * lanes + n) * c[n]!)));
            if (PARTS & C.RECURRENT_HAS_NORM!) {
              const mean = f(fold(s, 0, add) / N), d = s.map((v) => f(v - mean)), v = f(1 / f(Math.sqrt(f(f(fold(d, 0, (p, e) => f(p + f(e * e)), add) / N) + f(1e-8)))));
              s = d.map((e, n) => f(f(f(e * v) * norm.get(gate * lanes + n)) + normBias.get(gate * lanes + n)));
            }
            return s;
          };
          const fs = finish(F, true).map(logistic), is = coupled ? fs.map((v) => f(1 - v)) : finish(I, true).map(logistic), gs = finish(Gate, false).map(act), clip = r.float('RECURRENT_CELL_CLIP');
          c = c.map((v, n) => f(f(fs[n]! * v) + f(is[n]! * gs[n]!))).map((v) => (clip > 0 ? clamp(v, -clip, clip) : v));
          const os = finish(O, true).map(logistic), m = c.map((v, n) => f(os[n]! * act(v))), bound = r.float('RECURRENT_PROJECTION_CLIP');
          h = PARTS & C.RECURRENT_HAS_PROJECTION! ? products(P, 0, m, (n) => biasP.get(n), OUTPUTS, r.float('RECURRENT_PROJECTION_SCALE'), 2 * G * lanes).map((v) => (bound > 0 ? clamp(v, -bound, bound) : v)) : m;
        }
      } else {
        const s = (gate: number): number[] => all.map((n) => sat16(factor(W(gate, n, x) + biasW.get(gate * lanes + n), words(gate, 0), words(gate, 1))));
        const T = (gate: number, row: number[]): number[] => all.map((n) => factor(U(gate, n, row) + biasU.get(gate * lanes + n), words(gate, 2), words(gate, 3)));
        const both = (gate: number): number[] => { const a = s(gate), d = T(gate, h); return all.map((n) => sat16(a[n]! + d[n]!)); }, zero = r.int('RECURRENT_TARGET_ZERO');
        if (KIND === C.RECURRENT_RNN!) h = both(0).map((v) => clamp(over(r.int('RECURRENT_ACTIVATION') === C.UNARY_TANH! ? tanh16(v, 3) : v, 8) + zero, r.int('RECURRENT_MIN'), r.int('RECURRENT_MAX')));
        else if (gru) {
          const narrow = (row: number[]): number[] => row.map((v) => sat8(over(v, 8))), seen = narrow(h), sum = (gate: number): number[] => { const a = s(gate), d = T(gate, seen); return all.map((n) => logistic16(sat16(a[n]! + sat16(d[n]!)))); };
          const z = sum(0), reset = sum(1), last = s(2), d = KIND === C.RECURRENT_GRU! ? T(2, seen).map((v, n) => over(reset[n]! * sat16(v), 15)) : T(2, narrow(h.map((v, n) => over(reset[n]! * v, 15)))).map(sat16);
          h = h.map((v, n) => sat16(over(z[n]! * v, 15) + over((32767 - z[n]!) * tanh16(sat16(last[n]! + d[n]!), 3), 15)));
          shown = h.map((v) => sat8(over(v, 8) + zero));
        } else {
          const finish = (gate: number, peeps: boolean): number[] => {
            const a = both(gate).map((v, n) => (peeps && PARTS & C.RECURRENT_HAS_PEEPHOLE! ? sat16(v + factor(peephole.get(gate * lanes + n) * c[n]!, words(gate, 4), words(gate, 5))) : v));
            return PARTS & C.RECURRENT_HAS_NORM! ? norm16(a, (n) => norm.get(gate * lanes + n), (n) => normBias.get(gate * lanes + n), words(gate, 6), words(gate, 7), words(gate, 8)) : a;
          };
          const bits = r.int('RECURRENT_CELL_BITS'), clip = r.int('RECURRENT_CELL_CLIP') || Infinity, bound = r.int('RECURRENT_PROJECTION_CLIP') || Infinity;
          const fs = finish(F, true).map(logistic16), is = coupled ? fs.map((v) => 32767 - v) : finish(I, true).map(logistic16), gs = finish(Gate, false).map((v) => tanh16(v, 3));
          c = c.map((v, n) => clamp(sat16(over(fs[n]! * v, 15) + over(is[n]! * gs[n]!, 15 + bits)), -clip, clip));
          const os = finish(O, true).map(logistic16), m = c.map((v, n) => sat8(factor(os[n]! * tanh16(v, bits), r.int('RECURRENT_OUT_MULTIPLIER'), r.int('RECURRENT_OUT_EXPONENT')) - r.int('RECURRENT_OUT_ZERO')));
          h = PARTS & C.RECURRENT_HAS_PROJECTION! ? range(OUTPUTS).map((n) => clamp(sat8(factor(P(0, n, m) + biasP.get(n), r.int('RECURRENT_PROJECTION_MULTIPLIER'), r.int('RECURRENT_PROJECTION_EXPONENT')) + zero), -bound, bound)) : m;
        }
      }
      (shown ?? h).forEach((v, n) => target.set(t * TARGET_STEP + b * TARGET_BATCH + n, v));
    }
    h.forEach((v, n) => hidden.set(b * OUTPUTS + n, v));
    c.forEach((v, n) => cell.set(b * N + n, v));
  }
}

function svdf(r: Fields): void {
  const { TIME, BATCH, INPUTS, UNITS, RANK, MEMORY, SOURCE_STEP, SOURCE_BATCH, TARGET_STEP, TARGET_BATCH, MODE } = r.ints(
    'SVDF', 'TIME', 'BATCH', 'INPUTS', 'UNITS', 'RANK', 'MEMORY', 'SOURCE_STEP', 'SOURCE_BATCH', 'TARGET_STEP', 'TARGET_BATCH', 'MODE');
  const filters = UNITS * RANK, plain = r.floats && MODE === C.RECURRENT_PLAIN!, source = r.source('SVDF_SOURCE'), target = r.target('SVDF_TARGET'), state = r.target('SVDF_STATE', r.floats ? C.DTYPE_F32 : I16);
  const W = matrix(r, 'SVDF_FEATURE_WEIGHTS', plain, filters, INPUTS), time = r.table('SVDF_TIME_WEIGHTS', r.floats ? C.DTYPE_F32! : I16), bias = r.table('SVDF_BIAS', r.floats ? C.DTYPE_F32! : C.DTYPE_I32!), sums = r.table('SVDF_SUMS', C.DTYPE_I32!);
  for (let b = 0; b < BATCH; b++) {
    for (let t = 0; t < TIME; t++) {
      const x = range(INPUTS).map((k) => source.get(t * SOURCE_STEP + b * SOURCE_BATCH + k)), { q, s, z } = quantizePicture(x, MODE === C.RECURRENT_ASYMMETRIC!);
      for (let i = 0; i < filters; i++) {
        const past = (m: number): number => (b * filters + i) * MEMORY + m;
        for (let m = 1; m < MEMORY; m++) state.set(past(m - 1), state.get(past(m)));
        if (plain) state.set(past(MEMORY - 1), W(0, i, x));
        else if (r.floats) state.set(past(MEMORY - 1), f(f((W(0, i, q) - z * sums.get(i)) | 0) * f(s * r.float('SVDF_SCALE'))));
        else state.set(past(MEMORY - 1), sat16(factor((W(0, i, x) - r.int('SVDF_SOURCE_ZERO') * sums.get(i)) | 0, r.int('SVDF_FEATURE_MULTIPLIER'), r.int('SVDF_FEATURE_EXPONENT'))));
      }
      for (let unit = 0; unit < UNITS; unit++) {
        const dot = (i: number): number => range(MEMORY).reduce((sum, m) => (r.floats ? f(sum + f(time.get(i * MEMORY + m) * state.get((b * filters + i) * MEMORY + m))) : (sum + time.get(i * MEMORY + m) * state.get((b * filters + i) * MEMORY + m)) | 0), 0);
        const own = range(RANK).map((k) => dot(unit * RANK + k)), at = t * TARGET_STEP + b * TARGET_BATCH + unit;
        if (r.floats) target.set(at, clamp(f(own.reduce(add, 0) + bias.get(unit)), r.float('SVDF_MIN'), r.float('SVDF_MAX')));
        else target.set(at, clamp(factor(own.reduce((p, v) => (p + v) | 0, bias.get(unit)), r.int('SVDF_OUT_MULTIPLIER'), r.int('SVDF_OUT_EXPONENT')) + r.int('SVDF_TARGET_ZERO'), r.int('SVDF_MIN'), r.int('SVDF_MAX')));
      }
    }
  }
}

function gather(r: Fields): void {
  const { OUTER, MIDDLE, COUNT, INDEX_COUNT, ROW_BYTES } = r.ints('GATHER', 'OUTER', 'MIDDLE', 'COUNT', 'INDEX_COUNT', 'ROW_BYTES');
  const source = r.source('GATHER_SOURCE', C.DTYPE_I8), indices = r.source('GATHER_INDICES', C.DTYPE_I32), target = r.target('GATHER_TARGET', C.DTYPE_I8);
  for (let o = 0; o < OUTER; o++) {
    for (let m = 0; m < MIDDLE; m++) {
      for (let i = 0; i < INDEX_COUNT; i++) {
        const j = clamp(indices.get(o * INDEX_COUNT + i), 0, COUNT - 1);
        for (let byte = 0; byte < ROW_BYTES; byte++) target.set(((o * MIDDLE + m) * INDEX_COUNT + i) * ROW_BYTES + byte, source.get(((o * MIDDLE + m) * COUNT + j) * ROW_BYTES + byte));
      }
    }
  }
}
