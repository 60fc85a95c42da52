// The NIBBLES section (docs/format/nibbles.md): the bytes of WEIGHTS, with 4-bit numbers two to a
// byte.
//
//   +0 u32 bytes of WEIGHTS  +4 u32 number n of ranges
//   +8 n × { u32 plain bytes, u32 blocks }, then the data

const HEADER = 8;
const RANGE = 8;
/** Bytes of WEIGHTS that a block stands for. */
const BLOCK = 32;
const HALF = BLOCK / 2;
/** The byte 0 is stored as this nibble. */
const ORIGIN = 8;
/** Blocks begin at a multiple of this, as constants do. */
const STEP = 16;

/**
 * Packs each run of 32 bytes from −8 to 7 into 16.
 *
 * @returns the NIBBLES section, which may be larger than `weights`
 */
export function packNibbles(weights: Uint8Array): Uint8Array {
  const isSmall = new Uint8Array(Math.floor(weights.length / STEP)).map((_, step) =>
    weights.subarray(step * STEP, (step + 1) * STEP).every((byte) => (byte + ORIGIN & 255) < 2 * ORIGIN) ? 1 : 0
  );
  const ranges: [plain: number, blocks: number][] = [];
  let rest = 0;
  for (let step = 0; step < isSmall.length;) {
    let end = step;
    while (isSmall[end] === 1 && isSmall[end + 1] === 1) end += BLOCK / STEP;
    if (end > step) {
      ranges.push([step * STEP - rest, (end - step) * STEP / BLOCK]);
      rest = end * STEP;
    }
    step = Math.max(end, step + 1);
  }
  const saved = ranges.reduce((sum, [, blocks]) => sum + blocks * HALF, 0);
  const section = new Uint8Array(HEADER + ranges.length * RANGE + weights.length - saved);
  const view = new DataView(section.buffer);
  [weights.length, ranges.length, ...ranges.flat()].forEach((value, i) => view.setUint32(i * 4, value, true));
  let at = HEADER + ranges.length * RANGE;
  let from = 0;
  for (const [plain, blocks] of ranges) {
    section.set(weights.subarray(from, from + plain), at);
    at += plain;
    from += plain;
    for (const end = from + blocks * BLOCK; from < end; from += BLOCK) {
      for (let i = from; i < from + HALF; i++) {
        section[at++] = (weights[i]! + ORIGIN & 15) | (weights[i + HALF]! + ORIGIN & 15) << 4;
      }
    }
  }
  section.set(weights.subarray(from), at);
  return section;
}

/**
 * Expands a NIBBLES section.
 *
 * @returns the bytes of WEIGHTS, or undefined if the section is malformed
 */
export function expandNibbles(section: Uint8Array): Uint8Array | undefined {
  const view = new DataView(section.buffer, section.byteOffset, section.length);
  if (section.length < HEADER) return undefined;
  const bytes = view.getUint32(0, true);
  const end = HEADER + view.getUint32(4, true) * RANGE;
  if (end > section.length || bytes > 2 * section.length) return undefined;
  const weights = new Uint8Array(bytes);
  let at = end;
  let to = 0;
  for (let range = HEADER; range < end; range += RANGE) {
    const plain = view.getUint32(range, true);
    const blocks = view.getUint32(range + 4, true);
    if (at + plain + blocks * HALF > section.length || to + plain + blocks * BLOCK > bytes) return undefined;
    weights.set(section.subarray(at, at += plain), to);
    to += plain;
    for (const stop = to + blocks * BLOCK; to < stop; to += BLOCK) {
      for (let i = to; i < to + HALF; i++) {
        const byte = section[at++]!;
        weights[i] = (byte & 15) - ORIGIN;
        weights[i + HALF] = (byte >> 4) - ORIGIN;
      }
    }
  }
  const rest = section.subarray(at);
  if (to + rest.length !== bytes) return undefined;
  weights.set(rest, to);
  return weights;
}
