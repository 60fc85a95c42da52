import { BINARY_A, BINARY_ADD, BINARY_A_FACTOR, BINARY_A_STRIDES, BINARY_A_ZERO, BINARY_B, BINARY_BIAS, BINARY_BYTES,
  BINARY_B_FACTOR, BINARY_B_STRIDES, BINARY_B_ZERO, BINARY_DIMENSIONS, BINARY_DIV, BINARY_KIND, BINARY_MAX,
  BINARY_MAXIMUM, BINARY_MIN, BINARY_MINIMUM, BINARY_MUL, BINARY_NEGATIVE_SCALE, BINARY_OUT_SCALE, BINARY_PRELU,
  BINARY_SCALE, BINARY_SHIFT, BINARY_SQUARED_DIFFERENCE, BINARY_SUB, BINARY_TARGET, BINARY_TARGET_ZERO, DTYPE_F32,
  DTYPE_I32, DTYPE_I8, FAULT_ATTRIBUTE, MAX_RANK } from '../layout';
import { add_i8, binary_f32, binary_i32, BINARY_SPLAT, div_i8, maximum_i8, minimum_i8, mul_i8, prelu_i8, splat_bytes,
  squaredDifference_i8 } from '../kernels/binary';
import { toF64, bytesOf, checkCounts, checkFinite, checkRange, checkRecord, dtypeOf, fail, float, int, needScratch,
  scratch, source, parallel, target, inPlaceIfDense } from '../record';
import { share, shareFrom, shareTo } from '../threads';
import { checkActivation, checkPositive, checkZeroPoint } from './checks';
import { walkTo, FEW_POSITIONS, advance, positionsOf, WALK_BYTES, WALK_FIRST, WALK_SECOND } from './walk';

// Scratch: the walk │ a repeated, if its innermost stride is 0 │ b repeated, if its innermost
// stride is 0

const LAST = (MAX_RANK - 1) << 2;
/** The kernel splits factors into 16-bit halves. */
const MAX_FACTOR = 1 << 28;
/** Cost of one element, in multiply-adds. */
const WORK_PER_ELEMENT = 8;
/** Cost of the step to the next row, in elements. */
const STEPS = 8;

/** Elements from the first one read to the last one, inclusive. */
function extentOf(r: usize, strides: usize): f64 {
  let extent: f64 = 1;
  for (let at = 0; at <= LAST; at += 4) {
    checkRange(r, strides + at, 0, at == LAST ? 1 : 1 << 30);
    extent += (toF64(r, BINARY_DIMENSIONS + at) - 1) * toF64(r, strides + at);
  }
  return extent;
}

export function describeBinary(r: usize): void {
  checkRecord(r, BINARY_BYTES, (1 << DTYPE_I8) | (1 << DTYPE_F32) | (1 << DTYPE_I32));
  checkRange(r, BINARY_KIND, BINARY_ADD, BINARY_PRELU);
  checkCounts(r, BINARY_DIMENSIONS, MAX_RANK);
  const size = bytesOf(dtypeOf(r));
  const kind = int(r, BINARY_KIND);
  let count: f64 = 1;
  for (let at = 0; at <= LAST; at += 4) count *= toF64(r, BINARY_DIMENSIONS + at);
  source(r, BINARY_A, extentOf(r, BINARY_A_STRIDES) * size, <u32>size);
  source(r, BINARY_B, extentOf(r, BINARY_B_STRIDES) * size, <u32>size);
  target(r, BINARY_TARGET, count * size, <u32>size);
  inPlaceIfDense(r, BINARY_A, BINARY_DIMENSIONS, BINARY_A_STRIDES);
  inPlaceIfDense(r, BINARY_B, BINARY_DIMENSIONS, BINARY_B_STRIDES);
  needScratch(WALK_BYTES + 2 * BINARY_SPLAT);
  parallel(r, (count + count / toF64(r, BINARY_DIMENSIONS + LAST) * STEPS) * WORK_PER_ELEMENT);
  if (dtypeOf(r) == DTYPE_I32) {
    if (kind == BINARY_DIV || kind > BINARY_MAXIMUM) fail(FAULT_ATTRIBUTE);
    return;
  }
  checkActivation(r, BINARY_MIN, BINARY_MAX, dtypeOf(r) == DTYPE_F32);
  if (dtypeOf(r) == DTYPE_F32 || kind == BINARY_MINIMUM || kind == BINARY_MAXIMUM) return;
  checkZeroPoint(r, BINARY_TARGET_ZERO);
  if (kind == BINARY_ADD || kind == BINARY_SUB) {
    checkRange(r, BINARY_A_FACTOR, -MAX_FACTOR, MAX_FACTOR);
    checkRange(r, BINARY_B_FACTOR, -MAX_FACTOR, MAX_FACTOR);
    checkRange(r, BINARY_SHIFT, 0, 31);
    return;
  }
  checkZeroPoint(r, BINARY_A_ZERO);
  checkZeroPoint(r, BINARY_B_ZERO);
  checkFinite(r, BINARY_SCALE);
  if (kind != BINARY_MUL) checkFinite(r, BINARY_NEGATIVE_SCALE);
  if (kind == BINARY_DIV || kind == BINARY_SQUARED_DIFFERENCE) checkPositive(r, BINARY_OUT_SCALE);
}

function runI8(r: usize, a: usize, strideA: i32, b: usize, strideB: i32, out: usize, n: i32): void {
  const constants = r + BINARY_A_ZERO;
  switch (int(r, BINARY_KIND)) {
    case BINARY_ADD:
    case BINARY_SUB:
      add_i8(constants, a, strideA, b, strideB, out, n);
      break;
    case BINARY_MUL:
      mul_i8(constants, a, strideA, b, strideB, out, n);
      break;
    case BINARY_PRELU:
      prelu_i8(constants, a, strideA, b, strideB, out, n);
      break;
    case BINARY_MINIMUM:
      minimum_i8(constants, a, strideA, b, strideB, out, n);
      break;
    case BINARY_MAXIMUM:
      maximum_i8(constants, a, strideA, b, strideB, out, n);
      break;
    case BINARY_DIV:
      div_i8(constants, a, strideA, b, strideB, out, n);
      break;
    case BINARY_SQUARED_DIFFERENCE:
      squaredDifference_i8(constants, a, strideA, b, strideB, out, n);
      break;
  }
}

export function runBinary(r: usize): void {
  const dtype = dtypeOf(r);
  const size = <i32>bytesOf(dtype);
  const n = int(r, BINARY_DIMENSIONS + LAST);
  const rowBytes = n * size;
  const strideA = int(r, BINARY_A_STRIDES + LAST);
  const strideB = int(r, BINARY_B_STRIDES + LAST);
  const kind = int(r, BINARY_KIND);
  const state = scratch();
  const splatA = state + WALK_BYTES;
  const splatB = splatA + BINARY_SPLAT;
  const splats = ASC_FEATURE_SIMD && dtype != DTYPE_I32;
  // The threads share rows, or parts of rows if there are few. A row is the innermost dimension.
  const rows = positionsOf(r, BINARY_DIMENSIONS, MAX_RANK - 1);
  const byRows = <u32>rows >= FEW_POSITIONS;
  share(byRows ? rows : n, byRows ? 1 : 64);
  const first = byRows ? shareFrom : 0;
  const last = byRows ? shareTo : rows;
  const from = byRows ? 0 : shareFrom;
  const count = byRows ? n : shareTo - from;
  let out = <usize>int(r, BINARY_TARGET) + first * rowBytes + from * size;
  walkTo(
    r,
    BINARY_DIMENSIONS,
    BINARY_A_STRIDES,
    BINARY_B_STRIDES,
    size,
    MAX_RANK - 1,
    state,
    int(r, BINARY_A),
    int(r, BINARY_B),
    first,
  );
  for (let left = last - first; left != 0; left--) {
    let a = load<usize>(state, WALK_FIRST) + from * strideA * size;
    let b = load<usize>(state, WALK_SECOND) + from * strideB * size;
    if (splats) {
      if (strideA == 0) {
        splat_bytes(a, size, splatA);
        a = splatA;
      }
      if (strideB == 0) {
        splat_bytes(b, size, splatB);
        b = splatB;
      }
    }
    if (dtype == DTYPE_F32) {
      binary_f32(kind, a, strideA, b, strideB, out, count, float(r, BINARY_MIN), float(r, BINARY_MAX));
    } else if (dtype == DTYPE_I32) binary_i32(kind, a, strideA, b, strideB, out, count);
    else runI8(r, a, strideA, b, strideB, out, count);
    out += rowBytes;
    advance(r, BINARY_DIMENSIONS, BINARY_A_STRIDES, BINARY_B_STRIDES, size, MAX_RANK - 1, state);
  }
}
