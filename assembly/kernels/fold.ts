import { greater, lesser, sumLanes } from './lanes';
import { add, mul } from './math';

// Reductions of n contiguous elements to one number: sum, sum of squares, maximum, minimum.
//
// Floats are reduced in the same order in every flavor. Element i of the complete groups of four
// goes into partial result i mod 4. The result is (p₀ ∘ p₂) ∘ (p₁ ∘ p₃), and the remaining elements
// are added one by one.

export const FOLD_SUM = 0;
export const FOLD_SQUARES = 1;
export const FOLD_MAX = 2;
export const FOLD_MIN = 3;

@inline
function combine<T>(fold: i32, a: T, b: T): T {
  if (fold == FOLD_MAX) return greater<T>(a, b);
  if (fold == FOLD_MIN) return lesser<T>(a, b);
  return add<T>(a, b);
}

@inline
function accumulate<T>(fold: i32, a: T, x: T): T {
  if (fold == FOLD_SQUARES) return add<T>(a, mul<T>(x, x));
  return combine<T>(fold, a, x);
}

@inline
function foldF32(fold: i32, a: usize, n: i32): f32 {
  const other: f32 = fold == FOLD_MIN ? Infinity : 0;
  const first: f32 = fold == FOLD_MAX ? -Infinity : other;
  let i = 0;
  let result: f32;
  if (ASC_FEATURE_SIMD) {
    let s = f32x4.splat(first);
    for (; i <= n - 4; i += 4) s = accumulate<v128>(fold, s, v128.load(a + (i << 2)));
    result = combine<f32>(
      fold,
      combine<f32>(fold, f32x4.extract_lane(s, 0), f32x4.extract_lane(s, 2)),
      combine<f32>(fold, f32x4.extract_lane(s, 1), f32x4.extract_lane(s, 3)),
    );
  } else {
    let s0 = first, s1 = first, s2 = first, s3 = first;
    for (; i <= n - 4; i += 4) {
      const p = a + (i << 2);
      s0 = accumulate<f32>(fold, s0, load<f32>(p));
      s1 = accumulate<f32>(fold, s1, load<f32>(p, 4));
      s2 = accumulate<f32>(fold, s2, load<f32>(p, 8));
      s3 = accumulate<f32>(fold, s3, load<f32>(p, 12));
    }
    result = combine<f32>(fold, combine<f32>(fold, s0, s2), combine<f32>(fold, s1, s3));
  }
  for (; i < n; i++) result = accumulate<f32>(fold, result, load<f32>(a + (i << 2)));
  return result;
}

/** Σ a, a f32 [n] */
export function sum_f32(a: usize, n: i32): f32 {
  return foldF32(FOLD_SUM, a, n);
}

/** Σ a², a f32 [n] */
export function squares_f32(a: usize, n: i32): f32 {
  return foldF32(FOLD_SQUARES, a, n);
}

export function max_f32(a: usize, n: i32): f32 {
  return foldF32(FOLD_MAX, a, n);
}

export function min_f32(a: usize, n: i32): f32 {
  return foldF32(FOLD_MIN, a, n);
}

/** Σ a, a i8 [n], n ≤ 2^24 */
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

/** Maximum of a i8 [n] */
export function max_i8(a: usize, n: i32): i32 {
  return extremeI8(true, a, n);
}

export function min_i8(a: usize, n: i32): i32 {
  return extremeI8(false, a, n);
}

/**
 * Σ (a − zeroPoint)², exact: the squares of 2^15 elements fit in an i32, the total fits in an f64.
 */
export function squares_i8(a: usize, n: i32, zeroPoint: i32): f64 {
  let total: f64 = 0;
  for (let i = 0; i < n;) {
    const end = min(n, i + 32768);
    let sum = 0;
    if (ASC_FEATURE_SIMD) {
      const z = i16x8.splat(<i16>zeroPoint);
      let s = i32x4.splat(0);
      for (; i <= end - 8; i += 8) {
        const x = i16x8.sub(v128.load8x8_s(a + i), z);
        s = i32x4.add(s, i32x4.dot_i16x8_s(x, x));
      }
      sum = sumLanes(s);
    }
    for (; i < end; i++) {
      const x = <i32>load<i8>(a + i) - zeroPoint;
      sum += x * x;
    }
    total += <f64>sum;
  }
  return total;
}
