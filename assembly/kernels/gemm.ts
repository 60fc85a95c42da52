import { requantize, requantize4, requantizeZero } from './requantize';

// The int8 matrix product. Lanes are output channels, so that no sum is horizontal and per-channel scales are
// plain vectors; a pair of activations is splat over them and multiplied by `i32x4.dot_i16x8_s`.
//
//   a     i16 [rows][2·pairs] widened activations, rows a multiple of 4
//   b     i16 [pairs][8][2] one panel of 8 channels, widened
//   bias  i32 [8] · scale f32 [8] · sums i32 [rows] = Σ a (only read when weightsZero ≠ 0)
//   out   u32 [rows] addresses; channel `channel` of each gets `lanes` (1 to 8) bytes
//   |acc| ≤ K·128·255 + |bias| < 2^31 for K ≤ 65,536

/** The activation range and zero point of an output, read once per call. */
@inline
function storeLanes(p: usize, q: v128, lanes: i32): void {
  if (lanes == 8) {
    v128.store64_lane(p, q, 0);
  } else {
    let bits = i64x2.extract_lane(q, 0);
    for (let i = 0; i < lanes; i++) {
      store<u8>(p + i, <u8>bits);
      bits >>= 8;
    }
  }
}

export function gemm_i8_4x8(
  a: usize, rows: i32, b: usize, pairs: i32, bias: usize, scale: usize, sums: usize, weightsZero: i32,
  out: usize, channel: i32, lanes: i32, zero: i32, min: i32, max: i32,
): void {
  const lda = pairs << 2;
  const bias0 = v128.load(bias), bias1 = v128.load(bias, 16), scale0 = v128.load(scale), scale1 = v128.load(scale, 16);
  const low = f32x4.splat(<f32>(min - zero)), high = f32x4.splat(<f32>(max - zero)), magic = requantizeZero(zero);
  for (let m = 0; m < rows; m += 4) {
    let a0 = a + m * lda;
    let a1 = a0 + lda, a2 = a1 + lda, a3 = a2 + lda;
    let c00 = bias0, c01 = bias1, c10 = bias0, c11 = bias1, c20 = bias0, c21 = bias1, c30 = bias0, c31 = bias1;
    if (weightsZero != 0) {
      const p = sums + (m << 2);
      let s = i32x4.splat(load<i32>(p) * weightsZero);
      c00 = i32x4.sub(c00, s); c01 = i32x4.sub(c01, s);
      s = i32x4.splat(load<i32>(p, 4) * weightsZero);
      c10 = i32x4.sub(c10, s); c11 = i32x4.sub(c11, s);
      s = i32x4.splat(load<i32>(p, 8) * weightsZero);
      c20 = i32x4.sub(c20, s); c21 = i32x4.sub(c21, s);
      s = i32x4.splat(load<i32>(p, 12) * weightsZero);
      c30 = i32x4.sub(c30, s); c31 = i32x4.sub(c31, s);
    }
    let bp = b;
    for (let k = pairs; k > 0; k--) {
      const b0 = v128.load(bp), b1 = v128.load(bp, 16);
      let x = v128.load32_splat(a0);
      c00 = i32x4.add(c00, i32x4.dot_i16x8_s(b0, x)); c01 = i32x4.add(c01, i32x4.dot_i16x8_s(b1, x));
      x = v128.load32_splat(a1);
      c10 = i32x4.add(c10, i32x4.dot_i16x8_s(b0, x)); c11 = i32x4.add(c11, i32x4.dot_i16x8_s(b1, x));
      x = v128.load32_splat(a2);
      c20 = i32x4.add(c20, i32x4.dot_i16x8_s(b0, x)); c21 = i32x4.add(c21, i32x4.dot_i16x8_s(b1, x));
      x = v128.load32_splat(a3);
      c30 = i32x4.add(c30, i32x4.dot_i16x8_s(b0, x)); c31 = i32x4.add(c31, i32x4.dot_i16x8_s(b1, x));
      bp += 32; a0 += 4; a1 += 4; a2 += 4; a3 += 4;
    }
    c00 = requantize4(c00, scale0, low, high, magic); c01 = requantize4(c01, scale1, low, high, magic);
    c10 = requantize4(c10, scale0, low, high, magic); c11 = requantize4(c11, scale1, low, high, magic);
    c20 = requantize4(c20, scale0, low, high, magic); c21 = requantize4(c21, scale1, low, high, magic);
    c30 = requantize4(c30, scale0, low, high, magic); c31 = requantize4(c31, scale1, low, high, magic);
    const q01 = i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(c00, c01), i16x8.narrow_i32x4_s(c10, c11));
    const q23 = i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(c20, c21), i16x8.narrow_i32x4_s(c30, c31));
    const p = out + (m << 2);
    if (lanes == 8) {
      v128.store64_lane(load<usize>(p) + channel, q01, 0);
      v128.store64_lane(load<usize>(p, 4) + channel, q01, 1);
      v128.store64_lane(load<usize>(p, 8) + channel, q23, 0);
      v128.store64_lane(load<usize>(p, 12) + channel, q23, 1);
    } else {
      storeLanes(load<usize>(p) + channel, q01, lanes);
      storeLanes(load<usize>(p, 4) + channel, i64x2.shuffle(q01, q01, 1, 1), lanes);
      storeLanes(load<usize>(p, 8) + channel, q23, lanes);
      storeLanes(load<usize>(p, 12) + channel, i64x2.shuffle(q23, q23, 1, 1), lanes);
    }
  }
}

/** One row against int8 panels as they lie in the file: b i8 [⌈n/8⌉][pairs][8][2], a i16 [2·pairs], out i8 [n] */
export function gemv_i8_1x8(
  a: usize, b: usize, pairs: i32, bias: usize, scale: usize, sum: i32, weightsZero: i32,
  out: usize, n: i32, zero: i32, min: i32, max: i32,
): void {
  const low = f32x4.splat(<f32>(min - zero)), high = f32x4.splat(<f32>(max - zero)), magic = requantizeZero(zero);
  const correction = i32x4.splat(sum * weightsZero);
  for (let channel = 0; channel < n; channel += 8) {
    let c0 = i32x4.sub(v128.load(bias), correction), c1 = i32x4.sub(v128.load(bias, 16), correction);
    let ap = a;
    for (let k = pairs; k > 0; k--) {
      const x = v128.load32_splat(ap);
      c0 = i32x4.add(c0, i32x4.dot_i16x8_s(v128.load8x8_s(b), x));
      c1 = i32x4.add(c1, i32x4.dot_i16x8_s(v128.load8x8_s(b, 8), x));
      b += 16; ap += 4;
    }
    const q = i16x8.narrow_i32x4_s(requantize4(c0, v128.load(scale), low, high, magic), requantize4(c1, v128.load(scale, 16), low, high, magic));
    storeLanes(out + channel, i8x16.narrow_i16x8_s(q, q), min32(n - channel, 8));
    bias += 32; scale += 32;
  }
}

@inline
function min32(a: i32, b: i32): i32 {
  return a < b ? a : b;
}

/** The scalar counterpart of both: rows of a against one int8 panel b [pairs][8][2]. */
export function gemm_i8_scalar(
  a: usize, rows: i32, b: usize, pairs: i32, bias: usize, scale: usize, sums: usize, weightsZero: i32,
  out: usize, channel: i32, lanes: i32, zero: i32, min: i32, max: i32,
): void {
  const low = <f32>(min - zero), high = <f32>(max - zero), lda = pairs << 2;
  for (let m = 0; m < rows; m++) {
    const correction = weightsZero != 0 ? load<i32>(sums + (m << 2)) * weightsZero : 0;
    const p = load<usize>(out + (m << 2)) + channel;
    for (let lane = 0; lane < lanes; lane += 2) {
      let c0 = load<i32>(bias + (lane << 2)) - correction, c1 = load<i32>(bias + (lane << 2), 4) - correction;
      let bp = b + (lane << 1), ap = a + m * lda;
      for (let k = pairs; k > 0; k--) {
        const x0 = <i32>load<i16>(ap), x1 = <i32>load<i16>(ap, 2);
        c0 += x0 * load<i8>(bp) + x1 * load<i8>(bp, 1);
        c1 += x0 * load<i8>(bp, 2) + x1 * load<i8>(bp, 3);
        ap += 4; bp += 16;
      }
      store<i8>(p + lane, requantize(c0, load<f32>(scale + (lane << 2)), low, high, zero));
      if (lane + 1 < lanes) store<i8>(p + lane + 1, requantize(c1, load<f32>(scale + (lane << 2), 4), low, high, zero));
    }
  }
}

// The float product: a f32 rows of K, addressed by `aRows` u32 [rows]; b f32 [K][8]; sums run in the order of k from
// the bias on, multiply then add, so that every flavor gives the same bits.
export function gemm_f32_4x8(
  aRows: usize, rows: i32, b: usize, K: i32, bias: usize, out: usize, channel: i32, lanes: i32, min: f32, max: f32,
): void {
  if (ASC_FEATURE_SIMD) {
    const bias0 = v128.load(bias), bias1 = v128.load(bias, 16), low = f32x4.splat(min), high = f32x4.splat(max);
    for (let m = 0; m < rows; m += 4) {
      let a0 = load<usize>(aRows + (m << 2)), a1 = load<usize>(aRows + (m << 2), 4);
      let a2 = load<usize>(aRows + (m << 2), 8), a3 = load<usize>(aRows + (m << 2), 12);
      let c00 = bias0, c01 = bias1, c10 = bias0, c11 = bias1, c20 = bias0, c21 = bias1, c30 = bias0, c31 = bias1;
      let bp = b;
      for (let k = K; k > 0; k--) {
        const b0 = v128.load(bp), b1 = v128.load(bp, 16);
        let x = v128.load32_splat(a0);
        c00 = f32x4.add(c00, f32x4.mul(b0, x)); c01 = f32x4.add(c01, f32x4.mul(b1, x));
        x = v128.load32_splat(a1);
        c10 = f32x4.add(c10, f32x4.mul(b0, x)); c11 = f32x4.add(c11, f32x4.mul(b1, x));
        x = v128.load32_splat(a2);
        c20 = f32x4.add(c20, f32x4.mul(b0, x)); c21 = f32x4.add(c21, f32x4.mul(b1, x));
        x = v128.load32_splat(a3);
        c30 = f32x4.add(c30, f32x4.mul(b0, x)); c31 = f32x4.add(c31, f32x4.mul(b1, x));
        bp += 32; a0 += 4; a1 += 4; a2 += 4; a3 += 4;
      }
      storeFloats(load<usize>(out + (m << 2)) + (channel << 2), clamp4(c00, low, high), clamp4(c01, low, high), lanes);
      storeFloats(load<usize>(out + (m << 2), 4) + (channel << 2), clamp4(c10, low, high), clamp4(c11, low, high), lanes);
      storeFloats(load<usize>(out + (m << 2), 8) + (channel << 2), clamp4(c20, low, high), clamp4(c21, low, high), lanes);
      storeFloats(load<usize>(out + (m << 2), 12) + (channel << 2), clamp4(c30, low, high), clamp4(c31, low, high), lanes);
    }
  } else {
    for (let m = 0; m < rows; m++) {
      const a0 = load<usize>(aRows + (m << 2)), p = load<usize>(out + (m << 2)) + (channel << 2);
      for (let lane = 0; lane < lanes; lane++) {
        let c = load<f32>(bias + (lane << 2)), ap = a0, bp = b + (lane << 2);
        for (let k = K; k > 0; k--) {
          c += load<f32>(ap) * load<f32>(bp);
          ap += 4; bp += 32;
        }
        store<f32>(p + (lane << 2), clamp(c, min, max));
      }
    }
  }
}

@inline
function clamp4(x: v128, low: v128, high: v128): v128 {
  return f32x4.pmin(f32x4.pmax(x, low), high);
}

/** pmin(pmax(x, low), high) of one value: NaN stays NaN, as in the vector form. */
@inline
export function clamp(x: f32, low: f32, high: f32): f32 {
  x = x < low ? low : x;
  return high < x ? high : x;
}

function storeFloats(p: usize, c0: v128, c1: v128, lanes: i32): void {
  if (lanes == 8) {
    v128.store(p, c0);
    v128.store(p, c1, 16);
    return;
  }
  if (lanes >= 4) {
    v128.store(p, c0);
    p += 16; lanes -= 4;
    c0 = c1;
  }
  if (lanes > 0) v128.store32_lane(p, c0, 0);
  if (lanes > 1) v128.store32_lane(p, c0, 1, 4);
  if (lanes > 2) v128.store32_lane(p, c0, 2, 8);
}
