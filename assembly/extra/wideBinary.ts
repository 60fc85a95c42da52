import { BINARY_A, BINARY_ADD, BINARY_A_STRIDES, BINARY_B, BINARY_BYTES, BINARY_B_STRIDES, BINARY_DIMENSIONS,
  BINARY_DIV, BINARY_KIND, BINARY_MAX, BINARY_MAXIMUM, BINARY_MIN, BINARY_TARGET, DTYPE_I16, FAULT_ATTRIBUTE, MAX_RANK,
  WIDE_BINARY_A_MULTIPLIER, WIDE_BINARY_B_MULTIPLIER, WIDE_BINARY_OUT_MULTIPLIER } from '../layout';
import { binary_i16 } from '../kernels/wideElementwise';
import { checkFactor } from '../ops/checks';
import { advance, FEW_POSITIONS, positionsOf, WALK_BYTES, WALK_FIRST, WALK_SECOND, walkTo } from '../ops/walk';
import { checkCounts, checkRange, checkRecord, fail, inPlaceIfDense, int, needScratch, parallel, scratch, source,
  target, toF64 } from '../record';
import { share, shareFrom, shareTo } from '../threads';

// Scratch: the walk. The target may equal an operand that has its shape.

const LAST = (MAX_RANK - 1) << 2;
const SIZE = 2;
/** Cost of one element, in multiply-adds. */
const WORK = 16;

/** Bytes from the first element read to the last one, inclusive. */
function extentOf(r: usize, strides: usize): f64 {
  let extent: f64 = 1;
  for (let at = 0; at <= LAST; at += 4) {
    checkRange(r, strides + at, 0, at == LAST ? 1 : 1 << 30);
    extent += (toF64(r, BINARY_DIMENSIONS + at) - 1) * toF64(r, strides + at);
  }
  return extent * SIZE;
}

export function describeWideBinary(r: usize): void {
  if (!checkRecord(r, BINARY_BYTES, 1 << DTYPE_I16)) return;
  checkRange(r, BINARY_KIND, BINARY_ADD, BINARY_MAXIMUM);
  if (int(r, BINARY_KIND) == BINARY_DIV) fail(FAULT_ATTRIBUTE);
  checkCounts(r, BINARY_DIMENSIONS, MAX_RANK);
  let count: f64 = 1;
  for (let at = 0; at <= LAST; at += 4) count *= toF64(r, BINARY_DIMENSIONS + at);
  source(r, BINARY_A, extentOf(r, BINARY_A_STRIDES), SIZE);
  source(r, BINARY_B, extentOf(r, BINARY_B_STRIDES), SIZE);
  target(r, BINARY_TARGET, count * SIZE, SIZE);
  inPlaceIfDense(r, BINARY_A, BINARY_DIMENSIONS, BINARY_A_STRIDES);
  inPlaceIfDense(r, BINARY_B, BINARY_DIMENSIONS, BINARY_B_STRIDES);
  checkFactor(r, WIDE_BINARY_A_MULTIPLIER);
  checkFactor(r, WIDE_BINARY_B_MULTIPLIER);
  checkFactor(r, WIDE_BINARY_OUT_MULTIPLIER);
  checkRange(r, BINARY_MIN, -32768, 32767);
  checkRange(r, BINARY_MAX, int(r, BINARY_MIN), 32767);
  needScratch(WALK_BYTES);
  parallel(r, count * WORK);
}

export function runWideBinary(r: usize): void {
  const n = int(r, BINARY_DIMENSIONS + LAST);
  const strideA = int(r, BINARY_A_STRIDES + LAST);
  const strideB = int(r, BINARY_B_STRIDES + LAST);
  const kind = int(r, BINARY_KIND);
  const state = scratch();
  // The threads share rows, or parts of rows if there are few. A row is the innermost dimension.
  const rows = positionsOf(r, BINARY_DIMENSIONS, MAX_RANK - 1);
  const byRows = <u32>rows >= FEW_POSITIONS;
  share(byRows ? rows : n, byRows ? 1 : 64);
  const first = byRows ? shareFrom : 0;
  const last = byRows ? shareTo : rows;
  const from = byRows ? 0 : shareFrom;
  const count = byRows ? n : shareTo - from;
  let out = <usize>int(r, BINARY_TARGET) + (first * n + from) * SIZE;
  walkTo(
    r,
    BINARY_DIMENSIONS,
    BINARY_A_STRIDES,
    BINARY_B_STRIDES,
    SIZE,
    MAX_RANK - 1,
    state,
    int(r, BINARY_A),
    int(r, BINARY_B),
    first,
  );
  for (let left = last - first; left != 0; left--) {
    const a = load<usize>(state, WALK_FIRST) + from * strideA * SIZE;
    const b = load<usize>(state, WALK_SECOND) + from * strideB * SIZE;
    binary_i16(kind, a, strideA, b, strideB, out, count, r + WIDE_BINARY_A_MULTIPLIER);
    out += n * SIZE;
    advance(r, BINARY_DIMENSIONS, BINARY_A_STRIDES, BINARY_B_STRIDES, SIZE, MAX_RANK - 1, state);
  }
}
