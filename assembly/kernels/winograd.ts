import { narrowBelow, requantize4, requantizeMagic, requantizeZero } from './requantize';
import { storePart } from './store';

// Integer Winograd convolution F(2×2, 3×3) (Lavin and Gray, "Fast Algorithms for Convolutional
// Neural Networks", 2015): 16 products give the 2×2 outputs of a tile, which take 36 directly.
//
//   Y = Aᵀ [ (G g Gᵀ) ⊙ (Bᵀ d B) ] A
//
//   Bᵀ = 1  0 −1  0     2·G = 2  0  0     Aᵀ = 1  1  1  0
//        0  1  1  0           1  1  1          0  1 −1 −1
//        0 −1  1  0           1 −1  1
//        0  1  0 −1           0  0  2
//
// With G doubled all numbers are whole, and the result is exactly 4·Y. A shift takes the 4 back, so
// that the bits are those of the direct product.
//
//   source  i8, 4 rows of 4 pixels of C channels, C a multiple of 8
//   v       i16 [16][tiles][C], |v| ≤ 4·128; planes are `plane` bytes apart
//   u       i16 [16][C/2][8][2], |u| ≤ 9·255: one panel of 8 output channels
//   m       i32 [16][tiles][8]; planes are `sums` bytes apart
//   |4·Y| ≤ 4·9·C·128·255 < 2^31 for C ≤ WINOGRAD_CHANNELS; partial sums may wrap around.

/** The four results of Bᵀ (x0 … x3) for planes one after the other. */
@inline
function storeRow(out: usize, plane: usize, x0: v128, x1: v128, x2: v128, x3: v128): usize {
  v128.store(out, i16x8.sub(x0, x2));
  out += plane;
  v128.store(out, i16x8.add(x1, x2));
  out += plane;
  v128.store(out, i16x8.sub(x2, x1));
  out += plane;
  v128.store(out, i16x8.sub(x1, x3));
  return out + plane;
}

/** v = Bᵀ d B of one tile. Rows of the source are `row` bytes apart and pixels `pixel` bytes. */
export function winograd_input(source: usize, row: usize, pixel: usize, C: i32, v: usize, plane: usize): void {
  for (let c = 0; c < C; c += 8) {
    let p0 = source + c;
    let p1 = p0 + row;
    let p2 = p1 + row;
    let p3 = p2 + row;
    let d0 = v128.load8x8_s(p0), d1 = v128.load8x8_s(p1), d2 = v128.load8x8_s(p2), d3 = v128.load8x8_s(p3);
    const a0 = i16x8.sub(d0, d2), b0 = i16x8.add(d1, d2), c0 = i16x8.sub(d2, d1), e0 = i16x8.sub(d1, d3);
    d0 = v128.load8x8_s(p0 += pixel);
    d1 = v128.load8x8_s(p1 += pixel);
    d2 = v128.load8x8_s(p2 += pixel);
    d3 = v128.load8x8_s(p3 += pixel);
    const a1 = i16x8.sub(d0, d2), b1 = i16x8.add(d1, d2), c1 = i16x8.sub(d2, d1), e1 = i16x8.sub(d1, d3);
    d0 = v128.load8x8_s(p0 += pixel);
    d1 = v128.load8x8_s(p1 += pixel);
    d2 = v128.load8x8_s(p2 += pixel);
    d3 = v128.load8x8_s(p3 += pixel);
    const a2 = i16x8.sub(d0, d2), b2 = i16x8.add(d1, d2), c2 = i16x8.sub(d2, d1), e2 = i16x8.sub(d1, d3);
    d0 = v128.load8x8_s(p0 + pixel);
    d1 = v128.load8x8_s(p1 + pixel);
    d2 = v128.load8x8_s(p2 + pixel);
    d3 = v128.load8x8_s(p3 + pixel);
    const a3 = i16x8.sub(d0, d2), b3 = i16x8.add(d1, d2), c3 = i16x8.sub(d2, d1), e3 = i16x8.sub(d1, d3);
    let out = storeRow(v + (c << 1), plane, a0, a1, a2, a3);
    out = storeRow(out, plane, b0, b1, b2, b3);
    out = storeRow(out, plane, c0, c1, c2, c3);
    storeRow(out, plane, e0, e1, e2, e3);
  }
}

/** The four results of 2·G (x0, x1, x2) for planes one after the other. */
@inline
function storeWeights(out: usize, plane: usize, x0: v128, x1: v128, x2: v128): usize {
  const sum = i16x8.add(x0, x2);
  v128.store(out, i16x8.add(x0, x0));
  out += plane;
  v128.store(out, i16x8.add(sum, x1));
  out += plane;
  v128.store(out, i16x8.sub(sum, x1));
  out += plane;
  v128.store(out, i16x8.add(x2, x2));
  return out + plane;
}

/** Weights of 4 output and 2 input channels for one tap; `pair` selects their bytes. */
@inline
function tapOf(w: usize, pair: v128, zero: v128): v128 {
  return i16x8.sub(i16x8.extend_low_i8x16_s(i8x16.swizzle(v128.load(w), pair)), zero);
}

/** u = 4·G g Gᵀ for 4 output and 2 input channels. Taps are `tap` bytes apart. */
function transform_weights(w: usize, tap: usize, pair: v128, zero: v128, out: usize, plane: usize): void {
  const g00 = tapOf(w, pair, zero), g01 = tapOf(w += tap, pair, zero), g02 = tapOf(w += tap, pair, zero);
  const g10 = tapOf(w += tap, pair, zero), g11 = tapOf(w += tap, pair, zero), g12 = tapOf(w += tap, pair, zero);
  const g20 = tapOf(w += tap, pair, zero), g21 = tapOf(w += tap, pair, zero), g22 = tapOf(w + tap, pair, zero);
  const s0 = i16x8.add(g00, g20), s1 = i16x8.add(g01, g21), s2 = i16x8.add(g02, g22);
  out = storeWeights(out, plane, i16x8.add(g00, g00), i16x8.add(g01, g01), i16x8.add(g02, g02));
  out = storeWeights(out, plane, i16x8.add(s0, g10), i16x8.add(s1, g11), i16x8.add(s2, g12));
  out = storeWeights(out, plane, i16x8.sub(s0, g10), i16x8.sub(s1, g11), i16x8.sub(s2, g12));
  storeWeights(out, plane, i16x8.add(g20, g20), i16x8.add(g21, g21), i16x8.add(g22, g22));
}

/** w i8 [9·C/4][8][4], a panel as stored in the file → u of its 8 channels */
export function winograd_weights(w: usize, zeroPoint: i32, C: i32, u: usize): void {
  const zero = i16x8.splat(<i16>zeroPoint);
  const tap = C << 3;
  // the bytes of input channels 0 and 1 of a quad, for 4 output channels
  const first = i8x16(0, 1, 4, 5, 8, 9, 12, 13, 0, 0, 0, 0, 0, 0, 0, 0);
  for (let i = 0; i < C; i++) {
    // [C/4][pair][half] in the order of u; the halves of a quad are together in w
    const pair = i8x16.add(first, i8x16.splat(<i8>(i & 2)));
    transform_weights(w + (i >> 2 << 5) + ((i & 1) << 4), tap, pair, zero, u + (i << 4), C << 4);
  }
}

/** x0 + x1 + x2 */
@inline
function firstOf(x0: v128, x1: v128, x2: v128): v128 {
  return i32x4.add(i32x4.add(x0, x1), x2);
}

/** x1 − x2 − x3 */
@inline
function secondOf(x1: v128, x2: v128, x3: v128): v128 {
  return i32x4.sub(i32x4.sub(x1, x2), x3);
}

/** The first number of Aᵀ m in a column; rows are `row` bytes apart. */
@inline
function firstRow(p: usize, row: usize): v128 {
  return firstOf(v128.load(p), v128.load(p + row), v128.load(p + 2 * row));
}

/** The second one. */
@inline
function secondRow(p: usize, row: usize): v128 {
  return secondOf(v128.load(p + row), v128.load(p + 2 * row), v128.load(p + 3 * row));
}

/** A sum of 4 channels, times 4, to int8 in the lowest bytes of lanes */
@inline
function output4(x: v128, bias: v128, scale: v128, low: v128, magic: v128, back: v128): v128 {
  return requantize4(i32x4.add(i32x4.shr_s(x, 2), bias), scale, low, magic, back);
}

/**
 * The outputs of tiles, requantized.
 *
 * @param out - u32 [tiles][4] addresses of the outputs of each tile, row by row; `lanes` (1 to 8)
 *   bytes are written from byte `channel` on.
 * @param range - i32 [3] zero point, minimum and maximum of the output.
 */
export function winograd_output(
  m: usize,
  sums: usize,
  tiles: i32,
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
  const low = f32x4.splat(<f32>(min - zeroPoint));
  const high = i8x16.splat(<i8>max);
  const magic = requantizeMagic(zeroPoint);
  const back = requantizeZero(zeroPoint);
  const row = 4 * sums;
  for (; tiles > 0; tiles--) {
    let q00 = low, q01 = low, q10 = low, q11 = low;
    for (let half = 0; half < 32; half += 16) {
      const b = v128.load(bias + half);
      const s = v128.load(scale + half);
      const p0 = m + half;
      const p1 = p0 + sums;
      const p2 = p1 + sums;
      const p3 = p2 + sums;
      const f0 = firstRow(p0, row), f1 = firstRow(p1, row), f2 = firstRow(p2, row), f3 = firstRow(p3, row);
      const g0 = secondRow(p0, row), g1 = secondRow(p1, row), g2 = secondRow(p2, row), g3 = secondRow(p3, row);
      const y00 = output4(firstOf(f0, f1, f2), b, s, low, magic, back);
      const y01 = output4(secondOf(f1, f2, f3), b, s, low, magic, back);
      const y10 = output4(firstOf(g0, g1, g2), b, s, low, magic, back);
      const y11 = output4(secondOf(g1, g2, g3), b, s, low, magic, back);
      q00 = half == 0 ? y00 : i16x8.narrow_i32x4_s(q00, y00);
      q01 = half == 0 ? y01 : i16x8.narrow_i32x4_s(q01, y01);
      q10 = half == 0 ? y10 : i16x8.narrow_i32x4_s(q10, y10);
      q11 = half == 0 ? y11 : i16x8.narrow_i32x4_s(q11, y11);
    }
    const q0 = narrowBelow(q00, q01, high);
    const q1 = narrowBelow(q10, q11, high);
    if (lanes == 8) {
      v128.store64_lane(load<usize>(out) + channel, q0, 0);
      v128.store64_lane(load<usize>(out, 4) + channel, q0, 1);
      v128.store64_lane(load<usize>(out, 8) + channel, q1, 0);
      v128.store64_lane(load<usize>(out, 12) + channel, q1, 1);
    } else {
      storePart(load<usize>(out) + channel, q0, lanes);
      storePart(load<usize>(out, 4) + channel, i64x2.shuffle(q0, q0, 1, 1), lanes);
      storePart(load<usize>(out, 8) + channel, q1, lanes);
      storePart(load<usize>(out, 12) + channel, i64x2.shuffle(q1, q1, 1, 1), lanes);
    }
    m += 32;
    out += 16;
  }
}
