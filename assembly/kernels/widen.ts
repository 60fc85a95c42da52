import { sumLanes } from './lanes';

// Converts int8 activations and weights to what the products multiply. Activations keep their zero
// point, which is folded into the bias. Both are widened to i16, weights minus their zero point.
// Relaxed SIMD multiplies bytes.

/** log₂ of the bytes per gathered activation: 1 (i16) or 0 (i8, relaxed) */
export const GATHERED: i32 = ASC_FEATURE_RELAXED_SIMD ? 0 : 1;

/** a i8 [n] → out i16, or i8 (relaxed). May read and write up to 15 elements past n. */
@inline
export function gather_i8(a: usize, out: usize, n: i32): void {
  if (ASC_FEATURE_RELAXED_SIMD) {
    for (let i = 0; i < n; i += 16) v128.store(out + i, v128.load(a + i));
  } else {
    widen_i8_i16(a, out, n);
  }
}

/** The same for n copies of a value. */
export function gather_fill(out: usize, value: i32, n: i32): void {
  if (ASC_FEATURE_RELAXED_SIMD) {
    const v = i8x16.splat(<i8>value);
    for (let i = 0; i < n; i += 16) v128.store(out + i, v);
  } else {
    fill_i16(out, value, n);
  }
}

/**
 * `count` receptive fields inside an image, `step` bytes apart, to rows `lda` bytes apart. A field
 * has `runs` runs of n activations, `stride` bytes apart.
 */
export function gather_fields_i8(
  a: usize,
  step: i32,
  stride: usize,
  runs: i32,
  n: i32,
  out: usize,
  lda: i32,
  count: i32,
): void {
  for (; count > 0; count--) {
    let from = a;
    let to = out;
    for (let run = runs; run > 0; run--) {
      gather_i8(from, to, n);
      from += stride;
      to += n << GATHERED;
    }
    a += step;
    out += lda;
  }
}

/** a i8 [n] → out i16 [n], 2-byte aligned. May read and write up to 7 elements past n. */
export function widen_i8_i16(a: usize, out: usize, n: i32): void {
  if (ASC_FEATURE_SIMD) {
    for (let i = 0; i < n; i += 8) v128.store(out + (i << 1), v128.load8x8_s(a + i));
  } else {
    for (let i = 0; i < n; i++) store<i16>(out + (i << 1), load<i8>(a + i));
  }
}

/** out i16 [n] = value. May write up to 7 elements past n. */
function fill_i16(out: usize, value: i32, n: i32): void {
  if (ASC_FEATURE_SIMD) {
    const v = i16x8.splat(<i16>value);
    for (let i = 0; i < n; i += 8) v128.store(out + (i << 1), v);
  } else {
    for (let i = 0; i < n; i++) store<i16>(out + (i << 1), value);
  }
}

/** a i8 [n] → out i16 [n] = a − zeroPoint. May read and write up to 7 elements past n. */
export function widen_less_i8_i16(a: usize, zeroPoint: i32, out: usize, n: i32): void {
  if (ASC_FEATURE_SIMD) {
    const z = i16x8.splat(<i16>zeroPoint);
    for (let i = 0; i < n; i += 8) v128.store(out + (i << 1), i16x8.sub(v128.load8x8_s(a + i), z));
  } else {
    for (let i = 0; i < n; i++) store<i16>(out + (i << 1), <i32>load<i8>(a + i) - zeroPoint);
  }
}

/** w i8 [quads][8][4], a panel as stored in the file → panel i16 [2·quads][8][2] = w − zeroPoint */
export function widen_panel_i8(w: usize, zeroPoint: i32, panel: usize, quads: i32): void {
  if (ASC_FEATURE_SIMD) {
    const z = i16x8.splat(<i16>zeroPoint);
    for (; quads > 0; quads--) {
      const w0 = i16x8.sub(v128.load8x8_s(w), z), w1 = i16x8.sub(v128.load8x8_s(w, 8), z);
      const w2 = i16x8.sub(v128.load8x8_s(w, 16), z), w3 = i16x8.sub(v128.load8x8_s(w, 24), z);
      v128.store(panel, i32x4.shuffle(w0, w1, 0, 2, 4, 6));
      v128.store(panel, i32x4.shuffle(w2, w3, 0, 2, 4, 6), 16);
      v128.store(panel, i32x4.shuffle(w0, w1, 1, 3, 5, 7), 32);
      v128.store(panel, i32x4.shuffle(w2, w3, 1, 3, 5, 7), 48);
      w += 32;
      panel += 64;
    }
  } else {
    for (; quads > 0; quads--) {
      for (let lane = 0; lane < 32; lane += 4) {
        store<i16>(panel + lane, <i32>load<i8>(w + lane) - zeroPoint);
        store<i16>(panel + lane, <i32>load<i8>(w + lane, 1) - zeroPoint, 2);
        store<i16>(panel + lane, <i32>load<i8>(w + lane, 2) - zeroPoint, 32);
        store<i16>(panel + lane, <i32>load<i8>(w + lane, 3) - zeroPoint, 34);
      }
      w += 32;
      panel += 64;
    }
  }
}

/**
 * a i8 [n] → the row of gemv_i8_i32: i16 at `out`, or i8 (relaxed), which is a itself if it needs
 * no padding. What follows a may be another thread's. May read and write up to 15 elements past n.
 */
@inline
export function rowOf(a: usize, out: usize, n: i32): usize {
  if (ASC_FEATURE_RELAXED_SIMD && (n & 3) == 0) return a;
  gather_i8(a, out, n);
  return out;
}

/**
 * Stores `factor` times the sum of each of `count` rows i8 [n]. May read up to 15 elements past the
 * last row.
 */
export function sum_rows_i8(a: usize, n: i32, count: i32, factor: i32, out: usize): void {
  // 1 for the last 1 to 16 elements, from `last` on, that are not in a whole vector before
  const whole = (n - 1) & ~15;
  const last = max(n - 16, 0);
  const places = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const from = i8x16.splat(<i8>(whole - last)), to = i8x16.splat(<i8>(n - last));
  const ones = i8x16.splat(1);
  const mask = v128.and(v128.and(i8x16.ge_s(places, from), i8x16.lt_s(places, to)), ones);
  for (; count > 0; count--) {
    let sums = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(a + last), mask, i32x4.splat(0));
    for (let i = 0; i < whole; i += 16) sums = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(a + i), ones, sums);
    store<i32>(out, factor * sumLanes(sums));
    a += n;
    out += 4;
  }
}

/** Σ a, a i8 [n], n a multiple of 4 */
export function sum_row_i8(a: usize, n: i32): i32 {
  const ones = i8x16.splat(1);
  let sums = i32x4.splat(0);
  const end = a + n;
  for (; a + 16 <= end; a += 16) sums = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(a), ones, sums);
  for (; a < end; a += 4) sums = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load32_zero(a), ones, sums);
  return sumLanes(sums);
}

/** Σ a, a i16 [n]; |a| ≤ 255, n ≤ 2^22 */
export function sum_i16(a: usize, n: i32): i32 {
  let sum = 0;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    let acc = i32x4.splat(0);
    const ones = i16x8.splat(1);
    for (; i <= n - 8; i += 8) acc = i32x4.add(acc, i32x4.dot_i16x8_s(v128.load(a + (i << 1)), ones));
    sum = sumLanes(acc);
  }
  for (; i < n; i++) sum += load<i16>(a + (i << 1));
  return sum;
}
