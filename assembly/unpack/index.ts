// Decodes the cores that a bundle carries as text (src/runtime/unpack.ts). This is a separate
// module, small enough to be embedded as hexadecimal digits. In JavaScript the same loops would
// take milliseconds, because a freshly loaded page runs them interpreted.
//
// A text is printable ASCII. Unlike base64, it compresses well, because a byte is encoded in the
// same way wherever it occurs. Each of the 87 most frequent bytes is one character. Every other
// byte is two characters, and the first of them is one of the last two of the alphabet.
//
//   0    ALPHABET u8 [128]    index of a character in the alphabet
//   256  ORDER    u8 [256]    the byte values, the most frequent first
//   512  MEANINGS u16 [128]   of a character that encodes a byte: the byte;
//                             of a prefix: the address of its 87 byte values in ORDER
//   768  free, for the host
//
// This code runs once, before any optimizing compiler reaches it, so it is written to need few
// instructions per byte.
const ALPHABET: usize = 0;
const ORDER: usize = 256;
const MEANINGS: usize = 512;
/** Number of bytes that are encoded as one character. */
const SINGLE: u32 = 87;

/** @returns the end of the bytes that it writes to `out` */
export function decode(text: usize, end: usize, out: usize): usize {
  // The alphabet is space to ~ without " $ ' < \ `, which have a meaning in string literals and
  // HTML.
  for (let c: u32 = 32, index: u32 = 0; c < 127; c++) {
    if (c == 34 || c == 36 || c == 39 || c == 60 || c == 92 || c == 96) continue;
    store<u8>(ALPHABET + c, index);
    const meaning = index < SINGLE ? <u32>load<u8>(ORDER + index) : <u32>ORDER + SINGLE * (index - SINGLE + 1);
    store<u16>(MEANINGS + (c << 1), meaning);
    index++;
  }
  for (; text < end; text++) {
    let meaning: u32 = load<u16>(MEANINGS + (<usize>load<u8>(text) << 1));
    if (meaning > 255) meaning = load<u8>(meaning + load<u8>(ALPHABET + load<u8>(++text)));
    store<u8>(out++, meaning);
  }
  return out;
}

let at: usize = 0;

function copy(to: usize, from: usize, count: u32): void {
  for (const end = to + count; to < end; to += 8, from += 8) store<u64>(to, load<u64>(from, 0, 1), 0, 1);
}

function number(): u32 {
  let value: u32 = 0;
  let shift = 0;
  let byte: u32;
  do {
    byte = load<u8>(at++);
    value |= (byte & 127) << shift;
    shift += 7;
  } while (byte > 127);
  return value;
}

/**
 * Derives one file from another. A patch is a sequence of: a count n and n literal bytes, the
 * number of bytes to copy from the other file, and the distance d from the end of the last copy to
 * this one (2·d, or −2·d − 1 for d < 0). Numbers are LEB128. Up to 7 bytes after the end of the
 * output are overwritten.
 *
 * @returns the end of the bytes that it writes to `out`
 */
export function patch(from: usize, edits: usize, end: usize, out: usize): usize {
  at = edits;
  while (at < end) {
    const literals = number();
    copy(out, at, literals);
    at += literals;
    out += literals;
    const count = number();
    const jump = number();
    from += literals + ((jump >>> 1) ^ -(jump & 1));
    copy(out, from, count);
    from += count;
    out += count;
  }
  return out;
}
