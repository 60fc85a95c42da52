import { storeVector } from './store';

/**
 * a T [n] → out U [n]. Floats are rounded toward zero and saturate, and NaN becomes 0. Integers
 * keep their low bits.
 */
export function cast<T, U>(a: usize, out: usize, n: i32): void {
  for (let i = 0; i < n; i++) {
    store<U>(out, convert<T, U>(load<T>(a)));
    a += sizeof<T>();
    out += sizeof<U>();
  }
}

/** The highest value of i8, u8 or i32 */
@inline
function highest<U>(): f64 {
  if (!isSigned<U>()) return 255;
  return sizeof<U>() == 1 ? 127 : 2147483647;
}

@inline
function convert<T, U>(x: T): U {
  if (isFloat<T>() && isInteger<U>()) {
    // clamp first, because the conversion of a value out of range traps
    const high = highest<U>();
    const low: f64 = isSigned<U>() ? -1 - high : 0;
    const y = <f64>x;
    return y == y ? <U><i32>min<f64>(max<f64>(y, low), high) : 0;
  } else {
    return <U>x;
  }
}

/** out [n] = a ^ 0x80: converts between u8 and i8 codes of the same real values. */
export function flip_top_bit(a: usize, out: usize, n: i32): void {
  if (ASC_FEATURE_SIMD) {
    const top = i8x16.splat(-128);
    for (let i = 0; i < n; i += 16) {
      const q = v128.xor(v128.load(a + i), top);
      storeVector(out + i, q, n - i);
    }
  } else {
    for (let i = 0; i < n; i++) store<u8>(out + i, load<u8>(a + i) ^ 0x80);
  }
}
