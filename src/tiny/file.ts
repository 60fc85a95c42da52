import { FLAG_NIBBLES, SECTION_CODED, SECTION_GOLDEN, SECTION_META, SECTION_NIBBLES, SECTION_PLAN,
  SECTION_WEIGHTS } from '../format/klet';
import { expandNibbles } from '../format/nibbles';
import { crc32 } from '../js/crc32';

// Reads a `.klet` file (docs/format/file.md). Plan and weights are used in place, so a file that is
// mapped from flash takes no memory.

/** An input or output. */
export interface Port {
  name: string;
  dtype: string;
  shape: number[];
  /** Where it begins in the arena, in bytes. */
  offset: number;
  /** real = scale × (q − zeroPoint) */
  scale?: number;
  zeroPoint?: number;
}

export interface Meta {
  name: string;
  inputs: Port[];
  outputs: Port[];
  labels?: string[];
  state?: { bytes: number; initial: number; carries?: boolean };
}

/** What is needed of a file to run it. */
export interface Parts {
  meta: Meta;
  plan: Uint8Array;
  weights: Uint8Array;
  golden: Uint8Array;
  arenaBytes: number;
}

const HEADER = 32;
const ENTRY = 16;
const MOST_SECTIONS = 64;
/** Bytes of META that become characters in one call. */
const PIECE = 512;

export function fail(message: string): never {
  throw new Error('kinglet: ' + message);
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! + bytes[at + 1]! * 256 + bytes[at + 2]! * 65536 + bytes[at + 3]! * 16777216;
}

/** The characters of ASCII bytes */
function textOf(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += PIECE) {
    text += String.fromCharCode.apply(null, bytes.subarray(at, at + PIECE) as unknown as number[]);
  }
  return text;
}

/** Checks header and checksums, and returns the sections by kind. */
function sectionsOf(file: Uint8Array): Record<number, Uint8Array> {
  const damaged = 'the file is damaged; fetch or convert it again';
  if (textOf(file.subarray(0, 4)) !== 'KLET') fail('this is not a .klet file; convert the network first');
  if (file.length < HEADER) fail(damaged);
  if (file[4] !== 1 || file[5] !== 0 || (file[12]! & ~FLAG_NIBBLES) !== 0) {
    fail('the file needs a newer kinglet');
  }
  const count = word(file, 24);
  const table = HEADER + ENTRY * count;
  if (word(file, 8) !== file.length || count > MOST_SECTIONS || table > file.length) {
    fail(damaged);
  }
  if (crc32(file, HEADER, table, crc32(file, 0, 28, 0)) >>> 0 !== word(file, 28)) fail(damaged);
  const sections: Record<number, Uint8Array> = {};
  for (let entry = HEADER; entry < table; entry += ENTRY) {
    const offset = word(file, entry + 4);
    const end = offset + word(file, entry + 8);
    if (offset < table || offset % ENTRY !== 0 || end > file.length) fail(damaged);
    if (crc32(file, offset, end, 0) >>> 0 !== word(file, entry + 12)) fail(damaged);
    sections[word(file, entry)] = file.subarray(offset, end);
  }
  return sections;
}

/** The bytes at an address that all views can begin at; a copy if they are not. */
function aligned(bytes: Uint8Array): Uint8Array {
  return bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes);
}

export function readParts(file: Uint8Array): Parts {
  const sections = sectionsOf(file);
  const meta = sections[SECTION_META];
  const plan = sections[SECTION_PLAN];
  const nibbles = sections[SECTION_NIBBLES];
  const weights = nibbles ? expandNibbles(nibbles) : sections[SECTION_WEIGHTS];
  if (sections[SECTION_CODED] || !meta || !plan || !weights) {
    fail('the file is compact; convert the network without --compact, or use kinglet/js');
  }
  return {
    meta: JSON.parse(textOf(meta)) as Meta,
    plan: aligned(plan),
    weights: aligned(weights),
    golden: sections[SECTION_GOLDEN] || new Uint8Array(0),
    arenaBytes: word(file, 16),
  };
}
