import { narrowBelow, requantize4, requantizeMagic, requantizeZero } from './requantize';
import { storePart } from './store';

// Integer Winograd convolution F(t×t, 3×3), t = 2 or 4 (Lavin and Gray, "Fast Algorithms for
// Convolutional Neural Networks", 2015): P = (t + 2)² products give the t×t outputs of a tile, 16
// instead of 36 or 36 instead of 144.
//
//   Y = Aᵀ [ (G g Gᵀ) ⊙ (Bᵀ d B) ] A
//
// Factors of G are moved to Aᵀ, so that all numbers are whole and small:
//
//   t = 2   Bᵀ = 1  0 −1  0     2·G = 2  0  0     Aᵀ = 1  1  1  0
//                0  1  1  0           1  1  1          0  1 −1 −1
//                0 −1  1  0           1 −1  1
//                0  1  0 −1           0  0  2
//
//   t = 4   Bᵀ = 4  0 −5  0  1  0     G' = 6  0  0     Aᵀ' = 1 −4 −4  1  1  0
//                0 −4 −4  1  1  0          1  1  1           0 −2  2  1 −1  0
//                0  4 −4 −1  1  0          1 −1  1           0 −1 −1  1  1  0
//                0 −2 −1  2  1  0          1  2  4           0 −1  1  2 −2  1
//                0  2 −1 −2  1  0          1 −2  4
//                0  4  0 −5  0  1          0  0  6
//
// The result is 4·Y for t = 2. For t = 4, row i of Y is multiplied by 24, 12, 6 or 6, and so is
// column i, so that a sum is 9·2^k·Y, 2 ≤ k ≤ 6, modulo 2^32. Multiplied by the inverse of 9 modulo
// 2^32 it is 2^k·Y, which fits i32. A shift gives the bits of the direct product.
//
// F(4, 3), for kernels 3×1 and 1×3, has the transforms of t = 4 once: P = 6 products give the 4
// outputs of a tile, instead of 12. A sum is 3·2^k·Y with k = 3, 2, 1 and 1.
//
//   source  i8, t + 2 rows of t + 2 pixels, or t + 2 pixels, of C channels, C a multiple of 8
//   v       i16 [P][tiles][C], |v| ≤ 4·128 (t = 2), 100·128 (4×4) or 10·128 (F(4, 3))
//   u       i16 [P][C/2][8][2], |u| ≤ 9·255, 49·255 or 7·255: one panel of 8 output channels
//   m       i32 [P][tiles][8]; overwritten by `winograd_output`
//   |4·Y| ≤ 4·9·C·128·255 < 2^31 for C ≤ WINOGRAD_CHANNELS
//   |64·Y| ≤ 64·9·C·128·(128 + |zero point|) < 2^31 for C·(128 + |zero point|) ≤ WINOGRAD_REACH
//   |8·Y| ≤ 8·3·C·128·(128 + |zero point|) < 2^31 for C·(128 + |zero point|) ≤ 24·WINOGRAD_REACH
//
// Partial sums may wrap around. The P planes of v, u and m are `plane` bytes apart. A transform is
// applied in place, to the columns of a tile and then to its rows. `columns` is t + 2, or 1 for
// F(4, 3), which transforms one column.

/** The inverses of 9 and 3 modulo 2^32 */
const NINTH: i32 = 954437177;
const THIRD: i32 = -1431655765;

/** Bᵀ times t + 2 vectors of i16, stored `step` bytes apart */
@inline
function transformInputs(
  v: usize,
  step: usize,
  t: i32,
  d0: v128,
  d1: v128,
  d2: v128,
  d3: v128,
  d4: v128,
  d5: v128,
): void {
  if (t == 2) {
    v128.store(v, i16x8.sub(d0, d2));
    v128.store(v + step, i16x8.add(d1, d2));
    v128.store(v + 2 * step, i16x8.sub(d2, d1));
    v128.store(v + 3 * step, i16x8.sub(d1, d3));
  } else {
    const even = i16x8.sub(d4, d2), odd = i16x8.sub(d3, d1);
    v128.store(v, i16x8.add(even, i16x8.shl(i16x8.sub(d0, d2), 2)));
    let p = i16x8.sub(d4, i16x8.shl(d2, 2)), q = i16x8.sub(d3, i16x8.shl(d1, 2));
    v128.store(v + step, i16x8.add(p, q));
    v128.store(v + 2 * step, i16x8.sub(p, q));
    p = i16x8.shl(odd, 1);
    v128.store(v + 3 * step, i16x8.add(even, p));
    v128.store(v + 4 * step, i16x8.sub(even, p));
    q = i16x8.shl(odd, 2);
    v128.store(v + 5 * step, i16x8.sub(i16x8.sub(d5, d3), q));
  }
}

/**
 * v = Bᵀ d B of one tile, or Bᵀ d of one column. Rows of the source are `row` bytes apart and
 * pixels `pixel` bytes.
 */
export function winograd_input(
  source: usize,
  row: usize,
  pixel: usize,
  C: i32,
  t: i32,
  columns: i32,
  v: usize,
  plane: usize,
): void {
  const planes = columns * plane;
  const lines = columns == 1 ? 0 : columns;
  // for t = 2, the fifth and the sixth vector are not used
  const row4 = t == 4 ? 4 * row : 0;
  const plane4 = t == 4 ? 4 * plane : 0;
  for (let c = 0; c < C; c += 8) {
    let p = source + c;
    for (let out = v, end = v + planes; out < end; out += plane) {
      const d0 = v128.load8x8_s(p), d1 = v128.load8x8_s(p + row), d2 = v128.load8x8_s(p + 2 * row);
      const d3 = v128.load8x8_s(p + 3 * row), d4 = v128.load8x8_s(p + row4), d5 = v128.load8x8_s(p + row4 + row);
      transformInputs(out, planes, t, d0, d1, d2, d3, d4, d5);
      p += pixel;
    }
    p = v;
    for (let y = lines; y > 0; y--) {
      const d0 = v128.load(p), d1 = v128.load(p + plane), d2 = v128.load(p + 2 * plane);
      const d3 = v128.load(p + 3 * plane), d4 = v128.load(p + plane4), d5 = v128.load(p + plane4 + plane);
      transformInputs(p, plane, t, d0, d1, d2, d3, d4, d5);
      p += planes;
    }
    v += 16;
  }
}

/** The t + 2 vectors of i16 that are G times three, `step` bytes apart */
@inline
function transformWeights(u: usize, step: usize, t: i32, w0: v128, w1: v128, w2: v128): void {
  let sum = i16x8.add(w0, w2);
  v128.store(u + step, i16x8.add(sum, w1));
  v128.store(u + 2 * step, i16x8.sub(sum, w1));
  let first = i16x8.shl(w0, 1), last = i16x8.shl(w2, 1);
  if (t == 4) {
    sum = i16x8.add(w0, i16x8.shl(w2, 2));
    w1 = i16x8.shl(w1, 1);
    v128.store(u + 3 * step, i16x8.add(sum, w1));
    v128.store(u + 4 * step, i16x8.sub(sum, w1));
    first = i16x8.add(first, i16x8.shl(first, 1));
    last = i16x8.add(last, i16x8.shl(last, 1));
  }
  v128.store(u, first);
  v128.store(u + (t + 1) * step, last);
}

/** Weights of 4 output and 2 input channels for one tap; `pair` selects their bytes. */
@inline
function tapOf(w: usize, pair: v128, zero: v128): v128 {
  return i16x8.sub(i16x8.extend_low_i8x16_s(i8x16.swizzle(v128.load(w), pair)), zero);
}

/** w i8 [taps·C/4][8][4], a panel as stored in the file → u of its 8 channels */
export function winograd_weights(w: usize, zeroPoint: i32, C: i32, t: i32, columns: i32, u: usize, plane: usize): void {
  const zero = i16x8.splat(<i16>zeroPoint);
  const tap = C << 3;
  const planes = columns * plane;
  // the bytes of input channels 0 and 1 of a quad, for 4 output channels
  const first = i8x16(0, 1, 4, 5, 8, 9, 12, 13, 0, 0, 0, 0, 0, 0, 0, 0);
  for (let i = 0; i < C; i++) {
    // [C/4][pair][half] in the order of u; the halves of a quad are together in w
    const pair = i8x16.add(first, i8x16.splat(<i8>(i & 2)));
    let p = w + (i >> 2 << 5) + ((i & 1) << 4);
    if (columns == 1) {
      const w1 = tapOf(p + tap, pair, zero), w2 = tapOf(p + 2 * tap, pair, zero);
      transformWeights(u, plane, t, tapOf(p, pair, zero), w1, w2);
    } else {
      for (let x = 0; x < 3; x++) {
        const w1 = tapOf(p + 3 * tap, pair, zero), w2 = tapOf(p + 6 * tap, pair, zero);
        transformWeights(u + x * plane, planes, t, tapOf(p, pair, zero), w1, w2);
        p += tap;
      }
      p = u;
      for (let y = columns; y > 0; y--) {
        transformWeights(p, plane, t, v128.load(p), v128.load(p + plane), v128.load(p + 2 * plane));
        p += planes;
      }
    }
    u += 16;
  }
}

/** Replaces the first t of t + 2 vectors of i32, `step` bytes apart, by Aᵀ times them. */
@inline
function transformSums(m: usize, step: usize, t: i32): void {
  const m0 = v128.load(m), m1 = v128.load(m + step), m2 = v128.load(m + 2 * step), m3 = v128.load(m + 3 * step);
  let even = i32x4.add(m1, m2);
  const odd = i32x4.sub(m1, m2);
  if (t == 2) {
    v128.store(m, i32x4.add(m0, even));
    v128.store(m + step, i32x4.sub(odd, m3));
  } else {
    const m4 = v128.load(m + 4 * step);
    const sum = i32x4.add(m3, m4), difference = i32x4.sub(m3, m4);
    v128.store(m, i32x4.add(i32x4.sub(m0, i32x4.shl(even, 2)), sum));
    v128.store(m + step, i32x4.sub(difference, i32x4.shl(odd, 1)));
    v128.store(m + 2 * step, i32x4.sub(sum, even));
    even = i32x4.add(i32x4.shl(difference, 1), v128.load(m + 5 * step));
    v128.store(m + 3 * step, i32x4.sub(even, odd));
  }
}

/** Outputs of four channels, from their sums times 2^k */
@inline
function requantizeSums(y: v128, k: i32, bias: v128, scale: v128, low: v128, magic: v128, back: v128): v128 {
  return requantize4(i32x4.add(i32x4.shr_s(y, k), bias), scale, low, magic, back);
}

/**
 * A row of t outputs, i8 [t][4] of four channels, from t + 2 vectors of i32, `step` bytes apart.
 * The products with Aᵀ are the sums times 4 (t = 2), or multiplied by `inverse`, the sums times
 * 2^(k + 2), 2^(k + 1), 2^k and 2^k (t = 4).
 */
@inline
function outputsOf(
  m: usize,
  step: usize,
  t: i32,
  inverse: v128,
  k: i32,
  bias: v128,
  scale: v128,
  low: v128,
  magic: v128,
  back: v128,
  high: v128,
): v128 {
  const m0 = v128.load(m), m1 = v128.load(m + step), m2 = v128.load(m + 2 * step), m3 = v128.load(m + 3 * step);
  const even = i32x4.add(m1, m2), odd = i32x4.sub(m1, m2);
  let q0: v128, q1: v128;
  if (t == 2) {
    const y0 = requantizeSums(i32x4.add(m0, even), 2, bias, scale, low, magic, back);
    const y1 = requantizeSums(i32x4.sub(odd, m3), 2, bias, scale, low, magic, back);
    q0 = i16x8.narrow_i32x4_s(y0, y1);
    q1 = q0;
  } else {
    const m4 = v128.load(m + 4 * step), m5 = v128.load(m + 5 * step);
    const sum = i32x4.add(m3, m4), difference = i32x4.sub(m3, m4);
    let y0 = i32x4.mul(i32x4.add(i32x4.sub(m0, i32x4.shl(even, 2)), sum), inverse);
    let y1 = i32x4.mul(i32x4.sub(difference, i32x4.shl(odd, 1)), inverse);
    y0 = requantizeSums(y0, k + 2, bias, scale, low, magic, back);
    y1 = requantizeSums(y1, k + 1, bias, scale, low, magic, back);
    q0 = i16x8.narrow_i32x4_s(y0, y1);
    y0 = i32x4.mul(i32x4.sub(sum, even), inverse);
    y1 = i32x4.mul(i32x4.sub(i32x4.add(i32x4.shl(difference, 1), m5), odd), inverse);
    y0 = requantizeSums(y0, k, bias, scale, low, magic, back);
    y1 = requantizeSums(y1, k, bias, scale, low, magic, back);
    q1 = i16x8.narrow_i32x4_s(y0, y1);
  }
  return narrowBelow(q0, q1, high);
}

/**
 * The outputs of tiles, requantized.
 *
 * @param out - u32 [tiles][t²], or [tiles][4] for F(4, 3), addresses of the outputs of each tile,
 *   row by row; `lanes` (1 to 8) bytes are written from byte `channel` on.
 * @param range - i32 [3] zero point, minimum and maximum of the output.
 */
export function winograd_output(
  m: usize,
  plane: usize,
  tiles: i32,
  t: i32,
  columns: i32,
  bias: usize,
  scale: usize,
  out: usize,
  channel: i32,
  lanes: i32,
  range: usize,
): void {
  const zeroPoint = load<i32>(range);
  const low = f32x4.splat(<f32>(load<i32>(range, 4) - zeroPoint));
  const high = i8x16.splat(<i8>load<i32>(range, 8));
  const magic = requantizeMagic(zeroPoint);
  const back = requantizeZero(zeroPoint);
  const isLine = columns == 1;
  const inverse = i32x4.splat(isLine ? THIRD : NINTH);
  const planes = columns * plane;
  const rows = isLine ? 1 : t;
  for (; tiles > 0; tiles--) {
    if (!isLine) {
      for (let x = m, end = m + planes; x < end; x += plane) {
        for (let half = x; half < x + 32; half += 16) transformSums(half, planes, t);
      }
    }
    for (let y = 0; y < rows; y++) {
      const p = m + y * planes;
      // rows of 4×4 outputs are multiplied by 2^3, 2^2, 2 and 2, too
      const k = isLine ? 1 : max(2, 4 - y);
      let first = magic, last = magic;
      for (let half = 0; half < 32; half += 16) {
        first = last;
        const b = v128.load(bias + half), s = v128.load(scale + half);
        last = outputsOf(p + half, plane, t, inverse, k, b, s, low, magic, back, high);
      }
      let q = i32x4.shuffle(first, last, 0, 4, 1, 5);
      for (let x = t; x > 0; x -= 2) {
        const to0 = load<usize>(out) + channel, to1 = load<usize>(out, 4) + channel;
        if (lanes == 8) {
          v128.store64_lane(to0, q, 0);
          v128.store64_lane(to1, q, 1);
        } else {
          storePart(to0, q, lanes);
          storePart(to1, i64x2.shuffle(q, q, 1, 1), lanes);
        }
        q = i32x4.shuffle(first, last, 2, 6, 3, 7);
        out += 8;
      }
    }
    m += 32;
  }
}
