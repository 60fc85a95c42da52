// CRC-32 (ISO-HDLC, as in zlib and PNG: polynomial 0xEDB88320, reflected), one byte at a time.

let table: Int32Array | undefined;

function makeTable(): Int32Array {
  const made = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) !== 0 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    made[byte] = crc;
  }
  return made;
}

/** Continues the checksum `crc` (0 for none) with the bytes in [from, to). */
export function crc32(bytes: Uint8Array, from: number, to: number, crc: number): number {
  const steps = table || (table = makeTable());
  crc = ~crc;
  for (let at = from; at < to; at++) crc = (crc >>> 8) ^ steps[(crc ^ bytes[at]!) & 255]!;
  return ~crc;
}
