// Entropy-coded bytes: static range asymmetric numeral systems (J. Duda, arXiv:1311.2540) with probabilities of 1/4096. Four states take
// turns, so that one need not wait for the other: byte i of four comes from state i.
//
//   state  u32 x [4], each 2^16 … 2^32 − 1 │ u32 address of the next u16 │ u32 end
//   table  u32 [4096]: symbol │ (frequency − 1) << 8 │ (slot − first slot of the symbol) << 20
export const RANS_BITS = 12;
export const RANS_LOWEST: u32 = 65536;
export const RANS_NEXT = 16;
export const RANS_END = 20;
export const RANS_STATE_BYTES = 24;
export const RANS_TABLE_BYTES = 4 << RANS_BITS;
const SLOTS = (1 << RANS_BITS) - 1;

/** The state after one symbol, before it is filled up. */
@inline
function after(x: u32, entry: u32): u32 {
  return ((entry >> 8 & SLOTS) + 1) * (x >> RANS_BITS) + (entry >> 20);
}

/**
 * Decodes `quads` × 4 bytes: each four `step` bytes from one to the next, `stride` bytes between fours. Reads up to 8 bytes behind the end.
 *
 * @returns whether the coded bytes sufficed
 */
export function rans_decode(state: usize, table: usize, out: usize, quads: i32, step: usize, stride: usize): bool {
  let x0 = load<u32>(state), x1 = load<u32>(state, 4), x2 = load<u32>(state, 8), x3 = load<u32>(state, 12), p = load<usize>(state, RANS_NEXT);
  const end = load<usize>(state, RANS_END), step3 = step * 3;
  for (; quads > 0; quads--) {
    if (p > end) return false;
    const e0 = load<u32>(table + ((x0 & SLOTS) << 2)), e1 = load<u32>(table + ((x1 & SLOTS) << 2));
    const e2 = load<u32>(table + ((x2 & SLOTS) << 2)), e3 = load<u32>(table + ((x3 & SLOTS) << 2));
    store<u8>(out, e0); store<u8>(out + step, e1); store<u8>(out + (step << 1), e2); store<u8>(out + step3, e3);
    x0 = after(x0, e0); x1 = after(x1, e1); x2 = after(x2, e2); x3 = after(x3, e3);
    // without branches: which state is filled up is as good as random
    let low = x0 < RANS_LOWEST;
    x0 = select<u32>(x0 << 16 | <u32>load<u16>(p), x0, low); p += <usize>low << 1;
    low = x1 < RANS_LOWEST;
    x1 = select<u32>(x1 << 16 | <u32>load<u16>(p), x1, low); p += <usize>low << 1;
    low = x2 < RANS_LOWEST;
    x2 = select<u32>(x2 << 16 | <u32>load<u16>(p), x2, low); p += <usize>low << 1;
    low = x3 < RANS_LOWEST;
    x3 = select<u32>(x3 << 16 | <u32>load<u16>(p), x3, low); p += <usize>low << 1;
    out += stride;
  }
  store<u32>(state, x0); store<u32>(state, x1, 4); store<u32>(state, x2, 8); store<u32>(state, x3, 12); store<usize>(state, p, RANS_NEXT);
  return p <= end;
}

/** The same byte all along: as `rans_decode` with one symbol. */
export function fill_lane(value: u32, out: usize, quads: i32, step: usize, stride: usize): void {
  for (; quads > 0; quads--) {
    store<u8>(out, value); store<u8>(out + step, value); store<u8>(out + (step << 1), value); store<u8>(out + step * 3, value);
    out += stride;
  }
}

/** One symbol from state 0. */
export function rans_symbol(state: usize, table: usize): u32 {
  const x = load<u32>(state), entry = load<u32>(table + ((x & SLOTS) << 2)), p = load<usize>(state, RANS_NEXT);
  const rest = after(x, entry), low = rest < RANS_LOWEST && p < load<usize>(state, RANS_END);
  store<u32>(state, low ? rest << 16 | <u32>load<u16>(p) : rest);
  store<usize>(state, low ? p + 2 : p, RANS_NEXT);
  return entry & 255;
}

/**
 * Makes a table of the list of the symbols' frequencies: one byte for those below 128, else low 7 bits + 128 and the rest; after a 0, how many
 * more zeros follow. The list ends with symbol 255.
 *
 * @returns the address behind the list, or 0 when the frequencies do not add up to 4096 or the list does not end
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
    for (let i: u32 = 0; i < frequency; i++) store<u32>(table + (slot++ << 2), symbol | frequency - 1 << 8 | i << 20);
  }
  return slot == SLOTS + 1 ? list : 0;
}
