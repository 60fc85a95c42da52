// Makes the bytes of a core from the text that a bundle carries (src/runtime/inlined.ts). A module
// of its own, small enough to be carried as digits: the same in JavaScript, which a fresh page
// interprets, takes milliseconds.
//
// A text is printable ASCII that compresses well, unlike base64: a byte keeps its place in
// repetitions. The commonest 87 bytes are one character, the others two, of which the first is one
// of the last two of the alphabet.
//
//   0 places u8 [128]: of a character in the alphabet                    512 meanings u16 [128]: of a character that is one byte, that byte;
//   256 order u8 [256]: the byte values, commonest first                     of others, where their 87 are in the order
//   768 what the host likes
//
// No engine optimizes what runs once: each byte takes few steps.
const PLACES: usize = 0;
const ORDER: usize = 256;
const MEANINGS: usize = 512;
const SINGLE: u32 = 87;

/** @returns the end of the bytes that it writes to `out` */
export function decode(text: usize, end: usize, out: usize): usize {
  // space to ~ without what quotes, template strings and HTML give a meaning: " $ ' < \ `
  for (let c: u32 = 32, place: u32 = 0; c < 127; c++) {
    if (c == 34 || c == 36 || c == 39 || c == 60 || c == 92 || c == 96) continue;
    store<u8>(PLACES + c, place);
    store<u16>(
      MEANINGS + (c << 1),
      place < SINGLE ? <u32>load<u8>(ORDER + place) : <u32>ORDER + SINGLE * (place - SINGLE + 1),
    );
    place++;
  }
  for (; text < end; text++) {
    let meaning: u32 = load<u16>(MEANINGS + (<usize>load<u8>(text) << 1));
    if (meaning > 255) meaning = load<u8>(meaning + load<u8>(PLACES + load<u8>(++text)));
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
 * Makes one file of another. A patch is, again and again: a count and as many new bytes, a count of
 * bytes to copy, and how far from where the last copy would go on they lie (2·d, or −2·d − 1 for d
 * < 0). Numbers are LEB128. Up to 7 bytes behind the end are written too.
 *
 * @returns the end of the bytes that it writes to `out`
 */
export function patch(from: usize, steps: usize, end: usize, out: usize): usize {
  at = steps;
  while (at < end) {
    const fresh = number();
    copy(out, at, fresh);
    at += fresh;
    out += fresh;
    const count = number();
    const jump = number();
    from += fresh + ((jump >>> 1) ^ -(jump & 1));
    copy(out, from, count);
    from += count;
    out += count;
  }
  return out;
}
