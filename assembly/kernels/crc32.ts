// CRC-32 (ISO-HDLC, as in zlib and PNG: polynomial 0xEDB88320, reflected) without tables, after
// Russell, "Chorba", 2024.
//
// The polynomial divides x^300 + x^155 + x^117 + x^89 + 1. It also divides that sum with every
// exponent multiplied by 8 or 64. Hence a word can be removed from the message by adding it to the
// words 145, 183, 211 and 300 places later, for words of 1 or 8 bytes. The last 300 bytes are
// processed bit by bit.

const A = 145;
const B = 183;
const C = 211;
const D = 300;

@inline
function addLater<T>(at: usize): void {
  const v = load<T>(at);
  store<T>(at, load<T>(at, A * sizeof<T>()) ^ v, A * sizeof<T>());
  store<T>(at, load<T>(at, B * sizeof<T>()) ^ v, B * sizeof<T>());
  store<T>(at, load<T>(at, C * sizeof<T>()) ^ v, C * sizeof<T>());
  store<T>(at, load<T>(at, D * sizeof<T>()) ^ v, D * sizeof<T>());
}

/**
 * Continues the checksum `crc` (0 for none) with u8 [n] at `at`. The bytes are overwritten.
 */
export function crc32(at: usize, n: i32, crc: u32): u32 {
  const end = at + n;
  crc = ~crc;
  if (n > D) {
    store<u32>(at, load<u32>(at) ^ crc);
    crc = 0;
    for (; at + (D + 1) * 8 <= end; at += 8) addLater<u64>(at);
    for (; at + D < end; at++) addLater<u8>(at);
  }
  for (; at < end; at++) {
    crc ^= load<u8>(at);
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return ~crc;
}
