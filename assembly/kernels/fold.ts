import { greater, lesser, sumLanes } from './lanes';
import { add, mul } from './math';

// Folds of one contiguous run. Floats go in one order in every flavor: four partial results
// (element i to number i mod 4) over the whole groups of four, (0 ∘ 2) ∘ (1 ∘ 3), then the rest one
// by one.

export const FOLD_SUM = 0;
export const FOLD_SQUARES = 1;
export const FOLD_MAX = 2;
export const FOLD_MIN = 3;

@inline
function join<T>(fold: i32, a: T, b: T): T {
  if (fold == FOLD_MAX) return greater<T>(a, b);
  if (fold == FOLD_MIN) return lesser<T>(a, b);
  return add<T>(a, b);
}

@inline
function take<T>(fold: i32, a: T, x: T): T {
  if (fold == FOLD_SQUARES) return add<T>(a, mul<T>(x, x));
  return join<T>(fold, a, x);
}

@inline
function foldF32(fold: i32, a: usize, n: i32): f32 {
  const other: f32 = fold == FOLD_MIN ? Infinity : 0;
  const first: f32 = fold == FOLD_MAX ? -Infinity : other;
  let i = 0;
  let result: f32;
  if (ASC_FEATURE_SIMD) {
    let s = f32x4.splat(first);
    for (; i <= n - 4; i += 4) s = take<v128>(fold, s, v128.load(a + (i << 2)));
    result = join<f32>(
      fold,
      join<f32>(fold, f32x4.extract_lane(s, 0), f32x4.extract_lane(s, 2)),
      join<f32>(fold, f32x4.extract_lane(s, 1), f32x4.extract_lane(s, 3)),
    );
  } else {
    let s0 = first, s1 = first, s2 = first, s3 = first;
    for (; i <= n - 4; i += 4) {
      const p = a + (i << 2);
      s0 = take<f32>(fold, s0, load<f32>(p));
      s1 = take<f32>(fold, s1, load<f32>(p, 4));
      s2 = take<f32>(fold, s2, load<f32>(p, 8));
      s3 = take<f32>(fold, s3, load<f32>(p, 12));
    }
    result = join<f32>(fold, join<f32>(fold, s0, s2), join<f32>(fold, s1, s3));
  }
  for (; i < n; i++) result = take<f32>(fold, result, load<f32>(a + (i << 2)));
  return result;
}

/** a f32 [n] */
export function sum_f32(a: usize, n: i32): f32 {
  return foldF32(FOLD_SUM, a, n);
}

/** Σ a² */
export function squares_f32(a: usize, n: i32): f32 {
  return foldF32(FOLD_SQUARES, a, n);
}

export function max_f32(a: usize, n: i32): f32 {
  return foldF32(FOLD_MAX, a, n);
}

export function min_f32(a: usize, n: i32): f32 {
  return foldF32(FOLD_MIN, a, n);
}

/** a i8 [n], n ≤ 2^24 */
export function sum_i8(a: usize, n: i32): i32 {
  let sum = 0;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    let s = i32x4.splat(0);
    for (; i <= n - 16; i += 16) {
      s = i32x4.add(s, i32x4.extadd_pairwise_i16x8_s(i16x8.extadd_pairwise_i8x16_s(v128.load(a + i))));
    }
    sum = sumLanes(s);
  }
  for (; i < n; i++) sum += <i32>load<i8>(a + i);
  return sum;
}

@inline
function extremeI8(largest: bool, a: usize, n: i32): i32 {
  let result = largest ? -128 : 127;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    let s = i8x16.splat(<i8>result);
    for (; i <= n - 16; i += 16) s = largest ? i8x16.max_s(s, v128.load(a + i)) : i8x16.min_s(s, v128.load(a + i));
    let t = i64x2.shuffle(s, s, 1, 0);
    s = largest ? i8x16.max_s(s, t) : i8x16.min_s(s, t);
    t = i32x4.shuffle(s, s, 1, 0, 1, 0);
    s = largest ? i8x16.max_s(s, t) : i8x16.min_s(s, t);
    for (let bits = i32x4.extract_lane(s, 0), lane = 0; lane < 4; lane++, bits >>= 8) {
      const x = bits << 24 >> 24;
      result = largest ? max(result, x) : min(result, x);
    }
  }
  for (; i < n; i++) {
    const x = <i32>load<i8>(a + i);
    result = largest ? max(result, x) : min(result, x);
  }
  return result;
}

/** a i8 [n] */
export function max_i8(a: usize, n: i32): i32 {
  return extremeI8(true, a, n);
}

export function min_i8(a: usize, n: i32): i32 {
  return extremeI8(false, a, n);
}

/** Σ (a − zero)², exact: the squares of 2^15 elements fit an i32, their sums an f64 */
export function squares_i8(a: usize, n: i32, zero: i32): f64 {
  let total: f64 = 0;
  for (let i = 0; i < n;) {
    const end = min(n, i + 32768);
    let sum = 0;
    if (ASC_FEATURE_SIMD) {
      const z = i16x8.splat(<i16>zero);
      let s = i32x4.splat(0);
      for (; i <= end - 8; i += 8) {
        const x = i16x8.sub(v128.load8x8_s(a + i), z);
        s = i32x4.add(s, i32x4.dot_i16x8_s(x, x));
      }
      sum = sumLanes(s);
    }
    for (; i < end; i++) {
      const x = <i32>load<i8>(a + i) - zero;
      sum += x * x;
    }
    total += <f64>sum;
  }
  return total;
}
