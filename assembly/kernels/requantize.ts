// requantize_i32_i8: q = clamp(round_half_even(f32(acc) · scale), MIN − zo, MAX − zo) + zo
//
// MAGIC = 1.5·2^23: adding it to |x| < 2^22 leaves x rounded half to even in the low mantissa bits. The clamp comes
// first, so that any accumulator is in that range; MIN and MAX are whole, so clamping before rounding is the same.
const MAGIC: f32 = 12582912.0;
const MAGIC_BITS = 0x4b400000;

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

@inline
export function requantize4(acc: v128, scale: v128, low: v128, high: v128, zero: v128): v128 {
  let x = f32x4.mul(f32x4.convert_i32x4_s(acc), scale);
  x = f32x4.pmin(f32x4.pmax(x, low), high);
  return i32x4.sub(f32x4.add(x, f32x4.splat(MAGIC)), zero);
}

/** What `requantize4` takes off the magic sum: the bits of MAGIC less the zero point. */
@inline
export function requantizeZero(zero: i32): v128 {
  return i32x4.splat(MAGIC_BITS - zero);
}
