import { BINARY_A, BINARY_ADD, BINARY_A_FACTOR, BINARY_A_STRIDES, BINARY_A_ZERO, BINARY_B, BINARY_BIAS, BINARY_BYTES,
  BINARY_B_FACTOR, BINARY_B_STRIDES, BINARY_B_ZERO, BINARY_DIMENSIONS, BINARY_DIV, BINARY_KIND, BINARY_MAX,
  BINARY_MAXIMUM, BINARY_MIN, BINARY_MINIMUM, BINARY_MUL, BINARY_NEGATIVE_SCALE, BINARY_OUT_SCALE, BINARY_PRELU,
  BINARY_SCALE, BINARY_SHIFT, BINARY_SQUARED_DIFFERENCE, BINARY_SUB, BINARY_TARGET, BINARY_TARGET_ZERO, DTYPE_F32,
  DTYPE_I32, DTYPE_I8, FAULT_ATTRIBUTE, MAX_RANK } from '../layout';
import { add_i8, binary_f32, binary_i32, BINARY_SPLAT, div_i8, maximum_i8, minimum_i8, mul_i8, prelu_i8, splat_bytes,
  squaredDifference_i8 } from '../kernels/binary';
import { toF64, bytesOf, checkCounts, checkFinite, checkRange, checkRecord, dtypeOf, fail, float, int, needScratch,
  scratch, source, parallel, target } from '../record';
import { share, shareFrom, shareTo } from '../threads';
import { checkActivation, checkPositive, checkZeroPoint } from './checks';
import { walkTo, FEW_POSITIONS, advance, positionsOf, WALK_BYTES, WALK_FIRST, WALK_SECOND } from './walk';

// Scratch: the walk │ a repeated, when its innermost stride is 0 │ b likewise

const LAST = (MAX_RANK - 1) << 2;
/** Multipliers are taken apart into 16-bit halves. */
const MAX_FACTOR = 1 << 28;
/** Products that take as long as one element. */
const STEPS = 8;

/** Elements from the first to the last that is read, and one. */
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
  needScratch(WALK_BYTES + 2 * BINARY_SPLAT);
  parallel(r, count * STEPS);
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
  const zeroA = int(r, BINARY_A_ZERO);
  const zeroB = int(r, BINARY_B_ZERO);
  const scale = float(r, BINARY_SCALE);
  const second = float(r, BINARY_NEGATIVE_SCALE);
  const zero = int(r, BINARY_TARGET_ZERO);
  const low = int(r, BINARY_MIN);
  const high = int(r, BINARY_MAX);
  switch (int(r, BINARY_KIND)) {
    case BINARY_ADD:
    case BINARY_SUB:
      add_i8(
        a,
        strideA,
        b,
        strideB,
        out,
        n,
        int(r, BINARY_A_FACTOR),
        int(r, BINARY_B_FACTOR),
        int(r, BINARY_BIAS),
        int(r, BINARY_SHIFT),
        zero,
        low,
        high,
      );
      break;
    case BINARY_MUL:
      mul_i8(a, strideA, b, strideB, out, n, zeroA, zeroB, scale, zero, low, high);
      break;
    case BINARY_PRELU:
      prelu_i8(a, strideA, b, strideB, out, n, zeroA, zeroB, scale, second, zero, low, high);
      break;
    case BINARY_MINIMUM:
      minimum_i8(a, strideA, b, strideB, out, n, low, high);
      break;
    case BINARY_MAXIMUM:
      maximum_i8(a, strideA, b, strideB, out, n, low, high);
      break;
    case BINARY_DIV:
      div_i8(a, strideA, b, strideB, out, n, zeroA, zeroB, scale, second, float(r, BINARY_OUT_SCALE), zero, low, high);
      break;
    case BINARY_SQUARED_DIFFERENCE:
      squaredDifference_i8(
        a,
        strideA,
        b,
        strideB,
        out,
        n,
        zeroA,
        zeroB,
        scale,
        second,
        float(r, BINARY_OUT_SCALE),
        zero,
        low,
        high,
      );
      break;
  }
}

export function runBinary(r: usize): void {
  const dtype = dtypeOf(r);
  const size = <i32>bytesOf(dtype);
  const n = int(r, BINARY_DIMENSIONS + LAST);
  const runBytes = n * size;
  const strideA = int(r, BINARY_A_STRIDES + LAST);
  const strideB = int(r, BINARY_B_STRIDES + LAST);
  const kind = int(r, BINARY_KIND);
  const state = scratch();
  const splatA = state + WALK_BYTES;
  const splatB = splatA + BINARY_SPLAT;
  const splats = ASC_FEATURE_SIMD && dtype != DTYPE_I32;
  // threads take runs, or parts of runs where there are few
  const runs = positionsOf(r, BINARY_DIMENSIONS, MAX_RANK - 1);
  const byRuns = <u32>runs >= FEW_POSITIONS;
  share(byRuns ? runs : n, byRuns ? 1 : 64);
  const first = byRuns ? shareFrom : 0;
  const last = byRuns ? shareTo : runs;
  const from = byRuns ? 0 : shareFrom;
  const count = byRuns ? n : shareTo - from;
  let out = <usize>int(r, BINARY_TARGET) + first * runBytes + from * size;
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
    out += runBytes;
    advance(r, BINARY_DIMENSIONS, BINARY_A_STRIDES, BINARY_B_STRIDES, size, MAX_RANK - 1, state);
  }
}
