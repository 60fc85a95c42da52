import { DTYPE_F32, DTYPE_I8, FAULT_ATTRIBUTE, OP_SPARSE_RECURRENT, RECORD_OPCODE, RECURRENT_ACTIVATION,
  RECURRENT_ASYMMETRIC, RECURRENT_BATCH, RECURRENT_BYTES, RECURRENT_CELL, RECURRENT_CELL_BITS, RECURRENT_CELL_CLIP,
  RECURRENT_CELLS, RECURRENT_COUPLED, RECURRENT_GATES, RECURRENT_GATE_WORDS, RECURRENT_GRU, RECURRENT_GRU_RESET_FIRST,
  RECURRENT_HAS_NORM, RECURRENT_HAS_PEEPHOLE, RECURRENT_HAS_PROJECTION, RECURRENT_HIDDEN, RECURRENT_HIDDEN_BIAS,
  RECURRENT_HIDDEN_WEIGHTS, RECURRENT_INPUT_BIAS, RECURRENT_INPUT_WEIGHTS, RECURRENT_INPUTS, RECURRENT_KIND,
  RECURRENT_LSTM, RECURRENT_MAX, RECURRENT_MIN, RECURRENT_MODE, RECURRENT_NORM, RECURRENT_NORM_BIAS,
  RECURRENT_OUT_EXPONENT, RECURRENT_OUT_MULTIPLIER, RECURRENT_OUT_ZERO, RECURRENT_OUTPUTS, RECURRENT_PARTS,
  RECURRENT_PEEPHOLE, RECURRENT_PLAIN, RECURRENT_PROJECTION, RECURRENT_PROJECTION_BIAS, RECURRENT_PROJECTION_CLIP,
  RECURRENT_PROJECTION_EXPONENT, RECURRENT_PROJECTION_MULTIPLIER, RECURRENT_PROJECTION_SCALE, RECURRENT_REVERSE,
  RECURRENT_RNN, RECURRENT_SOURCE, RECURRENT_SOURCE_BATCH, RECURRENT_SOURCE_STEP, RECURRENT_SUMS, RECURRENT_TARGET,
  RECURRENT_TARGET_BATCH, RECURRENT_TARGET_STEP, RECURRENT_TARGET_ZERO, RECURRENT_TIME, SPARSE_RECURRENT_BYTES,
  SPARSE_RECURRENT_INPUT_COUNTS, UNARY_KINDS, UNARY_LOGISTIC, UNARY_TANH } from '../layout';
import { copy_bytes } from '../kernels/copy';
import { add_i16, gate_i16, logistic_i16, multiply_i16, narrow_i16_i8, norm_i16, one_less_i16, scale_product_i16,
  tanh_i16 } from '../kernels/gates';
import { add_f32, blend_f32, clip_f32, multiply_add_f32, multiply_f32, norm_f32, one_less_f32,
  rescale_add_f32 } from '../kernels/gatesF32';
import { gemv_f32, gemv_i8_i32 } from '../kernels/gemv';
import { quantize_range, range_f32, rangeScale, rangeZero } from '../kernels/hybrid';
import { spmv_blocks_i8_i32 } from '../kernels/sparse';
import { unary_f32 } from '../kernels/unary';
import { gather_i8 } from '../kernels/widen';
import { toF64, bytesOf, checkCounts, checkedTable, checkFinite, checkFiniteTable, checkRange, checkRecord, checkWork,
  dtypeOf, fail, float, int, needScratch, scratch, source, table, target } from '../record';
import { checkActivation } from './ranges';
import { checkEntries } from './sparseConv2d';

// Scratch, all parts at multiples of 16, G gates of N' = N rounded up to 8, P' likewise, K the
// largest of INPUTS, P and N rounded up to 4:
//
//   row [K]: i16, or two planes of bytes (relaxed) + 64 │ quantized row i8 [K] + 32 (hybrid) │ sums i32 [the larger of G·N' and P']
//   gates [G·N'] │ parts of the hidden state's product [G·N'] (gru) │ cell [N'] │ hidden [the larger of N' and P'] │ aside [N']
//   of i16 or f32 each
const TAIL: f64 = 64;

/** How many gates a record has. */
function gatesOf(r: usize): i32 {
  const kind = int(r, RECURRENT_KIND);
  return kind == RECURRENT_RNN
    ? 1
    : kind != RECURRENT_LSTM || (int(r, RECURRENT_PARTS) & RECURRENT_COUPLED) != 0
    ? 3
    : 4;
}

@inline
function up(n: i32, to: i32): i32 {
  return (n + to - 1) & -to;
}

@inline
function isSparse(r: usize): bool {
  return <i32>load<u8>(r + RECORD_OPCODE) == OP_SPARSE_RECURRENT;
}

/** Where the lists of the matrix at `field` are: of counts, steps and entries the first. */
@inline
function listsOf(field: usize): usize {
  return SPARSE_RECURRENT_INPUT_COUNTS + 3 * (field - RECURRENT_INPUT_WEIGHTS);
}

export function describeRecurrent(r: usize): void {
  if (!checkRecord(r, isSparse(r) ? SPARSE_RECURRENT_BYTES : RECURRENT_BYTES, (1 << DTYPE_I8) | (1 << DTYPE_F32))) {
    return;
  }
  const f32s = dtypeOf(r) == DTYPE_F32;
  const size = bytesOf(dtypeOf(r));
  ranges(r, RECURRENT_KIND, 1, RECURRENT_LSTM, RECURRENT_RNN);
  checkCounts(r, RECURRENT_TIME, 2);
  ranges(r, RECURRENT_INPUTS, 3, 1, 65536);
  checkCounts(r, RECURRENT_SOURCE_STEP, 4);
  ranges(r, RECURRENT_REVERSE, 1, 0, 1);
  ranges(r, RECURRENT_PARTS, 1, 0, 15);
  ranges(r, RECURRENT_MODE, 1, RECURRENT_PLAIN, f32s ? RECURRENT_ASYMMETRIC : RECURRENT_PLAIN);
  const kind = int(r, RECURRENT_KIND);
  const lstm = kind == RECURRENT_LSTM;
  const parts = int(r, RECURRENT_PARTS);
  const hybrid = int(r, RECURRENT_MODE) != RECURRENT_PLAIN;
  const projects = (parts & RECURRENT_HAS_PROJECTION) != 0;
  const time = toF64(r, RECURRENT_TIME);
  const batch = toF64(r, RECURRENT_BATCH);
  const I = toF64(r, RECURRENT_INPUTS);
  const N = toF64(r, RECURRENT_CELLS);
  const P = toF64(r, RECURRENT_OUTPUTS);
  if ((isSparse(r) && f32s && !hybrid) || (!lstm && parts != 0) || (!projects && N != P) ||
    !(I >= 1 && I <= 65536 && N >= 1 && N <= 65536 && P >= 1 && P <= 65536))
  {
    fail(FAULT_ATTRIBUTE);
    return;
  }
  checkSteps(r, RECURRENT_TARGET_STEP, time, batch, P);
  source(
    r,
    RECURRENT_SOURCE,
    ((time - 1) * toF64(r, RECURRENT_SOURCE_STEP) + (batch - 1) * toF64(r, RECURRENT_SOURCE_BATCH) + I) * size,
    <u32>size,
  );
  targets(
    r,
    1,
    RECURRENT_TARGET,
    ((time - 1) * toF64(r, RECURRENT_TARGET_STEP) + (batch - 1) * toF64(r, RECURRENT_TARGET_BATCH) + P) * size,
    <u32>size,
  );
  const wide = f32s ? 4 : kind == RECURRENT_GRU || kind == RECURRENT_GRU_RESET_FIRST ? 2 : 1;
  targets(r, 1, RECURRENT_HIDDEN, batch * P * wide, wide);
  if (lstm) targets(r, 1, RECURRENT_CELL, batch * N * (f32s ? 4 : 2), f32s ? 4 : 2);
  const G = <f64>gatesOf(r);
  const lanes = <f64>up(<i32>N, 8);
  const outs = <f64>up(<i32>P, 8);
  const weight: f64 = f32s && !hybrid ? 4 : 1;
  const products = describeMatrix(r, RECURRENT_INPUT_WEIGHTS, G * lanes, I, weight) +
    describeMatrix(r, RECURRENT_HIDDEN_WEIGHTS, G * lanes, P, weight);
  tables(r, RECURRENT_INPUT_BIAS, 2, G * lanes * 4);
  if (hybrid) {
    tables(r, RECURRENT_GATES, 1, G * 8);
    checkFiniteTable(r, RECURRENT_GATES, G * 2);
    tables(r, RECURRENT_SUMS, 1, (2 * G * lanes + (projects ? outs : 0)) * 4);
    checkFinite(r, RECURRENT_PROJECTION_SCALE);
  }
  if ((parts & RECURRENT_HAS_PEEPHOLE) != 0) tables(r, RECURRENT_PEEPHOLE, 1, G * lanes * (f32s ? 4 : 2));
  if ((parts & RECURRENT_HAS_NORM) != 0) {
    tables(r, RECURRENT_NORM, 1, G * lanes * (f32s ? 4 : 2));
    tables(r, RECURRENT_NORM_BIAS, 1, G * lanes * 4);
  }
  if (projects) {
    tables(r, RECURRENT_PROJECTION, 1, outs * quads(N, weight) * weight);
    tables(r, RECURRENT_PROJECTION_BIAS, 1, outs * 4);
  }
  if (f32s) {
    ranges(r, RECURRENT_ACTIVATION, 1, -1, UNARY_KINDS - 1);
    checkClip(r, RECURRENT_CELL_CLIP);
    checkClip(r, RECURRENT_PROJECTION_CLIP);
  } else {
    // the linear activation, or tanh
    if (int(r, RECURRENT_ACTIVATION) != -1) ranges(r, RECURRENT_ACTIVATION, 1, UNARY_TANH, UNARY_TANH);
    ranges(r, RECURRENT_TARGET_ZERO, 1, -128, 127);
    checkActivation(r, RECURRENT_MIN, RECURRENT_MAX, false);
    if (lstm) {
      ranges(r, RECURRENT_CELL_BITS, 1, 0, 6);
      ranges(r, RECURRENT_CELL_CLIP, 1, 0, 32767);
      ranges(r, RECURRENT_PROJECTION_CLIP, 1, 0, 127);
      ranges(r, RECURRENT_OUT_ZERO, 1, -128, 128);
      checkFactor(r, RECURRENT_OUT_MULTIPLIER);
      if (projects) checkFactor(r, RECURRENT_PROJECTION_MULTIPLIER);
    }
    tables(r, RECURRENT_GATES, 1, G * RECURRENT_GATE_WORDS * 4);
    const words = checkedTable(r, RECURRENT_GATES);
    if (words != 0) {
      for (let gate = 0; gate < <i32>G; gate++) {
        const p = words + gate * (RECURRENT_GATE_WORDS << 2);
        for (let field = 0; field < 32; field += 8) checkFactor(p, field);
        ranges(p, 28, 1, -31, 10);
        ranges(p, 32, 1, 1, 1 << 28);
      }
    }
  }
  checkWork(time * batch * (products + (projects ? N * P : 0)));
  const K = max<f64>(max<f64>(I, P), N) + 4;
  const wider = max<f64>(lanes, outs);
  needScratch(K * 2 + TAIL + K + TAIL + max<f64>(G * lanes, outs) * 4 + G * lanes * 8 + wider * 12 + 4 * TAIL);
}

/**
 * The tables of the matrix at `field`, which has all its weights, or lists of blocks. @returns how
 * many products it takes
 */
function describeMatrix(r: usize, field: usize, lanes: f64, K: f64, weight: f64): f64 {
  const lists = listsOf(field);
  const panels = lanes / 8;
  if (!isSparse(r) || int(r, lists + 8) == 0) {
    tables(r, field, 1, lanes * quads(K, weight) * weight);
    return lanes * K;
  }
  const entries = toF64(r, lists + 8);
  checkCounts(r, lists + 8, 1);
  tables(r, field, 1, entries * 32);
  tables(r, lists, 1, panels * 2);
  tables(r, lists + 4, 1, entries);
  checkEntries(r, lists, <i32>panels, 1, (<i32>K + 3) >> 2);
  return lanes + entries * 32;
}

/** Length of a packed row of weights, in elements: of int8 in fours. */
@inline
function quads(K: f64, weight: f64): f64 {
  return weight == 1 ? <f64>up(<i32>K, 4) : K;
}

/** Steps and pictures of the target, whose strides are at `field` and behind it, do not overlap. */
export function checkSteps(r: usize, field: usize, time: f64, batch: f64, n: f64): void {
  const step = toF64(r, field);
  const picture = toF64(r, field + 4);
  const apart = batch == 1 || time == 1 || step >= (batch - 1) * picture + n || picture >= (time - 1) * step + n;
  if (!(apart && (time == 1 || step >= n) && (batch == 1 || picture >= n))) fail(FAULT_ATTRIBUTE);
}

// These three call themselves so that the compiler does not inline them dozens of times.

/** `count` consecutive fields lie in [low, high]. */
export function ranges(r: usize, first: usize, count: i32, low: i32, high: i32): void {
  checkRange(r, first, low, high);
  if (count > 1) ranges(r, first + 4, count - 1, low, high);
}

/** `count` consecutive fields are tables of so many bytes each. */
export function tables(r: usize, first: usize, count: i32, bytes: f64): void {
  table(r, first, bytes, 16);
  if (count > 1) tables(r, first + 4, count - 1, bytes);
}

/** `count` consecutive fields are targets of so many bytes each. */
export function targets(r: usize, count: i32, first: usize, bytes: f64, alignment: u32): void {
  target(r, first, bytes, alignment);
  if (count > 1) targets(r, count - 1, first + 4, bytes, alignment);
}

/** A fixed-point factor: multiplier, then exponent. */
export function checkFactor(r: usize, field: usize): void {
  ranges(r, field, 1, 0, i32.MAX_VALUE);
  ranges(r, field + 4, 1, -31, 22);
}

function checkClip(r: usize, field: usize): void {
  checkFinite(r, field);
  if (!(float(r, field) >= 0)) fail(FAULT_ATTRIBUTE);
}

/** Where the parts of scratch begin; set by `place`. */
let row: usize = 0;
let plane: usize = 0;
let quantized: usize = 0;
let sums: usize = 0;
let gates: usize = 0;
let other: usize = 0;
let cell: usize = 0;
let hidden: usize = 0;
let aside: usize = 0;

function place(r: usize, lanes: i32, size: i32): void {
  const K = up(max(max(int(r, RECURRENT_INPUTS), int(r, RECURRENT_OUTPUTS)), int(r, RECURRENT_CELLS)), 4);
  const outs = up(int(r, RECURRENT_OUTPUTS), 8);
  const wider = max(up(int(r, RECURRENT_CELLS), 8), outs);
  row = scratch();
  plane = ASC_FEATURE_RELAXED_SIMD ? up(K + 16, 16) : 0;
  quantized = row + up((K << 1) + 48, 16);
  sums = quantized + up(K + 32, 16);
  gates = sums + (max(lanes, outs) << 2);
  other = gates + lanes * size;
  cell = other + lanes * size;
  hidden = cell + wider * size;
  aside = hidden + wider * size;
}

/** sums i32 [panels][8] = the weights at `field`, from panel `first` on, · K bytes at `from` */
function multiply(r: usize, from: usize, K: i32, field: usize, first: i32, panels: i32): void {
  let weights = <usize>int(r, field);
  gather_i8(from, row, plane, K);
  if (isSparse(r) && field != RECURRENT_PROJECTION && int(r, listsOf(field) + 8) != 0) {
    let counts = <usize>int(r, listsOf(field));
    let steps = <usize>int(r, listsOf(field) + 4);
    for (; first > 0; first--) {
      const entries = <i32>load<u16>(counts);
      weights += entries << 5;
      steps += entries;
      counts += 2;
    }
    spmv_blocks_i8_i32(row, plane, weights, steps, counts, sums, panels);
  } else {
    const quads = (K + 3) >> 2;
    gemv_i8_i32(row, plane, weights + (first * quads << 5), quads, sums, panels);
  }
}

export function runRecurrent(r: usize): void {
  const f32s = dtypeOf(r) == DTYPE_F32;
  const size = f32s ? 4 : 1;
  const time = int(r, RECURRENT_TIME);
  const batch = int(r, RECURRENT_BATCH);
  const backward = int(r, RECURRENT_REVERSE) != 0;
  const N = int(r, RECURRENT_CELLS);
  const P = int(r, RECURRENT_OUTPUTS);
  const kind = int(r, RECURRENT_KIND);
  const isGru = kind == RECURRENT_GRU || kind == RECURRENT_GRU_RESET_FIRST;
  const wide = f32s ? 4 : isGru ? 2 : 1;
  const cellBytes = N * (f32s ? 4 : 2);
  place(r, gatesOf(r) * up(N, 8), f32s ? 4 : 2);
  for (let b = 0; b < batch; b++) {
    const state = <usize>int(r, RECURRENT_HIDDEN) + b * P * wide;
    const cells = <usize>int(r, RECURRENT_CELL) + b * cellBytes;
    if (kind == RECURRENT_LSTM) copy_bytes(cells, cell, cellBytes);
    for (let s = 0; s < time; s++) {
      const t = backward ? time - 1 - s : s;
      const x = <usize>int(r, RECURRENT_SOURCE) +
        (t * int(r, RECURRENT_SOURCE_STEP) + b * int(r, RECURRENT_SOURCE_BATCH)) * size;
      if (f32s) stepF32(r, x, state);
      else if (kind == RECURRENT_LSTM) stepLstm(r, x, state);
      else if (isGru) stepGru(r, x, state);
      else stepRnn(r, x, state);
      // an int8 gru keeps its state in more bits than it shows
      const y = <usize>int(r, RECURRENT_TARGET) +
        (t * int(r, RECURRENT_TARGET_STEP) + b * int(r, RECURRENT_TARGET_BATCH)) * size;
      copy_bytes(hidden, y, P * size);
      if (f32s || !isGru) copy_bytes(hidden, state, P * size);
    }
    if (kind == RECURRENT_LSTM) copy_bytes(cell, cells, cellBytes);
  }
}

// ── int8 ──────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Both products, each into steps of i16: gates = the input's of G gates, then the hidden state's of
 * H gates on top, or that in `other`.
 */
function products(r: usize, x: usize, h: usize, n: i32, G: i32, H: i32, apart: bool): void {
  const words = <usize>int(r, RECURRENT_GATES);
  multiply(r, x, int(r, RECURRENT_INPUTS), RECURRENT_INPUT_WEIGHTS, 0, (G * n) >> 3);
  scaleGates(r, RECURRENT_INPUT_BIAS, words, gates, n, G, false);
  multiply(r, h, int(r, RECURRENT_OUTPUTS), RECURRENT_HIDDEN_WEIGHTS, 0, (H * n) >> 3);
  scaleGates(r, RECURRENT_HIDDEN_BIAS, words + 8, apart ? other : gates, n, H, !apart);
}

function scaleGates(r: usize, bias: usize, words: usize, to: usize, n: i32, count: i32, add: bool): void {
  for (let gate = 0; gate < count; gate++) {
    const p = words + gate * (RECURRENT_GATE_WORDS << 2);
    const at = gate * n;
    gate_i16(sums + (at << 2), int(r, bias) + (at << 2), to + (at << 1), n, load<i32>(p), load<i32>(p, 4), add);
  }
}

/** Peephole and norm of one gate of an lstm. */
function finishGate(r: usize, gate: i32, n: i32, peephole: bool): void {
  const p = <usize>int(r, RECURRENT_GATES) + gate * (RECURRENT_GATE_WORDS << 2);
  const g = gates + (gate * n << 1);
  const parts = int(r, RECURRENT_PARTS);
  if (peephole && (parts & RECURRENT_HAS_PEEPHOLE) != 0) {
    scale_product_i16(
      int(r, RECURRENT_PEEPHOLE) + (gate * n << 1),
      cell,
      g,
      n,
      load<i32>(p, 16),
      load<i32>(p, 20),
      true,
    );
  }
  if ((parts & RECURRENT_HAS_NORM) != 0) {
    norm_i16(
      g,
      int(r, RECURRENT_CELLS),
      int(r, RECURRENT_NORM) + (gate * n << 1),
      int(r, RECURRENT_NORM_BIAS) + (gate * n << 2),
      load<i32>(p, 24),
      load<i32>(p, 28),
      load<i32>(p, 32),
    );
  }
}

function stepLstm(r: usize, x: usize, h: usize): void {
  const n = up(int(r, RECURRENT_CELLS), 8);
  const coupled = (int(r, RECURRENT_PARTS) & RECURRENT_COUPLED) != 0;
  const first = coupled ? 0 : 1;
  const bits = int(r, RECURRENT_CELL_BITS);
  const i = gates;
  const f = gates + (first * n << 1);
  const g = f + (n << 1);
  const o = g + (n << 1);
  const clip = int(r, RECURRENT_CELL_CLIP);
  const bound = clip > 0 ? clip : 32767;
  products(r, x, h, n, first + 3, first + 3, false);
  if (!coupled) finishGate(r, 0, n, true);
  finishGate(r, first, n, true);
  finishGate(r, first + 1, n, false);
  logistic_i16(i, i, (first + 1) * n);
  tanh_i16(g, g, n, 3);
  // the input gate of a coupled cell is what the forget gate leaves
  if (coupled) one_less_i16(f, aside, n);
  multiply_i16(coupled ? aside : i, g, aside, n, 15 + bits);
  multiply_i16(f, cell, cell, n, 15);
  add_i16(cell, aside, cell, n, clip > 0 ? -bound : -32768, bound);
  finishGate(r, first + 2, n, true);
  logistic_i16(o, o, n);
  tanh_i16(cell, aside, n, bits);
  scale_product_i16(o, aside, aside, n, int(r, RECURRENT_OUT_MULTIPLIER), int(r, RECURRENT_OUT_EXPONENT), false);
  narrow_i16_i8(aside, hidden, n, 0, -int(r, RECURRENT_OUT_ZERO), -128, 127);
  if ((int(r, RECURRENT_PARTS) & RECURRENT_HAS_PROJECTION) == 0) return;
  const outs = up(int(r, RECURRENT_OUTPUTS), 8);
  const most = int(r, RECURRENT_PROJECTION_CLIP);
  multiply(r, hidden, int(r, RECURRENT_CELLS), RECURRENT_PROJECTION, 0, outs >> 3);
  gate_i16(
    sums,
    int(r, RECURRENT_PROJECTION_BIAS),
    aside,
    outs,
    int(r, RECURRENT_PROJECTION_MULTIPLIER),
    int(r, RECURRENT_PROJECTION_EXPONENT),
    false,
  );
  narrow_i16_i8(aside, hidden, outs, 0, int(r, RECURRENT_TARGET_ZERO), most > 0 ? -most : -128, most > 0 ? most : 127);
}

/** h = z·h + (1 − z)·g in Q0.15; the products see h in Q0.7 */
function stepGru(r: usize, x: usize, state: usize): void {
  const N = int(r, RECURRENT_CELLS);
  const n = up(N, 8);
  const z = gates;
  const reset = gates + (n << 1);
  const g = reset + (n << 1);
  const last = other + (n << 2);
  copy_bytes(state, cell, N << 1);
  narrow_i16_i8(cell, hidden, n, 8, 0, -128, 127);
  const resetFirst = int(r, RECURRENT_KIND) == RECURRENT_GRU_RESET_FIRST;
  products(r, x, hidden, n, 3, resetFirst ? 2 : 3, true);
  add_i16(z, other, z, n << 1, -32768, 32767);
  logistic_i16(z, z, n << 1);
  if (!resetFirst) {
    multiply_i16(reset, last, last, n, 15);
  } else {
    multiply_i16(reset, cell, aside, n, 15);
    narrow_i16_i8(aside, hidden, n, 8, 0, -128, 127);
    multiply(r, hidden, N, RECURRENT_HIDDEN_WEIGHTS, n >> 2, n >> 3);
    const p = <usize>int(r, RECURRENT_GATES) + (2 * RECURRENT_GATE_WORDS + 2 << 2);
    gate_i16(sums, int(r, RECURRENT_HIDDEN_BIAS) + (n << 3), last, n, load<i32>(p), load<i32>(p, 4), false);
  }
  add_i16(g, last, g, n, -32768, 32767);
  tanh_i16(g, g, n, 3);
  one_less_i16(z, aside, n);
  multiply_i16(z, cell, cell, n, 15);
  multiply_i16(aside, g, aside, n, 15);
  add_i16(cell, aside, cell, n, -32768, 32767);
  copy_bytes(cell, state, N << 1);
  narrow_i16_i8(cell, hidden, n, 8, int(r, RECURRENT_TARGET_ZERO), -128, 127);
}

function stepRnn(r: usize, x: usize, h: usize): void {
  const n = up(int(r, RECURRENT_CELLS), 8);
  products(r, x, h, n, 1, 1, false);
  if (int(r, RECURRENT_ACTIVATION) == UNARY_TANH) tanh_i16(gates, gates, n, 3);
  narrow_i16_i8(gates, hidden, n, 8, int(r, RECURRENT_TARGET_ZERO), int(r, RECURRENT_MIN), int(r, RECURRENT_MAX));
}

// ── float32, and float32 with int8 weights ────────────────────────────────────────────────────────────────

/**
 * to f32 [panels][8] += the weights at `field`, from panel `first` on, · f32 [K] at `from`. Hybrid:
 * the row is quantized by its own range; `scales` are per gate of n lanes, 8 bytes apart, `sumsOf`
 * the sums of the weights.
 */
function multiplyF32(
  r: usize,
  from: usize,
  K: i32,
  field: usize,
  first: i32,
  to: usize,
  n: i32,
  gateCount: i32,
  scales: usize,
  sumsOf: usize,
): void {
  const mode = int(r, RECURRENT_MODE);
  const panels = (n * gateCount) >> 3;
  if (mode == RECURRENT_PLAIN) {
    gemv_f32(from, <usize>int(r, field) + (first * K << 5), K, to, panels);
    return;
  }
  range_f32(from, K, mode == RECURRENT_ASYMMETRIC);
  quantize_range(from, quantized, K);
  multiply(r, quantized, K, field, first, panels);
  for (let gate = 0; gate < gateCount; gate++) {
    const at = gate * n << 2;
    rescale_add_f32(sums + at, sumsOf + at, to + at, n, rangeZero(), rangeScale() * load<f32>(scales + (gate << 3)));
  }
}

function finishGateF32(r: usize, gate: i32, n: i32, peephole: bool, activation: i32): void {
  const at = gate * n << 2;
  const g = gates + at;
  const parts = int(r, RECURRENT_PARTS);
  if (peephole && (parts & RECURRENT_HAS_PEEPHOLE) != 0) multiply_add_f32(int(r, RECURRENT_PEEPHOLE) + at, cell, g, n);
  if ((parts & RECURRENT_HAS_NORM) != 0) {
    norm_f32(g, int(r, RECURRENT_CELLS), int(r, RECURRENT_NORM) + at, int(r, RECURRENT_NORM_BIAS) + at);
  }
  if (activation >= 0) unary_f32(activation, g, g, n, 0);
}

function stepF32(r: usize, x: usize, h: usize): void {
  const kind = int(r, RECURRENT_KIND);
  const N = int(r, RECURRENT_CELLS);
  const P = int(r, RECURRENT_OUTPUTS);
  const n = up(N, 8);
  const G = gatesOf(r);
  const activation = int(r, RECURRENT_ACTIVATION);
  const isGru = kind == RECURRENT_GRU || kind == RECURRENT_GRU_RESET_FIRST;
  const scales = <usize>int(r, RECURRENT_GATES);
  const all = G * n << 2;
  const weightSums = <usize>int(r, RECURRENT_SUMS);
  copy_bytes(int(r, RECURRENT_INPUT_BIAS), gates, all);
  multiplyF32(r, x, int(r, RECURRENT_INPUTS), RECURRENT_INPUT_WEIGHTS, 0, gates, n, G, scales, weightSums);
  if (isGru) {
    const z = gates;
    const reset = gates + (n << 2);
    const g = reset + (n << 2);
    const last = other + (n << 3);
    const resetFirst = kind == RECURRENT_GRU_RESET_FIRST;
    copy_bytes(int(r, RECURRENT_HIDDEN_BIAS), other, all);
    multiplyF32(r, h, P, RECURRENT_HIDDEN_WEIGHTS, 0, other, n, resetFirst ? 2 : 3, scales + 4, weightSums + all);
    add_f32(other, z, n << 1);
    unary_f32(UNARY_LOGISTIC, z, z, n << 1, 0);
    copy_bytes(h, cell, N << 2);
    if (resetFirst) {
      multiply_f32(reset, cell, aside, n);
      multiplyF32(r, aside, N, RECURRENT_HIDDEN_WEIGHTS, n >> 2, last, n, 1, scales + 20, weightSums + all + (n << 3));
      add_f32(last, g, n);
    } else {
      multiply_add_f32(reset, last, g, n);
    }
    unary_f32(UNARY_TANH, g, g, n, 0);
    copy_bytes(cell, hidden, n << 2);
    blend_f32(z, g, hidden, n);
    return;
  }
  multiplyF32(r, h, P, RECURRENT_HIDDEN_WEIGHTS, 0, gates, n, G, scales + 4, weightSums + all);
  if (kind == RECURRENT_RNN) {
    if (activation >= 0) unary_f32(activation, gates, gates, n, 0);
    copy_bytes(gates, hidden, n << 2);
    return;
  }
  const coupled = G == 3;
  const first = coupled ? 0 : 1;
  const i = gates;
  const f = gates + (first * n << 2);
  const g = f + (n << 2);
  const o = g + (n << 2);
  if (!coupled) finishGateF32(r, 0, n, true, UNARY_LOGISTIC);
  finishGateF32(r, first, n, true, UNARY_LOGISTIC);
  finishGateF32(r, first + 1, n, false, activation);
  if (coupled) one_less_f32(f, aside, n);
  multiply_f32(f, cell, cell, n);
  multiply_add_f32(coupled ? aside : i, g, cell, n);
  if (float(r, RECURRENT_CELL_CLIP) > 0) clip_f32(cell, n, float(r, RECURRENT_CELL_CLIP));
  finishGateF32(r, first + 2, n, true, UNARY_LOGISTIC);
  if (activation >= 0) unary_f32(activation, cell, aside, n, 0);
  else copy_bytes(cell, aside, n << 2);
  if ((int(r, RECURRENT_PARTS) & RECURRENT_HAS_PROJECTION) == 0) {
    multiply_f32(o, aside, hidden, n);
    return;
  }
  multiply_f32(o, aside, aside, n);
  const outs = up(P, 8);
  copy_bytes(int(r, RECURRENT_PROJECTION_BIAS), hidden, outs << 2);
  multiplyF32(
    r,
    aside,
    N,
    RECURRENT_PROJECTION,
    0,
    hidden,
    outs,
    1,
    r + RECURRENT_PROJECTION_SCALE,
    weightSums + (all << 1),
  );
  if (float(r, RECURRENT_PROJECTION_CLIP) > 0) clip_f32(hidden, outs, float(r, RECURRENT_PROJECTION_CLIP));
}
