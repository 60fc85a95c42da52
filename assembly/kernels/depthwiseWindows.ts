import { clamp, interleaveHigh, interleaveLow } from './lanes';
import { narrowBelow, requantize4, requantizeMagic, requantizeZero } from './requantize';
import { storePart, storeWords } from './store';

// Depthwise convolution with SIMD, any filter. Lanes are channels, 8 per block. The pixels of a
// block are first copied to planes, one for each row of the image. A column of a plane has 32
// bytes:
//
//   f32  f32 [8], the pixel
//   i8   i16 [8][2], the pixel and that of the next row of the window, so that one dot product
//        adds the products of both
//
// The taps lie at the same offsets from the beginning of each window. Weights have the layout of
// the planes, column by column:
//
//   weights [taps][32 bytes]; a tap of i8 is a pair of rows, the second of an odd last pair is 0
//   bias    i32 or f32 [8] · scale f32 [8]
//   out     i8 or f32 [lanes] per output pixel
//
// Floats are added to the bias one product after the other in the order of the weights, without
// fused multiply-add, so that every flavor gives the same bits.
//
// Loop order: four outputs of a row, tap.

/** Bytes of a column of a plane */
export const COLUMN = 32;

/**
 * Copies the pixels of a row to a plane. A column outside the image gets `padding`.
 *
 * @param a address of the row at column 0, and b that of the next row of the window (i8). A row
 *   outside the image is one pixel of zero points
 * @param strideA bytes from a pixel of a to the next, 0 outside the image; strideB is that of b
 * @param ix first column; may be negative
 */
export function fill_plane(
  f32s: bool,
  a: usize,
  strideA: i32,
  b: usize,
  strideB: i32,
  ix: i32,
  inW: i32,
  padding: i32,
  out: usize,
  columns: i32,
): void {
  const outside = i16x8.splat(<i16>padding);
  a += ix * strideA;
  b += ix * strideB;
  for (; columns > 0; columns--) {
    let x = outside;
    let y = outside;
    if (<u32>ix < <u32>inW) {
      if (f32s) {
        x = v128.load(a);
        y = v128.load(a, 16);
      } else {
        const upper = v128.load8x8_s(a);
        const lower = v128.load8x8_s(b);
        x = interleaveLow(upper, lower);
        y = interleaveHigh(upper, lower);
      }
    }
    v128.store(out, x);
    v128.store(out, y, 16);
    out += COLUMN;
    a += strideA;
    b += strideB;
    ix++;
  }
}

/** acc + a·b, or acc + a₀·b₀ + a₁·b₁ for pairs of i16 */
@inline
function multiplyAdd(f32s: bool, acc: v128, a: v128, b: v128): v128 {
  if (f32s) return f32x4.add(acc, f32x4.mul(a, b));
  return i32x4.add(acc, i32x4.dot_i16x8_s(a, b));
}

/**
 * Offsets u32 [kernelW·rows] of the taps in a window, in the order of the weights. Columns are
 * `step` bytes apart, rows `pitch`.
 */
export function list_offsets(kernelW: i32, rows: i32, step: usize, pitch: usize, out: usize): void {
  for (let kx = 0; kx < kernelW; kx++) {
    for (let k = 0; k < rows; k++) {
      store<usize>(out, kx * step + k * pitch);
      out += 4;
    }
  }
}

/**
 * `count` outputs of a row, `outStep` bytes apart. The first window begins at `window`, the next
 * ones `step` bytes after each other. If there are fewer than four, four are read.
 *
 * @param range i32 [3] zero point, minimum and maximum of the output; f32 uses the last two
 */
@inline
function outputs(
  f32s: bool,
  window: usize,
  step: usize,
  offsets: usize,
  taps: i32,
  weights: usize,
  bias: usize,
  scale: usize,
  out: usize,
  outStep: usize,
  count: i32,
  lanes: i32,
  range: usize,
): void {
  const zeroPoint = load<i32>(range);
  const low = f32s ? v128.load32_splat(range, 4) : f32x4.splat(<f32>(load<i32>(range, 4) - zeroPoint));
  const high = f32s ? v128.load32_splat(range, 8) : i8x16.splat(<i8>load<i32>(range, 8));
  const magic = requantizeMagic(zeroPoint);
  const back = requantizeZero(zeroPoint);
  const end = offsets + (taps << 2);
  for (let x = 0; x < count; x += 4) {
    // the last four outputs may overlap those before
    if (x > 0 && x > count - 4) x = count - 4;
    let a0 = v128.load(bias), a1 = v128.load(bias, 16);
    let b0 = a0, b1 = a1, c0 = a0, c1 = a1, d0 = a0, d1 = a1;
    const base = window + x * step;
    let w = weights;
    for (let t = offsets; t < end; t += 4) {
      const p = base + load<usize>(t), q = p + step, r = q + step, s = r + step;
      const w0 = v128.load(w), w1 = v128.load(w, 16);
      a0 = multiplyAdd(f32s, a0, v128.load(p), w0);
      a1 = multiplyAdd(f32s, a1, v128.load(p, 16), w1);
      b0 = multiplyAdd(f32s, b0, v128.load(q), w0);
      b1 = multiplyAdd(f32s, b1, v128.load(q, 16), w1);
      c0 = multiplyAdd(f32s, c0, v128.load(r), w0);
      c1 = multiplyAdd(f32s, c1, v128.load(r, 16), w1);
      d0 = multiplyAdd(f32s, d0, v128.load(s), w0);
      d1 = multiplyAdd(f32s, d1, v128.load(s, 16), w1);
      w += COLUMN;
    }
    const o = out + x * outStep;
    if (f32s) {
      storeFloats(o, clamp<v128>(a0, low, high), clamp<v128>(a1, low, high), lanes);
      if (count > 1) storeFloats(o + outStep, clamp<v128>(b0, low, high), clamp<v128>(b1, low, high), lanes);
      if (count > 2) storeFloats(o + 2 * outStep, clamp<v128>(c0, low, high), clamp<v128>(c1, low, high), lanes);
      if (count > 3) storeFloats(o + 3 * outStep, clamp<v128>(d0, low, high), clamp<v128>(d1, low, high), lanes);
      continue;
    }
    const s0 = v128.load(scale), s1 = v128.load(scale, 16);
    const a = i16x8.narrow_i32x4_s(requantize4(a0, s0, low, magic, back), requantize4(a1, s1, low, magic, back));
    const b = i16x8.narrow_i32x4_s(requantize4(b0, s0, low, magic, back), requantize4(b1, s1, low, magic, back));
    const c = i16x8.narrow_i32x4_s(requantize4(c0, s0, low, magic, back), requantize4(c1, s1, low, magic, back));
    const d = i16x8.narrow_i32x4_s(requantize4(d0, s0, low, magic, back), requantize4(d1, s1, low, magic, back));
    const q0 = narrowBelow(a, b, high);
    const q1 = narrowBelow(c, d, high);
    if (lanes == 8 && count > 3) {
      v128.store64_lane(o, q0, 0);
      v128.store64_lane(o + outStep, q0, 1);
      v128.store64_lane(o + 2 * outStep, q1, 0);
      v128.store64_lane(o + 3 * outStep, q1, 1);
    } else {
      storePart(o, q0, lanes);
      if (count > 1) storePart(o + outStep, i64x2.shuffle(q0, q0, 1, 1), lanes);
      if (count > 2) storePart(o + 2 * outStep, q1, lanes);
      if (count > 3) storePart(o + 3 * outStep, i64x2.shuffle(q1, q1, 1, 1), lanes);
    }
  }
}

@inline
function storeFloats(p: usize, x: v128, y: v128, lanes: i32): void {
  if (lanes == 8) {
    v128.store(p, x);
    v128.store(p, y, 16);
  } else {
    storePart(p, x, lanes << 2);
    if (lanes > 4) storePart(p + 16, y, (lanes - 4) << 2);
  }
}

export function depthwise_i8_windows(
  window: usize,
  step: usize,
  offsets: usize,
  taps: i32,
  weights: usize,
  bias: usize,
  scale: usize,
  out: usize,
  outStep: usize,
  count: i32,
  lanes: i32,
  range: usize,
): void {
  outputs(false, window, step, offsets, taps, weights, bias, scale, out, outStep, count, lanes, range);
}

export function depthwise_f32_windows(
  window: usize,
  step: usize,
  offsets: usize,
  taps: i32,
  weights: usize,
  bias: usize,
  scale: usize,
  out: usize,
  outStep: usize,
  count: i32,
  lanes: i32,
  range: usize,
): void {
  outputs(true, window, step, offsets, taps, weights, bias, scale, out, outStep, count, lanes, range);
}

/** w f32 [taps][8], taps `stride` bytes apart → f32 [taps][8] */
export function copy_taps_f32(w: usize, stride: usize, taps: i32, out: usize): void {
  for (; taps > 0; taps--) {
    v128.store(out, v128.load(w));
    v128.store(out, v128.load(w, 16), 16);
    w += stride;
    out += COLUMN;
  }
}
