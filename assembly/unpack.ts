// Makes the bytes of a core from the text that a bundle carries (src/runtime/inlined.ts). A module of its own, small enough to be carried
// as digits: the same in JavaScript, which a fresh page interprets, takes milliseconds.
//
// A text is printable ASCII that compresses well, unlike base64: a byte keeps its place in repetitions. The commonest 87 bytes are one
// character, the others two, of which the first is one of the last two of the alphabet.
//
//   0 places u8 [128]: of a character in the alphabet    128 order u8 [256]: the byte values, commonest first    384 what the host likes
//
const PLACES: usize = 0, ORDER: usize = 128, SINGLE: u32 = 87;

@inline
function placeOf(character: usize): u32 {
  return load<u8>(PLACES + load<u8>(character));
}

/** @returns the end of the bytes that it writes to `out` */
export function decode(text: usize, end: usize, out: usize): usize {
  for (; text < end; text++) {
    let place = placeOf(text);
    if (place >= SINGLE) place = SINGLE * (place - SINGLE + 1) + placeOf(++text);
    store<u8>(out++, load<u8>(ORDER + place));
  }
  return out;
}

let at: usize = 0;

function number(): u32 {
  let value: u32 = 0, shift = 0, byte: u32;
  do {
    byte = load<u8>(at++);
    value |= (byte & 127) << shift;
    shift += 7;
  } while (byte > 127);
  return value;
}

/**
 * Makes one file of another. A patch is, again and again: a count and as many new bytes, a count of bytes to copy, and how far from where
 * the last copy would go on they lie (2·d, or −2·d − 1 for d < 0). Numbers are LEB128.
 *
 * @returns the end of the bytes that it writes to `out`
 */
export function patch(from: usize, steps: usize, end: usize, out: usize): usize {
  at = steps;
  while (at < end) {
    const fresh = number();
    for (let i: u32 = 0; i < fresh; i++) store<u8>(out++, load<u8>(at++));
    const count = number(), jump = number();
    from += fresh + ((jump >>> 1) ^ -(jump & 1));
    for (let i: u32 = 0; i < count; i++) store<u8>(out++, load<u8>(from++));
  }
  return out;
}
