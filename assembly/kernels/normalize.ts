import { squares_f32, squares_i8 } from './fold';
import { quantize } from './quantize';

// L2 normalization of one row of n elements: squares are summed first, then each element is scaled.
// `out` may equal `a`.

/** a f32 → out f32 = a · (1 / sqrt(max(Σ a², epsilon))) */
export function l2_normalize_f32(a: usize, out: usize, n: i32, epsilon: f32): void {
  const sum = squares_f32(a, n);
  const factor: f32 = 1 / sqrt<f32>(sum < epsilon ? epsilon : sum);
  for (let i = 0; i < n; i++) store<f32>(out + (i << 2), load<f32>(a + (i << 2)) * factor);
}

/**
 * a i8 → out i8 = quantize(x · f32(1 / (sqrt(max(Σ x², epsilon)) · scaleOut))), x = a − zeroPoint
 */
export function l2_normalize_i8(
  a: usize,
  out: usize,
  n: i32,
  epsilon: f32,
  zeroPoint: i32,
  scaleOut: f32,
  zeroOut: i32,
): void {
  const sum = squares_i8(a, n, zeroPoint);
  const low = <f32>(i8.MIN_VALUE - zeroOut);
  const high = <f32>(i8.MAX_VALUE - zeroOut);
  const factor = <f32>(1 / (sqrt<f64>(max<f64>(sum, <f64>epsilon)) * <f64>scaleOut));
  for (let i = 0; i < n; i++) {
    store<i8>(out + i, quantize(<f32>(<i32>load<i8>(a + i) - zeroPoint) * factor, low, high, zeroOut));
  }
}
