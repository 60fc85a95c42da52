import { FOLD_MAX, FOLD_MIN, FOLD_SUM } from './fold';
import { clamp, greater, lesser, MAGIC, MAGIC_BITS } from './lanes';
import { add, div, splat } from './math';
import { narrowBelow, requantize, requantize4, requantizeMagic, requantizeZero } from './requantize';
import { storeHalf, storeVector, storeWords } from './store';

// Reduces a window of pixels to one pixel: maximum, minimum, average or sum. Lanes are channels.
//
//   window  address of channel 0 of the first pixel. `rows` × `columns` pixels, all inside the
//           image, `rowBytes` and `pixelBytes` apart
//   out     [C]
//   rows·columns ≤ 2^22, so that accumulators of i8 with an offset fit in an i32
//
// Loop order: vector of channels, row, column.

@inline
function extremeI8(
  largest: bool,
  window: usize,
  rows: i32,
  columns: i32,
  rowBytes: usize,
  pixelBytes: usize,
  out: usize,
  C: i32,
  low: i32,
  high: i32,
): void {
  if (ASC_FEATURE_SIMD) {
    const low16 = i8x16.splat(<i8>low), high16 = i8x16.splat(<i8>high);
    for (let c = 0; c < C; c += 16) {
      let s = largest ? low16 : high16;
      let row = window + c;
      for (let y = rows; y > 0; y--) {
        let p = row;
        for (let x = columns; x > 0; x--) {
          s = largest ? i8x16.max_s(s, v128.load(p)) : i8x16.min_s(s, v128.load(p));
          p += pixelBytes;
        }
        row += rowBytes;
      }
      storeVector(out + c, largest ? i8x16.min_s(s, high16) : i8x16.max_s(s, low16), C - c);
    }
  } else {
    for (let c = 0; c < C; c++) {
      let s = largest ? low : high;
      let row = window + c;
      for (let y = rows; y > 0; y--) {
        let p = row;
        for (let x = columns; x > 0; x--) {
          const q = <i32>load<i8>(p);
          s = largest ? max(s, q) : min(s, q);
          p += pixelBytes;
        }
        row += rowBytes;
      }
      store<i8>(out + c, largest ? min(s, high) : max(s, low));
    }
  }
}

/** out i8 = clamp(maximum of the window) */
export function pool_max_i8(
  window: usize,
  rows: i32,
  columns: i32,
  rowBytes: usize,
  pixelBytes: usize,
  out: usize,
  C: i32,
  low: i32,
  high: i32,
): void {
  extremeI8(true, window, rows, columns, rowBytes, pixelBytes, out, C, low, high);
}

/** out i8 = clamp(minimum of the window) */
export function pool_min_i8(
  window: usize,
  rows: i32,
  columns: i32,
  rowBytes: usize,
  pixelBytes: usize,
  out: usize,
  C: i32,
  low: i32,
  high: i32,
): void {
  extremeI8(false, window, rows, columns, rowBytes, pixelBytes, out, C, low, high);
}

/** sum / count, halves away from zero */
@inline
function average(sum: i32, count: i32): i32 {
  const half = count >> 1;
  return (sum > 0 ? sum + half : sum - half) / count;
}

/**
 * The same on four lanes. The quotient is ⌊m / count⌋ with m = |sum| + half, which is
 * (m + ½)·(1/count) − ½ rounded to nearest. For count ≤ 4096 that value is at least
 * ½/4096 = 2^−13 away from the next tie. Its error is below 2^−14, because it is less than 2^8 and
 * rounded three times.
 */
@inline
function average4(sum: v128, count: i32, reciprocal: v128): v128 {
  if (count > 4096) return averages(sum, count);
  const sign = i32x4.shr_s(sum, 31);
  const m = f32x4.convert_i32x4_s(i32x4.add(i32x4.abs(sum), i32x4.splat(count >> 1)));
  const x = f32x4.sub(f32x4.mul(f32x4.add(m, f32x4.splat(0.5)), reciprocal), f32x4.splat(0.5));
  // adding MAGIC rounds and leaves the number in the low bits
  const q = i32x4.sub(f32x4.add(x, f32x4.splat(MAGIC)), i32x4.splat(MAGIC_BITS));
  return i32x4.sub(v128.xor(q, sign), sign);
}

function averages(sum: v128, count: i32): v128 {
  let result = i32x4.splat(average(i32x4.extract_lane(sum, 0), count));
  result = i32x4.replace_lane(result, 1, average(i32x4.extract_lane(sum, 1), count));
  result = i32x4.replace_lane(result, 2, average(i32x4.extract_lane(sum, 2), count));
  return i32x4.replace_lane(result, 3, average(i32x4.extract_lane(sum, 3), count));
}

/** Columns whose sum fits in an i16: −128·256 = −2^15 */
const COLUMNS_I16 = 256;

/**
 * Accumulates a + offset over the window. Then computes the average, minus the offset and clamped
 * (`averaged`), or requantizes the sum.
 */
@inline
function sumI8(
  averaged: bool,
  window: usize,
  rows: i32,
  columns: i32,
  rowBytes: usize,
  pixelBytes: usize,
  out: usize,
  C: i32,
  offset: i32,
  scale: f32,
  zeroPoint: i32,
  low: i32,
  high: i32,
): void {
  const count = rows * columns;
  const start = count * offset;
  if (ASC_FEATURE_SIMD) {
    const lowF = f32x4.splat(<f32>(low - zeroPoint));
    const high16 = i8x16.splat(<i8>high);
    const magic = requantizeMagic(zeroPoint);
    const back = requantizeZero(zeroPoint);
    const scale4 = f32x4.splat(scale);
    const low8 = i16x8.splat(<i16>low), offset4 = i32x4.splat(offset);
    const reciprocal = f32x4.splat(1 / <f32>count);
    for (let c = 0; c < C; c += 8) {
      let s0 = i32x4.splat(start);
      let s1 = s0;
      let row = window + c;
      for (let y = rows; y > 0; y--) {
        let p = row;
        for (let left = columns; left > 0; left -= COLUMNS_I16) {
          let s = i16x8.splat(0);
          for (let x = min(left, COLUMNS_I16); x > 0; x--) {
            s = i16x8.add(s, v128.load8x8_s(p));
            p += pixelBytes;
          }
          s0 = i32x4.add(s0, i32x4.extend_low_i16x8_s(s));
          s1 = i32x4.add(s1, i32x4.extend_high_i16x8_s(s));
        }
        row += rowBytes;
      }
      let q: v128;
      if (averaged) {
        q = i16x8.narrow_i32x4_s(
          i32x4.sub(average4(s0, count, reciprocal), offset4),
          i32x4.sub(average4(s1, count, reciprocal), offset4),
        );
        q = i16x8.max_s(q, low8);
      } else {
        q = i16x8.narrow_i32x4_s(
          requantize4(s0, scale4, lowF, magic, back),
          requantize4(s1, scale4, lowF, magic, back),
        );
      }
      storeHalf(out + c, narrowBelow(q, q, high16), C - c);
    }
  } else {
    const lowF = <f32>(low - zeroPoint);
    const highF = <f32>(high - zeroPoint);
    for (let c = 0; c < C; c++) {
      let s = start;
      let row = window + c;
      for (let y = rows; y > 0; y--) {
        let p = row;
        for (let x = columns; x > 0; x--) {
          s += <i32>load<i8>(p);
          p += pixelBytes;
        }
        row += rowBytes;
      }
      store<i8>(
        out + c,
        averaged ? min(max(average(s, count) - offset, low), high) : requantize(s, scale, lowF, highF, zeroPoint),
      );
    }
  }
}

/** out i8 = clamp(average(a + offset) − offset), halves away from zero; |offset| ≤ 128 */
export function pool_average_i8(
  window: usize,
  rows: i32,
  columns: i32,
  rowBytes: usize,
  pixelBytes: usize,
  out: usize,
  C: i32,
  offset: i32,
  low: i32,
  high: i32,
): void {
  sumI8(true, window, rows, columns, rowBytes, pixelBytes, out, C, offset, 0, 0, low, high);
}

/** out i8 = requantize(Σ (a + offset), scale, zeroPoint) */
export function pool_sum_i8(
  window: usize,
  rows: i32,
  columns: i32,
  rowBytes: usize,
  pixelBytes: usize,
  out: usize,
  C: i32,
  offset: i32,
  scale: f32,
  zeroPoint: i32,
): void {
  sumI8(false, window, rows, columns, rowBytes, pixelBytes, out, C, offset, scale, zeroPoint, -128, 127);
}

@inline
function accumulate<T>(fold: i32, s: T, x: T): T {
  if (fold == FOLD_MAX) return greater<T>(s, x);
  if (fold == FOLD_MIN) return lesser<T>(s, x);
  return add<T>(s, x);
}

@inline
function finish<T>(fold: i32, s: T, count: T, low: T, high: T): T {
  if (fold == FOLD_SUM) s = div<T>(s, count);
  return clamp<T>(s, low, high);
}

@inline
function foldF32(
  fold: i32,
  window: usize,
  rows: i32,
  columns: i32,
  rowBytes: usize,
  pixelBytes: usize,
  out: usize,
  C: i32,
  count: f32,
  low: f32,
  high: f32,
): void {
  const other: f32 = fold == FOLD_MIN ? Infinity : 0;
  const first: f32 = fold == FOLD_MAX ? -Infinity : other;
  if (ASC_FEATURE_SIMD) {
    const low4 = f32x4.splat(low), high4 = f32x4.splat(high), count4 = f32x4.splat(count);
    for (let c = 0; c < C; c += 4) {
      let s = splat<v128>(first);
      let row = window + (c << 2);
      for (let y = rows; y > 0; y--) {
        let p = row;
        for (let x = columns; x > 0; x--) {
          s = accumulate<v128>(fold, s, v128.load(p));
          p += pixelBytes;
        }
        row += rowBytes;
      }
      storeWords(out + (c << 2), finish<v128>(fold, s, count4, low4, high4), C - c);
    }
  } else {
    for (let c = 0; c < C; c++) {
      let s = first;
      let row = window + (c << 2);
      for (let y = rows; y > 0; y--) {
        let p = row;
        for (let x = columns; x > 0; x--) {
          s = accumulate<f32>(fold, s, load<f32>(p));
          p += pixelBytes;
        }
        row += rowBytes;
      }
      store<f32>(out + (c << 2), finish<f32>(fold, s, count, low, high));
    }
  }
}

/** out f32 = clamp(Σ a / count), added in the order of the pixels */
export function pool_average_f32(
  window: usize,
  rows: i32,
  columns: i32,
  rowBytes: usize,
  pixelBytes: usize,
  out: usize,
  C: i32,
  count: f32,
  low: f32,
  high: f32,
): void {
  foldF32(FOLD_SUM, window, rows, columns, rowBytes, pixelBytes, out, C, count, low, high);
}

export function pool_max_f32(
  window: usize,
  rows: i32,
  columns: i32,
  rowBytes: usize,
  pixelBytes: usize,
  out: usize,
  C: i32,
  low: f32,
  high: f32,
): void {
  foldF32(FOLD_MAX, window, rows, columns, rowBytes, pixelBytes, out, C, 1, low, high);
}

export function pool_min_f32(
  window: usize,
  rows: i32,
  columns: i32,
  rowBytes: usize,
  pixelBytes: usize,
  out: usize,
  C: i32,
  low: f32,
  high: f32,
): void {
  foldF32(FOLD_MIN, window, rows, columns, rowBytes, pixelBytes, out, C, 1, low, high);
}
