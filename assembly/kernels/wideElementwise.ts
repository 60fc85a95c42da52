import { BINARY_ADD, BINARY_MAXIMUM, BINARY_MINIMUM, BINARY_MUL, BINARY_SUB } from '../layout';
import { multiplyFixed } from './fixedPoint';

// Functions of i16 elements, and their conversions from and to f32 and i8. Results are equal to
// TensorFlow Lite's fixed-point arithmetic (fixedPoint.ts).

/** The largest step of an operand in the sum, 2^15·2^15, fits i32. */
const SUM_SHIFT = 15;

/** A factor in fixed point: the words of multiplier and exponent at `at`. */
@inline
function scaled<T>(x: T, at: usize): T {
  return multiplyFixed<T>(x, load<i32>(at), load<i32>(at, 4));
}

@inline
function shifted<T>(x: T): T {
  if (isVector<T>()) return i32x4.shl(x, SUM_SHIFT);
  else return <T>(x << SUM_SHIFT);
}

/** A function of the stored integers before the clamp; `factors` are of a, b and the result. */
@inline
function combined<T>(kind: i32, x: T, y: T, factors: usize): T {
  if (kind == BINARY_MUL) {
    if (isVector<T>()) return scaled<T>(i32x4.mul(x, y), factors + 16);
    else return scaled<T>(<T>(x * y), factors + 16);
  }
  if (kind == BINARY_MINIMUM) {
    if (isVector<T>()) return i32x4.min_s(x, y);
    else return min<T>(x, y);
  }
  if (kind == BINARY_MAXIMUM) {
    if (isVector<T>()) return i32x4.max_s(x, y);
    else return max<T>(x, y);
  }
  const a = scaled<T>(shifted<T>(x), factors);
  const b = scaled<T>(shifted<T>(y), factors + 8);
  if (isVector<T>()) return scaled<T>(kind == BINARY_ADD ? i32x4.add(a, b) : i32x4.sub(a, b), factors + 16);
  else return scaled<T>(<T>(kind == BINARY_ADD ? a + b : a - b), factors + 16);
}

/** Four elements with a stride of 0 or 1, as i32x4 */
@inline
function four(a: usize, stride: i32, i: i32): v128 {
  if (stride == 0) return i32x4.splat(load<i16>(a));
  return v128.load16x4_s(a + (i << 1));
}

/** i16 rows of n elements; strides are 0 or 1 */
@inline
function row(kind: i32, a: usize, strideA: i32, b: usize, strideB: i32, out: usize, n: i32, factors: usize): void {
  const low = load<i32>(factors, 24);
  const high = load<i32>(factors, 28);
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const lows = i32x4.splat(low), highs = i32x4.splat(high);
    for (; i <= n - 4; i += 4) {
      const q = combined<v128>(kind, four(a, strideA, i), four(b, strideB, i), factors);
      const c = i32x4.min_s(i32x4.max_s(q, lows), highs);
      v128.store64_lane(out + (i << 1), i16x8.narrow_i32x4_s(c, c), 0);
    }
  }
  for (; i < n; i++) {
    const q = combined<i32>(kind, load<i16>(a + (i * strideA << 1)), load<i16>(b + (i * strideB << 1)), factors);
    store<i16>(out + (i << 1), min(max(q, low), high));
  }
}

/**
 * out i16 [n] = a function of a and b, clamped. `factors` i32 [8] are multiplier and exponent of a,
 * of b and of the result, then minimum and maximum.
 */
export function binary_i16(
  kind: i32,
  a: usize,
  strideA: i32,
  b: usize,
  strideB: i32,
  out: usize,
  n: i32,
  factors: usize,
): void {
  switch (kind) {
    case BINARY_ADD:
      row(BINARY_ADD, a, strideA, b, strideB, out, n, factors);
      break;
    case BINARY_SUB:
      row(BINARY_SUB, a, strideA, b, strideB, out, n, factors);
      break;
    case BINARY_MUL:
      row(BINARY_MUL, a, strideA, b, strideB, out, n, factors);
      break;
    case BINARY_MINIMUM:
      row(BINARY_MINIMUM, a, strideA, b, strideB, out, n, factors);
      break;
    default:
      row(BINARY_MAXIMUM, a, strideA, b, strideB, out, n, factors);
  }
}

/**
 * out i16 [n] = a f32 [n] / scale, rounded half away from zero; NaN gives 0. The clamp comes first,
 * which does not change the result, because the bounds are integers.
 */
export function quantize_f32_i16(a: usize, out: usize, n: i32, scale: f32): void {
  const lowest: f32 = -32768;
  const highest: f32 = 32767;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const divisor = f32x4.splat(scale), low = f32x4.splat(lowest), high = f32x4.splat(highest);
    const half = f32x4.splat(0.5), one = f32x4.splat(1), sign = i32x4.splat(i32.MIN_VALUE);
    for (; i <= n - 4; i += 4) {
      const x = f32x4.pmin(f32x4.pmax(f32x4.div(v128.load(a + (i << 2)), divisor), low), high);
      const whole = f32x4.trunc(x);
      const isFar = f32x4.ge(f32x4.abs(f32x4.sub(x, whole)), half);
      const step = v128.and(isFar, v128.or(v128.and(x, sign), one));
      const q = i32x4.trunc_sat_f32x4_s(f32x4.add(whole, step));
      v128.store64_lane(out + (i << 1), i16x8.narrow_i32x4_s(q, q), 0);
    }
  }
  for (; i < n; i++) {
    let x = load<f32>(a + (i << 2)) / scale;
    x = x < lowest ? lowest : x;
    x = highest < x ? highest : x;
    const whole = trunc<f32>(x);
    const step: f32 = abs<f32>(x - whole) >= 0.5 ? copysign<f32>(1, x) : 0;
    store<i16>(out + (i << 1), x == x ? <i32>(whole + step) : 0);
  }
}

/** out f32 [n] = scale · a, a i16 [n] */
export function dequantize_i16_f32(a: usize, out: usize, n: i32, scale: f32): void {
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const factor = f32x4.splat(scale);
    for (; i <= n - 4; i += 4) {
      v128.store(out + (i << 2), f32x4.mul(f32x4.convert_i32x4_s(v128.load16x4_s(a + (i << 1))), factor));
    }
  }
  for (; i < n; i++) store<f32>(out + (i << 2), scale * <f32>load<i16>(a + (i << 1)));
}

/**
 * out U [n] = (a T [n] − zero) · factor + zero of the result, clamped. `constants` i32 [6] are
 * multiplier, exponent, both zero points, minimum and maximum.
 */
export function requantize_wide_elements<T, U>(a: usize, out: usize, n: i32, constants: usize): void {
  const sourceZero = load<i32>(constants, 8);
  const targetZero = load<i32>(constants, 12);
  const low = load<i32>(constants, 16);
  const high = load<i32>(constants, 20);
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const from = i32x4.splat(sourceZero), to = i32x4.splat(targetZero);
    const lows = i32x4.splat(low), highs = i32x4.splat(high);
    for (; i <= n - 4; i += 4) {
      const x = sizeof<T>() == 1
        ? i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v128.load32_zero(a + i)))
        : v128.load16x4_s(a + (i << 1));
      const y = i32x4.add(scaled<v128>(i32x4.sub(x, from), constants), to);
      const q = i16x8.narrow_i32x4_s(i32x4.min_s(i32x4.max_s(y, lows), highs), y);
      if (sizeof<U>() == 1) v128.store32_lane(out + i, i8x16.narrow_i16x8_s(q, q), 0);
      else v128.store64_lane(out + (i << 1), q, 0);
    }
  }
  for (; i < n; i++) {
    const y = scaled<i32>(<i32>load<T>(a + i * sizeof<T>()) - sourceZero, constants) + targetZero;
    store<U>(out + i * sizeof<U>(), <U>min(max(y, low), high));
  }
}
