// Small helpers that several kernels share. All of them are inlined.

/** 1.5·2^23: adding it to |x| < 2^22 leaves x, rounded half to even, in the low mantissa bits. */
export const MAGIC: f32 = 12582912.0;
/** The bits of MAGIC: subtracting them as integers from x + MAGIC gives the rounded number. */
export const MAGIC_BITS = 0x4b400000;

// ── f32, over T: one value (f32) or four lanes (v128) ───────────────────────────────────────────
//
// The comparisons are those of pmin and pmax, so that NaN and −0 give the same bits in both forms.

/** b < a ? b : a */
@inline
export function lesser<T>(a: T, b: T): T {
  if (isVector<T>()) return f32x4.pmin(a, b);
  else return b < a ? b : a;
}

/** a < b ? b : a */
@inline
export function greater<T>(a: T, b: T): T {
  if (isVector<T>()) return f32x4.pmax(a, b);
  else return a < b ? b : a;
}

/** x within [min, max]; NaN stays NaN. */
@inline
export function clamp<T>(x: T, min: T, max: T): T {
  return lesser<T>(greater<T>(x, min), max);
}

// ── integers ────────────────────────────────────────────────────────────────────────────────────

/** x within the range of i16 */
@inline
export function saturateI16(x: i32): i32 {
  return min(32767, max(-32768, x));
}

/** x within the range of i32 */
@inline
export function saturateI32(x: i64): i64 {
  return min<i64>(i32.MAX_VALUE, max<i64>(i32.MIN_VALUE, x));
}

/** x₀ + x₁ + x₂ + x₃ of i32x4 */
@inline
export function sumLanes(x: v128): i32 {
  return i32x4.extract_lane(x, 0) + i32x4.extract_lane(x, 1) + i32x4.extract_lane(x, 2) + i32x4.extract_lane(x, 3);
}

/** a₀ + a₁, a₂ + a₃, b₀ + b₁, b₂ + b₃ of i32x4 */
@inline
export function addPairs(a: v128, b: v128): v128 {
  return i32x4.add(i32x4.shuffle(a, b, 0, 2, 4, 6), i32x4.shuffle(a, b, 1, 3, 5, 7));
}

/** low − 128·high of i32x4: joins the sums of split weights (kernels/dot.ts). */
@inline
export function joinPlanes(low: v128, high: v128): v128 {
  return i32x4.sub(low, i32x4.shl(high, 7));
}

// ── shuffles ────────────────────────────────────────────────────────────────────────────────────

/** a₀ b₀ a₁ b₁ a₂ b₂ a₃ b₃ of i16x8 */
@inline
export function interleaveLow(a: v128, b: v128): v128 {
  return i16x8.shuffle(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}

/** a₄ b₄ a₅ b₅ a₆ b₆ a₇ b₇ of i16x8 */
@inline
export function interleaveHigh(a: v128, b: v128): v128 {
  return i16x8.shuffle(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}

/** a₀ b₀ … a₇ b₇ of i8x16 */
@inline
export function interleaveLowBytes(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

/** a₈ b₈ … a₁₅ b₁₅ of i8x16 */
@inline
export function interleaveHighBytes(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}
