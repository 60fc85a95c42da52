import { max_f32, max_i8, sum_f32 } from './fold';
import { MAGIC, MAGIC_BITS } from './lanes';
import { exp, log } from './math';
import { quantize } from './quantize';
import { storePart } from './store';

// Softmax and its logarithm of one row of n elements: maximum, sum of powers, then the outputs.
// `out` may equal `a`. Powers are added in the order of kernels/fold.ts.

/** out f32 [n] = e^((a − largest)·beta). @returns their sum */
function powers_f32(a: usize, out: usize, n: i32, largest: f32, beta: f32): f32 {
  if (ASC_FEATURE_SIMD) {
    const m = f32x4.splat(largest);
    const beta4 = f32x4.splat(beta);
    let s = f32x4.splat(0);
    const end = out + (n << 2);
    for (; out + 16 <= end; out += 16) {
      const y = exp<v128>(f32x4.mul(f32x4.sub(v128.load(a), m), beta4));
      v128.store(out, y);
      s = f32x4.add(s, y);
      a += 16;
    }
    if (out < end) storePart(out, exp<v128>(f32x4.mul(f32x4.sub(v128.load(a), m), beta4)), <i32>(end - out));
    let sum: f32 = (f32x4.extract_lane(s, 0) + f32x4.extract_lane(s, 2)) +
      (f32x4.extract_lane(s, 1) + f32x4.extract_lane(s, 3));
    for (; out < end; out += 4) sum += load<f32>(out);
    return sum;
  } else {
    for (let i = 0; i < n; i++) store<f32>(out + (i << 2), power((load<f32>(a + (i << 2)) - largest) * beta));
    return sum_f32(out, n);
  }
}

/** a f32 → out f32 = e^(beta·(a − max)) / Σ */
export function softmax_f32(a: usize, out: usize, n: i32, beta: f32): void {
  const factor: f32 = 1 / powers_f32(a, out, n, max_f32(a, n), beta);
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const factor4 = f32x4.splat(factor);
    for (; i <= n - 4; i += 4) v128.store(out + (i << 2), f32x4.mul(v128.load(out + (i << 2)), factor4));
  }
  for (; i < n; i++) store<f32>(out + (i << 2), load<f32>(out + (i << 2)) * factor);
}

function power(x: f32): f32 {
  return exp<f32>(x);
}

/** a f32 → out f32 = a − max − log Σ e^(a − max) */
export function log_softmax_f32(a: usize, out: usize, n: i32): void {
  const largest = max_f32(a, n);
  // adds in the order of `sum_f32` without storing the powers
  let i = 0;
  let sum: f32;
  if (ASC_FEATURE_SIMD) {
    const m = f32x4.splat(largest);
    let s = f32x4.splat(0);
    for (; i <= n - 4; i += 4) s = f32x4.add(s, exp<v128>(f32x4.sub(v128.load(a + (i << 2)), m)));
    sum = (f32x4.extract_lane(s, 0) + f32x4.extract_lane(s, 2)) + (f32x4.extract_lane(s, 1) + f32x4.extract_lane(s, 3));
  } else {
    let s0: f32 = 0, s1: f32 = 0, s2: f32 = 0, s3: f32 = 0;
    for (; i <= n - 4; i += 4) {
      const p = a + (i << 2);
      s0 += power(load<f32>(p) - largest);
      s1 += power(load<f32>(p, 4) - largest);
      s2 += power(load<f32>(p, 8) - largest);
      s3 += power(load<f32>(p, 12) - largest);
    }
    sum = (s0 + s2) + (s1 + s3);
  }
  for (; i < n; i++) sum += power(load<f32>(a + (i << 2)) - largest);
  const logarithm = log(sum);
  for (i = 0; i < n; i++) store<f32>(out + (i << 2), load<f32>(a + (i << 2)) - largest - logarithm);
}

/** Σ table[largest − a], table f32 [256], in the order of kernels/fold.ts */
function sum_powers_i8(a: usize, n: i32, largest: i32, table: usize): f32 {
  let s0: f32 = 0;
  let s1: f32 = 0;
  let s2: f32 = 0;
  let s3: f32 = 0;
  let i = 0;
  for (; i <= n - 4; i += 4) {
    const p = a + i;
    s0 += load<f32>(table + ((largest - <i32>load<i8>(p)) << 2));
    s1 += load<f32>(table + ((largest - <i32>load<i8>(p, 1)) << 2));
    s2 += load<f32>(table + ((largest - <i32>load<i8>(p, 2)) << 2));
    s3 += load<f32>(table + ((largest - <i32>load<i8>(p, 3)) << 2));
  }
  let sum: f32 = (s0 + s2) + (s1 + s3);
  for (; i < n; i++) sum += load<f32>(table + ((largest - <i32>load<i8>(a + i)) << 2));
  return sum;
}

/**
 * a i8 → out i8 = clamp(round_half_even(table[max − a] · f32(1 / (Σ·scaleOut))) + zeroPoint). Table
 * entries are in [0, 1] and the first is 1.
 */
export function softmax_i8(a: usize, out: usize, n: i32, table: usize, scaleOut: f32, zeroPoint: i32): void {
  const largest = max_i8(a, n);
  const factor: f32 = 1 / (sum_powers_i8(a, n, largest, table) * scaleOut);
  const high = <f32>(i8.MAX_VALUE - zeroPoint);
  const top = table + (largest << 2);
  const bits = MAGIC_BITS - zeroPoint;
  for (let i = 0; i < n; i++) {
    const x = load<f32>(top - (<i32>load<i8>(a + i) << 2)) * factor;
    // x ≥ 0, or NaN if the factor is infinite
    store<i8>(out + i, reinterpret<i32>((x < high ? x : high) + MAGIC) - bits);
  }
}

/** a i8 → out i8 = quantize((scale·(a − max) − log Σ) / scaleOut) */
export function log_softmax_i8(
  a: usize,
  out: usize,
  n: i32,
  table: usize,
  scale: f32,
  scaleOut: f32,
  zeroPoint: i32,
): void {
  const largest = max_i8(a, n);
  const logarithm = log(sum_powers_i8(a, n, largest, table));
  const low = <f32>(i8.MIN_VALUE - zeroPoint);
  const high = <f32>(i8.MAX_VALUE - zeroPoint);
  for (let i = 0; i < n; i++) {
    store<i8>(
      out + i,
      quantize((scale * <f32>(<i32>load<i8>(a + i) - largest) - logarithm) / scaleOut, low, high, zeroPoint),
    );
  }
}
