import { clamp, lesser } from './lanes';
import { storeWords } from './store';

// Float activations times int8 weights. The activations of one image (or row) are quantized by
// their own range, multiplied as int8, and the accumulators are scaled back to float. The
// arithmetic is that of TensorFlow Lite's portable hybrid kernels.

/** Quantization parameters of the current image, set by `range_f32`. */
let scale: f32 = 1;
let zeroPoint = 0;

export function rangeZero(): i32 {
  return zeroPoint;
}

export function rangeScale(): f32 {
  return scale;
}

/**
 * Sets the quantization parameters from a f32 [n]: asymmetric maps [min(a, 0), max(a, 0)] to
 * −128 … 127, symmetric maps ±max|a| to ±127.
 */
export function range_f32(a: usize, n: i32, asymmetric: bool): void {
  let low: f32 = 0;
  let high: f32 = 0;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    let lows = f32x4.splat(0);
    let highs = lows;
    for (; i <= n - 4; i += 4) {
      const x = v128.load(a + (i << 2));
      lows = f32x4.pmin(lows, x);
      highs = f32x4.pmax(highs, x);
    }
    low = lesser<f32>(
      lesser<f32>(f32x4.extract_lane(lows, 0), f32x4.extract_lane(lows, 1)),
      lesser<f32>(f32x4.extract_lane(lows, 2), f32x4.extract_lane(lows, 3)),
    );
    high = -lesser<f32>(
      lesser<f32>(-f32x4.extract_lane(highs, 0), -f32x4.extract_lane(highs, 1)),
      lesser<f32>(-f32x4.extract_lane(highs, 2), -f32x4.extract_lane(highs, 3)),
    );
  }
  for (; i < n; i++) {
    const x = load<f32>(a + (i << 2));
    low = lesser<f32>(low, x);
    high = -lesser<f32>(-high, -x);
  }
  scale = 1;
  zeroPoint = 0;
  // if the range is empty or infinite, all values are quantized to 0
  if (!(high - low > 0) || !(high - low < Infinity)) return;
  if (!asymmetric) {
    scale = -lesser<f32>(low, -high) / 127;
    return;
  }
  const step = (<f64>high - <f64>low) / 255;
  const fromLow = -128 - <f64>low / step;
  const fromHigh = 127 - <f64>high / step;
  const lowError = 128 + Math.abs(<f64>low / step);
  const highError = 127 + Math.abs(<f64>high / step);
  const exact = lowError < highError ? fromLow : fromHigh;
  scale = <f32>step;
  if (exact <= -128) zeroPoint = -128;
  else if (exact >= 127) zeroPoint = 127;
  else zeroPoint = <i32>(exact < 0 ? exact - 0.5 : exact + 0.5);
}

/**
 * a f32 [n] → out i8 [n] = clamp(round(a / scale + zeroPoint)), halves away from zero. A symmetric
 * range never gives −128.
 */
export function quantize_range(a: usize, out: usize, n: i32): void {
  const inverse = <f32>1 / scale;
  const offset = <f32>zeroPoint;
  const low: f32 = -128;
  const high: f32 = 127;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const zeros = i32x4.splat(zeroPoint);
    const half = f32x4.splat(0.5);
    const sign = f32x4.splat(-0.0);
    for (; i <= n - 4; i += 4) {
      const scaled = f32x4.add(f32x4.splat(offset), f32x4.mul(v128.load(a + (i << 2)), f32x4.splat(inverse)));
      const x = clamp<v128>(scaled, f32x4.splat(low), f32x4.splat(high));
      const rounded = i32x4.trunc_sat_f32x4_s(f32x4.add(x, v128.or(v128.and(x, sign), half)));
      const q = v128.bitselect(rounded, zeros, f32x4.eq(x, x));
      const words = i16x8.narrow_i32x4_s(q, q);
      v128.store32_lane(out + i, i8x16.narrow_i16x8_s(words, words), 0);
    }
  }
  for (; i < n; i++) {
    const x = clamp<f32>(offset + load<f32>(a + (i << 2)) * inverse, low, high);
    // x is now in range or NaN, which becomes the zero point
    store<i8>(out + i, x == x ? <i32>(x < 0 ? x - 0.5 : x + 0.5) : zeroPoint);
  }
}

/**
 * out f32 [n] = clamp(f32(Σ a·w − zeroPoint·Σ w) · (scale · weightScale) + bias)
 *
 *   sums        i32 [n] Σ a·w of each channel; may equal out
 *   weightSums  i32 [n] Σ w of each channel
 *   weightScale f32 [n] · bias f32 [n]; the three are padded to a multiple of 4
 *
 * May read up to 3 elements past n.
 */
export function dequantize_sums(
  sums: usize,
  weightSums: usize,
  weightScale: usize,
  bias: usize,
  out: usize,
  n: i32,
  min: f32,
  max: f32,
): void {
  if (ASC_FEATURE_SIMD) {
    for (let i = 0; i < n; i += 4) {
      const at = i << 2;
      const sum = i32x4.sub(v128.load(sums + at), i32x4.mul(i32x4.splat(zeroPoint), v128.load(weightSums + at)));
      const factor = f32x4.mul(f32x4.splat(scale), v128.load(weightScale + at));
      const value = f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(sum), factor), v128.load(bias + at));
      storeWords(out + at, clamp<v128>(value, f32x4.splat(min), f32x4.splat(max)), n - i);
    }
  } else {
    for (let i = 0; i < n; i++) {
      const at = i << 2;
      const sum = load<i32>(sums + at) - zeroPoint * load<i32>(weightSums + at);
      const value = <f32>sum * (scale * load<f32>(weightScale + at)) + load<f32>(bias + at);
      store<f32>(out + at, clamp<f32>(value, min, max));
    }
  }
}
