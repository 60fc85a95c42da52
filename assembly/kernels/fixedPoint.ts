// The fixed-point steps of TensorFlow Lite's reference kernels (gemmlowp): real factors as multiplier · 2^(exponent − 31).

/** x · multiplier · 2^(exponent − 31): rounded once at bit 31 and once more at the exponent, halves away from zero. */
export function multiplyByQuantizedMultiplier(x: i32, multiplier: i32, exponent: i32): i32 {
  const product = (<i64>x << max(exponent, 0)) * <i64>multiplier;
  const high = (product + (product >= 0 ? 1 << 30 : 1 - (1 << 30))) / (<i64>1 << 31), right = max(-exponent, 0);
  const mask = (<i64>1 << right) - 1, rest = high & mask, threshold = (mask >> 1) + (high < 0 ? 1 : 0);
  const rounded = (high >> right) + (rest > threshold ? 1 : 0);
  return <i32>min<i64>(i32.MAX_VALUE, max<i64>(i32.MIN_VALUE, rounded));
}
