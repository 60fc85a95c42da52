import { addPairs, interleaveHigh, interleaveLow } from './lanes';
import { storePart } from './store';

// Products of i16 activations and i8 weights, requantized to i16.
//
//   acc    i32 [8], the exact sums of a part of the products
//   sums   f64 [8], the bias, or the sums so far
//   scale  f64 [8]
//   range  i32 [2] minimum and maximum of the output
//
// |a·w| ≤ 2^22, so that the sum of up to 127 groups of 4 products fits i32 for all weights. The
// compiler chooses the length of a part. Sums of parts are integers below 2^53, which f64 adds
// exactly. Lanes are output channels.

/** 1.5·2^52: adding it to an integer below 2^31 leaves the integer in the low 32 bits. */
const MAGIC: f64 = 6755399441055744;

/** sums = from + acc */
export function add_wide(acc: usize, from: usize, sums: usize): void {
  if (ASC_FEATURE_SIMD) {
    for (let lane = 0; lane < 8; lane += 2) {
      const x = f64x2.convert_low_i32x4_s(v128.load64_zero(acc + (lane << 2)));
      v128.store(sums + (lane << 3), f64x2.add(v128.load(from + (lane << 3)), x));
    }
  } else {
    for (let lane = 0; lane < 8; lane++) {
      store<f64>(sums + (lane << 3), load<f64>(from + (lane << 3)) + <f64>load<i32>(acc + (lane << 2)));
    }
  }
}

/** Two lanes of clamp(floor(x·scale + 1/2)), as f64 whose low 32 bits are the integer */
@inline
function requantize2(acc: v128, sums: usize, scale: usize, low: v128, high: v128): v128 {
  const x = f64x2.add(v128.load(sums), f64x2.convert_low_i32x4_s(acc));
  const y = f64x2.floor(f64x2.add(f64x2.mul(x, v128.load(scale)), f64x2.splat(0.5)));
  return f64x2.add(f64x2.pmin(f64x2.pmax(y, low), high), f64x2.splat(MAGIC));
}

/** out i16 [lanes] = clamp(floor((sums + acc)·scale + 1/2)), 1 to 8 lanes */
export function requantize_wide(acc: usize, sums: usize, scale: usize, out: usize, lanes: i32, range: usize): void {
  const min = <f64>load<i32>(range);
  const max = <f64>load<i32>(range, 4);
  if (ASC_FEATURE_SIMD) {
    const low = f64x2.splat(min);
    const high = f64x2.splat(max);
    const c0 = v128.load(acc), c1 = v128.load(acc, 16);
    const q0 = requantize2(c0, sums, scale, low, high);
    const q1 = requantize2(i64x2.shuffle(c0, c0, 1, 1), sums + 16, scale + 16, low, high);
    const q2 = requantize2(c1, sums + 32, scale + 32, low, high);
    const q3 = requantize2(i64x2.shuffle(c1, c1, 1, 1), sums + 48, scale + 48, low, high);
    const q = i16x8.narrow_i32x4_s(i32x4.shuffle(q0, q1, 0, 2, 4, 6), i32x4.shuffle(q2, q3, 0, 2, 4, 6));
    if (lanes == 8) v128.store(out, q);
    else storePart(out, q, lanes << 1);
  } else {
    for (let lane = 0; lane < lanes; lane++) {
      const x = load<f64>(sums + (lane << 3)) + <f64>load<i32>(acc + (lane << 2));
      let y = floor<f64>(x * load<f64>(scale + (lane << 3)) + 0.5);
      y = y < min ? min : y;
      y = max < y ? max : y;
      store<i16>(out + (lane << 1), <i32>y);
    }
  }
}

/**
 * acc i32 [4][8] = 4 rows of activations times a panel of 8 channels.
 *
 *   a  i16 [4][lda bytes], `pairs` pairs of each row
 *   b  i16 [pairs][8][2]
 */
export function gemm_i16_4x8(a: usize, lda: i32, b: usize, pairs: i32, acc: usize): void {
  if (ASC_FEATURE_SIMD) {
    const zeros = i32x4.splat(0);
    let c00 = zeros, c01 = zeros, c10 = zeros, c11 = zeros, c20 = zeros, c21 = zeros, c30 = zeros, c31 = zeros;
    let a1 = a + lda, a2 = a1 + lda, a3 = a2 + lda;
    for (; pairs > 0; pairs--) {
      const b0 = v128.load(b), b1 = v128.load(b, 16);
      let x = v128.load32_splat(a);
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
      b += 32;
      a += 4;
      a1 += 4;
      a2 += 4;
      a3 += 4;
    }
    v128.store(acc, c00);
    v128.store(acc, c01, 16);
    v128.store(acc, c10, 32);
    v128.store(acc, c11, 48);
    v128.store(acc, c20, 64);
    v128.store(acc, c21, 80);
    v128.store(acc, c30, 96);
    v128.store(acc, c31, 112);
  } else {
    for (let row = 0; row < 4; row++) {
      for (let lane = 0; lane < 8; lane++) {
        let c = 0;
        let bp = b + (lane << 2);
        let ap = a + row * lda;
        for (let k = pairs; k > 0; k--) {
          c += <i32>load<i16>(ap) * load<i16>(bp) + <i32>load<i16>(ap, 2) * load<i16>(bp, 2);
          ap += 4;
          bp += 32;
        }
        store<i32>(acc + (row << 5) + (lane << 2), c);
      }
    }
  }
}

/**
 * acc i32 [8] = one row of activations times a panel, whose weights are as in the file.
 *
 *   a  i16 [4·quads] · b  i8 [quads][8][4]
 */
export function gemv_i16_1x8(a: usize, b: usize, quads: i32, acc: usize): void {
  if (ASC_FEATURE_SIMD) {
    const zeros = i32x4.splat(0);
    let c0 = zeros, c1 = zeros, c2 = zeros, c3 = zeros;
    for (; quads > 0; quads--) {
      const x = v128.load64_splat(a);
      c0 = i32x4.add(c0, i32x4.dot_i16x8_s(v128.load8x8_s(b), x));
      c1 = i32x4.add(c1, i32x4.dot_i16x8_s(v128.load8x8_s(b, 8), x));
      c2 = i32x4.add(c2, i32x4.dot_i16x8_s(v128.load8x8_s(b, 16), x));
      c3 = i32x4.add(c3, i32x4.dot_i16x8_s(v128.load8x8_s(b, 24), x));
      b += 32;
      a += 8;
    }
    v128.store(acc, addPairs(c0, c1));
    v128.store(acc, addPairs(c2, c3), 16);
  } else {
    for (let lane = 0; lane < 8; lane++) {
      let c = 0;
      let bp = b + (lane << 2);
      let ap = a;
      for (let k = quads; k > 0; k--) {
        c += <i32>load<i16>(ap) * load<i8>(bp) + <i32>load<i16>(ap, 2) * load<i8>(bp, 1) +
          <i32>load<i16>(ap, 4) * load<i8>(bp, 2) + <i32>load<i16>(ap, 6) * load<i8>(bp, 3);
        ap += 8;
        bp += 32;
      }
      store<i32>(acc + (lane << 2), c);
    }
  }
}

/**
 * acc i32 [8] = the products of 8 channels of one output pixel of a depthwise convolution.
 *
 *   taps     u32 [2·pairs], addresses of the pixels · shift is added to each
 *   weights  i16 [pairs][8][2]
 */
export function depthwise_i16(taps: usize, pairs: i32, shift: usize, weights: usize, acc: usize): void {
  if (ASC_FEATURE_SIMD) {
    let c0 = i32x4.splat(0), c1 = c0;
    for (; pairs > 0; pairs--) {
      const x = v128.load(load<usize>(taps) + shift), y = v128.load(load<usize>(taps, 4) + shift);
      c0 = i32x4.add(c0, i32x4.dot_i16x8_s(interleaveLow(x, y), v128.load(weights)));
      c1 = i32x4.add(c1, i32x4.dot_i16x8_s(interleaveHigh(x, y), v128.load(weights, 16)));
      taps += 8;
      weights += 32;
    }
    v128.store(acc, c0);
    v128.store(acc, c1, 16);
  } else {
    for (let lane = 0; lane < 8; lane++) {
      const at = shift + (lane << 1);
      let c = 0;
      for (let t = 0; t < pairs; t++) {
        const w = weights + (t << 5) + (lane << 2);
        c += <i32>load<i16>(load<usize>(taps + (t << 3)) + at) * load<i16>(w) +
          <i32>load<i16>(load<usize>(taps + (t << 3), 4) + at) * load<i16>(w, 2);
      }
      store<i32>(acc + (lane << 2), c);
    }
  }
}
