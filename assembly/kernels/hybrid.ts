import { clamp, joinPlanes, lesser } from './lanes';
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
  for (let i = 0; i < n; i++) {
    let x = offset + load<f32>(a + (i << 2)) * inverse;
    x = x < low ? low : x;
    x = high < x ? high : x;
    // x is now in range or NaN, which becomes the zero point
    store<i8>(out + i, x == x ? <i32>(x < 0 ? x - 0.5 : x + 0.5) : zeroPoint);
  }
}

/**
 * One row times one panel: out = clamp(f32(Σ a·w − zeroPoint·Σ w) · (scale · weightScale) + bias)
 *
 *   a           i16 [4·quads]; relaxed SIMD: two planes of u8 [4·quads], `plane` bytes apart
 *   panel       i16 [2·quads][8][2]; relaxed SIMD: i8 [quads][8][4] as stored in the file
 *   weightSums  i32 [8] Σ w of each channel
 *   weightScale f32 [8] · bias f32 [8]
 *   out         f32 [lanes], lanes 1 to 8
 */
export function gemm_hybrid_1x8(
  a: usize,
  plane: usize,
  panel: usize,
  quads: i32,
  weightSums: usize,
  weightScale: usize,
  bias: usize,
  out: usize,
  lanes: i32,
  min: f32,
  max: f32,
): void {
  if (ASC_FEATURE_SIMD) {
    let c0 = i32x4.splat(0), c1 = c0;
    if (ASC_FEATURE_RELAXED_SIMD) {
      let d0 = c0, d1 = c0;
      for (let k = quads; k > 0; k--) {
        const x = v128.load32_splat(a);
        const y = v128.load32_splat(a + plane);
        const w0 = v128.load(panel);
        const w1 = v128.load(panel, 16);
        c0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w0, x, c0);
        d0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w0, y, d0);
        c1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w1, x, c1);
        d1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w1, y, d1);
        a += 4;
        panel += 32;
      }
      c0 = joinPlanes(c0, d0);
      c1 = joinPlanes(c1, d1);
    } else {
      for (let k = quads << 1; k > 0; k--) {
        const x = v128.load32_splat(a);
        c0 = i32x4.add(c0, i32x4.dot_i16x8_s(v128.load(panel), x));
        c1 = i32x4.add(c1, i32x4.dot_i16x8_s(v128.load(panel, 16), x));
        a += 4;
        panel += 32;
      }
    }
    const z = i32x4.splat(zeroPoint);
    const s = f32x4.splat(scale);
    const low = f32x4.splat(min);
    const high = f32x4.splat(max);
    c0 = i32x4.sub(c0, i32x4.mul(z, v128.load(weightSums)));
    c1 = i32x4.sub(c1, i32x4.mul(z, v128.load(weightSums, 16)));
    c0 = f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(c0), f32x4.mul(s, v128.load(weightScale))), v128.load(bias));
    c1 = f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(c1), f32x4.mul(s, v128.load(weightScale, 16))), v128.load(bias, 16));
    storeWords(out, clamp<v128>(c0, low, high), lanes);
    if (lanes > 4) storeWords(out + 16, clamp<v128>(c1, low, high), lanes - 4);
  } else {
    for (let lane = 0; lane < lanes; lane++) {
      let acc = 0;
      let p = panel + (lane << 2);
      let x = a;
      for (let k = quads << 1; k > 0; k--) {
        acc += <i32>load<i16>(x) * load<i16>(p) + <i32>load<i16>(x, 2) * load<i16>(p, 2);
        x += 4;
        p += 32;
      }
      acc -= zeroPoint * load<i32>(weightSums + (lane << 2));
      const value = <f32>acc * (scale * load<f32>(weightScale + (lane << 2))) + load<f32>(bias + (lane << 2));
      store<f32>(out + (lane << 2), clamp<f32>(value, min, max));
    }
  }
}
