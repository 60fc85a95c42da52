import { interleaveHigh, interleaveLow, interleaveLowBytes, joinPlanes } from './lanes';
import { narrowBelow, requantize4, requantizeMagic, requantizeZero } from './requantize';
import { storeBytes } from './store';

// int8 3×3 depthwise convolution of stride 1 with relaxed SIMD, four taps per instruction. Lanes
// are channels, 8 per block.
//
// The second operand of a relaxed dot product must be in 0 … 127 (docs/kernels/gemm.md), so the
// weights are split into two planes when they are prepared: v = low − 128·high. Here v = w −
// zeroPoint, or its negative if zeroPoint < 0, so that v ≤ 127; bias and scale then change sign,
// too.
//
//   Σ a·v = Σ a·low − 128·Σ a·high, with high = 0, 1 or 2
//
// One vector holds one column of four input rows, [4 channels][4 rows], which serves two output
// rows. Weights of one block:
//
//   upper output row   column k = 0, 1, 2: (w₀ₖ, w₁ₖ, w₂ₖ, 0) low u8 [8][4] │ high u8 [8][4]
//   lower output row   column k = 0, 1, 2: (0, w₀ₖ, w₁ₖ, w₂ₖ) low u8 [8][4] │ high u8 [8][4]
//   ±bias i32 [8] │ ±scale f32 [8]
//
// Loop order: block, output column.

/** Bytes of one block's weights */
export const SPLIT_WEIGHTS_3X3 = 448;
const SPLIT_BIAS = 384;

/** Splits the i16 [8] of four taps: low u8 [8][4] │ high u8 [8][4]. */
@inline
function storeTaps(out: usize, a: v128, b: v128, c: v128, d: v128): void {
  const low = i16x8.splat(127);
  const upper = v128.or(v128.and(a, low), i16x8.shl(v128.and(b, low), 8));
  const lower = v128.or(v128.and(c, low), i16x8.shl(v128.and(d, low), 8));
  v128.store(out, interleaveLow(upper, lower));
  v128.store(out, interleaveHigh(upper, lower), 16);
  const zeros = i16x8.splat(0);
  a = v128.or(i16x8.sub(zeros, i16x8.shr_s(a, 7)), i16x8.shl(i16x8.sub(zeros, i16x8.shr_s(b, 7)), 8));
  c = v128.or(i16x8.sub(zeros, i16x8.shr_s(c, 7)), i16x8.shl(i16x8.sub(zeros, i16x8.shr_s(d, 7)), 8));
  v128.store(out, interleaveLow(a, c), 32);
  v128.store(out, interleaveHigh(a, c), 48);
}

/** w i8 [8] → w − zeroPoint (sign 0) or zeroPoint − w (sign −1), i16 [8] */
@inline
function loadTap(w: usize, zeroPoint: v128, sign: v128): v128 {
  return i16x8.sub(v128.xor(i16x8.sub(v128.load8x8_s(w), zeroPoint), sign), sign);
}

/**
 * w i8 [blocks][9][8], taps column by column, bias i32 [8·blocks], scale f32 [8·blocks] → the
 * layout above
 */
export function split_taps_i8_3x3(w: usize, zeroPoint: i32, bias: usize, scale: usize, blocks: i32, out: usize): void {
  const z = i16x8.splat(<i16>zeroPoint);
  const sign = i16x8.splat(zeroPoint < 0 ? -1 : 0);
  const zeros = i16x8.splat(0);
  const signBits = i32x4.shl(sign, 31);
  for (let block = 0; block < blocks; block++) {
    const w00 = loadTap(w, z, sign), w10 = loadTap(w + 8, z, sign), w20 = loadTap(w + 16, z, sign);
    const w01 = loadTap(w + 24, z, sign), w11 = loadTap(w + 32, z, sign), w21 = loadTap(w + 40, z, sign);
    const w02 = loadTap(w + 48, z, sign), w12 = loadTap(w + 56, z, sign), w22 = loadTap(w + 64, z, sign);
    storeTaps(out, w00, w10, w20, zeros);
    storeTaps(out + 64, w01, w11, w21, zeros);
    storeTaps(out + 128, w02, w12, w22, zeros);
    storeTaps(out + 192, zeros, w00, w10, w20);
    storeTaps(out + 256, zeros, w01, w11, w21);
    storeTaps(out + 320, zeros, w02, w12, w22);
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

/** Accumulators of one window, four channels; a, b and c are its columns. */
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
 * Two rows of `count` outputs, `outRow` bytes apart, or only the upper row if `outRow` is 0.
 *
 * @param rows u32 [4][2]: the address of each input row of the windows at column 0, and the bytes
 *   from one of its pixels to the next. A row outside the image is one pixel of zero points, with 0
 *   bytes to the next
 * @param firstColumn column where the first output's window begins; may be negative
 * @param padding zero point of the input
 */
export function depthwise_split_3x3_s1(
  rows: usize,
  firstColumn: i32,
  inW: i32,
  padding: i32,
  weights: usize,
  out: usize,
  outRow: usize,
  count: i32,
  C: i32,
  zeroPoint: i32,
  min: i32,
  max: i32,
): void {
  const p0 = load<usize>(rows), p1 = load<usize>(rows, 8), p2 = load<usize>(rows, 16);
  const stride0 = load<usize>(rows, 4), stride1 = load<usize>(rows, 12), stride2 = load<usize>(rows, 20);
  const p3 = load<usize>(rows, 24), stride3 = load<usize>(rows, 28);
  const low = f32x4.splat(<f32>(min - zeroPoint));
  const high = i8x16.splat(<i8>max);
  const magic = requantizeMagic(zeroPoint);
  const back = requantizeZero(zeroPoint);
  const outside = i8x16.splat(<i8>padding);
  for (let c = 0; c < C; c += 8) {
    const lanes = C - c < 8 ? C - c : 8;
    let ix = firstColumn;
    let q0 = p0 + c + ix * stride0;
    let q1 = p1 + c + ix * stride1;
    let q2 = p2 + c + ix * stride2;
    let q3 = p3 + c + ix * stride3;
    let o = out + c;
    // Load the next column between accumulation and requantization. Otherwise the four accumulators
    // are retired one by one, and each stalls the pipeline.
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
      q0 += stride0;
      q1 += stride1;
      q2 += stride2;
      q3 += stride3;
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
        if (outRow != 0) {
          if (lanes == 8) v128.store64_lane(o + outRow, q, 1);
          else storeBytes(o + outRow, i64x2.shuffle(q, q, 1, 1), lanes);
        }
        o += C;
      }
    }
    weights += SPLIT_WEIGHTS_3X3;
  }
}
