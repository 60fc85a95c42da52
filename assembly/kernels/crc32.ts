// CRC-32 (ISO-HDLC, the one of zlib and PNG: polynomial 0xEDB88320, reflected) without tables. Its
// polynomial divides x^300 + x^155 + x^117 + x^89 + 1, and so the same with every exponent times 8
// or 64: a word leaves the message when it is added to the words that lie 145, 183, 211 and 300
// further on. What is left at the end goes bit by bit. (After Russell: Chorba, 2024.)

const A = 145;
const B = 183;
const C = 211;
const D = 300;

@inline
function fold<T>(at: usize): void {
  const v = load<T>(at);
  store<T>(at, load<T>(at, A * sizeof<T>()) ^ v, A * sizeof<T>());
  store<T>(at, load<T>(at, B * sizeof<T>()) ^ v, B * sizeof<T>());
  store<T>(at, load<T>(at, C * sizeof<T>()) ^ v, C * sizeof<T>());
  store<T>(at, load<T>(at, D * sizeof<T>()) ^ v, D * sizeof<T>());
}

/** The checksum of what came before, `crc`, and of u8 [n] at `at`, which it overwrites. */
export function crc32(at: usize, n: i32, crc: u32): u32 {
  const end = at + n;
  crc = ~crc;
  if (n > D) {
    store<u32>(at, load<u32>(at) ^ crc);
    crc = 0;
    for (; at + (D + 1) * 8 <= end; at += 8) fold<u64>(at);
    for (; at + D < end; at++) fold<u8>(at);
  }
  for (; at < end; at++) {
    crc ^= load<u8>(at);
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return ~crc;
}
