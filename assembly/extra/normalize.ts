import { DTYPE_F32, DTYPE_I8, NORMALIZE_BIAS, NORMALIZE_BIAS_STRIDES, NORMALIZE_BYTES, NORMALIZE_CENTER,
  NORMALIZE_DIMENSIONS, NORMALIZE_EPSILON, NORMALIZE_SCALE, NORMALIZE_SCALE_STRIDES, NORMALIZE_SOURCE,
  NORMALIZE_SOURCE_SCALE, NORMALIZE_SOURCE_ZERO, NORMALIZE_STRIDES, NORMALIZE_TARGET, NORMALIZE_TARGET_SCALE,
  NORMALIZE_TARGET_ZERO } from '../layout';
import { bytesOf, checkCounts, checkFinite, checkRange, checkRecord, countWork, dtypeOf, float, FLOATS, inPlace, int,
  source, sourceOf, targetSpan, toF64 } from '../record';
import { checkApart } from '../ops/checks';

// The first three of the six dimensions are walked group by group; mean and variance are over the
// last three. All sums are in f64 and in order.

const KEPT = 3;
const DIMENSIONS = 6;
/** Cost of one element in three passes, in multiply-adds. */
const WORK = 8;

/** Elements from the first one that the strides reach to the last one, inclusive. */
function extentOf(r: usize, strides: usize): f64 {
  let extent: f64 = 1;
  for (let d = 0; d < DIMENSIONS; d++) {
    const at = d << 2;
    checkRange(r, strides + at, 0, 1 << 30);
    extent += (toF64(r, NORMALIZE_DIMENSIONS + at) - 1) * toF64(r, strides + at);
  }
  return extent;
}

export function describeNormalize(r: usize): void {
  if (!checkRecord(r, NORMALIZE_BYTES, (1 << DTYPE_I8) | (1 << DTYPE_F32))) return;
  checkCounts(r, NORMALIZE_DIMENSIONS, DIMENSIONS);
  checkRange(r, NORMALIZE_CENTER, 0, 1);
  checkRange(r, NORMALIZE_SOURCE_ZERO, -128, 127);
  checkRange(r, NORMALIZE_TARGET_ZERO, -128, 127);
  checkFinite(r, NORMALIZE_EPSILON);
  checkFinite(r, NORMALIZE_SOURCE_SCALE);
  checkFinite(r, NORMALIZE_TARGET_SCALE);
  let count: f64 = 1;
  for (let d = 0; d < DIMENSIONS; d++) count *= toF64(r, NORMALIZE_DIMENSIONS + (d << 2));
  const size = bytesOf(dtypeOf(r));
  const bytes = extentOf(r, NORMALIZE_STRIDES) * size;
  source(r, NORMALIZE_SOURCE, bytes, <u32>size);
  checkApart(r, NORMALIZE_DIMENSIONS, NORMALIZE_STRIDES);
  targetSpan(r, NORMALIZE_TARGET, bytes, count * size, <u32>size);
  inPlace(NORMALIZE_SOURCE);
  sourceOf(FLOATS, r, NORMALIZE_SCALE, extentOf(r, NORMALIZE_SCALE_STRIDES) * 4, 4);
  sourceOf(FLOATS, r, NORMALIZE_BIAS, extentOf(r, NORMALIZE_BIAS_STRIDES) * 4, 4);
  countWork(count * WORK);
}

/** The bytes from the first element to an element of the three dimensions from `first` on. */
@inline
function offset(r: usize, strides: usize, first: i32, i: i32, j: i32, k: i32, size: i32): i32 {
  const at = strides + (first << 2);
  return (i * int(r, at) + j * int(r, at + 4) + k * int(r, at + 8)) * size;
}

/** Σ (x − mean) of a group, or Σ (x − mean)² */
function sum<T>(r: usize, a: usize, mean: f64, squares: bool): f64 {
  const inner = int(r, NORMALIZE_DIMENSIONS + 20);
  const step = int(r, NORMALIZE_STRIDES + 20) * sizeof<T>();
  let total: f64 = 0;
  for (let i = 0; i < int(r, NORMALIZE_DIMENSIONS + 12); i++) {
    for (let j = 0; j < int(r, NORMALIZE_DIMENSIONS + 16); j++) {
      let from = a + offset(r, NORMALIZE_STRIDES, KEPT, i, j, 0, sizeof<T>());
      for (let k = 0; k < inner; k++) {
        const d = <f64>load<T>(from) - mean;
        total += squares ? d * d : d;
        from += step;
      }
    }
  }
  return total;
}

/** The rounding of a real number of steps to an int8; NaN gives the lowest. */
function quantized(steps: f64, zero: i32): i8 {
  const low = <f64>(-128 - zero);
  const high = <f64>(127 - zero);
  if (!(steps > low)) return -128;
  return steps < high ? <i8>(<i32>nearest<f64>(steps) + zero) : 127;
}

/** Writes the group at `a` to `out`. */
function group<T>(r: usize, a: usize, out: usize, scale: usize, bias: usize): void {
  const inner = int(r, NORMALIZE_DIMENSIONS + 20);
  const n = toF64(r, NORMALIZE_DIMENSIONS + 12) * toF64(r, NORMALIZE_DIMENSIONS + 16) * <f64>inner;
  const zero = <f64>int(r, NORMALIZE_SOURCE_ZERO);
  const center = int(r, NORMALIZE_CENTER) != 0;
  const mean = center ? zero + sum<T>(r, a, zero, false) / n : zero;
  // a second term removes the rounding of the mean from the variance (Chan, Golub and LeVeque 1983)
  const rest = center ? sum<T>(r, a, mean, false) : 0;
  const variance = max<f64>(0, sum<T>(r, a, mean, true) - rest * rest / n) / n;
  const step = <f64>float(r, NORMALIZE_SOURCE_SCALE);
  const factor = step / sqrt<f64>(variance * step * step + <f64>float(r, NORMALIZE_EPSILON));
  const outStep = <f64>float(r, NORMALIZE_TARGET_SCALE);
  const targetZero = int(r, NORMALIZE_TARGET_ZERO);
  const stride = int(r, NORMALIZE_STRIDES + 20) * sizeof<T>();
  const scaleStride = int(r, NORMALIZE_SCALE_STRIDES + 20) << 2;
  const biasStride = int(r, NORMALIZE_BIAS_STRIDES + 20) << 2;
  for (let i = 0; i < int(r, NORMALIZE_DIMENSIONS + 12); i++) {
    for (let j = 0; j < int(r, NORMALIZE_DIMENSIONS + 16); j++) {
      const skipped = offset(r, NORMALIZE_STRIDES, KEPT, i, j, 0, sizeof<T>());
      let s = scale + offset(r, NORMALIZE_SCALE_STRIDES, KEPT, i, j, 0, 4);
      let b = bias + offset(r, NORMALIZE_BIAS_STRIDES, KEPT, i, j, 0, 4);
      let from = a + skipped;
      let to = out + skipped;
      for (let k = 0; k < inner; k++) {
        const y = (<f64>load<T>(from) - mean) * factor * <f64>load<f32>(s) + <f64>load<f32>(b);
        if (isFloat<T>()) store<f32>(to, <f32>y);
        else store<i8>(to, quantized(y / outStep, targetZero));
        from += stride;
        to += stride;
        s += scaleStride;
        b += biasStride;
      }
    }
  }
}

/** The target may equal the source. */
export function runNormalize(r: usize): void {
  const floats = dtypeOf(r) == DTYPE_F32;
  const size = floats ? 4 : 1;
  for (let i = 0; i < int(r, NORMALIZE_DIMENSIONS); i++) {
    for (let j = 0; j < int(r, NORMALIZE_DIMENSIONS + 4); j++) {
      for (let k = 0; k < int(r, NORMALIZE_DIMENSIONS + 8); k++) {
        const skipped = offset(r, NORMALIZE_STRIDES, 0, i, j, k, size);
        const a = int(r, NORMALIZE_SOURCE) + skipped;
        const out = int(r, NORMALIZE_TARGET) + skipped;
        const scale = int(r, NORMALIZE_SCALE) + offset(r, NORMALIZE_SCALE_STRIDES, 0, i, j, k, 4);
        const bias = int(r, NORMALIZE_BIAS) + offset(r, NORMALIZE_BIAS_STRIDES, 0, i, j, k, 4);
        if (floats) group<f32>(r, a, out, scale, bias);
        else group<i8>(r, a, out, scale, bias);
      }
    }
  }
}
