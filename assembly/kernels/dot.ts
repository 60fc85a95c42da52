// int8 products with i32x4.relaxed_dot_i8x16_i7x16_add_s, which adds four products to each lane.
// Engines agree only on a second operand in 0 … 127. Beyond, an engine takes it as signed or as
// unsigned, and it may add two products in 16 bits. So activations have one of three forms, each of
// which gives Σ a·w where the instruction suits it:
//
//   unsigned  Σ a·w = Σ w·(a + 128) − 128·Σ w
//   signed    Σ a·w = Σ w·a, in 16 bits if no w is −128
//   split     Σ a·w = Σ w·(a & 127) − 128·Σ w·(a < 0 ? 1 : 0), everywhere
//
// Compilers of one engine may differ, so each kernel asks the instruction at its start, in the same
// function. Code that replaces it in the middle of a loop may add in 32 bits instead of 16
// (docs/kernels/gemm.md). Older x86 adds two products of the last form in 16 bits, at most
// 2·127·128 in absolute value, which does not saturate.

/** Activations in two planes: the low 7 bits, and 1 for negative ones */
export const DOT_SPLIT: i32 = 0;
/** Activations plus 128; the second operand is unsigned, and sums are exact */
export const DOT_UNSIGNED: i32 = 1;
/** Activations as they are; the second operand is signed, and sums are exact */
export const DOT_SIGNED: i32 = 2;
/** The same, but two products are added in 16 bits, where only 2·(−128)² does not fit */
const DOT_SIGNED_16: i32 = 3;

/**
 * How the instruction takes its second operand in this function.
 *
 * @param zero - 0, in a way that a compiler cannot know, so that it computes nothing beforehand
 */
@inline
export function probe(zero: i32): i32 {
  // −128·−128, and 127·−1 or 127·255
  const b = v128.or(i32x4(0x80808080, -1, 0, 0), i32x4.splat(zero));
  const sums = i32x4.relaxed_dot_i8x16_i7x16_add_s(i32x4(0x80808080, 0x7f7f7f7f, 0, 0), b, i32x4.splat(0));
  const sum = i32x4.extract_lane(sums, 1);
  if (sum == 4 * 127 * 255) return DOT_UNSIGNED;
  if (sum != 4 * 127 * -1) return DOT_SPLIT;
  return i32x4.extract_lane(sums, 0) == 4 * 128 * 128 ? DOT_SIGNED : DOT_SIGNED_16;
}

/** Whether the instruction, which a kernel found to be `kind`, suits activations in `form`. */
@inline
export function suits(kind: i32, form: i32, w: usize, bytes: i32): bool {
  if (kind == DOT_SIGNED_16) return form == DOT_SIGNED && !hasLowest(w, bytes);
  return kind == form;
}

/** Whether a byte of w, i8 [n], is −128; n a multiple of 32 */
function hasLowest(w: usize, n: i32): bool {
  let least = i8x16.splat(0);
  for (const end = w + n; w < end; w += 32) {
    least = i8x16.min_s(least, i8x16.min_s(v128.load(w), v128.load(w, 16)));
  }
  return v128.any_true(i8x16.eq(least, i8x16.splat(-128)));
}

/**
 * The form of activations that suits the instruction in this function, if no weight is −128.
 *
 * @param zero - as for `probe`
 */
@inline
export function formHere(zero: i32): i32 {
  return min(probe(zero), DOT_SIGNED);
}

/**
 * The form in which activations are given to a kernel. The kernel may find that another compiler
 * has translated it; then they are split.
 *
 * @param zero - as for `probe`
 */
export function dotForm(zero: i32): i32 {
  return formHere(zero);
}

/**
 * a i8 [n] → out in `form`, planes `plane` bytes apart. May read and write up to 15 elements past
 * n.
 */
export function shape_i8(a: usize, out: usize, plane: usize, n: i32, form: i32): void {
  if (form == DOT_SPLIT) return split_i8(a, out, plane, n, false);
  if (form == DOT_SIGNED && a == out) return;
  const flip = i8x16.splat(form == DOT_UNSIGNED ? -128 : 0);
  for (let i = 0; i < n; i += 16) v128.store(out + i, v128.xor(v128.load(a + i), flip));
}

/**
 * a i8 [n], or a + 128 if `isUnsigned` → two planes: a = low − 128·high. `out` may be a. May read
 * and write up to 15 elements past n.
 */
export function split_i8(a: usize, out: usize, plane: usize, n: i32, isUnsigned: bool): void {
  const flip = i8x16.splat(isUnsigned ? -128 : 0);
  const low = i8x16.splat(127);
  for (let i = 0; i < n; i += 16) {
    const x = v128.xor(v128.load(a + i), flip);
    v128.store(out + i, v128.and(x, low));
    v128.store(out + i + plane, signsOf(x));
  }
}

/** 1 for each negative byte, 0 for the others */
@inline
export function signsOf(x: v128): v128 {
  return v128.and(i16x8.shr_u(x, 7), i8x16.splat(1));
}
