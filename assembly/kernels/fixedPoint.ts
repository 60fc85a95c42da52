// The fixed-point steps of TensorFlow Lite's reference kernels (gemmlowp): real factors as
// multiplier · 2^(exponent − 31).

@inline
function saturate(x: i64): i64 {
  return min<i64>(i32.MAX_VALUE, max<i64>(i32.MIN_VALUE, x));
}

/**
 * x · multiplier · 2^(exponent − 31): rounded once at bit 31 and once more at the exponent, halves
 * away from zero; what leaves int32 before that saturates. |x| ≤ 2^40, exponent ≤ 22.
 */
export function multiplyByQuantizedMultiplier(x: i64, multiplier: i32, exponent: i32): i32 {
  const product = saturate(saturate(x) << max(exponent, 0)) * <i64>multiplier;
  const high = (product + (product >= 0 ? 1 << 30 : 1 - (1 << 30))) / (<i64>1 << 31);
  const right = max(-exponent, 0);
  const mask = (<i64>1 << right) - 1;
  const rest = high & mask;
  const threshold = (mask >> 1) + (high < 0 ? 1 : 0);
  return <i32>saturate((high >> right) + (rest > threshold ? 1 : 0));
}
