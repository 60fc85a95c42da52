// Decoder of entropy-coded bytes: static range asymmetric numeral systems (J. Duda,
// arXiv:1311.2540) with probabilities in units of 1/4096. Byte i of each group of 4 is decoded from
// state i. The four states do not depend on each other, so that their instructions overlap.
//
//   state  u32 x [4], each 2^16 … 2^32 − 1 │ u32 address of the next u16 │ u32 end
//   table  u8 [4096] the symbol of each slot
//          u32 [256] frequency │ first slot << 16 of each symbol
export const RANS_BITS = 12;
export const RANS_LOWEST: u32 = 65536;
export const RANS_NEXT = 16;
export const RANS_END = 20;
export const RANS_STATE_BYTES = 24;
const SLOTS = (1 << RANS_BITS) - 1;
const SYMBOLS = 1 << RANS_BITS;
export const RANS_TABLE_BYTES = SYMBOLS + 1024;

/** The state after a symbol, before renormalization */
@inline
function after(x: u32, table: usize, symbol: u32): u32 {
  const entry = load<u32>(table + (<usize>symbol << 2), SYMBOLS);
  return (entry & 0xffff) * (x >> RANS_BITS) + (x & SLOTS) - (entry >> 16);
}

/**
 * Decodes `quads` groups of 4 bytes. The bytes of a group are `step` bytes apart in out, the groups
 * `stride` bytes. Reads up to 8 bytes past the end.
 *
 * @returns false if the coded bytes ended too early
 */
export function rans_decode(state: usize, table: usize, out: usize, quads: i32, step: usize, stride: usize): bool {
  let x0 = load<u32>(state);
  let x1 = load<u32>(state, 4);
  let x2 = load<u32>(state, 8);
  let x3 = load<u32>(state, 12);
  let p = load<usize>(state, RANS_NEXT);
  const end = load<usize>(state, RANS_END);
  const step3 = step * 3;
  for (; quads > 0; quads--) {
    if (p > end) return false;
    const s0 = <u32>load<u8>(table + (x0 & SLOTS)), s1 = <u32>load<u8>(table + (x1 & SLOTS)),
      s2 = <u32>load<u8>(table + (x2 & SLOTS)), s3 = <u32>load<u8>(table + (x3 & SLOTS));
    store<u8>(out, s0);
    store<u8>(out + step, s1);
    store<u8>(out + (step << 1), s2);
    store<u8>(out + step3, s3);
    x0 = after(x0, table, s0);
    x1 = after(x1, table, s1);
    x2 = after(x2, table, s2);
    x3 = after(x3, table, s3);
    // no branches, because the state that must be refilled is unpredictable
    let low = x0 < RANS_LOWEST;
    x0 = select<u32>(x0 << 16 | <u32>load<u16>(p), x0, low);
    p += <usize>low << 1;
    low = x1 < RANS_LOWEST;
    x1 = select<u32>(x1 << 16 | <u32>load<u16>(p), x1, low);
    p += <usize>low << 1;
    low = x2 < RANS_LOWEST;
    x2 = select<u32>(x2 << 16 | <u32>load<u16>(p), x2, low);
    p += <usize>low << 1;
    low = x3 < RANS_LOWEST;
    x3 = select<u32>(x3 << 16 | <u32>load<u16>(p), x3, low);
    p += <usize>low << 1;
    out += stride;
  }
  store<u32>(state, x0);
  store<u32>(state, x1, 4);
  store<u32>(state, x2, 8);
  store<u32>(state, x3, 12);
  store<usize>(state, p, RANS_NEXT);
  return p <= end;
}

/** Stores one byte value as `rans_decode` would with a table of one symbol. */
export function fill_lane(value: u32, out: usize, quads: i32, step: usize, stride: usize): void {
  if (step == 1) {
    const word = value * 0x01010101;
    for (; quads > 0; quads--) {
      store<u32>(out, word);
      out += stride;
    }
    return;
  }
  for (; quads > 0; quads--) {
    store<u8>(out, value);
    store<u8>(out + step, value);
    store<u8>(out + (step << 1), value);
    store<u8>(out + step * 3, value);
    out += stride;
  }
}

/** Decodes one symbol from state 0. */
export function rans_symbol(state: usize, table: usize): u32 {
  const x = load<u32>(state);
  const symbol = <u32>load<u8>(table + (x & SLOTS));
  const p = load<usize>(state, RANS_NEXT);
  const rest = after(x, table, symbol);
  const low = rest < RANS_LOWEST && p < load<usize>(state, RANS_END);
  store<u32>(state, low ? rest << 16 | <u32>load<u16>(p) : rest);
  store<usize>(state, low ? p + 2 : p, RANS_NEXT);
  return symbol;
}

/**
 * Builds a table from the list of the frequencies of symbols 0 to 255. A frequency below 128 is one
 * byte, others are two: the low 7 bits + 128, then the high bits. A 0 is followed by the number of
 * further zeros.
 *
 * @returns the address after the list, or 0 if the frequencies do not add up to 4096 or the list is
 *   longer than `end` allows
 */
export function rans_table(list: usize, end: usize, table: usize): usize {
  let slot: u32 = 0;
  for (let symbol: u32 = 0; symbol < 256; symbol++) {
    if (list + 2 > end) return 0;
    let frequency = <u32>load<u8>(list++);
    if (frequency == 0) {
      symbol += <u32>load<u8>(list++);
      continue;
    }
    if (frequency > 127) frequency = frequency & 127 | <u32>load<u8>(list++) << 7;
    if (slot + frequency > <u32>SLOTS + 1) return 0;
    store<u32>(table + (<usize>symbol << 2), frequency | slot << 16, SYMBOLS);
    memory.fill(table + slot, <u8>symbol, frequency);
    slot += frequency;
  }
  return slot == SLOTS + 1 ? list : 0;
}
