import { flip_top_bit } from './cast';
import { MAGIC } from './lanes';
import { requantizeZero, roundEven } from './requantize';
import { storePart, storeVector } from './store';

// Between float and int8: q = clamp(round_half_even(x), low, high) + zeroPoint. low and high are
// the bounds minus the zero point, with |low|, |high| < 2^22. NaN is treated as 0.

@inline
export function quantize(x: f32, low: f32, high: f32, zeroPoint: i32): i32 {
  x = x == x ? x : 0;
  x = x < low ? low : x;
  x = high < x ? high : x;
  return <i32>roundEven(x) + zeroPoint;
}

/** The same on four lanes; `magic` is requantizeZero(zeroPoint). */
@inline
export function quantize4(x: v128, low: v128, high: v128, magic: v128): v128 {
  x = v128.and(x, f32x4.eq(x, x));
  x = f32x4.pmin(f32x4.pmax(x, low), high);
  return i32x4.sub(f32x4.add(x, f32x4.splat(MAGIC)), magic);
}

/** a f32 [n] → out i8 [n] = quantize(a · scale). `out` may equal `a`. */
export function quantize_f32_i8(a: usize, out: usize, n: i32, scale: f32, zeroPoint: i32): void {
  const low = <f32>(i8.MIN_VALUE - zeroPoint);
  const high = <f32>(i8.MAX_VALUE - zeroPoint);
  if (ASC_FEATURE_SIMD) {
    const s = f32x4.splat(scale);
    const low4 = f32x4.splat(low);
    const high4 = f32x4.splat(high);
    const magic = requantizeZero(zeroPoint);
    let i = 0;
    for (; i <= n - 16; i += 16) {
      const q01 = i16x8.narrow_i32x4_s(
        quantize4(f32x4.mul(v128.load(a), s), low4, high4, magic),
        quantize4(f32x4.mul(v128.load(a, 16), s), low4, high4, magic),
      );
      const q23 = i16x8.narrow_i32x4_s(
        quantize4(f32x4.mul(v128.load(a, 32), s), low4, high4, magic),
        quantize4(f32x4.mul(v128.load(a, 48), s), low4, high4, magic),
      );
      v128.store(out + i, i8x16.narrow_i16x8_s(q01, q23));
      a += 64;
    }
    for (; i < n; i += 4) {
      let q = quantize4(f32x4.mul(v128.load(a), s), low4, high4, magic);
      q = i16x8.narrow_i32x4_s(q, q);
      storePart(out + i, i8x16.narrow_i16x8_s(q, q), min(4, n - i));
      a += 16;
    }
  } else {
    for (let i = 0; i < n; i++) store<i8>(out + i, quantize(load<f32>(a + (i << 2)) * scale, low, high, zeroPoint));
  }
}

/** a i8 [n] → out f32 [n] = scale · (a − zeroPoint) */
export function dequantize_i8_f32(a: usize, out: usize, n: i32, scale: f32, zeroPoint: i32): void {
  if (ASC_FEATURE_SIMD) {
    const s = f32x4.splat(scale);
    const z = i16x8.splat(<i16>zeroPoint);
    for (let i = 0; i < n; i += 8) {
      const q = i16x8.sub(v128.load8x8_s(a + i), z);
      const p = out + (i << 2);
      storeVector(p, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(q)), s), (n - i) << 2);
      if (n - i > 4) {
        storeVector(p + 16, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(q)), s), (n - i - 4) << 2);
      }
    }
  } else {
    for (let i = 0; i < n; i++) store<f32>(out + (i << 2), scale * <f32>(<i32>load<i8>(a + i) - zeroPoint));
  }
}

/** Whether none of f32 [n] is NaN. */
export function allNumbers(a: usize, n: i32): bool {
  const end = a + (n << 2);
  if (ASC_FEATURE_SIMD) {
    let same = i32x4.splat(-1);
    for (; a + 16 <= end; a += 16) {
      const x = v128.load(a);
      same = v128.and(same, f32x4.eq(x, x));
    }
    if (!i32x4.all_true(same)) return false;
  }
  for (; a < end; a += 4) {
    const x = load<f32>(a);
    if (x != x) return false;
  }
  return true;
}

/**
 * Quantizes an input of `predict` in place: f32 [n] at `at` → i8 [n], or u8 [n] if `unsigned`.
 *
 * @returns false if an element is NaN; then nothing is changed
 */
export function quantizeInput(at: usize, n: i32, scale: f32, zeroPoint: i32, unsigned: bool): bool {
  if (!allNumbers(at, n)) return false;
  quantize_f32_i8(at, at, n, scale, unsigned ? zeroPoint - 128 : zeroPoint);
  if (unsigned) flip_top_bit(at, at, n);
  return true;
}
