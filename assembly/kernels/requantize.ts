import { MAGIC, MAGIC_BITS } from './lanes';

// requantize_i32_i8: q = clamp(round_half_even(f32(acc) · scale), MIN − zo, MAX − zo) + zo
//
// MAGIC = 1.5·2^23: adding it to |x| < 2^22 leaves x rounded half to even in the low mantissa bits.
// The clamp comes first, so that any accumulator is in that range; MIN and MAX are whole, so
// clamping before rounding is the same.

@inline
export function requantize(acc: i32, scale: f32, low: f32, high: f32, zero: i32): i32 {
  let x = <f32>acc * scale;
  x = x < low ? low : x;
  x = high < x ? high : x;
  return <i32>((x + MAGIC) - MAGIC) + zero;
}

/** Round half to even of a value within ±2^22. */
@inline
export function roundEven(x: f32): f32 {
  return (x + MAGIC) - MAGIC;
}

/**
 * The same on four lanes, without the upper bound: beyond it, sums with MAGIC stay in order as
 * integers, so that narrowing saturates and `narrowBelow` bounds 16 bytes at once. Below `low` they
 * would not.
 */
@inline
export function requantize4(acc: v128, scale: v128, low: v128, magic: v128, back: v128): v128 {
  return i32x4.sub(f32x4.add(f32x4.pmax(f32x4.mul(f32x4.convert_i32x4_s(acc), scale), low), magic), back);
}

/** Two vectors of what `requantize4` gives, narrowed to i16 → int8, at most `high` */
@inline
export function narrowBelow(a: v128, b: v128, high: v128): v128 {
  return i8x16.min_s(i8x16.narrow_i16x8_s(a, b), high);
}

/** What is taken off the sum with MAGIC: its bits less the zero point. */
@inline
export function requantizeZero(zero: i32): v128 {
  return i32x4.splat(MAGIC_BITS - zero);
}

/**
 * MAGIC on four lanes, from what is no constant: V8 makes constant vectors anew at each use, at the
 * cost of two operations.
 */
@inline
export function requantizeMagic(zero: i32): v128 {
  return i32x4.add(requantizeZero(zero), i32x4.splat(zero));
}
