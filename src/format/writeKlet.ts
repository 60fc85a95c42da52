import { crc32 } from './crc32';
import { shortDebugInfo } from './debugInfo';
import { toAscii } from './json';
import { ALIGNMENT, alignUp, codedFits, ENTRY_BYTES, FLAG_NIBBLES, HEADER_BYTES, headerCrc, MAGIC, MAJOR, MINOR,
  SECTION_CODED, SECTION_DEBUG, SECTION_GOLDEN, SECTION_META, SECTION_NIBBLES, SECTION_PACKED, SECTION_PLAN,
  SECTION_WEIGHTS, u32, type KletParts } from './klet';
import { packNibbles } from './nibbles';

// Writes what klet.ts reads.

/**
 * @param pack compresses the sections other than META and the weights; `encodeSection` of the
 *   compiler
 * @returns the bytes of a `.klet` file
 */
export function writeKlet(parts: Omit<KletParts, 'minor'>, pack?: (section: Uint8Array) => Uint8Array): Uint8Array {
  const sections: [number, Uint8Array][] = [[SECTION_META, toAscii(parts.meta)]];
  const add = (kind: number, bytes: Uint8Array): void => {
    const packed = pack?.(bytes);
    sections.push(packed && packed.length < bytes.length ? [kind + SECTION_PACKED, packed] : [kind, bytes]);
  };
  add(SECTION_PLAN, parts.plan);
  const nibbles = parts.coded ? undefined : halved(parts.weights);
  if (nibbles) sections.push([SECTION_NIBBLES, nibbles]);
  else sections.push([parts.coded ? SECTION_CODED : SECTION_WEIGHTS, parts.weights]);
  if (parts.golden) add(SECTION_GOLDEN, parts.golden);
  if (parts.debugInfo) {
    add(SECTION_DEBUG, toAscii(shortDebugInfo(parts.debugInfo)));
  }
  return assemble(sections, { ...parts, flags: nibbles ? FLAG_NIBBLES : 0, version: MAJOR | (MINOR << 16) });
}

interface HeaderFields {
  flags: number;
  version: number;
  arenaBytes: number;
  scratchBytes: number;
}

/** A file of these sections, in this order. `version` is MAJOR | MINOR << 16. */
export function assemble(
  sections: readonly [kind: number, bytes: Uint8Array][],
  header: HeaderFields,
): Uint8Array<ArrayBuffer> {
  const offsets: number[] = [];
  const tableEnd = HEADER_BYTES + sections.length * ENTRY_BYTES;
  let end = tableEnd;
  for (const [, bytes] of sections) {
    const offset = alignUp(end, ALIGNMENT);
    offsets.push(offset);
    end = offset + bytes.length;
  }
  const file = new Uint8Array(end);
  const view = new DataView(file.buffer);
  const { version, flags, arenaBytes, scratchBytes } = header;
  [MAGIC, version, end, flags, arenaBytes, scratchBytes, sections.length].forEach((value, i) => {
    view.setUint32(i * 4, value, true);
  });
  sections.forEach(([kind, bytes], i) => {
    const entry = HEADER_BYTES + i * ENTRY_BYTES;
    [kind, offsets[i]!, bytes.length, crc32(bytes)].forEach((value, j) => view.setUint32(entry + j * 4, value, true));
    file.set(bytes, offsets[i]);
  });
  view.setUint32(28, headerCrc(file, tableEnd, crc32), true);
  return file;
}

/**
 * The NIBBLES section of weights, if it is at least a thirty-second and 256 bytes smaller than they
 * are. Otherwise a reader that uses the weights in place is worth more.
 */
function halved(weights: Uint8Array): Uint8Array | undefined {
  const section = packNibbles(weights);
  return weights.length - section.length >= Math.max(256, weights.length / 32) ? section : undefined;
}

/** Bytes that weights take in a file that is not entropy-coded. */
export function storedBytes(weights: Uint8Array): number {
  return halved(weights)?.length ?? weights.length;
}

/** A file with these bytes as the section of this kind, at the end, and all others as they are. */
export function withSection(file: Uint8Array, kind: number, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const table = Array.from({ length: u32(file, 24) }, (_, i) => HEADER_BYTES + i * ENTRY_BYTES);
  const sections = table.filter((entry) => u32(file, entry) !== kind).map((entry): [number, Uint8Array] => {
    const offset = u32(file, entry + 4);
    return [u32(file, entry), file.subarray(offset, offset + u32(file, entry + 8))];
  });
  return assemble([...sections, [kind, bytes]], {
    flags: u32(file, 12),
    version: u32(file, 4),
    arenaBytes: u32(file, 16),
    scratchBytes: u32(file, 20),
  });
}

/** Whether entropy-coded weights are small enough to be read, and smaller than these bytes. */
export function pays(coded: Uint8Array, weights: Uint8Array): boolean {
  return coded.length < storedBytes(weights) && codedFits(coded);
}
