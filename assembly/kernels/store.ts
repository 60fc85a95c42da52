// Partial vector stores for the last elements of a row. Kernels may read a few bytes past a row but
// must not write past it.

/** Stores the first n bytes of q, n ≥ 1; all 16 if n is larger. */
export function storeBytes(p: usize, q: v128, n: i32): void {
  if (n >= 16) {
    v128.store(p, q);
    return;
  }
  if ((n & 8) != 0) {
    v128.store64_lane(p, q, 0);
    q = i64x2.shuffle(q, q, 1, 1);
    p += 8;
  }
  if ((n & 4) != 0) {
    v128.store32_lane(p, q, 0);
    q = i32x4.shuffle(q, q, 1, 1, 1, 1);
    p += 4;
  }
  let bits = i32x4.extract_lane(q, 0);
  if ((n & 2) != 0) {
    store<u16>(p, <u16>bits, 0, 1);
    bits >>= 16;
    p += 2;
  }
  if ((n & 1) != 0) store<u8>(p, <u8>bits);
}

/** Stores the first n words of x, n ≥ 1; all 4 if n is larger. */
export function storeWords(p: usize, x: v128, n: i32): void {
  if (n >= 4) {
    v128.store(p, x);
    return;
  }
  v128.store32_lane(p, x, 0);
  if (n > 1) v128.store32_lane(p, x, 1, 4);
  if (n > 2) v128.store32_lane(p, x, 2, 8);
}

/**
 * storeBytes as a call, which src/build/core.mjs does not let the compiler inline, so that the core
 * is smaller. Short loops use storeBytes: around a call, their vectors are not in registers.
 */
export function storePart(p: usize, q: v128, n: i32): void {
  storeBytes(p, q, n);
}

/** storePart, with the call only for the last bytes of a row. */
@inline
export function storeVector(p: usize, q: v128, n: i32): void {
  if (n >= 16) v128.store(p, q);
  else storePart(p, q, n);
}

/** The same for the lower 8 bytes of q. */
@inline
export function storeHalf(p: usize, q: v128, n: i32): void {
  if (n >= 8) v128.store64_lane(p, q, 0);
  else storePart(p, q, n);
}
