import { BIAS_3X3, HAS_QUADS, WEIGHTS_3X3 } from './depthwise';
import { DOT_SIGNED, DOT_UNSIGNED, formHere } from './dot';
import { interleaveHigh, interleaveLow, interleaveLowBytes } from './lanes';
import { narrowWithin, requantizeMagic, requantizeWithin4, requantizeZero } from './requantize';
import { storeBytes } from './store';

// int8 3×3 depthwise convolution of stride 1 with relaxed SIMD, four taps per instruction
// (kernels/dot.ts). Lanes are channels, 8 per block. Only blocks whose weights less the zero point
// fit int8, without −128 in the signed form, have this layout:
//
//   upper output row   column k = 0, 1, 2: (w₀ₖ, w₁ₖ, w₂ₖ, 0) i8 [8][4]
//   lower output row   column k = 0, 1, 2: (0, w₀ₖ, w₁ₖ, w₂ₖ) i8 [8][4]
//   bias i32 [8] from BIAS_3X3 on, less 128·Σ w if the activations are unsigned │ scale f32 [8]
//
// One vector holds one column of four input rows, [4 channels][4 rows], which serves two output
// rows. Loop order: block, output column.

const LOWER = 96;

/** Stores the i16 [8] of four taps as i8 [8][4]. */
@inline
function storeQuad(out: usize, a: v128, b: v128, c: v128, d: v128): void {
  const byte = i16x8.splat(255);
  const first = v128.or(v128.and(a, byte), i16x8.shl(b, 8));
  const last = v128.or(v128.and(c, byte), i16x8.shl(d, 8));
  v128.store(out, interleaveLow(first, last));
  v128.store(out, interleaveHigh(first, last), 16);
}

/**
 * w i8 [blocks][9][8], taps column by column, and bias i32 [8·blocks] → the layout above in blocks
 * whose weights fit. The number at HAS_QUADS of a block says whether it has it.
 *
 * @param form - DOT_UNSIGNED or DOT_SIGNED, which takes no −128
 */
export function quad_taps_i8_3x3(w: usize, zeroPoint: i32, bias: usize, blocks: i32, form: i32, out: usize): void {
  const z = i16x8.splat(<i16>zeroPoint);
  const zeros = i16x8.splat(0);
  const least = i16x8.splat(form == DOT_SIGNED ? -127 : -128);
  const most = i16x8.splat(127);
  for (; blocks > 0; blocks--) {
    let low = zeros, high = zeros, sum = zeros;
    for (let k: usize = 0; k < 3; k++) {
      const a = i16x8.sub(v128.load8x8_s(w), z);
      const b = i16x8.sub(v128.load8x8_s(w, 8), z);
      const c = i16x8.sub(v128.load8x8_s(w, 16), z);
      low = i16x8.min_s(low, i16x8.min_s(a, i16x8.min_s(b, c)));
      high = i16x8.max_s(high, i16x8.max_s(a, i16x8.max_s(b, c)));
      sum = i16x8.add(sum, i16x8.add(a, i16x8.add(b, c)));
      storeQuad(out + (k << 5), a, b, c, zeros);
      storeQuad(out + (k << 5) + LOWER, zeros, a, b, c);
      w += 24;
    }
    store<i32>(out, i32(i16x8.all_true(v128.and(i16x8.ge_s(low, least), i16x8.le_s(high, most)))), HAS_QUADS);
    if (form == DOT_SIGNED) sum = zeros;
    const sum0 = i32x4.shl(i32x4.extend_low_i16x8_s(sum), 7), sum1 = i32x4.shl(i32x4.extend_high_i16x8_s(sum), 7);
    v128.store(out, i32x4.sub(v128.load(bias), sum0), BIAS_3X3);
    v128.store(out, i32x4.sub(v128.load(bias, 16), sum1), BIAS_3X3 + 16);
    bias += 32;
    out += WEIGHTS_3X3;
  }
}

/** Sums of one window, four channels; a, b and c are its columns. */
@inline
function windowOf(a: v128, b: v128, c: v128, weights: usize, bias: v128): v128 {
  const sum = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights), a, bias);
  return i32x4.relaxed_dot_i8x16_i7x16_add_s(
    v128.load(weights, 64),
    c,
    i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 32), b, sum),
  );
}

/**
 * Channels `from` to `to` of two rows of `count` outputs, `outRow` bytes apart, or only of the
 * upper row if `outRow` is 0.
 *
 * @param rows - u32 [4][2] as for `depthwise_i8_3x3_s1`
 * @param form - DOT_UNSIGNED or DOT_SIGNED
 * @returns false, without outputs, if the instruction does not suit the form here
 */
export function depthwise_relaxed_3x3_s1(
  rows: usize,
  firstColumn: i32,
  inW: i32,
  padding: i32,
  form: i32,
  weights: usize,
  out: usize,
  outRow: usize,
  count: i32,
  C: i32,
  from: i32,
  to: i32,
  zeroPoint: i32,
  min: i32,
  max: i32,
): bool {
  if (formHere(count >> 30) != form) return false;
  const p0 = load<usize>(rows), p1 = load<usize>(rows, 8), p2 = load<usize>(rows, 16), p3 = load<usize>(rows, 24);
  const stride0 = load<usize>(rows, 4), stride1 = load<usize>(rows, 12);
  const stride2 = load<usize>(rows, 20), stride3 = load<usize>(rows, 28);
  const low = i8x16.splat(<i8>min);
  const high = i8x16.splat(<i8>max);
  const magic = requantizeMagic(zeroPoint);
  const back = requantizeZero(zeroPoint);
  const outside = i8x16.splat(<i8>padding);
  const flip = i8x16.splat(form == DOT_UNSIGNED ? -128 : 0);
  for (let c = from; c < to; c += 8) {
    const lanes = C - c < 8 ? C - c : 8;
    let ix = firstColumn;
    let q0 = p0 + c + ix * stride0;
    let q1 = p1 + c + ix * stride1;
    let q2 = p2 + c + ix * stride2;
    let q3 = p3 + c + ix * stride3;
    let o = out + c;
    // Load the next column between accumulation and requantization. Otherwise the four sums are
    // retired one by one, and each stalls the pipeline.
    let aLow = outside, aHigh = outside, bLow = outside, bHigh = outside, cLow = outside, cHigh = outside;
    let s = outside, t = outside, u = outside, v = outside;
    for (let x = -3; x < count; x++) {
      if (x >= 0) {
        const bias0 = v128.load(weights, BIAS_3X3), bias1 = v128.load(weights, BIAS_3X3 + 16);
        s = windowOf(aLow, bLow, cLow, weights, bias0);
        t = windowOf(aLow, bLow, cLow, weights + LOWER, bias0);
        u = windowOf(aHigh, bHigh, cHigh, weights + 16, bias1);
        v = windowOf(aHigh, bHigh, cHigh, weights + LOWER + 16, bias1);
      }
      let upper = outside;
      let lower = outside;
      if (<u32>ix < <u32>inW) {
        upper = interleaveLowBytes(v128.load64_zero(q0), v128.load64_zero(q1));
        lower = interleaveLowBytes(v128.load64_zero(q2), v128.load64_zero(q3));
      }
      upper = v128.xor(upper, flip);
      lower = v128.xor(lower, flip);
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
        const scale0 = v128.load(weights, BIAS_3X3 + 32), scale1 = v128.load(weights, BIAS_3X3 + 48);
        const upperOut = i16x8.narrow_i32x4_s(
          requantizeWithin4(s, scale0, magic, back),
          requantizeWithin4(u, scale1, magic, back),
        );
        const lowerOut = i16x8.narrow_i32x4_s(
          requantizeWithin4(t, scale0, magic, back),
          requantizeWithin4(v, scale1, magic, back),
        );
        const q = narrowWithin(upperOut, lowerOut, low, high);
        if (lanes == 8) v128.store64_lane(o, q, 0);
        else storeBytes(o, q, lanes);
        if (outRow != 0) {
          if (lanes == 8) v128.store64_lane(o + outRow, q, 1);
          else storeBytes(o + outRow, i64x2.shuffle(q, q, 1, 1), lanes);
        }
        o += C;
      }
    }
    weights += WEIGHTS_3X3;
  }
  return true;
}
