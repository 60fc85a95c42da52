/**
 * Upper limit of the ratio of a section's size to its packed size, so that no file takes
 * disproportionate memory or time.
 */
export const MOST_EXPANSION = 16;

const BITS = 12;
const SLOTS = 1 << BITS;
const LOWEST = 65536;
const HEADER = 4;

/**
 * Decodes an entropy-coded section (docs/format/compressed.md, "Packed sections"). The core decodes
 * the weights; this function is for the other sections, which are a few kilobytes.
 *
 * @returns undefined if the section is malformed
 */
export function decodeSection(packed: Uint8Array): Uint8Array | undefined {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.length);
  const first = new Uint16Array(257);
  const symbols = new Uint8Array(SLOTS);
  if (packed.length < HEADER) return undefined;
  const bytes = view.getUint32(0, true);
  if (bytes > MOST_EXPANSION * packed.length) return undefined;
  let at = HEADER;
  let slots = 0;
  let empty = 0;
  const next = (): number => packed[at++] ?? SLOTS;
  for (let symbol = 0; symbol < 256; symbol++) {
    let frequency = 0;
    if (empty > 0) empty--;
    else {
      frequency = next();
      if (frequency === 0) empty = next();
      else if (frequency > 127) frequency += (next() << 7) - 128;
    }
    if (slots + frequency > SLOTS) return undefined;
    symbols.fill(symbol, slots, slots += frequency);
    first[symbol + 1] = slots;
  }
  at += -at & 3;
  if (slots < SLOTS || empty > 0 || at + 16 > packed.length) return undefined;
  const states = Uint32Array.from({ length: 4 }, (_, i) => view.getUint32(at + 4 * i, true));
  const section = new Uint8Array(bytes);
  at += 16;
  for (let i = 0; i < bytes; i++) {
    const state = states[i & 3]!;
    const slot = state & (SLOTS - 1);
    const symbol = symbols[slot]!;
    const begin = first[symbol]!;
    let rest = (first[symbol + 1]! - begin) * (state >>> BITS) + slot - begin;
    if (rest < LOWEST) {
      if (at + 2 > packed.length) return undefined;
      rest = (rest << 16 | packed[at]! | packed[at + 1]! << 8) >>> 0;
      at += 2;
    }
    states[i & 3] = rest;
    section[i] = symbol;
  }
  return at === packed.length && states.every((state) => state === LOWEST) ? section : undefined;
}
