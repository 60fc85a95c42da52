// Partial stores: what a vector loop writes at the end of a run. Reading a few bytes past a run is
// fine, writing is not.

/** The first `n` bytes of q, 1 to 16 and more. */
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

/** The first `n` words of x, 1 to 4 and more. */
export function storeWords(p: usize, x: v128, n: i32): void {
  if (n >= 4) {
    v128.store(p, x);
    return;
  }
  v128.store32_lane(p, x, 0);
  if (n > 1) v128.store32_lane(p, x, 1, 4);
  if (n > 2) v128.store32_lane(p, x, 2, 8);
}
