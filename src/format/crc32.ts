/**
 * CRC-32/ISO-HDLC as in zlib and PNG (polynomial 0xEDB88320, reflected), eight bytes per iteration.
 */

const tables = /* @__PURE__ */ makeTables();

function makeTables(): Uint32Array {
  const t = new Uint32Array(8 * 256);
  for (let i = 0; i < 256; i++) {
    let c = i;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
    t[i] = c;
  }
  for (let i = 256; i < t.length; i++) {
    const previous = t[i - 256]!;
    t[i] = (previous >>> 8) ^ t[previous & 255]!;
  }
  return t;
}

export function crc32(bytes: Uint8Array): number {
  const t = tables;
  const n = bytes.length;
  let c = ~0;
  let i = 0;
  for (; i <= n - 8; i += 8) {
    c ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    c = t[1792 + (c & 255)]! ^ t[1536 + ((c >>> 8) & 255)]! ^ t[1280 + ((c >>> 16) & 255)]! ^ t[1024 + (c >>> 24)]!
      ^ t[768 + bytes[i + 4]!]! ^ t[512 + bytes[i + 5]!]! ^ t[256 + bytes[i + 6]!]! ^ t[bytes[i + 7]!]!;
  }
  for (; i < n; i++) c = (c >>> 8) ^ t[(c ^ bytes[i]!) & 255]!;
  return ~c >>> 0;
}
