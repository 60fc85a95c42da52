import { clamp } from './lanes';
import { storeWords } from './store';

// float32 depthwise convolution. Lanes are channels. An accumulator starts at the bias and adds one
// product after the other in the order of the taps, without fused multiply-add, so that every
// flavor gives the same bits.
//
//   weights  f32 [taps][C], taps column by column
//   bias     f32 [C'], C' = C rounded up to 8
//   out      f32 [C] per output pixel
//
// Loop order of depthwise_f32: channels, taps. It computes one output pixel per call. Loop order of
// depthwise_f32_3x3: channels, output column. It computes one row of outputs per call. The other
// filters with SIMD are in kernels/depthwiseWindows.ts.

/**
 * One output pixel, any filter size, without SIMD. `taps` u32 [count] holds the address of each
 * tap's pixel, or of a row of zeros if the tap is outside the image; `shift` is added to each
 * address.
 */
export function depthwise_f32(
  taps: usize,
  count: i32,
  shift: usize,
  weights: usize,
  bias: usize,
  out: usize,
  C: i32,
  min: f32,
  max: f32,
): void {
  const end = taps + (count << 2);
  const row = <usize>C << 2;
  for (; C > 0; C--) {
    let c = load<f32>(bias);
    let w = weights;
    for (let t = taps; t < end; t += 4) {
      c += load<f32>(load<usize>(t) + shift) * load<f32>(w);
      w += row;
    }
    store<f32>(out, clamp<f32>(c, min, max));
    shift += 4;
    weights += 4;
    bias += 4;
    out += 4;
  }
}

/** c + a₀·w₀ + a₁·w₁ + a₂·w₂, from the left */
@inline
function column(c: v128, a0: v128, a1: v128, a2: v128, w0: v128, w1: v128, w2: v128): v128 {
  return f32x4.add(f32x4.add(f32x4.add(c, f32x4.mul(a0, w0)), f32x4.mul(a1, w1)), f32x4.mul(a2, w2));
}

/**
 * 3×3 with SIMD: `count` outputs of one row. All weights of four channels stay in registers. At
 * stride 1 each column is loaded once and added to the three outputs whose windows contain it.
 *
 * @param rows u32 [3][2]: the address of each input row of the windows at column 0, and the bytes
 *   from one of its pixels to the next. A row outside the image is one pixel of zeros, with 0 bytes
 *   to the next
 * @param firstColumn column where the first output's window begins; may be negative
 */
export function depthwise_f32_3x3(
  rows: usize,
  firstColumn: i32,
  inW: i32,
  stride: i32,
  weights: usize,
  bias: usize,
  out: usize,
  count: i32,
  C: i32,
  min: f32,
  max: f32,
): void {
  let p0 = load<usize>(rows), p1 = load<usize>(rows, 8), p2 = load<usize>(rows, 16);
  const stride0 = load<usize>(rows, 4), stride1 = load<usize>(rows, 12), stride2 = load<usize>(rows, 20);
  const low = f32x4.splat(min);
  const high = f32x4.splat(max);
  const zeros = f32x4.splat(0);
  const row = <usize>C << 2;
  p0 += firstColumn * stride0;
  p1 += firstColumn * stride1;
  p2 += firstColumn * stride2;
  for (; C > 0; C -= 4) {
    let w = weights;
    const w00 = v128.load(w), w10 = v128.load(w + row), w20 = v128.load(w + 2 * row);
    w += 3 * row;
    const w01 = v128.load(w), w11 = v128.load(w + row), w21 = v128.load(w + 2 * row);
    w += 3 * row;
    const w02 = v128.load(w);
    const w12 = v128.load(w + row);
    const w22 = v128.load(w + 2 * row);
    const start = v128.load(bias);
    let q0 = p0;
    let q1 = p1;
    let q2 = p2;
    let o = out;
    let ix = firstColumn;
    if (stride == 1) {
      // `one` has accumulated its first column, `two` its first two columns
      let one = start;
      let two = start;
      for (let x = -2; x < count; x++) {
        let a0 = zeros, a1 = zeros, a2 = zeros;
        if (<u32>ix < <u32>inW) {
          a0 = v128.load(q0);
          a1 = v128.load(q1);
          a2 = v128.load(q2);
        }
        if (x >= 0) {
          storeWords(o, clamp<v128>(column(two, a0, a1, a2, w02, w12, w22), low, high), C);
          o += row;
        }
        two = column(one, a0, a1, a2, w01, w11, w21);
        one = column(start, a0, a1, a2, w00, w10, w20);
        ix++;
        q0 += stride0;
        q1 += stride1;
        q2 += stride2;
      }
    } else {
      const skip = stride - 2;
      for (let x = 0; x < count; x++) {
        let a0 = zeros, a1 = zeros, a2 = zeros;
        if (<u32>ix < <u32>inW) {
          a0 = v128.load(q0);
          a1 = v128.load(q1);
          a2 = v128.load(q2);
        }
        let c = column(start, a0, a1, a2, w00, w10, w20);
        ix++;
        q0 += stride0;
        q1 += stride1;
        q2 += stride2;
        a0 = zeros;
        a1 = zeros;
        a2 = zeros;
        if (<u32>ix < <u32>inW) {
          a0 = v128.load(q0);
          a1 = v128.load(q1);
          a2 = v128.load(q2);
        }
        c = column(c, a0, a1, a2, w01, w11, w21);
        ix++;
        q0 += stride0;
        q1 += stride1;
        q2 += stride2;
        a0 = zeros;
        a1 = zeros;
        a2 = zeros;
        if (<u32>ix < <u32>inW) {
          a0 = v128.load(q0);
          a1 = v128.load(q1);
          a2 = v128.load(q2);
        }
        c = column(c, a0, a1, a2, w02, w12, w22);
        storeWords(o, clamp<v128>(c, low, high), C);
        o += row;
        ix += skip;
        q0 += skip * stride0;
        q1 += skip * stride1;
        q2 += skip * stride2;
      }
    }
    p0 += 16;
    p1 += 16;
    p2 += 16;
    weights += 16;
    bias += 16;
    out += 16;
  }
}
