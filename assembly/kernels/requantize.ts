import { MAGIC, MAGIC_BITS } from './lanes';
import { storePart } from './store';

// The int8 epilogue: q = clamp(round_half_even(f32(acc) · scale), MIN − zo, MAX − zo) + zo
//
// Adding MAGIC = 1.5·2^23 to |x| < 2^22 leaves x, rounded half to even, in the low mantissa bits.
// The clamp comes first, so that every accumulator is in that range. MIN and MAX are integers, so
// the order of clamping and rounding does not change the result.

/** Requantizes one accumulator; low and high are MIN − zo and MAX − zo. */
@inline
export function requantize(acc: i32, scale: f32, low: f32, high: f32, zeroPoint: i32): i32 {
  let x = <f32>acc * scale;
  x = x < low ? low : x;
  x = high < x ? high : x;
  return <i32>((x + MAGIC) - MAGIC) + zeroPoint;
}

/** Rounds half to even, |x| < 2^22. */
@inline
export function roundEven(x: f32): f32 {
  return (x + MAGIC) - MAGIC;
}

/**
 * Requantizes four lanes without the upper bound. Above it, larger values plus MAGIC are larger as
 * integers, too, so that narrowing saturates and `narrowBelow` clamps 16 bytes at once. Below `low`
 * that order would not hold.
 */
@inline
export function requantize4(acc: v128, scale: v128, low: v128, magic: v128, back: v128): v128 {
  return i32x4.sub(f32x4.add(f32x4.pmax(f32x4.mul(f32x4.convert_i32x4_s(acc), scale), low), magic), back);
}

/** MAGIC, less a twentieth for errors of rounding */
export const REACH: f32 = 12000000.0;

/**
 * Requantizes four lanes without bounds, for |acc · scale| < REACH, where larger values plus MAGIC
 * are larger as integers. `narrowWithin` clamps 16 bytes at once.
 */
@inline
export function requantizeWithin4(acc: v128, scale: v128, magic: v128, back: v128): v128 {
  return i32x4.sub(f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(acc), scale), magic), back);
}

/** Narrows two vectors i16x8 of requantized values to i8x16, clamped to `low` and `high`. */
@inline
export function narrowWithin(a: v128, b: v128, low: v128, high: v128): v128 {
  return i8x16.max_s(narrowBelow(a, b, high), low);
}

/** Narrows two vectors i16x8 of requantized values to i8x16, clamped to `high`. */
@inline
export function narrowBelow(a: v128, b: v128, high: v128): v128 {
  return i8x16.min_s(i8x16.narrow_i16x8_s(a, b), high);
}

/** The vector that requantize4 subtracts at the end: the bits of MAGIC minus the zero point */
@inline
export function requantizeZero(zeroPoint: i32): v128 {
  return i32x4.splat(MAGIC_BITS - zeroPoint);
}

/**
 * MAGIC on four lanes, computed from a variable, because V8 rematerializes constant vectors at each
 * use, with three instructions.
 */
@inline
export function requantizeMagic(zeroPoint: i32): v128 {
  return i32x4.add(requantizeZero(zeroPoint), i32x4.splat(zeroPoint));
}

/**
 * out i8 [n] = the requantized sums acc + bias − correction of one row
 *
 *   acc   i32 [⌈n/8⌉·8] · bias i32 · scale f32, as many
 *   range i32 [3] zero point, minimum and maximum of the output
 */
export function requantize_i32_i8(
  acc: usize,
  bias: usize,
  scale: usize,
  correction: i32,
  out: usize,
  n: i32,
  range: usize,
): void {
  const zeroPoint = load<i32>(range);
  const min = load<i32>(range, 4);
  const max = load<i32>(range, 8);
  if (ASC_FEATURE_SIMD) {
    const low = f32x4.splat(<f32>(min - zeroPoint));
    const high = i8x16.splat(<i8>max);
    const magic = requantizeMagic(zeroPoint);
    const back = requantizeZero(zeroPoint);
    const offset = i32x4.splat(correction);
    for (; n > 0; n -= 8) {
      const c0 = i32x4.add(v128.load(acc), i32x4.sub(v128.load(bias), offset));
      const c1 = i32x4.add(v128.load(acc, 16), i32x4.sub(v128.load(bias, 16), offset));
      const q = i16x8.narrow_i32x4_s(
        requantize4(c0, v128.load(scale), low, magic, back),
        requantize4(c1, v128.load(scale, 16), low, magic, back),
      );
      storePart(out, narrowBelow(q, q, high), n < 8 ? n : 8);
      acc += 32;
      bias += 32;
      scale += 32;
      out += 8;
    }
  } else {
    const low = <f32>(min - zeroPoint);
    const high = <f32>(max - zeroPoint);
    for (let i = 0; i < n; i++) {
      const at = i << 2;
      const sum = load<i32>(acc + at) + load<i32>(bias + at) - correction;
      store<i8>(out + i, requantize(sum, load<f32>(scale + at), low, high, zeroPoint));
    }
  }
}
