import { clamp } from './lanes';
import { storeWords } from './store';

// Depthwise products of floats: lanes are channels, sums run from the bias on in the order of the
// taps, multiply then add.
//
//   weights  f32 [taps][C], taps column by column
//   bias     f32 [C'], C' = C rounded up to 8
//   out      f32 [C]

/**
 * Any kernel: `taps` holds one address per tap (a row of zeros where the tap lies outside the
 * picture), to each of which `shift` bytes are added.
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
  if (ASC_FEATURE_SIMD) {
    const low = f32x4.splat(min);
    const high = f32x4.splat(max);
    for (; C >= 8; C -= 8) {
      let c0 = v128.load(bias);
      let c1 = v128.load(bias, 16);
      let w = weights;
      for (let t = taps; t < end; t += 4) {
        const a = load<usize>(t) + shift;
        c0 = f32x4.add(c0, f32x4.mul(v128.load(a), v128.load(w)));
        c1 = f32x4.add(c1, f32x4.mul(v128.load(a, 16), v128.load(w, 16)));
        w += row;
      }
      v128.store(out, clamp<v128>(c0, low, high));
      v128.store(out, clamp<v128>(c1, low, high), 16);
      shift += 32;
      weights += 32;
      bias += 32;
      out += 32;
    }
    for (; C > 0; C -= 4) {
      let c = v128.load(bias);
      let w = weights;
      for (let t = taps; t < end; t += 4) {
        c = f32x4.add(c, f32x4.mul(v128.load(load<usize>(t) + shift), v128.load(w)));
        w += row;
      }
      storeWords(out, clamp<v128>(c, low, high), C);
      shift += 16;
      weights += 16;
      bias += 16;
      out += 16;
    }
  } else {
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
}

/** c + a₀·w₀ + a₁·w₁ + a₂·w₂, from the left */
@inline
function column(c: v128, a0: v128, a1: v128, a2: v128, w0: v128, w1: v128, w2: v128): v128 {
  return f32x4.add(f32x4.add(f32x4.add(c, f32x4.mul(a0, w0)), f32x4.mul(a1, w1)), f32x4.mul(a2, w2));
}

/**
 * 3×3, with SIMD: `count` outputs of a row, all weights of four channels in registers. p0, p1, p2:
 * the window's input rows at column 0, with the bytes to the next pixel (0 for a row of zeros
 * outside the picture); the first output's window begins at column `first`, which may be negative.
 * With stride 1 a column is loaded once for the three outputs that have it, each at its own place
 * in its sum.
 */
export function depthwise_f32_3x3(
  p0: usize,
  step0: usize,
  p1: usize,
  step1: usize,
  p2: usize,
  step2: usize,
  first: i32,
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
  const low = f32x4.splat(min);
  const high = f32x4.splat(max);
  const none = f32x4.splat(0);
  const row = <usize>C << 2;
  p0 += first * step0;
  p1 += first * step1;
  p2 += first * step2;
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
    let ix = first;
    if (stride == 1) {
      // `one` has had its first column, `two` its first two
      let one = start;
      let two = start;
      for (let x = -2; x < count; x++) {
        let a0 = none, a1 = none, a2 = none;
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
        q0 += step0;
        q1 += step1;
        q2 += step2;
      }
    } else {
      const skip = stride - 2;
      for (let x = 0; x < count; x++) {
        let a0 = none, a1 = none, a2 = none;
        if (<u32>ix < <u32>inW) {
          a0 = v128.load(q0);
          a1 = v128.load(q1);
          a2 = v128.load(q2);
        }
        let c = column(start, a0, a1, a2, w00, w10, w20);
        ix++;
        q0 += step0;
        q1 += step1;
        q2 += step2;
        a0 = none;
        a1 = none;
        a2 = none;
        if (<u32>ix < <u32>inW) {
          a0 = v128.load(q0);
          a1 = v128.load(q1);
          a2 = v128.load(q2);
        }
        c = column(c, a0, a1, a2, w01, w11, w21);
        ix++;
        q0 += step0;
        q1 += step1;
        q2 += step2;
        a0 = none;
        a1 = none;
        a2 = none;
        if (<u32>ix < <u32>inW) {
          a0 = v128.load(q0);
          a1 = v128.load(q1);
          a2 = v128.load(q2);
        }
        c = column(c, a0, a1, a2, w02, w12, w22);
        storeWords(o, clamp<v128>(c, low, high), C);
        o += row;
        ix += skip;
        q0 += skip * step0;
        q1 += skip * step1;
        q2 += skip * step2;
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
