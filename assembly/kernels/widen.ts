import { joinPlanes, sumLanes } from './lanes';

// Converts int8 activations and weights to the types that the products multiply: i16, or with
// relaxed SIMD two planes of bytes. Activations keep their zero point, which is folded into the
// bias. The weights' zero point is subtracted.

/** log₂ of the bytes per gathered activation: 1 (i16) or 0 (each of two planes of bytes) */
export const GATHERED: i32 = ASC_FEATURE_RELAXED_SIMD ? 0 : 1;

/**
 * a i8 [n] → out, in the type that this flavor multiplies. May read and write up to 15 elements
 * past n.
 */
@inline
export function gather_i8(a: usize, out: usize, plane: usize, n: i32): void {
  if (ASC_FEATURE_RELAXED_SIMD) split_i8(a, out, plane, n);
  else widen_i8_i16(a, out, n);
}

/** The same for n copies of a value. */
export function gather_fill(out: usize, plane: usize, value: i32, n: i32): void {
  if (ASC_FEATURE_RELAXED_SIMD) fill_split(out, plane, value, n);
  else fill_i16(out, value, n);
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
  plane: usize,
  lda: i32,
  count: i32,
): void {
  for (; count > 0; count--) {
    if (ASC_FEATURE_RELAXED_SIMD) clear_last_split(out + lda, plane);
    let from = a;
    let to = out;
    for (let run = runs; run > 0; run--) {
      gather_i8(from, to, plane, n);
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

/** Narrow weights are within −NARROW and NARROW − 1 of their zero point. */
export const NARROW = 64;

// The relaxed dot product gives the same bits on every machine only if its second operand is in 0 …
// 127 (docs/kernels/gemm.md). So activations are split, a = low − 128·high, into two planes of
// bytes that are `plane` bytes apart: low is 0 … 127, high is 0 or 1.

/** a i8 [n] → two planes. May read and write up to 15 elements past n. */
export function split_i8(a: usize, out: usize, plane: usize, n: i32): void {
  const low = i8x16.splat(127);
  const one = i8x16.splat(1);
  for (let i = 0; i < n; i += 16) {
    const x = v128.load(a + i);
    v128.store(out + i, v128.and(x, low));
    v128.store(out + i + plane, v128.and(i16x8.shr_u(x, 7), one));
  }
}

/**
 * Clears the last 4 elements before `end`. The padding of the last quad is multiplied by (weight −
 * zero point) = 0, so any value is correct, but it must be split like real data.
 */
@inline
export function clear_last_split(end: usize, plane: usize): void {
  store<u32>(end - 4, 0);
  store<u32>(end + plane - 4, 0);
}

/** Two planes of [n] = value. May write up to 15 elements past n. */
export function fill_split(out: usize, plane: usize, value: i32, n: i32): void {
  const low = i8x16.splat(<i8>(value & 127));
  const high = i8x16.splat(<i8>(value < 0));
  for (let i = 0; i < n; i += 16) {
    v128.store(out + i, low);
    v128.store(out + i + plane, high);
  }
}

/** Two planes of n elements → a i8 [n], in place of the first. Writes up to 15 elements past n. */
export function join_i8(a: usize, plane: usize, n: i32): void {
  for (const end = a + n; a < end; a += 16) v128.store(a, v128.or(v128.load(a), i16x8.shl(v128.load(a + plane), 7)));
}

/** Bytes of a listed group of 4 along k: 8·4 weights, and an offset */
export const LISTED_BYTES = 36;

/**
 * A panel as second operands of relaxed dot products, all in 0 … 127, in `passes`
 * (gemm_relaxed_6x8):
 *
 *   w − zeroPoint = above + middle − below − NARROW,  middle in 0 … 2·NARROW − 1
 *
 * Groups of 4 along k whose weights are not below, or not above the range of `middle` are left out.
 *
 * @param w i8 [quads][8][4] as stored in the file
 * @param out room for `capacity` groups. middle and above grow from its begin, below from its end,
 *   and so do their offsets. Before each group of the weights, two must be free
 * @returns the number of groups, or a number above `capacity` if they do not fit or a weight is too
 *   far away
 */
export function list_panel_i8(w: usize, zeroPoint: i32, quads: i32, out: usize, capacity: i32, passes: usize): i32 {
  const unsigned = i8x16.splat(-128);
  // as the weights plus 128, in 0 … 255
  const zero = zeroPoint + 128;
  const low = i8x16.splat(<i8>max(zero - NARROW, 0));
  const high = i8x16.splat(<i8>min(zero + NARROW - 1, 255));
  const lowest = i8x16.splat(<i8>(zero - NARROW));
  const end = out + (capacity << 5);
  let above = quads;
  let below = capacity - 1;
  let all = i8x16.splat(0);
  for (let q = 0; q < quads; q++) {
    if (above >= below) return capacity + 1;
    let hasBelow = false;
    let hasAbove = false;
    for (let half = out; half <= out + 16; half += 16) {
      const x = v128.xor(v128.load(w), unsigned);
      const under = i8x16.sub_sat_u(low, x);
      const over = i8x16.sub_sat_u(x, high);
      v128.store(half + (q << 5), i8x16.sub(i8x16.min_u(i8x16.max_u(x, low), high), lowest));
      v128.store(half + (below << 5), under);
      v128.store(half + (above << 5), over);
      hasBelow = hasBelow || v128.any_true(under);
      hasAbove = hasAbove || v128.any_true(over);
      all = v128.or(all, v128.or(under, over));
      w += 16;
    }
    store<u32>(end + (q << 2), q << 2);
    store<u32>(end + (below << 2), q << 2);
    store<u32>(end + (above << 2), q << 2);
    below -= i32(hasBelow);
    above += i32(hasAbove);
  }
  below++;
  store<usize>(passes, out + (below << 5));
  store<usize>(passes, end, 4);
  store<usize>(passes, end + (below << 2), 8);
  store<usize>(passes, out, 12);
  store<usize>(passes, out + (above << 5), 16);
  store<usize>(passes, end, 20);
  return i8x16.bitmask(all) != 0 ? capacity + 1 : above + capacity - below;
}

/** Σ a, a i8 [n], n a multiple of 4 */
export function sum_i8(a: usize, n: i32): i32 {
  const ones = i8x16.splat(1);
  let sums = i32x4.splat(0);
  const end = a + n;
  for (; a + 16 <= end; a += 16) sums = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(a), ones, sums);
  for (; a < end; a += 4) sums = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load32_zero(a), ones, sums);
  return sumLanes(sums);
}

/** Σ a of n elements in two planes, n a multiple of 4 */
export function sum_split(a: usize, plane: usize, n: i32): i32 {
  const ones = i8x16.splat(1);
  let low = i32x4.splat(0);
  let high = low;
  let i = 0;
  for (; i <= n - 16; i += 16) {
    low = i32x4.relaxed_dot_i8x16_i7x16_add_s(ones, v128.load(a + i), low);
    high = i32x4.relaxed_dot_i8x16_i7x16_add_s(ones, v128.load(a + i + plane), high);
  }
  for (; i < n; i += 4) {
    low = i32x4.relaxed_dot_i8x16_i7x16_add_s(ones, v128.load32_zero(a + i), low);
    high = i32x4.relaxed_dot_i8x16_i7x16_add_s(ones, v128.load32_zero(a + i + plane), high);
  }
  return sumLanes(joinPlanes(low, high));
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
