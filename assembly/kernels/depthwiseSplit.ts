import { interleaveHigh, interleaveLow, interleaveLowBytes, joinPlanes } from './lanes';
import { narrowBelow, requantize4, requantizeMagic, requantizeZero } from './requantize';
import { storeBytes } from './store';

// Depthwise 3×3 with relaxed SIMD: four taps to a product. The second operand of a relaxed dot must
// be in 0 … 127 (docs/kernels.md), so weights are split when they are widened, v = low − 128·high
// with v = ±(w − zero), whichever has no more than 127:
//
//   Σ a·v = Σ a·low − 128·Σ a·high, high 0, 1 or 2
//
// A column of four rows is one vector [4 channels][4 rows]. At stride 1 it serves two rows of
// outputs; at stride 2 the fourth row is the third once more, and its weights are 0. Per block of 8
// channels: weights for the upper output, (w₀ₖ, w₁ₖ, w₂ₖ, 0) of columns k = 0, 1, 2, and for the
// one below, (0, w₀ₖ, w₁ₖ, w₂ₖ), each low [8][4], high [8][4]; then ±bias i32 [8], ±scale f32 [8].

/** Bytes of weights per block of 8 channels. */
export const SPLIT_WEIGHTS_3X3 = 448;
const SPLIT_BIAS = 384;

/** i16 [8] of each of four taps → low [8][4], high [8][4] */
@inline
function storeTaps(out: usize, a: v128, b: v128, c: v128, d: v128): void {
  const low = i16x8.splat(127);
  const upper = v128.or(v128.and(a, low), i16x8.shl(v128.and(b, low), 8));
  const lower = v128.or(v128.and(c, low), i16x8.shl(v128.and(d, low), 8));
  v128.store(out, interleaveLow(upper, lower));
  v128.store(out, interleaveHigh(upper, lower), 16);
  const none = i16x8.splat(0);
  a = v128.or(i16x8.sub(none, i16x8.shr_s(a, 7)), i16x8.shl(i16x8.sub(none, i16x8.shr_s(b, 7)), 8));
  c = v128.or(i16x8.sub(none, i16x8.shr_s(c, 7)), i16x8.shl(i16x8.sub(none, i16x8.shr_s(d, 7)), 8));
  v128.store(out, interleaveLow(a, c), 32);
  v128.store(out, interleaveHigh(a, c), 48);
}

/** w i8 [8] → ±(w − zero) i16 [8], `sign` 0 or −1 */
@inline
function loadTap(w: usize, zero: v128, sign: v128): v128 {
  return i16x8.sub(v128.xor(i16x8.sub(v128.load8x8_s(w), zero), sign), sign);
}

/**
 * w i8 [⌈C/8⌉][9][8], taps column by column, bias i32 [C'], scale f32 [C'] → the layout above, with
 * the weights of the output below or without
 */
export function split_taps_i8_3x3(
  w: usize,
  zero: i32,
  bias: usize,
  scale: usize,
  blocks: i32,
  below: bool,
  out: usize,
): void {
  const z = i16x8.splat(<i16>zero);
  const sign = i16x8.splat(zero < 0 ? -1 : 0);
  const none = i16x8.splat(0);
  const signBits = i32x4.shl(sign, 31);
  for (let block = 0; block < blocks; block++) {
    const w00 = loadTap(w, z, sign), w10 = loadTap(w + 8, z, sign), w20 = loadTap(w + 16, z, sign);
    const w01 = loadTap(w + 24, z, sign), w11 = loadTap(w + 32, z, sign), w21 = loadTap(w + 40, z, sign);
    const w02 = loadTap(w + 48, z, sign), w12 = loadTap(w + 56, z, sign), w22 = loadTap(w + 64, z, sign);
    storeTaps(out, w00, w10, w20, none);
    storeTaps(out + 64, w01, w11, w21, none);
    storeTaps(out + 128, w02, w12, w22, none);
    if (below) {
      storeTaps(out + 192, none, w00, w10, w20);
      storeTaps(out + 256, none, w01, w11, w21);
      storeTaps(out + 320, none, w02, w12, w22);
    }
    for (let half = 0; half < 32; half += 16) {
      v128.store(out + half, i32x4.sub(v128.xor(v128.load(bias + half), sign), sign), SPLIT_BIAS);
      v128.store(out + half, v128.xor(v128.load(scale + half), signBits), SPLIT_BIAS + 32);
    }
    w += 72;
    bias += 32;
    scale += 32;
    out += SPLIT_WEIGHTS_3X3;
  }
}

/** The sums of one window, four channels. */
@inline
function windowOf(a: v128, b: v128, c: v128, weights: usize, bias: v128): v128 {
  let high = i32x4.relaxed_dot_i8x16_i7x16_add_s(a, v128.load(weights, 32), i32x4.splat(0));
  let acc = i32x4.relaxed_dot_i8x16_i7x16_add_s(a, v128.load(weights), bias);
  high = i32x4.relaxed_dot_i8x16_i7x16_add_s(b, v128.load(weights, 96), high);
  acc = i32x4.relaxed_dot_i8x16_i7x16_add_s(b, v128.load(weights, 64), acc);
  high = i32x4.relaxed_dot_i8x16_i7x16_add_s(c, v128.load(weights, 160), high);
  acc = i32x4.relaxed_dot_i8x16_i7x16_add_s(c, v128.load(weights, 128), acc);
  return joinPlanes(acc, high);
}

/**
 * Two rows of `count` outputs (or the upper one alone), `outRow` bytes apart. p0 … p3: the input
 * rows at column 0, with the bytes to the next pixel (0 for a row of zero points outside the
 * picture); the first output's window begins at column `first`, which may be negative.
 */
export function depthwise_split_3x3_s1(
  p0: usize,
  step0: usize,
  p1: usize,
  step1: usize,
  p2: usize,
  step2: usize,
  p3: usize,
  step3: usize,
  first: i32,
  inW: i32,
  padding: i32,
  weights: usize,
  out: usize,
  outRow: usize,
  below: bool,
  count: i32,
  C: i32,
  zero: i32,
  min: i32,
  max: i32,
): void {
  const low = f32x4.splat(<f32>(min - zero));
  const high = i8x16.splat(<i8>max);
  const magic = requantizeMagic(zero);
  const back = requantizeZero(zero);
  const outside = i8x16.splat(<i8>padding);
  for (let c = 0; c < C; c += 8) {
    const lanes = C - c < 8 ? C - c : 8;
    let ix = first;
    let q0 = p0 + c + ix * step0;
    let q1 = p1 + c + ix * step1;
    let q2 = p2 + c + ix * step2;
    let q3 = p3 + c + ix * step3;
    let o = out + c;
    // sums, then the next column, then requantization: in the other order the engine works off one
    // sum after the other, and waits for each
    let aLow = outside;
    let aHigh = outside;
    let bLow = outside;
    let bHigh = outside;
    let cLow = outside;
    let cHigh = outside;
    let s = outside;
    let t = outside;
    let u = outside;
    let v = outside;
    for (let x = -3; x < count; x++) {
      if (x >= 0) {
        const bias0 = v128.load(weights, SPLIT_BIAS), bias1 = v128.load(weights, SPLIT_BIAS + 16);
        s = windowOf(aLow, bLow, cLow, weights, bias0);
        t = windowOf(aLow, bLow, cLow, weights + 192, bias0);
        u = windowOf(aHigh, bHigh, cHigh, weights + 16, bias1);
        v = windowOf(aHigh, bHigh, cHigh, weights + 208, bias1);
      }
      let upper = outside;
      let lower = outside;
      if (<u32>ix < <u32>inW) {
        upper = interleaveLowBytes(v128.load64_zero(q0), v128.load64_zero(q1));
        lower = interleaveLowBytes(v128.load64_zero(q2), v128.load64_zero(q3));
      }
      ix++;
      q0 += step0;
      q1 += step1;
      q2 += step2;
      q3 += step3;
      aLow = bLow;
      aHigh = bHigh;
      bLow = cLow;
      bHigh = cHigh;
      cLow = interleaveLow(upper, lower);
      cHigh = interleaveHigh(upper, lower);
      if (x >= 0) {
        const scale0 = v128.load(weights, SPLIT_BIAS + 32), scale1 = v128.load(weights, SPLIT_BIAS + 48);
        const upperOut = i16x8.narrow_i32x4_s(
          requantize4(s, scale0, low, magic, back),
          requantize4(u, scale1, low, magic, back),
        );
        const lowerOut = i16x8.narrow_i32x4_s(
          requantize4(t, scale0, low, magic, back),
          requantize4(v, scale1, low, magic, back),
        );
        const q = narrowBelow(upperOut, lowerOut, high);
        if (lanes == 8) v128.store64_lane(o, q, 0);
        else storeBytes(o, q, lanes);
        if (below) {
          if (lanes == 8) v128.store64_lane(o + outRow, q, 1);
          else storeBytes(o + outRow, i64x2.shuffle(q, q, 1, 1), lanes);
        }
        o += C;
      }
    }
    weights += SPLIT_WEIGHTS_3X3;
  }
}

/** The same for stride 2, one row of outputs. */
export function depthwise_split_3x3_s2(
  p0: usize,
  step0: usize,
  p1: usize,
  step1: usize,
  p2: usize,
  step2: usize,
  first: i32,
  inW: i32,
  padding: i32,
  weights: usize,
  out: usize,
  count: i32,
  C: i32,
  zero: i32,
  min: i32,
  max: i32,
): void {
  const low = f32x4.splat(<f32>(min - zero));
  const high = i8x16.splat(<i8>max);
  const magic = requantizeMagic(zero);
  const back = requantizeZero(zero);
  const outside = i8x16.splat(<i8>padding);
  for (let c = 0; c < C; c += 8) {
    const lanes = C - c < 8 ? C - c : 8;
    let ix = first;
    let q0 = p0 + c + ix * step0;
    let q1 = p1 + c + ix * step1;
    let q2 = p2 + c + ix * step2;
    let o = out + c;
    let upper = outside;
    let lower = outside;
    if (<u32>ix < <u32>inW) {
      upper = interleaveLowBytes(v128.load64_zero(q0), v128.load64_zero(q1));
      lower = v128.load64_zero(q2);
    }
    lower = interleaveLowBytes(lower, lower);
    let aLow = interleaveLow(upper, lower);
    let aHigh = interleaveHigh(upper, lower);
    for (let x = 0; x < count; x++) {
      ix++;
      q0 += step0;
      q1 += step1;
      q2 += step2;
      upper = outside;
      lower = outside;
      if (<u32>ix < <u32>inW) {
        upper = interleaveLowBytes(v128.load64_zero(q0), v128.load64_zero(q1));
        lower = v128.load64_zero(q2);
      }
      lower = interleaveLowBytes(lower, lower);
      const bLow = interleaveLow(upper, lower);
      const bHigh = interleaveHigh(upper, lower);
      ix++;
      q0 += step0;
      q1 += step1;
      q2 += step2;
      upper = outside;
      lower = outside;
      if (<u32>ix < <u32>inW) {
        upper = interleaveLowBytes(v128.load64_zero(q0), v128.load64_zero(q1));
        lower = v128.load64_zero(q2);
      }
      lower = interleaveLowBytes(lower, lower);
      const cLow = interleaveLow(upper, lower);
      const cHigh = interleaveHigh(upper, lower);
      const s = requantize4(
        windowOf(aLow, bLow, cLow, weights, v128.load(weights, SPLIT_BIAS)),
        v128.load(weights, SPLIT_BIAS + 32),
        low,
        magic,
        back,
      );
      const u = requantize4(
        windowOf(aHigh, bHigh, cHigh, weights + 16, v128.load(weights, SPLIT_BIAS + 16)),
        v128.load(weights, SPLIT_BIAS + 48),
        low,
        magic,
        back,
      );
      const q = i16x8.narrow_i32x4_s(s, u);
      const bytes = narrowBelow(q, q, high);
      if (lanes == 8) v128.store64_lane(o, bytes, 0);
      else storeBytes(o, bytes, lanes);
      o += C;
      aLow = cLow;
      aHigh = cHigh;
    }
    weights += SPLIT_WEIGHTS_3X3;
  }
}
