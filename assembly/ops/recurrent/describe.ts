import { DTYPE_F32, DTYPE_I8, FAULT_ATTRIBUTE, OP_SPARSE_RECURRENT, RECORD_OPCODE, RECURRENT_ACTIVATION,
  RECURRENT_ASYMMETRIC, RECURRENT_BATCH, RECURRENT_BYTES, RECURRENT_CELL, RECURRENT_CELLS, RECURRENT_CELL_BITS,
  RECURRENT_CELL_CLIP, RECURRENT_COUPLED, RECURRENT_GATES, RECURRENT_GATE_WORDS, RECURRENT_GRU,
  RECURRENT_GRU_RESET_FIRST, RECURRENT_HARD_GATES, RECURRENT_HAS_NORM, RECURRENT_HAS_PEEPHOLE, RECURRENT_HAS_PROJECTION,
  RECURRENT_HIDDEN, RECURRENT_HIDDEN_NIBBLES, RECURRENT_HIDDEN_WEIGHTS, RECURRENT_INPUTS, RECURRENT_INPUT_BIAS,
  RECURRENT_INPUT_NIBBLES, RECURRENT_INPUT_WEIGHTS, RECURRENT_KIND, RECURRENT_LSTM, RECURRENT_MAX, RECURRENT_MIN,
  RECURRENT_MODE, RECURRENT_NORM, RECURRENT_NORM_BIAS, RECURRENT_OUTPUTS, RECURRENT_OUT_MULTIPLIER, RECURRENT_OUT_ZERO,
  RECURRENT_PARTS, RECURRENT_PEEPHOLE, RECURRENT_PLAIN, RECURRENT_PROJECTION, RECURRENT_PROJECTION_BIAS,
  RECURRENT_PROJECTION_CLIP, RECURRENT_PROJECTION_MULTIPLIER, RECURRENT_PROJECTION_NIBBLES, RECURRENT_PROJECTION_SCALE,
  RECURRENT_REVERSE, RECURRENT_RNN, RECURRENT_SOURCE, RECURRENT_SOURCE_BATCH_STRIDE, RECURRENT_SOURCE_TIME_STRIDE,
  RECURRENT_SUMS, RECURRENT_TARGET, RECURRENT_TARGET_BATCH_STRIDE, RECURRENT_TARGET_TIME_STRIDE, RECURRENT_TARGET_ZERO,
  RECURRENT_TIME, SPARSE_RECURRENT_BYTES, SPARSE_RECURRENT_INPUT_COUNTS, UNARY_KINDS, UNARY_TANH } from '../../layout';
import { bytesOf, checkCounts, checkedTable, checkFinite, checkFiniteTable, checkRanges, checkRecord, dtypeOf, fail,
  float, int, needScratch, parallelBatch, source, stateTarget, tables, targetSpan, toF64 } from '../../record';
import { checkActivation, checkFactor, checkFilling, checkFrames, checkNibbles } from '../checks';
import { checkEntries } from '../sparseConv2d';
import { layOutScratch, up } from './scratch';

/** Number of gates that have weights; the input gate of a coupled lstm has none. */
export function gatesOf(r: usize): i32 {
  const kind = int(r, RECURRENT_KIND);
  if (kind == RECURRENT_RNN) return 1;
  const whole = kind == RECURRENT_LSTM && (int(r, RECURRENT_PARTS) & RECURRENT_COUPLED) == 0;
  return whole ? 4 : 3;
}

@inline
export function isSparse(r: usize): bool {
  return <i32>load<u8>(r + RECORD_OPCODE) == OP_SPARSE_RECURRENT;
}

/** The first of the fields COUNTS, STEPS and ENTRIES of the weights at `field`. */
@inline
export function listsOf(field: usize): usize {
  return SPARSE_RECURRENT_INPUT_COUNTS + 3 * (field - RECURRENT_INPUT_WEIGHTS);
}

/** Cost of the functions of one lane, in multiply-adds. */
const FUNCTION_WORK: f64 = 64;
/** The bits of PARTS for 4-bit weights. */
const NIBBLES = RECURRENT_INPUT_NIBBLES | RECURRENT_HIDDEN_NIBBLES | RECURRENT_PROJECTION_NIBBLES;

/** Whether the weights at `field` have four bits. */
export function hasNibbles(r: usize, field: usize): bool {
  const part = field == RECURRENT_PROJECTION
    ? RECURRENT_PROJECTION_NIBBLES
    : RECURRENT_INPUT_NIBBLES << ((field - RECURRENT_INPUT_WEIGHTS) >> 2);
  return (int(r, RECURRENT_PARTS) & part) != 0;
}

/** Whether the kind is a gru, with its reset gate before or after the product with U. */
@inline
export function isGru(kind: i32): bool {
  return kind == RECURRENT_GRU || kind == RECURRENT_GRU_RESET_FIRST;
}

/** Bytes of one element of the hidden state. */
@inline
export function hiddenBytes(kind: i32, f32s: bool): i32 {
  const int8 = isGru(kind) ? 2 : 1;
  return f32s ? 4 : int8;
}

export function describeRecurrent(r: usize): void {
  if (!checkRecord(r, isSparse(r) ? SPARSE_RECURRENT_BYTES : RECURRENT_BYTES, (1 << DTYPE_I8) | (1 << DTYPE_F32))) {
    return;
  }
  const f32s = dtypeOf(r) == DTYPE_F32;
  const size = bytesOf(dtypeOf(r));
  checkRanges(r, RECURRENT_KIND, 1, RECURRENT_LSTM, RECURRENT_RNN);
  checkCounts(r, RECURRENT_TIME, 2);
  checkRanges(r, RECURRENT_INPUTS, 3, 1, 65536);
  checkCounts(r, RECURRENT_SOURCE_TIME_STRIDE, 4);
  checkRanges(r, RECURRENT_REVERSE, 1, 0, 1);
  checkRanges(r, RECURRENT_PARTS, 1, 0, 255);
  checkRanges(r, RECURRENT_MODE, 1, RECURRENT_PLAIN, f32s ? RECURRENT_ASYMMETRIC : RECURRENT_PLAIN);
  const kind = int(r, RECURRENT_KIND);
  const lstm = kind == RECURRENT_LSTM;
  const all = int(r, RECURRENT_PARTS);
  const parts = all & ~NIBBLES;
  const hybrid = int(r, RECURRENT_MODE) != RECURRENT_PLAIN;
  const projects = (parts & RECURRENT_HAS_PROJECTION) != 0;
  const time = toF64(r, RECURRENT_TIME);
  const batch = toF64(r, RECURRENT_BATCH);
  const I = toF64(r, RECURRENT_INPUTS);
  const N = toF64(r, RECURRENT_CELLS);
  const P = toF64(r, RECURRENT_OUTPUTS);
  if (((isSparse(r) || all != parts) && f32s && !hybrid) || (!f32s && (parts & RECURRENT_HARD_GATES) != 0) ||
    (!lstm && (parts & ~RECURRENT_HARD_GATES) != 0) || (!projects && N != P) ||
    !(I >= 1 && I <= 65536 && N >= 1 && N <= 65536 && P >= 1 && P <= 65536))
  {
    fail(FAULT_ATTRIBUTE);
    return;
  }
  checkFrames(r, RECURRENT_TARGET_TIME_STRIDE, time, batch, P);
  source(
    r,
    RECURRENT_SOURCE,
    ((time - 1) * toF64(r, RECURRENT_SOURCE_TIME_STRIDE) + (batch - 1) * toF64(r, RECURRENT_SOURCE_BATCH_STRIDE) + I) *
      size,
    <u32>size,
  );
  targetSpan(
    r,
    RECURRENT_TARGET,
    ((time - 1) * toF64(r, RECURRENT_TARGET_TIME_STRIDE) + (batch - 1) * toF64(r, RECURRENT_TARGET_BATCH_STRIDE) + P) *
      size,
    time * batch * P * size,
    <u32>size,
  );
  const width = hiddenBytes(kind, f32s);
  stateTarget(r, RECURRENT_HIDDEN, batch * P * width, width);
  if (lstm) stateTarget(r, RECURRENT_CELL, batch * N * (f32s ? 4 : 2), f32s ? 4 : 2);
  const G = <f64>gatesOf(r);
  const lanes = <f64>up(<i32>N, 8);
  const outputs = <f64>up(<i32>P, 8);
  const weight: f64 = f32s && !hybrid ? 4 : 1;
  const work = describeMatrix(r, RECURRENT_INPUT_WEIGHTS, G * lanes, I, weight) +
    describeMatrix(r, RECURRENT_HIDDEN_WEIGHTS, G * lanes, P, weight);
  tables(r, RECURRENT_INPUT_BIAS, 2, G * lanes * 4);
  if (hybrid) {
    tables(r, RECURRENT_GATES, 1, G * 8);
    checkFiniteTable(r, RECURRENT_GATES, G * 2);
    tables(r, RECURRENT_SUMS, 1, (2 * G * lanes + (projects ? outputs : 0)) * 4);
    checkFinite(r, RECURRENT_PROJECTION_SCALE);
  }
  if ((parts & RECURRENT_HAS_PEEPHOLE) != 0) tables(r, RECURRENT_PEEPHOLE, 1, G * lanes * (f32s ? 4 : 2));
  if ((parts & RECURRENT_HAS_NORM) != 0) {
    tables(r, RECURRENT_NORM, 1, G * lanes * (f32s ? 4 : 2));
    tables(r, RECURRENT_NORM_BIAS, 1, G * lanes * 4);
  }
  if (projects) {
    describeDense(r, RECURRENT_PROJECTION, outputs, N, weight);
    tables(r, RECURRENT_PROJECTION_BIAS, 1, outputs * 4);
  }
  if (f32s) {
    checkRanges(r, RECURRENT_ACTIVATION, 1, -1, UNARY_KINDS - 1);
    checkClip(r, RECURRENT_CELL_CLIP);
    checkClip(r, RECURRENT_PROJECTION_CLIP);
  } else {
    // The activation is linear (−1) or tanh.
    if (int(r, RECURRENT_ACTIVATION) != -1) checkRanges(r, RECURRENT_ACTIVATION, 1, UNARY_TANH, UNARY_TANH);
    checkRanges(r, RECURRENT_TARGET_ZERO, 1, -128, 127);
    checkActivation(r, RECURRENT_MIN, RECURRENT_MAX, false);
    if (lstm) {
      checkRanges(r, RECURRENT_CELL_BITS, 1, 0, 6);
      checkRanges(r, RECURRENT_CELL_CLIP, 1, 0, 32767);
      checkRanges(r, RECURRENT_PROJECTION_CLIP, 1, 0, 127);
      checkRanges(r, RECURRENT_OUT_ZERO, 1, -128, 128);
      checkFactor(r, RECURRENT_OUT_MULTIPLIER);
      if (projects) checkFactor(r, RECURRENT_PROJECTION_MULTIPLIER);
    }
    tables(r, RECURRENT_GATES, 1, G * RECURRENT_GATE_WORDS * 4);
    const words = checkedTable(r, RECURRENT_GATES);
    if (words != 0) {
      for (let gate = 0; gate < <i32>G; gate++) {
        const p = words + gate * (RECURRENT_GATE_WORDS << 2);
        for (let field = 0; field < 32; field += 8) checkFactor(p, field);
        checkRanges(p, 28, 1, -31, 10);
        checkRanges(p, 32, 1, 1, 1 << 28);
      }
    }
  }
  parallelBatch(r, batch, time * (work + G * lanes * FUNCTION_WORK + (projects ? outputs * (N + FUNCTION_WORK) : 0)));
  // float32 needs most
  needScratch(<f64>layOutScratch(r, <i32>(G * lanes), 4));
}

/**
 * Describes the weights at `field`: a dense matrix, or lists of blocks. `weight` is the bytes of
 * one.
 *
 * @returns the multiply-adds of one product
 */
function describeMatrix(r: usize, field: usize, lanes: f64, K: f64, weight: f64): f64 {
  const lists = listsOf(field);
  const panels = lanes / 8;
  if (!isSparse(r) || int(r, lists + 8) == 0) {
    describeDense(r, field, lanes, K, weight);
    return lanes * K;
  }
  if (hasNibbles(r, field)) fail(FAULT_ATTRIBUTE);
  const entries = toF64(r, lists + 8);
  checkCounts(r, lists + 8, 1);
  tables(r, field, 1, entries * 32);
  tables(r, lists, 1, panels * 2);
  tables(r, lists + 4, 1, entries);
  checkEntries(r, lists, <i32>panels, 1, <i32>K, field, 0);
  return lanes + entries * 32;
}

/** Describes the dense weights at `field`, with `weight` bytes each. */
function describeDense(r: usize, field: usize, lanes: f64, K: f64, weight: f64): void {
  tables(r, field, 1, lanes * bytesOfRow(r, field, K, weight));
  if (hasNibbles(r, field)) checkNibbles(r, field, lanes / 8, K);
  else if (weight == 1) checkFilling(r, field, lanes / 8, K, 0);
}

/** Bytes of a packed row of weights. They come in groups of four, or of eight with four bits. */
function bytesOfRow(r: usize, field: usize, K: f64, weight: f64): f64 {
  if (hasNibbles(r, field)) return <f64>(up(<i32>K, 8) >> 1);
  return weight == 1 ? <f64>up(<i32>K, 4) : K * weight;
}

function checkClip(r: usize, field: usize): void {
  checkFinite(r, field);
  if (!(float(r, field) >= 0)) fail(FAULT_ATTRIBUTE);
}
