/**
 * Makes one file of another. A patch is the length of the result, then until that is reached: a count and as many new bytes, a count of bytes
 * to copy, and how far from where the last copy would go on they lie (2·d, or −2·d − 1 for d < 0). Numbers are LEB128.
 */
export function applyPatch(from: Uint8Array, patch: Uint8Array): Uint8Array {
  let at = 0, source = 0, o = 0;
  const number = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = patch[at++]!;
      value |= (byte & 127) << shift;
      if (!(byte > 127)) return value;
    }
  };
  const to = new Uint8Array(number());
  while (at < patch.length) {
    const fresh = number();
    to.set(patch.subarray(at, at + fresh), o);
    at += fresh;
    const count = number(), jump = number();
    source += fresh + (jump & 1 ? -(jump + 1) / 2 : jump / 2);
    to.set(from.subarray(source, source + count), o + fresh);
    source += count;
    o += fresh + count;
  }
  return to;
}
