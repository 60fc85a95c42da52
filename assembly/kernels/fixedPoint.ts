import { saturateI32 } from './lanes';

// Fixed-point multiplication as in TensorFlow Lite's kernels (gemmlowp). A real factor is
// multiplier·2^(exponent − 31). A product is rounded twice: at bit 31 (halves up), then at the
// exponent (halves away from zero).

/** a·b / 2^31, halves up; |a·b| ≤ 2^62 */
@inline
export function multiplyHigh(a: i64, b: i32): i64 {
  return (a * b + (1 << 30)) >> 31;
}

/** x / 2^n, halves away from zero, for T = i32 or i64; mask = 2^n − 1 */
@inline
export function roundingShift<T>(x: T, mask: T, n: i32): T {
  return <T>((x >> <T>n) + <T>((x & mask) > (mask >> 1) + <T>(x < 0)));
}

/** roundingShift on i32x4 */
@inline
export function roundingShift4(x: v128, mask: i32, n: i32): v128 {
  const rest = v128.and(x, i32x4.splat(mask));
  const threshold = i32x4.sub(i32x4.splat(mask >> 1), i32x4.shr_s(x, 31));
  return i32x4.sub(i32x4.shr_s(x, n), i32x4.gt_s(rest, threshold));
}

/**
 * x·multiplier·2^(exponent − 31), for T = i32 or v128 (i32x4) and exponents from −31 to 30. With an
 * exponent above 0, x is clamped first so that x·2^exponent fits in an i32.
 */
export function multiplyFixed<T>(x: T, multiplier: i32, exponent: i32): T {
  const left = max(exponent, 0);
  const right = max(-exponent, 0);
  const most = i32.MAX_VALUE >> left;
  const mask = <i32>((<u32>1 << right) - 1);
  if (isVector<T>()) {
    const m = i32x4.splat(multiplier);
    const half = i64x2.splat(1 << 30);
    const shifted = i32x4.shl(i32x4.max_s(i32x4.min_s(x, i32x4.splat(most)), i32x4.splat(~most)), left);
    const low = i64x2.shr_u(i64x2.add(i64x2.extmul_low_i32x4_s(shifted, m), half), 31);
    const high = i64x2.shr_u(i64x2.add(i64x2.extmul_high_i32x4_s(shifted, m), half), 31);
    return roundingShift4(i32x4.shuffle(low, high, 0, 2, 4, 6), mask, right);
  } else {
    const shifted = max<i32>(min<i32>(x, most), ~most) << left;
    return roundingShift<i32>(<i32>multiplyHigh(shifted, multiplier), mask, right);
  }
}

/**
 * multiplyFixed of one number, as a function call. The recursion handles exponents that no record
 * has; it only keeps the compiler from inlining the function everywhere.
 */
export function multiplyFixedI32(x: i32, multiplier: i32, exponent: i32): i32 {
  return exponent < -31 ? multiplyFixedI32(x, multiplier, -31) : multiplyFixed<i32>(x, multiplier, exponent);
}

/**
 * The same for |x| ≤ 2^40 and exponents up to 22. Intermediate results saturate to i32, as in
 * TensorFlow Lite's MultiplyByQuantizedMultiplier.
 */
export function multiplyByQuantizedMultiplier(x: i64, multiplier: i32, exponent: i32): i32 {
  const high = multiplyHigh(saturateI32(saturateI32(x) << max(exponent, 0)), multiplier);
  const right = max(-exponent, 0);
  return <i32>saturateI32(roundingShift<i64>(high, (<i64>1 << right) - 1, right));
}
