import { clamp } from './gemm';
import { requantize, requantize4, requantizeZero } from './requantize';

// Depthwise products. `taps` holds one address per kernel tap (a row of zero points where the tap lies outside the
// picture); `shift` is added to each, so that one list serves a run of pixels.
//
//   weights i16 [⌈C/8⌉][pairs][8][2], pairs = ⌈taps/2⌉ · bias i32 [C'] · scale f32 [C'] · out i8 [C]
//   The list is padded to 2·pairs entries; the weights of the padding are zero. |a·w| ≤ 128·255: dot is exact.

function storeTail(p: usize, q: v128, lanes: i32): void {
  let bits = i64x2.extract_lane(q, 0);
  for (let i = 0; i < lanes; i++) {
    store<u8>(p + i, <u8>bits);
    bits >>= 8;
  }
}

/** Sums of two taps of 8 channels: low 4 channels. */
@inline
function dotLow(a: v128, b: v128, w: v128): v128 {
  return i32x4.dot_i16x8_s(i16x8.shuffle(a, b, 0, 8, 1, 9, 2, 10, 3, 11), w);
}

@inline
function dotHigh(a: v128, b: v128, w: v128): v128 {
  return i32x4.dot_i16x8_s(i16x8.shuffle(a, b, 4, 12, 5, 13, 6, 14, 7, 15), w);
}

export function depthwise_i8(
  taps: usize, pairs: i32, shift: usize, weights: usize, bias: usize, scale: usize, out: usize, C: i32, zero: i32, min: i32, max: i32,
): void {
  if (ASC_FEATURE_SIMD) {
    const low = f32x4.splat(<f32>(min - zero)), high = f32x4.splat(<f32>(max - zero)), magic = requantizeZero(zero);
    const end = taps + (pairs << 3);
    for (let c = 0; c < C; c += 8) {
      let lo = v128.load(bias), hi = v128.load(bias, 16);
      const at = shift + c;
      for (let t = taps; t < end; t += 8) {
        const a = v128.load8x8_s(load<usize>(t) + at), b = v128.load8x8_s(load<usize>(t, 4) + at);
        lo = i32x4.add(lo, dotLow(a, b, v128.load(weights)));
        hi = i32x4.add(hi, dotHigh(a, b, v128.load(weights, 16)));
        weights += 32;
      }
      const q16 = i16x8.narrow_i32x4_s(requantize4(lo, v128.load(scale), low, high, magic), requantize4(hi, v128.load(scale, 16), low, high, magic));
      const q = i8x16.narrow_i16x8_s(q16, q16);
      if (C - c >= 8) v128.store64_lane(out + c, q, 0);
      else storeTail(out + c, q, C - c);
      bias += 32; scale += 32;
    }
  } else {
    const low = <f32>(min - zero), high = <f32>(max - zero);
    for (let c = 0; c < C; c++) {
      let acc = load<i32>(bias + (c << 2)), w = weights + ((c >> 3) * pairs << 5) + ((c & 7) << 2), t = taps;
      for (let p = 0; p < pairs; p++) {
        acc += <i32>load<i8>(load<usize>(t) + shift + c) * load<i16>(w) + <i32>load<i8>(load<usize>(t, 4) + shift + c) * load<i16>(w, 2);
        w += 32; t += 8;
      }
      store<i8>(out + c, requantize(acc, load<f32>(scale + (c << 2)), low, high, zero));
    }
  }
}

/** `depthwise_i8` for nine taps (3×3), whose addresses stay in registers. */
export function depthwise_i8_3x3(
  taps: usize, shift: usize, weights: usize, bias: usize, scale: usize, out: usize, C: i32, zero: i32, min: i32, max: i32,
): void {
  const low = f32x4.splat(<f32>(min - zero)), high = f32x4.splat(<f32>(max - zero)), magic = requantizeZero(zero);
  const t0 = load<usize>(taps) + shift, t1 = load<usize>(taps, 4) + shift, t2 = load<usize>(taps, 8) + shift;
  const t3 = load<usize>(taps, 12) + shift, t4 = load<usize>(taps, 16) + shift, t5 = load<usize>(taps, 20) + shift;
  const t6 = load<usize>(taps, 24) + shift, t7 = load<usize>(taps, 28) + shift, t8 = load<usize>(taps, 32) + shift;
  for (let c = 0; c < C; c += 8) {
    let a = v128.load8x8_s(t0 + c), b = v128.load8x8_s(t1 + c);
    let lo = i32x4.add(v128.load(bias), dotLow(a, b, v128.load(weights)));
    let hi = i32x4.add(v128.load(bias, 16), dotHigh(a, b, v128.load(weights, 16)));
    a = v128.load8x8_s(t2 + c); b = v128.load8x8_s(t3 + c);
    lo = i32x4.add(lo, dotLow(a, b, v128.load(weights, 32))); hi = i32x4.add(hi, dotHigh(a, b, v128.load(weights, 48)));
    a = v128.load8x8_s(t4 + c); b = v128.load8x8_s(t5 + c);
    lo = i32x4.add(lo, dotLow(a, b, v128.load(weights, 64))); hi = i32x4.add(hi, dotHigh(a, b, v128.load(weights, 80)));
    a = v128.load8x8_s(t6 + c); b = v128.load8x8_s(t7 + c);
    lo = i32x4.add(lo, dotLow(a, b, v128.load(weights, 96))); hi = i32x4.add(hi, dotHigh(a, b, v128.load(weights, 112)));
    a = v128.load8x8_s(t8 + c);
    lo = i32x4.add(lo, dotLow(a, a, v128.load(weights, 128))); hi = i32x4.add(hi, dotHigh(a, a, v128.load(weights, 144)));
    const q16 = i16x8.narrow_i32x4_s(requantize4(lo, v128.load(scale), low, high, magic), requantize4(hi, v128.load(scale, 16), low, high, magic));
    const q = i8x16.narrow_i16x8_s(q16, q16);
    if (C - c >= 8) v128.store64_lane(out + c, q, 0);
    else storeTail(out + c, q, C - c);
    weights += 160; bias += 32; scale += 32;
  }
}

/** weights f32 [taps][C] · bias f32 [C'] · out f32 [C]; `shift` in bytes; sums from the bias on in the order of the taps */
export function depthwise_f32(
  taps: usize, count: i32, shift: usize, weights: usize, bias: usize, out: usize, C: i32, min: f32, max: f32,
): void {
  const end = taps + (count << 2), row = <usize>C << 2;
  let c = 0;
  if (ASC_FEATURE_SIMD) {
    const low = f32x4.splat(min), high = f32x4.splat(max);
    for (; c <= C - 4; c += 4) {
      const at = shift + (c << 2);
      let acc = v128.load(bias + (c << 2)), w = weights + (c << 2);
      for (let t = taps; t < end; t += 4) {
        acc = f32x4.add(acc, f32x4.mul(v128.load(load<usize>(t) + at), v128.load(w)));
        w += row;
      }
      v128.store(out + (c << 2), f32x4.pmin(f32x4.pmax(acc, low), high));
    }
  }
  for (; c < C; c++) {
    const at = shift + (c << 2);
    let acc = load<f32>(bias + (c << 2)), w = weights + (c << 2);
    for (let t = taps; t < end; t += 4) {
      acc += load<f32>(load<usize>(t) + at) * load<f32>(w);
      w += row;
    }
    store<f32>(out + (c << 2), clamp(acc, min, max));
  }
}
