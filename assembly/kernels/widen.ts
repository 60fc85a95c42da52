import { sumLanes } from './lanes';

// Converts int8 activations and weights to what the products multiply. Activations keep their zero
// point, which is folded into the bias. Both are widened to i16, weights minus their zero point.
//
// The relaxed dot product gives the same bits on every machine only if its second operand is in 0 …
// 127 (docs/kernels/gemm.md). So either the weights are listed, and the activations stay int8, or
// the activations are split into two planes of bytes.

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

/** a i8 [n] → the row of gemv_i8_i32. May read and write up to 15 elements past n. */
@inline
export function widen_row_i8(a: usize, out: usize, plane: usize, n: i32): void {
  if (ASC_FEATURE_RELAXED_SIMD) split_i8(a, out, plane, n);
  else widen_i8_i16(a, out, n);
}

/**
 * a i8 [n] → two planes, `plane` bytes apart: a = low − 128·high, low in 0 … 127, high 0 or 1.
 * `out` may be a. May read and write up to 15 elements past n.
 */
export function split_i8(a: usize, out: usize, plane: usize, n: i32): void {
  const low = i8x16.splat(127);
  const one = i8x16.splat(1);
  for (let i = 0; i < n; i += 16) {
    const x = v128.load(a + i);
    v128.store(out + i, v128.and(x, low));
    v128.store(out + i + plane, v128.and(i16x8.shr_u(x, 7), one));
  }
}

/** Half of the range of the second operand of a relaxed dot product */
export const NARROW = 64;

/**
 * Narrow weights are within −NARROW and NARROW − 1 of this value. It is not always the zero point,
 * so that no weight is more than 127 beyond.
 */
@inline
export function middleOf(zeroPoint: i32): i32 {
  return min(max(zeroPoint, 1 - NARROW), NARROW - 1);
}

/** Offset of the ends in a listed panel, after its bias */
export const LISTED_ENDS = 32;
/** Offset of the weights in a listed panel */
export const LISTED_WEIGHTS = 48;
/** Bytes of an entry of a list */
export const LISTED_ENTRY = 36;
/** Entries that 16 weights along k of 4 channels have at most */
const MAX_ENTRIES = 4;

/**
 * A panel as second operands of relaxed dot products, all in 0 … 127 (gemm_relaxed_6x8):
 *
 *   w = narrow + rest + middle − NARROW      narrow: 0 … 2·NARROW − 1
 *
 * The rest of most weights is 0. The others are listed. An entry has up to 4 rests of each of 4
 * channels, from 16 weights along k.
 *
 *   panel  bias i32 [8] │ ends of the lists u32 [2] + 8 │ narrow u8 [quads][8][4]
 *          │ entries of channels 0 … 3 │ entries of channels 4 … 7
 *   entry  places in 16 bytes of a row u8 [4][4] │ rests i8 [4][4] │ offset of the 16 bytes u32
 *
 * If a rest is negative, a·rest = ~a·|rest| + |rest|. The last term is in the bias.
 *
 * @param w i8 [quads][8][4] as stored in the file
 * @param limit end of the room for the panel
 * @returns the number of entries, or −1 if they do not fit
 */
export function list_panel_i8(w: usize, zeroPoint: i32, quads: i32, bias: usize, panel: usize, limit: usize): i32 {
  const unsigned = i8x16.splat(-128);
  const zeros = i8x16.splat(0);
  // a weight less this is 0 … 127 if it is narrow, and negative otherwise
  const base = i8x16.splat(<i8>(middleOf(zeroPoint) - NARROW));
  // as the weights plus 128, in 0 … 255
  const low = v128.xor(base, unsigned);
  const high = i8x16.add(low, i8x16.splat(<i8>(2 * NARROW - 1)));
  const bytes = quads << 5;
  const lists = panel + LISTED_WEIGHTS + bytes;
  let entry = lists;
  for (let side: usize = 0; side < 32; side += 16) {
    const from = w + side;
    const to = panel + LISTED_WEIGHTS + side;
    let sums = v128.load(bias + side);
    for (let q = 0; q < bytes; q += 128) {
      if (entry + MAX_ENTRIES * LISTED_ENTRY > limit) return -1;
      const end = min(q + 128, bytes);
      let all = zeros;
      for (let p = q; p < end; p += 32) {
        const x = i8x16.sub(v128.load(from + p), base);
        v128.store(to + p, x);
        all = v128.or(all, x);
      }
      // most often no weight has a rest
      if (i8x16.bitmask(all) == 0) continue;
      let first = zeros, firstAt = zeros, second = zeros, secondAt = zeros;
      let at = i8x16(0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3);
      for (let p = q; p < end; p += 32) {
        const x = v128.xor(v128.load(from + p), unsigned);
        const below = i8x16.sub_sat_u(low, x);
        v128.store(to + p, i8x16.sub(i8x16.min_u(i8x16.max_u(x, low), high), low));
        let rest = i8x16.sub(i8x16.sub_sat_u(x, high), below);
        if (v128.any_true(rest)) {
          sums = i32x4.add(sums, i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(below)));
          // A rest takes its own of the four slots of the first entry, the next slot, or that slot
          // of the second entry. What is left becomes an entry of its own.
          let free = i8x16.eq(first, zeros);
          first = v128.or(first, v128.and(rest, free));
          firstAt = v128.bitselect(at, firstAt, free);
          rest = nextInGroup(v128.andnot(rest, free));
          const next = nextInGroup(at);
          free = i8x16.eq(first, zeros);
          first = v128.or(first, v128.and(rest, free));
          firstAt = v128.bitselect(next, firstAt, free);
          rest = v128.andnot(rest, free);
          free = i8x16.eq(second, zeros);
          second = v128.or(second, v128.and(rest, free));
          secondAt = v128.bitselect(next, secondAt, free);
          entry = addEntry(entry, next, v128.andnot(rest, free), q);
        }
        at = i8x16.add(at, i8x16.splat(4));
      }
      entry = addEntry(entry, firstAt, first, q);
      entry = addEntry(entry, secondAt, second, q);
    }
    store<usize>(panel + (side >> 2), entry, LISTED_ENDS);
    v128.store(panel + side, sums);
  }
  return <i32>(entry - lists) / LISTED_ENTRY;
}

/** x₁ x₂ x₃ x₀ of each four bytes */
@inline
function nextInGroup(x: v128): v128 {
  return i8x16.shuffle(x, x, 1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12);
}

/** Adds an entry if it has a rest. @returns the end of the list */
@inline
function addEntry(entry: usize, places: v128, rests: v128, q: i32): usize {
  if (!v128.any_true(rests)) return entry;
  v128.store(entry, places);
  v128.store(entry, rests, 16);
  store<i32>(entry, q >> 3, 32);
  return entry + LISTED_ENTRY;
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
