import { DOT_SPLIT, DOT_UNSIGNED, probe, suits } from './dot';
import { narrowBelow, requantize, requantize4, requantizeMagic, requantizeZero } from './requantize';
import { storeBytes, storeWords } from './store';

// int8 matrix product: rows of activations times one panel of weights, requantized to int8. Lanes
// are output channels, so no accumulator is summed across lanes and per-channel scales are vectors.
// A pair of activations is splat to all lanes and multiplied by `i32x4.dot_i16x8_s`.
//
//   a     i16 [rows][2·pairs] widened activations; SIMD reads rows in groups of 4
//   b     i16 [pairs][8][2] one panel of 8 channels, widened, minus the weights' zero point
//   bias  i32 [8] · scale f32 [8]
//   out   u32 [rows] output addresses; `lanes` (1 to 8) bytes are written from byte `channel` on
//   range i32 [3] zero point, minimum and maximum of the output; or 0, then the accumulators are
//         written as i32, and the scale is not read
//   |acc| ≤ K·128·255 + |bias| < 2^31 for K ≤ 65,536; for larger K the compiler bounds the
//   weights. Partial sums may wrap around.
//
// Loop order: tile of 4 rows, pair of k. The caller loops over the panels.

export function gemm_i8_4x8(
  a: usize,
  rows: i32,
  b: usize,
  pairs: i32,
  bias: usize,
  scale: usize,
  out: usize,
  channel: i32,
  lanes: i32,
  range: usize,
): void {
  const zeroPoint = load<i32>(range);
  const min = load<i32>(range, 4);
  const max = load<i32>(range, 8);
  const lda = pairs << 2;
  if (ASC_FEATURE_SIMD) {
    const bias0 = v128.load(bias), bias1 = v128.load(bias, 16), scale0 = v128.load(scale),
      scale1 = v128.load(scale, 16);
    const low = f32x4.splat(<f32>(min - zeroPoint));
    const high = i8x16.splat(<i8>max);
    const magic = requantizeMagic(zeroPoint);
    const back = requantizeZero(zeroPoint);
    for (let m = 0; m < rows; m += 4) {
      let a0 = a + m * lda;
      let a1 = a0 + lda, a2 = a1 + lda, a3 = a2 + lda;
      let c00 = bias0, c01 = bias1, c10 = bias0, c11 = bias1, c20 = bias0, c21 = bias1, c30 = bias0, c31 = bias1;
      let bp = b;
      for (let k = pairs; k > 0; k--) {
        const b0 = v128.load(bp), b1 = v128.load(bp, 16);
        let x = v128.load32_splat(a0);
        c00 = i32x4.add(c00, i32x4.dot_i16x8_s(b0, x));
        c01 = i32x4.add(c01, i32x4.dot_i16x8_s(b1, x));
        x = v128.load32_splat(a1);
        c10 = i32x4.add(c10, i32x4.dot_i16x8_s(b0, x));
        c11 = i32x4.add(c11, i32x4.dot_i16x8_s(b1, x));
        x = v128.load32_splat(a2);
        c20 = i32x4.add(c20, i32x4.dot_i16x8_s(b0, x));
        c21 = i32x4.add(c21, i32x4.dot_i16x8_s(b1, x));
        x = v128.load32_splat(a3);
        c30 = i32x4.add(c30, i32x4.dot_i16x8_s(b0, x));
        c31 = i32x4.add(c31, i32x4.dot_i16x8_s(b1, x));
        bp += 32;
        a0 += 4;
        a1 += 4;
        a2 += 4;
        a3 += 4;
      }
      const p = out + (m << 2);
      if (range == 0) {
        storeSums(p, channel, lanes, c00, c01);
        storeSums(p + 4, channel, lanes, c10, c11);
        storeSums(p + 8, channel, lanes, c20, c21);
        storeSums(p + 12, channel, lanes, c30, c31);
        continue;
      }
      c00 = requantize4(c00, scale0, low, magic, back);
      c01 = requantize4(c01, scale1, low, magic, back);
      c10 = requantize4(c10, scale0, low, magic, back);
      c11 = requantize4(c11, scale1, low, magic, back);
      c20 = requantize4(c20, scale0, low, magic, back);
      c21 = requantize4(c21, scale1, low, magic, back);
      c30 = requantize4(c30, scale0, low, magic, back);
      c31 = requantize4(c31, scale1, low, magic, back);
      const q01 = narrowBelow(i16x8.narrow_i32x4_s(c00, c01), i16x8.narrow_i32x4_s(c10, c11), high);
      const q23 = narrowBelow(i16x8.narrow_i32x4_s(c20, c21), i16x8.narrow_i32x4_s(c30, c31), high);
      if (lanes == 8) {
        v128.store64_lane(load<usize>(p) + channel, q01, 0);
        v128.store64_lane(load<usize>(p, 4) + channel, q01, 1);
        v128.store64_lane(load<usize>(p, 8) + channel, q23, 0);
        v128.store64_lane(load<usize>(p, 12) + channel, q23, 1);
      } else {
        storeBytes(load<usize>(p) + channel, q01, lanes);
        storeBytes(load<usize>(p, 4) + channel, i64x2.shuffle(q01, q01, 1, 1), lanes);
        storeBytes(load<usize>(p, 8) + channel, q23, lanes);
        storeBytes(load<usize>(p, 12) + channel, i64x2.shuffle(q23, q23, 1, 1), lanes);
      }
    }
  } else {
    const low = <f32>(min - zeroPoint);
    const high = <f32>(max - zeroPoint);
    for (let m = 0; m < rows; m++) {
      const p = load<usize>(out + (m << 2)) + channel;
      for (let lane = 0; lane < lanes; lane += 2) {
        let c0 = load<i32>(bias + (lane << 2));
        let c1 = load<i32>(bias + (lane << 2), 4);
        let bp = b + (lane << 2);
        let ap = a + m * lda;
        for (let k = pairs; k > 0; k--) {
          const x0 = <i32>load<i16>(ap), x1 = <i32>load<i16>(ap, 2);
          c0 += x0 * load<i16>(bp) + x1 * load<i16>(bp, 2);
          c1 += x0 * load<i16>(bp, 4) + x1 * load<i16>(bp, 6);
          ap += 4;
          bp += 32;
        }
        if (range == 0) {
          storeSum(out + (m << 2), channel + lane, c0);
          if (lane + 1 < lanes) storeSum(out + (m << 2), channel + lane + 1, c1);
          continue;
        }
        store<i8>(p + lane, requantize(c0, load<f32>(scale + (lane << 2)), low, high, zeroPoint));
        if (lane + 1 < lanes) {
          store<i8>(p + lane + 1, requantize(c1, load<f32>(scale + (lane << 2), 4), low, high, zeroPoint));
        }
      }
    }
  }
}

/** Stores the sums of `lanes` channels from `channel` on at the address at p. */
function storeSums(p: usize, channel: i32, lanes: i32, c0: v128, c1: v128): void {
  const to = load<usize>(p) + (channel << 2);
  storeWords(to, c0, lanes);
  if (lanes > 4) storeWords(to + 16, c1, lanes - 4);
}

/** Stores the sum of a channel at the address at p. */
@inline
function storeSum(p: usize, channel: i32, sum: i32): void {
  store<i32>(load<usize>(p) + (channel << 2), sum);
}

// The same product with relaxed SIMD (kernels/dot.ts).
//
//   a            rows ≥ 6 of lda activations in `form`; split ones have two planes, `plane` bytes
//                apart
//   b            i8 [lda/4][8][4] one panel of 8 channels as stored in the file
//   corrections  i32 [rows] what is subtracted from the sums of each row if isCorrected
//
// Loop order: tile of 6 rows, group of 4 along k. Intermediate accumulators may wrap; the final
// ones do not. The last tile begins early enough to be full, so it may compute rows again.

/** @returns false, without a result, if the instruction does not suit this form here */
export function gemm_relaxed_6x8(
  a: usize,
  form: i32,
  plane: usize,
  lda: i32,
  rows: i32,
  b: usize,
  bias: usize,
  scale: usize,
  corrections: usize,
  isCorrected: bool,
  out: usize,
  channel: i32,
  lanes: i32,
  range: usize,
): bool {
  const bytes = lda << 3;
  if (form != DOT_SPLIT && !suits(probe(rows >> 30), form, b, bytes)) return false;
  const end = b + bytes;
  let bias0 = v128.load(bias), bias1 = v128.load(bias, 16);
  if (form == DOT_UNSIGNED) {
    const ones = i8x16.splat(1);
    let sum0 = i32x4.splat(0), sum1 = sum0;
    for (let bp = b; bp < end; bp += 32) {
      sum0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(bp), ones, sum0);
      sum1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(bp, 16), ones, sum1);
    }
    bias0 = i32x4.sub(bias0, i32x4.shl(sum0, 7));
    bias1 = i32x4.sub(bias1, i32x4.shl(sum1, 7));
  }
  const zeroPoint = load<i32>(range);
  const min = load<i32>(range, 4);
  const max = load<i32>(range, 8);
  const scale0 = v128.load(scale);
  const scale1 = v128.load(scale, 16);
  const lowest = f32x4.splat(<f32>(min - zeroPoint));
  const high = i8x16.splat(<i8>max);
  const magic = requantizeMagic(zeroPoint);
  const back = requantizeZero(zeroPoint);
  for (let tile = 0; tile < rows; tile += 6) {
    const m = tile + 6 <= rows ? tile : rows - 6;
    let c00 = i32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00, c30 = c00, c31 = c00, c40 = c00,
      c41 = c00, c50 = c00, c51 = c00;
    // the high plane first, if they are split
    for (let from = form == DOT_SPLIT ? a + plane : a;; from = a) {
      let a0 = from + m * lda;
      let a1 = a0 + lda;
      let a2 = a1 + lda;
      let a3 = a2 + lda;
      let a4 = a3 + lda;
      let a5 = a4 + lda;
      for (let bp = b; bp < end; bp += 32) {
        const b0 = v128.load(bp), b1 = v128.load(bp, 16);
        let x = v128.load32_splat(a0);
        c00 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b0, x, c00);
        c01 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b1, x, c01);
        x = v128.load32_splat(a1);
        c10 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b0, x, c10);
        c11 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b1, x, c11);
        x = v128.load32_splat(a2);
        c20 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b0, x, c20);
        c21 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b1, x, c21);
        x = v128.load32_splat(a3);
        c30 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b0, x, c30);
        c31 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b1, x, c31);
        x = v128.load32_splat(a4);
        c40 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b0, x, c40);
        c41 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b1, x, c41);
        x = v128.load32_splat(a5);
        c50 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b0, x, c50);
        c51 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b1, x, c51);
        a0 += 4;
        a1 += 4;
        a2 += 4;
        a3 += 4;
        a4 += 4;
        a5 += 4;
      }
      if (from == a) break;
      c00 = i32x4.mul(c00, i32x4.splat(-128));
      c01 = i32x4.mul(c01, i32x4.splat(-128));
      c10 = i32x4.mul(c10, i32x4.splat(-128));
      c11 = i32x4.mul(c11, i32x4.splat(-128));
      c20 = i32x4.mul(c20, i32x4.splat(-128));
      c21 = i32x4.mul(c21, i32x4.splat(-128));
      c30 = i32x4.mul(c30, i32x4.splat(-128));
      c31 = i32x4.mul(c31, i32x4.splat(-128));
      c40 = i32x4.mul(c40, i32x4.splat(-128));
      c41 = i32x4.mul(c41, i32x4.splat(-128));
      c50 = i32x4.mul(c50, i32x4.splat(-128));
      c51 = i32x4.mul(c51, i32x4.splat(-128));
    }
    if (isCorrected) {
      const s = corrections + (m << 2);
      c00 = withCorrection(c00, bias0, s + 0);
      c01 = withCorrection(c01, bias1, s + 0);
      c10 = withCorrection(c10, bias0, s + 4);
      c11 = withCorrection(c11, bias1, s + 4);
      c20 = withCorrection(c20, bias0, s + 8);
      c21 = withCorrection(c21, bias1, s + 8);
      c30 = withCorrection(c30, bias0, s + 12);
      c31 = withCorrection(c31, bias1, s + 12);
      c40 = withCorrection(c40, bias0, s + 16);
      c41 = withCorrection(c41, bias1, s + 16);
      c50 = withCorrection(c50, bias0, s + 20);
      c51 = withCorrection(c51, bias1, s + 20);
    } else {
      c00 = i32x4.add(c00, bias0);
      c01 = i32x4.add(c01, bias1);
      c10 = i32x4.add(c10, bias0);
      c11 = i32x4.add(c11, bias1);
      c20 = i32x4.add(c20, bias0);
      c21 = i32x4.add(c21, bias1);
      c30 = i32x4.add(c30, bias0);
      c31 = i32x4.add(c31, bias1);
      c40 = i32x4.add(c40, bias0);
      c41 = i32x4.add(c41, bias1);
      c50 = i32x4.add(c50, bias0);
      c51 = i32x4.add(c51, bias1);
    }
    const p = out + (m << 2);
    if (range == 0) {
      storeSums(p, channel, lanes, c00, c01);
      storeSums(p + 4, channel, lanes, c10, c11);
      storeSums(p + 8, channel, lanes, c20, c21);
      storeSums(p + 12, channel, lanes, c30, c31);
      storeSums(p + 16, channel, lanes, c40, c41);
      storeSums(p + 20, channel, lanes, c50, c51);
      continue;
    }
    c00 = requantize4(c00, scale0, lowest, magic, back);
    c01 = requantize4(c01, scale1, lowest, magic, back);
    c10 = requantize4(c10, scale0, lowest, magic, back);
    c11 = requantize4(c11, scale1, lowest, magic, back);
    c20 = requantize4(c20, scale0, lowest, magic, back);
    c21 = requantize4(c21, scale1, lowest, magic, back);
    c30 = requantize4(c30, scale0, lowest, magic, back);
    c31 = requantize4(c31, scale1, lowest, magic, back);
    c40 = requantize4(c40, scale0, lowest, magic, back);
    c41 = requantize4(c41, scale1, lowest, magic, back);
    c50 = requantize4(c50, scale0, lowest, magic, back);
    c51 = requantize4(c51, scale1, lowest, magic, back);
    storePair(p + 0, channel, lanes, narrowBelow(i16x8.narrow_i32x4_s(c00, c01), i16x8.narrow_i32x4_s(c10, c11), high));
    storePair(p + 8, channel, lanes, narrowBelow(i16x8.narrow_i32x4_s(c20, c21), i16x8.narrow_i32x4_s(c30, c31), high));
    storePair(
      p + 16,
      channel,
      lanes,
      narrowBelow(i16x8.narrow_i32x4_s(c40, c41), i16x8.narrow_i32x4_s(c50, c51), high),
    );
  }
  return true;
}

/** acc + bias − correction */
@inline
function withCorrection(acc: v128, bias: v128, correction: usize): v128 {
  return i32x4.add(acc, i32x4.sub(bias, v128.load32_splat(correction)));
}

/** Stores two rows of 8 channels at the two addresses at p. */
@inline
function storePair(p: usize, channel: i32, lanes: i32, q: v128): void {
  if (lanes == 8) {
    v128.store64_lane(load<usize>(p) + channel, q, 0);
    v128.store64_lane(load<usize>(p, 4) + channel, q, 1);
  } else {
    storeBytes(load<usize>(p) + channel, q, lanes);
    storeBytes(load<usize>(p, 4) + channel, i64x2.shuffle(q, q, 1, 1), lanes);
  }
}
