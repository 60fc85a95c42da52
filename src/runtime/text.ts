// Bytes as printable ASCII that compresses well, unlike base64: a byte keeps its place in repetitions. The commonest 87 bytes are
// one character, the others two, of which the first is one of the last two of the alphabet.

const SINGLE = 87;
/** Space to ~ without what quotes, template strings and HTML give a meaning. */
const alphabet = Array.from({ length: 95 }, (_, i) => 32 + i).filter((c) => !'\'"\\`$<'.includes(String.fromCharCode(c)));
const places = new Uint8Array(128);
alphabet.forEach((c, place) => { places[c] = place; });

/**
 * @param order the 256 byte values, commonest first, as hexadecimal digits
 */
export function bytesOfText(text: string, order: string): Uint8Array {
  const bytes = new Uint8Array(text.length), values = Uint8Array.from({ length: 256 }, (_, i) => parseInt(order.slice(2 * i, 2 * i + 2), 16));
  let o = 0;
  for (let i = 0; i < text.length; i++) {
    let place = places[text.charCodeAt(i)]!;
    if (place >= SINGLE) place = SINGLE * (place - SINGLE + 1) + places[text.charCodeAt(++i)]!;
    bytes[o++] = values[place]!;
  }
  return bytes.slice(0, o);
}
