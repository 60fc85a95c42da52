import { interleaveHigh, interleaveLow } from './lanes';
import { narrowWithin, REACH, requantize, requantizeMagic, requantizeWithin4, requantizeZero } from './requantize';
import { storeBytes } from './store';

// int8 depthwise convolution. Lanes are channels, 8 per block. Taps are multiplied in pairs by
// `i32x4.dot_i16x8_s`: the lanes of two taps are interleaved, and so are their weights, which are
// widened once per record.
//
//   w     i8 [⌈C/8⌉][taps][8], taps column by column
//   pairs i16 [⌈C/8⌉][⌈taps/2⌉][8][2] = w − zeroPoint; the second of an odd last pair is 0
//   bias  i32 [C'] · scale f32 [C'], C' = C rounded up to 8
//   out   i8 [C] per output pixel
//   |a·w| ≤ 128·255
//
// Loop order of depthwise_i8: channel, tap pair. It computes one output pixel per call. Loop order
// of the 3×3 kernels: block, output column. They compute one row of outputs per call. Other filters
// with SIMD are in kernels/depthwiseWindows.ts.

/** acc + a₀·w₀ + a₁·w₁ in each lane */
@inline
function dot(acc: v128, pair: v128, weights: v128): v128 {
  return i32x4.add(acc, i32x4.dot_i16x8_s(pair, weights));
}

/** Widens w to `pairs`, in the layouts above. */
export function pair_taps_i8(w: usize, zeroPoint: i32, taps: i32, blocks: i32, pairs: usize): void {
  for (let block = 0; block < blocks; block++) {
    for (let t = 0; t < taps; t += 2) {
      const partner = t + 1 < taps;
      if (ASC_FEATURE_SIMD) {
        const z = i16x8.splat(<i16>zeroPoint);
        const a = i16x8.sub(v128.load8x8_s(w), z);
        const b = partner ? i16x8.sub(v128.load8x8_s(w, 8), z) : i16x8.splat(0);
        v128.store(pairs, interleaveLow(a, b));
        v128.store(pairs, interleaveHigh(a, b), 16);
      } else {
        for (let lane = 0; lane < 8; lane++) {
          store<i16>(pairs + (lane << 2), <i32>load<i8>(w + lane) - zeroPoint);
          store<i16>(pairs + (lane << 2), partner ? <i32>load<i8>(w + lane, 8) - zeroPoint : 0, 2);
        }
      }
      w += partner ? 16 : 8;
      pairs += 32;
    }
  }
}

/**
 * One output pixel, any filter size, without SIMD. `taps` u32 [2·pairs] holds the address of each
 * tap's pixel, or of a row of zero points if the tap is outside the image. `shift` is added to each
 * address, so that one list serves all pixels of a row that have the same taps inside.
 */
export function depthwise_i8(
  taps: usize,
  pairs: i32,
  shift: usize,
  weights: usize,
  bias: usize,
  scale: usize,
  out: usize,
  C: i32,
  zeroPoint: i32,
  min: i32,
  max: i32,
): void {
  const low = <f32>(min - zeroPoint);
  const high = <f32>(max - zeroPoint);
  for (let c = 0; c < C; c++) {
    let acc = load<i32>(bias + (c << 2));
    let w = weights + ((c >> 3) * pairs << 5) + ((c & 7) << 2);
    let t = taps;
    for (let p = 0; p < pairs; p++) {
      acc += <i32>load<i8>(load<usize>(t) + shift + c) * load<i16>(w) +
        <i32>load<i8>(load<usize>(t, 4) + shift + c) * load<i16>(w, 2);
      w += 32;
      t += 8;
    }
    store<i8>(out + c, requantize(acc, load<f32>(scale + (c << 2)), low, high, zeroPoint));
  }
}

// 3×3 with SIMD: `count` outputs of one row. The columns of the window stay in registers from one
// output to the next. The upper two rows of a column form a pair; the lowest row is paired across
// neighboring columns. Weights of one block, in the order of use:
//
//   [0..2] (w₀ₖ, w₁ₖ) of columns k = 0, 1, 2 · [3] (w₂₀, w₂₁) · [4] (w₂₂, 0) · [5] (0, w₂₀)
//   [6] (w₂₁, w₂₂); each entry is i16 [8][2], lanes 0 to 3 before lanes 4 to 7
//   bias i32 [8] │ scale f32 [8]

/** Bytes of one block: weights, then bias i32 [8] │ scale f32 [8] │ HAS_QUADS i32 + 12 */
export const WEIGHTS_3X3 = 304;
export const BIAS_3X3 = 224;
/** Offset of 1 if the block has weights for relaxed products (kernels/depthwiseRelaxed.ts) */
export const HAS_QUADS = 288;

/**
 * w i8 [blocks][9][8], taps column by column, bias i32 [8·blocks], scale f32 [8·blocks] → the
 * layout above, in relaxed SIMD except weights and bias of blocks that have quads
 *
 * @returns whether |sum · scale| < REACH for all inputs, which the 3×3 kernels need. It is false
 *   only for a scale of 20 or more, or a bias that makes a channel constant.
 */
export function pair_taps_i8_3x3(w: usize, zeroPoint: i32, bias: usize, scale: usize, blocks: i32, out: usize): bool {
  const z = i16x8.splat(<i16>zeroPoint);
  const products = f32x4.convert_i32x4_s(i32x4.splat(9 * 128 * (128 + abs(zeroPoint))));
  let reach = f32x4.splat(0);
  const zeros = i16x8.splat(0);
  for (let block = 0; block < blocks; block++) {
    const hasQuads = ASC_FEATURE_RELAXED_SIMD && load<i32>(out, HAS_QUADS) != 0;
    if (!hasQuads) {
      for (let k = 0; k < 3; k++) {
        const column = w + k * 24;
        storePair(out + (k << 5), i16x8.sub(v128.load8x8_s(column), z), i16x8.sub(v128.load8x8_s(column, 8), z));
      }
      const w20 = i16x8.sub(v128.load8x8_s(w, 16), z), w21 = i16x8.sub(v128.load8x8_s(w, 40), z),
        w22 = i16x8.sub(v128.load8x8_s(w, 64), z);
      storePair(out + 96, w20, w21);
      storePair(out + 128, w22, zeros);
      storePair(out + 160, zeros, w20);
      storePair(out + 192, w21, w22);
    }
    for (let half = 0; half < 32; half += 16) {
      const start = v128.load(bias + half), factor = v128.load(scale + half);
      if (!hasQuads) v128.store(out + half, start, BIAS_3X3);
      v128.store(out + half, factor, BIAS_3X3 + 32);
      const most = f32x4.add(f32x4.abs(f32x4.convert_i32x4_s(start)), products);
      reach = f32x4.max(reach, f32x4.mul(most, f32x4.abs(factor)));
    }
    bias += 32;
    scale += 32;
    w += 72;
    out += WEIGHTS_3X3;
  }
  return i32x4.all_true(f32x4.lt(reach, f32x4.splat(REACH)));
}

@inline
function storePair(out: usize, a: v128, b: v128): void {
  v128.store(out, interleaveLow(a, b));
  v128.store(out, interleaveHigh(a, b), 16);
}

/**
 * Channels `from` to `to` of `count` outputs of one row at stride 1, two per iteration.
 *
 * @param rows u32 [3][2]: the address of each input row of the windows at column 0, and the bytes
 *   from one of its pixels to the next. A row outside the image is one pixel of zero points, with 0
 *   bytes to the next
 * @param firstColumn column where the first output's window begins; may be negative
 * @param padding zero point of the input
 */
export function depthwise_i8_3x3_s1(
  rows: usize,
  firstColumn: i32,
  inW: i32,
  padding: i32,
  weights: usize,
  out: usize,
  count: i32,
  C: i32,
  from: i32,
  to: i32,
  zeroPoint: i32,
  min: i32,
  max: i32,
): void {
  const p0 = load<usize>(rows), p1 = load<usize>(rows, 8), p2 = load<usize>(rows, 16);
  const stride0 = load<usize>(rows, 4), stride1 = load<usize>(rows, 12), stride2 = load<usize>(rows, 20);
  const low = i8x16.splat(<i8>min);
  const high = i8x16.splat(<i8>max);
  const magic = requantizeMagic(zeroPoint);
  const back = requantizeZero(zeroPoint);
  const outside = i16x8.splat(<i16>padding);
  for (let c = from; c < to; c += 8) {
    const lanes = C - c < 8 ? C - c : 8;
    let ix = firstColumn;
    let q0 = p0 + c + ix * stride0;
    let q1 = p1 + c + ix * stride1;
    let q2 = p2 + c + ix * stride2;
    let o = out + c;
    let x0 = outside, x1 = outside, x2 = outside, y2 = outside;
    if (<u32>ix < <u32>inW) {
      x0 = v128.load8x8_s(q0);
      x1 = v128.load8x8_s(q1);
      x2 = v128.load8x8_s(q2);
    }
    let aLow = interleaveLow(x0, x1);
    let aHigh = interleaveHigh(x0, x1);
    ix++;
    q0 += stride0;
    q1 += stride1;
    q2 += stride2;
    x0 = outside;
    x1 = outside;
    if (<u32>ix < <u32>inW) {
      x0 = v128.load8x8_s(q0);
      x1 = v128.load8x8_s(q1);
      y2 = v128.load8x8_s(q2);
    }
    let bLow = interleaveLow(x0, x1);
    let bHigh = interleaveHigh(x0, x1);
    let uLow = interleaveLow(x2, y2);
    let uHigh = interleaveHigh(x2, y2);
    for (let x = 0; x < count; x += 2) {
      ix++;
      q0 += stride0;
      q1 += stride1;
      q2 += stride2;
      x0 = outside;
      x1 = outside;
      x2 = outside;
      y2 = outside;
      if (<u32>ix < <u32>inW) {
        x0 = v128.load8x8_s(q0);
        x1 = v128.load8x8_s(q1);
        x2 = v128.load8x8_s(q2);
      }
      const cLow = interleaveLow(x0, x1);
      const cHigh = interleaveHigh(x0, x1);
      ix++;
      q0 += stride0;
      q1 += stride1;
      q2 += stride2;
      x0 = outside;
      x1 = outside;
      if (<u32>ix < <u32>inW) {
        x0 = v128.load8x8_s(q0);
        x1 = v128.load8x8_s(q1);
        y2 = v128.load8x8_s(q2);
      }
      const dLow = interleaveLow(x0, x1);
      const dHigh = interleaveHigh(x0, x1);
      const vLow = interleaveLow(x2, y2);
      const vHigh = interleaveHigh(x2, y2);
      let w = v128.load(weights);
      let s0 = dot(v128.load(weights, BIAS_3X3), aLow, w);
      let t0 = dot(v128.load(weights, BIAS_3X3), bLow, w);
      w = v128.load(weights, 32);
      s0 = dot(s0, bLow, w);
      t0 = dot(t0, cLow, w);
      w = v128.load(weights, 64);
      s0 = dot(s0, cLow, w);
      t0 = dot(t0, dLow, w);
      s0 = dot(s0, uLow, v128.load(weights, 96));
      t0 = dot(t0, uLow, v128.load(weights, 160));
      s0 = dot(s0, vLow, v128.load(weights, 128));
      t0 = dot(t0, vLow, v128.load(weights, 192));
      w = v128.load(weights, 16);
      let s1 = dot(v128.load(weights, BIAS_3X3 + 16), aHigh, w), t1 = dot(v128.load(weights, BIAS_3X3 + 16), bHigh, w);
      w = v128.load(weights, 48);
      s1 = dot(s1, bHigh, w);
      t1 = dot(t1, cHigh, w);
      w = v128.load(weights, 80);
      s1 = dot(s1, cHigh, w);
      t1 = dot(t1, dHigh, w);
      s1 = dot(s1, uHigh, v128.load(weights, 112));
      t1 = dot(t1, uHigh, v128.load(weights, 176));
      s1 = dot(s1, vHigh, v128.load(weights, 144));
      t1 = dot(t1, vHigh, v128.load(weights, 208));
      const scaleLow = v128.load(weights, BIAS_3X3 + 32);
      const scaleHigh = v128.load(weights, BIAS_3X3 + 48);
      // requantize both outputs of the same four channels together: the engine then schedules
      // them together and keeps their weights in registers
      const lower = i16x8.narrow_i32x4_s(
        requantizeWithin4(s0, scaleLow, magic, back),
        requantizeWithin4(t0, scaleLow, magic, back),
      );
      const upper = i16x8.narrow_i32x4_s(
        requantizeWithin4(s1, scaleHigh, magic, back),
        requantizeWithin4(t1, scaleHigh, magic, back),
      );
      let q = narrowWithin(lower, upper, low, high);
      q = i32x4.shuffle(q, q, 0, 2, 1, 3);
      if (lanes == 8) {
        v128.store64_lane(o, q, 0);
        if (x + 1 < count) v128.store64_lane(o + C, q, 1);
      } else {
        storeBytes(o, q, lanes);
        if (x + 1 < count) storeBytes(o + C, i64x2.shuffle(q, q, 1, 1), lanes);
      }
      o += C << 1;
      aLow = cLow;
      aHigh = cHigh;
      bLow = dLow;
      bHigh = dHigh;
      uLow = vLow;
      uHigh = vHigh;
    }
    weights += WEIGHTS_3X3;
  }
}

/** All channels at stride 2, one output per iteration: a window shares one column with the next. */
export function depthwise_i8_3x3_s2(
  rows: usize,
  firstColumn: i32,
  inW: i32,
  padding: i32,
  weights: usize,
  out: usize,
  count: i32,
  C: i32,
  zeroPoint: i32,
  min: i32,
  max: i32,
): void {
  const p0 = load<usize>(rows), p1 = load<usize>(rows, 8), p2 = load<usize>(rows, 16);
  const stride0 = load<usize>(rows, 4), stride1 = load<usize>(rows, 12), stride2 = load<usize>(rows, 20);
  const low = i8x16.splat(<i8>min);
  const high = i8x16.splat(<i8>max);
  const magic = requantizeMagic(zeroPoint);
  const back = requantizeZero(zeroPoint);
  const outside = i16x8.splat(<i16>padding);
  for (let c = 0; c < C; c += 8) {
    const lanes = C - c < 8 ? C - c : 8;
    let ix = firstColumn;
    let q0 = p0 + c + ix * stride0;
    let q1 = p1 + c + ix * stride1;
    let q2 = p2 + c + ix * stride2;
    let o = out + c;
    let x0 = outside, x1 = outside, a2 = outside;
    if (<u32>ix < <u32>inW) {
      x0 = v128.load8x8_s(q0);
      x1 = v128.load8x8_s(q1);
      a2 = v128.load8x8_s(q2);
    }
    let aLow = interleaveLow(x0, x1);
    let aHigh = interleaveHigh(x0, x1);
    for (let x = 0; x < count; x++) {
      let b2 = outside, c2 = outside;
      ix++;
      q0 += stride0;
      q1 += stride1;
      q2 += stride2;
      x0 = outside;
      x1 = outside;
      if (<u32>ix < <u32>inW) {
        x0 = v128.load8x8_s(q0);
        x1 = v128.load8x8_s(q1);
        b2 = v128.load8x8_s(q2);
      }
      const bLow = interleaveLow(x0, x1);
      const bHigh = interleaveHigh(x0, x1);
      ix++;
      q0 += stride0;
      q1 += stride1;
      q2 += stride2;
      x0 = outside;
      x1 = outside;
      if (<u32>ix < <u32>inW) {
        x0 = v128.load8x8_s(q0);
        x1 = v128.load8x8_s(q1);
        c2 = v128.load8x8_s(q2);
      }
      const cLow = interleaveLow(x0, x1);
      const cHigh = interleaveHigh(x0, x1);
      let s0 = dot(v128.load(weights, BIAS_3X3), aLow, v128.load(weights)),
        s1 = dot(v128.load(weights, BIAS_3X3 + 16), aHigh, v128.load(weights, 16));
      s0 = dot(s0, bLow, v128.load(weights, 32));
      s1 = dot(s1, bHigh, v128.load(weights, 48));
      s0 = dot(s0, cLow, v128.load(weights, 64));
      s1 = dot(s1, cHigh, v128.load(weights, 80));
      s0 = dot(s0, interleaveLow(a2, b2), v128.load(weights, 96));
      s1 = dot(s1, interleaveHigh(a2, b2), v128.load(weights, 112));
      s0 = dot(s0, interleaveLow(c2, c2), v128.load(weights, 128));
      s1 = dot(s1, interleaveHigh(c2, c2), v128.load(weights, 144));
      const s = i16x8.narrow_i32x4_s(
        requantizeWithin4(s0, v128.load(weights, BIAS_3X3 + 32), magic, back),
        requantizeWithin4(s1, v128.load(weights, BIAS_3X3 + 48), magic, back),
      );
      const q = narrowWithin(s, s, low, high);
      if (lanes == 8) v128.store64_lane(o, q, 0);
      else storeBytes(o, q, lanes);
      o += C;
      aLow = cLow;
      aHigh = cHigh;
      a2 = c2;
    }
    weights += WEIGHTS_3X3;
  }
}
