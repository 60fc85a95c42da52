import { describe, expect, test } from 'vitest';
import { crc32 } from '../../src/format/crc32';
import { checksumBy, compileCore } from '../../src/runtime/core';
import { everyCore } from '../../src/everyCore';
import { flavors } from '../helpers/flavors';
import { Random } from '../helpers/random';

// Compares the core's checksum with the table-driven one of src/format. test/docs compares that one
// with the check value of the CRC catalogue.

/**
 * The core switches algorithms at these lengths: from bitwise to bytewise (300 bytes), from bytes
 * to 8-byte words, and from one piece of a file to the next.
 */
const WINDOW = 300;
const PIECE = 65536 - 4096;

describe.each(flavors)('the checksum of the %s core', (flavor) => {
  const checksum = checksumBy(compileCore(everyCore[flavor]!(), 'the core'));
  const random = new Random(1);
  const noise = random.fill(new Uint8Array(3 * PIECE));

  test('is CRC-32 for all lengths around the switches', () => {
    const edges = [0, 8, WINDOW, 8 * WINDOW, 9 * WINDOW, PIECE, PIECE + WINDOW, 2 * PIECE].flatMap((edge) =>
      Array.from({ length: 21 }, (_, i) => edge + i - 10)
    ).filter((n) => n >= 0);
    for (const n of edges) {
      const at = random.int(0, 9);
      const bytes = noise.subarray(at, at + n);
      expect(checksum(bytes), `${n} bytes`).toBe(crc32(bytes));
    }
  });

  test('differs between files that differ in any one bit', () => {
    const bytes = noise.slice(0, PIECE + 5000);
    const before = checksum(bytes);
    expect(before).toBe(crc32(bytes));
    for (let round = 0; round < 200; round++) {
      const at = random.int(0, bytes.length - 1);
      const bit = 1 << random.int(0, 7);
      bytes[at]! ^= bit;
      expect(checksum(bytes), `byte ${at}`).not.toBe(before);
      bytes[at]! ^= bit;
    }
    expect(checksum(bytes), 'the bytes are unchanged').toBe(before);
  });
});
