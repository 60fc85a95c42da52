import { DTYPE_F32, DTYPE_I8, FAULT_ATTRIBUTE, REDUCE_BYTES, REDUCE_COUNT, REDUCE_INNER, REDUCE_KIND, REDUCE_MAX,
  REDUCE_MEAN, REDUCE_MIN, REDUCE_OUTER, REDUCE_EXPONENT, REDUCE_MULTIPLIER, REDUCE_PROD, REDUCE_ROUNDING, REDUCE_SCALE,
  REDUCE_SOURCE, REDUCE_SOURCE_ZERO, REDUCE_TARGET, REDUCE_TARGET_ZERO, ROUND_EVEN, ROUND_TRUNCATE } from '../layout';
import { multiplyByQuantizedMultiplier } from '../kernels/fixedPoint';
import { max_f32, max_i8, min_f32, min_i8, sum_f32, sum_i8 } from '../kernels/fold';
import { pool_average_f32, pool_max_f32, pool_max_i8, pool_min_f32, pool_min_i8, pool_sum_i8 } from '../kernels/pool';
import { requantize } from '../kernels/requantize';
import { toF64, bytesOf, checkCounts, checkFinite, checkRange, checkRecord, countWork, dtypeOf, fail, float, int,
  source, parallel, target } from '../record';
import { share, shareFrom, shareTo } from '../threads';
import { checkZeroPoint } from './checks';

/** Maximum number of elements, so that the sum of (i8 − zero point) fits i32: 255·2^23 < 2^31. */
const MAX_SUM = 1 << 23;
/** Cost of one byte, in multiply-adds. */
const WORK_PER_BYTE = 2;
/** The same for a product, which is rounded after each factor. */
const MOST_PER_BYTE = 16;

/** The threads share the inner dimension if it is long and there are few rows of outputs. */
function byInner(r: usize): bool {
  return int(r, REDUCE_OUTER) < 16 && int(r, REDUCE_INNER) >= 128;
}

export function describeReduce(r: usize): void {
  checkRecord(r, REDUCE_BYTES, (1 << DTYPE_I8) | (1 << DTYPE_F32));
  checkRange(r, REDUCE_KIND, REDUCE_MEAN, REDUCE_PROD);
  checkCounts(r, REDUCE_OUTER, 3);
  const size = bytesOf(dtypeOf(r));
  const outputs = toF64(r, REDUCE_OUTER) * toF64(r, REDUCE_INNER) * size;
  source(r, REDUCE_SOURCE, outputs * toF64(r, REDUCE_COUNT), <u32>size);
  target(r, REDUCE_TARGET, outputs, <u32>size);
  const bytes = outputs * toF64(r, REDUCE_COUNT);
  countWork(bytes * MOST_PER_BYTE);
  parallel(r, byInner(r) || int(r, REDUCE_OUTER) > 1 ? bytes * WORK_PER_BYTE : 0);
  const kind = int(r, REDUCE_KIND);
  if (dtypeOf(r) == DTYPE_F32 || kind == REDUCE_MAX || kind == REDUCE_MIN) return;
  checkZeroPoint(r, REDUCE_SOURCE_ZERO);
  checkZeroPoint(r, REDUCE_TARGET_ZERO);
  checkRange(r, REDUCE_ROUNDING, ROUND_EVEN, ROUND_TRUNCATE);
  if (kind == REDUCE_PROD) {
    checkRange(r, REDUCE_MULTIPLIER, 0, i32.MAX_VALUE);
    checkRange(r, REDUCE_EXPONENT, -31, 22);
  } else {
    checkFinite(r, REDUCE_SCALE);
    if (int(r, REDUCE_COUNT) > MAX_SUM) fail(FAULT_ATTRIBUTE);
  }
}

/** Sum or mean of one column of [count][inner], rounded away from zero or truncated. */
function rounded(r: usize, column: usize, clampMin: f32, clampMax: f32): i32 {
  const count = int(r, REDUCE_COUNT);
  const inner = int(r, REDUCE_INNER);
  const zero = int(r, REDUCE_TARGET_ZERO);
  let sum = 0;
  for (let j = 0; j < count; j++) sum += load<i8>(column + j * inner);
  sum -= count * int(r, REDUCE_SOURCE_ZERO);
  if (int(r, REDUCE_ROUNDING) == ROUND_TRUNCATE) return min(127, max(-128, sum / count + zero));
  let x = <f32>sum * float(r, REDUCE_SCALE);
  x = x < clampMin ? clampMin : x;
  x = clampMax < x ? clampMax : x;
  // In f64, adding a half is exact.
  return <i32>(x < 0 ? <f64>x - 0.5 : <f64>x + 0.5) + zero;
}

/** Computes n elements of out i8 [inner] from source i8 [count][inner]. */
function reduceI8(r: usize, from: usize, out: usize, n: i32): void {
  const kind = int(r, REDUCE_KIND);
  const count = int(r, REDUCE_COUNT);
  const inner = int(r, REDUCE_INNER);
  const sourceZero = int(r, REDUCE_SOURCE_ZERO);
  const zero = int(r, REDUCE_TARGET_ZERO);
  const scale = float(r, REDUCE_SCALE);
  const clampMin = <f32>(i8.MIN_VALUE - zero);
  const clampMax = <f32>(i8.MAX_VALUE - zero);
  switch (kind) {
    case REDUCE_MAX:
      if (inner == 1) store<i8>(out, max_i8(from, count));
      else pool_max_i8(from, 1, count, 0, inner, out, n, -128, 127);
      break;
    case REDUCE_MIN:
      if (inner == 1) store<i8>(out, min_i8(from, count));
      else pool_min_i8(from, 1, count, 0, inner, out, n, -128, 127);
      break;
    case REDUCE_PROD:
      for (let i = 0; i < n; i++) {
        let p = from + i;
        let product = <i32>load<i8>(p) - sourceZero;
        for (let j = count; j > 1; j--) {
          p += inner;
          product = multiplyByQuantizedMultiplier(
            <i64>product * (<i32>load<i8>(p) - sourceZero),
            int(r, REDUCE_MULTIPLIER),
            int(r, REDUCE_EXPONENT),
          );
        }
        product = multiplyByQuantizedMultiplier(product, int(r, REDUCE_MULTIPLIER), int(r, REDUCE_EXPONENT));
        store<i8>(out + i, min(127, max(-128, product + zero)));
      }
      break;
    default:
      if (int(r, REDUCE_ROUNDING) != ROUND_EVEN) {
        for (let i = 0; i < n; i++) store<i8>(out + i, rounded(r, from + i, clampMin, clampMax));
      } else if (inner == 1) {
        store<i8>(out, requantize(sum_i8(from, count) - count * sourceZero, scale, clampMin, clampMax, zero));
      } else pool_sum_i8(from, 1, count, 0, inner, out, n, -sourceZero, scale, zero);
  }
}

/** Computes n elements of out f32 [inner] from source f32 [count][inner]. */
function reduceF32(r: usize, from: usize, out: usize, n: i32): void {
  const kind = int(r, REDUCE_KIND);
  const count = int(r, REDUCE_COUNT);
  const inner = int(r, REDUCE_INNER);
  const stride = <usize>inner << 2;
  const divisor: f32 = kind == REDUCE_MEAN ? <f32>count : 1;
  switch (kind) {
    case REDUCE_MAX:
      if (inner == 1) store<f32>(out, max_f32(from, count));
      else pool_max_f32(from, 1, count, 0, stride, out, n, -Infinity, Infinity);
      break;
    case REDUCE_MIN:
      if (inner == 1) store<f32>(out, min_f32(from, count));
      else pool_min_f32(from, 1, count, 0, stride, out, n, -Infinity, Infinity);
      break;
    case REDUCE_PROD:
      for (let i = 0; i < n; i++) {
        let product: f32 = 1;
        let p = from + (i << 2);
        for (let j = count; j > 0; j--) {
          product *= load<f32>(p);
          p += stride;
        }
        store<f32>(out + (i << 2), product);
      }
      break;
    default:
      if (inner == 1) store<f32>(out, sum_f32(from, count) / divisor);
      else pool_average_f32(from, 1, count, 0, stride, out, n, divisor, -Infinity, Infinity);
  }
}

export function runReduce(r: usize): void {
  const f32s = dtypeOf(r) == DTYPE_F32;
  const inner = int(r, REDUCE_INNER);
  const outBytes = f32s ? inner << 2 : inner;
  const inBytes = outBytes * int(r, REDUCE_COUNT);
  const outer = int(r, REDUCE_OUTER);
  const inside = byInner(r);
  share(inside ? inner : outer, inside ? 64 : 1);
  const first = inside ? 0 : shareFrom;
  const last = inside ? outer : shareTo;
  const skipped = inside ? shareFrom : 0;
  const n = inside ? shareTo - skipped : inner;
  const skippedBytes = f32s ? skipped << 2 : skipped;
  let from = <usize>int(r, REDUCE_SOURCE) + first * inBytes + skippedBytes;
  let out = <usize>int(r, REDUCE_TARGET) + first * outBytes + skippedBytes;
  for (let o = last - first; o > 0; o--) {
    if (f32s) reduceF32(r, from, out, n);
    else reduceI8(r, from, out, n);
    from += inBytes;
    out += outBytes;
  }
}
