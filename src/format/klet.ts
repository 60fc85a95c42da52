import * as L from '../../assembly/layout';
import { checkOptions, type Options } from '../arguments';
import { describeValue, KletError } from '../errors';
import { TOOL_MEMORY } from '../limits';
import { crc32 } from './crc32';
import { debugInfoOf, type DebugInfo } from './debugInfo';
import { fromAscii } from './json';
import { checkMeta, checkState, type Meta, type TensorInfo } from './meta';
import { expandNibbles } from './nibbles';
import { decodeSection, MOST_EXPANSION } from './rans';

// docs/format/ specifies a file, which these functions read and those of writeKlet.ts write.
//
//   0   4  "KLET"                      16  u32 arena bytes
//   4  u16 major  6 u16 minor          20  u32 scratch bytes
//   8  u32 length of the file          24  u32 number of sections n
//  12  u32 flags                       28  u32 CRC-32 of bytes 0..28 and of the section table
//  32 n × { u32 kind, u32 offset, u32 length, u32 CRC-32 }, then the sections, each 16-byte aligned

export const MAJOR = 1;
export const MINOR = 0;
export const HEADER_BYTES = 32;
export const ENTRY_BYTES = 16;
export const ALIGNMENT = 16;
const MAX_SECTIONS = 64;
export const MAGIC = 0x54454c4b;

export const SECTION_META = 1;
export const SECTION_PLAN = 2;
export const SECTION_WEIGHTS = 3;
export const SECTION_GOLDEN = 4;
export const SECTION_DEBUG = 5;
/** Entropy-coded weights (assembly/layout.ts, CODED_), in place of SECTION_WEIGHTS. */
export const SECTION_CODED = 6;
/** The weights with 4-bit numbers two to a byte (nibbles.ts), in place of SECTION_WEIGHTS. */
export const SECTION_NIBBLES = 7;
/** Ed25519 signatures of the file (signature.ts). */
export const SECTION_SIGNATURE = 8;
/** Added to the kind of a PLAN, GOLDEN or DEBUG section that is entropy-coded (rans.ts). */
export const SECTION_PACKED = 16;

/** The flag of files with a NIBBLES section, which readers without it must refuse. */
export const FLAG_NIBBLES = 1;
const KNOWN_FLAGS = FLAG_NIBBLES;

/** An input or output with its offset in the arena. */
export interface ArenaTensor extends TensorInfo {
  offset: number;
}

/** The state: the first `bytes` of the arena, which persist between predictions. */
export interface StateInfo {
  bytes: number;
  /** Offset of the initial state in the WEIGHTS section. */
  initial: number;
  /**
   * Whether each prediction continues from the previous one. Otherwise each takes a whole sequence.
   */
  carries?: boolean;
  /** The state tensors, for tools. */
  tensors: { name: string; dtype: string; shape: number[]; offset: number; scale?: number; zeroPoint?: number }[];
}

/**
 * The parts of a file. `plan`, `weights` and `golden` are views of the file's bytes unless they are
 * packed there.
 */
export interface KletParts {
  meta: Meta & { inputs: ArenaTensor[]; outputs: ArenaTensor[]; state?: StateInfo };
  plan: Uint8Array;
  /** The weights; as stored in the file if they are entropy-coded. */
  weights: Uint8Array;
  /** Whether the weights are entropy-coded. */
  coded?: boolean;
  arenaBytes: number;
  /** Scratch size for the core that compiled the file; another core may need more. */
  scratchBytes: number;
  /** Minor version of the file's format. */
  minor: number;
  golden?: Uint8Array;
  debugInfo?: DebugInfo;
}

export interface ReadKletOptions {
  /**
   * Upper limit of the memory that the network takes, and of what its packed sections unpack to, in
   * bytes (default: 1 GiB).
   */
  maxMemory?: number;
}

/**
 * Parses a file and checks everything that can be checked without running it: magic, version,
 * lengths, checksums, and that inputs and outputs lie in the arena.
 *
 * @throws KletError `BAD_MAGIC`, `BAD_VERSION`, `CORRUPT` or `OUT_OF_MEMORY`
 */
export function readKlet(file: Uint8Array, name?: string, options: ReadKletOptions = {}): KletParts {
  const where = typeof name === 'string' ? name : 'the model';
  checkOptions(options, { maxMemory: 'number' } satisfies Options<ReadKletOptions>, 'readKlet()');
  const { maxMemory = TOOL_MEMORY } = options;
  if (!(file instanceof Uint8Array)) {
    throw new KletError('BAD_ARGUMENT', `readKlet takes the bytes of a file as Uint8Array, not ${describeValue(file)}`);
  }
  const { readDebug, readGolden, ...parts } = openKlet(file, where, crc32, maxMemory);
  const debugInfo = debugInfoOf({ readDebug });
  const golden = readGolden();
  return { ...parts, ...(golden && { golden }), ...(debugInfo && { debugInfo }) };
}

/**
 * The parts of a file, with debug info and golden vectors decoded on demand, because a page that
 * only runs a model does not need them.
 */
export interface OpenedKlet extends Omit<KletParts, 'debugInfo' | 'golden'> {
  /** The JSON of the debug info, for `debugInfoOf`. */
  readDebug: () => Uint8Array | undefined;
  /** The name of a record, for error messages. Audio worklets do without. */
  recordName?: (index: number) => string | undefined;
  /** @throws KletError `CORRUPT` */
  readGolden: () => Uint8Array | undefined;
}

/**
 * `readKlet` with the given CRC-32 function. The core has a faster one, and a page should not carry
 * two.
 *
 * @param maxMemory is compared with what the file claims before a section is unpacked
 */
export function openKlet(file: Uint8Array, where: string, checksum: Checksum, maxMemory: number): OpenedKlet {
  const corrupt = damage(where);
  const length = checkStart(file, where);
  const count = u32(file, 24);
  const tableEnd = HEADER_BYTES + count * ENTRY_BYTES;
  if (length !== file.length) throw corrupt(`the header says ${length} bytes, there are ${file.length}`);
  if (count > MAX_SECTIONS || tableEnd > file.length) throw corrupt(`it claims ${count} sections`);
  if (headerCrc(file, tableEnd, checksum) !== u32(file, 28)) throw corrupt('the checksum of its header does not match');
  const unknown = u32(file, 12) & ~KNOWN_FLAGS;
  if (unknown !== 0) {
    throw new KletError(
      'BAD_VERSION',
      `${where} uses features (flags ${unknown >>> 0}) that this kinglet does not know; update kinglet`,
    );
  }
  const sections = new Map<number, Uint8Array>();
  for (let i = 0; i < count; i++) {
    const at = HEADER_BYTES + i * ENTRY_BYTES;
    const kind = u32(file, at);
    const offset = u32(file, at + 4);
    const bytes = u32(file, at + 8);
    if (offset < tableEnd || offset % ALIGNMENT !== 0 || offset + bytes > file.length) {
      throw corrupt(`section ${i} (kind ${kind}) lies outside the file`);
    }
    const section = file.subarray(offset, offset + bytes);
    if (checksum(section) !== u32(file, at + 12)) {
      throw corrupt(`the checksum of section ${i} (kind ${kind}) does not match`);
    }
    if (sections.has(kind)) throw corrupt(`it has two sections of kind ${kind}`);
    sections.set(kind, section);
  }
  for (const kind of [SECTION_PLAN, SECTION_GOLDEN, SECTION_DEBUG]) {
    if (sections.has(kind) && sections.has(kind + SECTION_PACKED)) {
      throw corrupt(`it has its ${sectionNames[kind]} twice`);
    }
  }
  const coded = sections.get(SECTION_CODED);
  const nibbles = sections.get(SECTION_NIBBLES);
  if ([SECTION_WEIGHTS, SECTION_CODED, SECTION_NIBBLES].filter((kind) => sections.has(kind)).length > 1) {
    throw corrupt('it has its weights twice');
  }
  const claim = claimOf(sections, u32(file, 16), u32(file, 20));
  const claimed = claim.plan + claim.weights + claim.arenaBytes + claim.scratchBytes + claim.others;
  if (claimed > maxMemory) throw tooMuchMemory(where, claimed, maxMemory, claim);
  const later = (kind: number): () => Uint8Array | undefined =>
    sectionReader(sections.get(kind)?.slice(), sections.get(kind + SECTION_PACKED)?.slice(), kind, corrupt);
  const need = (kind: number): Uint8Array => {
    const section = sections.get(kind) ?? (kind === SECTION_PLAN ? later(kind)() : undefined);
    if (!section) throw corrupt(`it has no ${sectionNames[kind]} section`);
    return section;
  };
  const meta = fromAscii(need(SECTION_META)) as KletParts['meta'];
  if (coded && !codedFits(coded)) throw corrupt('its CODED section claims more weights than it can hold');
  const arenaBytes = u32(file, 16);
  const weights = coded ?? (nibbles ? expandNibbles(nibbles) : need(SECTION_WEIGHTS));
  if (!weights) throw corrupt('its NIBBLES section cannot be expanded');
  const problem = checkMeta(meta, arenaBytes) ??
    checkState(meta, arenaBytes, weightsBytes({ weights, ...(coded && { coded: true }) }));
  if (problem) throw corrupt(problem);
  return {
    meta,
    arenaBytes,
    scratchBytes: u32(file, 20),
    minor: u32(file, 4) >>> 16,
    plan: need(SECTION_PLAN),
    weights,
    ...(coded && { coded: true }),
    readGolden: later(SECTION_GOLDEN),
    readDebug: debugReader(sections.get(SECTION_DEBUG)?.slice(), sections.get(SECTION_DEBUG + SECTION_PACKED)?.slice()),
  };
}

/** Memory that a file asks for, in bytes. */
interface Claim {
  plan: number;
  weights: number;
  arenaBytes: number;
  scratchBytes: number;
  /** What its packed sections besides the plan unpack to. */
  others: number;
}

function claimOf(sections: Map<number, Uint8Array>, arenaBytes: number, scratchBytes: number): Claim {
  const plain = (kind: number): number => sections.get(kind)?.length ?? 0;
  // sections that are unpacked begin with their size
  const unpacked = (kind: number): number => (plain(kind) < 4 ? 0 : u32(sections.get(kind)!, 0));
  return {
    plan: plain(SECTION_PLAN) + unpacked(SECTION_PLAN + SECTION_PACKED),
    weights: plain(SECTION_WEIGHTS) + unpacked(SECTION_CODED) + unpacked(SECTION_NIBBLES),
    arenaBytes,
    scratchBytes,
    others: unpacked(SECTION_GOLDEN + SECTION_PACKED) + unpacked(SECTION_DEBUG + SECTION_PACKED),
  };
}

/** The error for a file that needs more memory than the limit. */
export function tooMuchMemory(
  where: string,
  needed: number,
  maxMemory: number,
  { plan, weights, arenaBytes, scratchBytes }: Omit<Claim, 'others'>,
): KletError {
  return new KletError(
    'OUT_OF_MEMORY',
    `${where} needs ${needed} bytes of memory and the limit is ${maxMemory}: ${plan} plan, ${weights} weights, ` +
      `${arenaBytes} arena, ${scratchBytes} scratch; raise it with the option maxMemory if you trust the file`,
  );
}

/**
 * Checks the magic and the version of a file, of which only the start may be there.
 *
 * @returns the length of the file
 * @throws KletError `BAD_MAGIC`, `BAD_VERSION` or `CORRUPT`
 */
export function checkStart(start: Uint8Array, where: string): number {
  const corrupt = damage(where);
  if (start.length < 4 || u32(start, 0) !== MAGIC) throw new KletError('BAD_MAGIC', describeForeign(start, where));
  if (start.length < HEADER_BYTES) throw corrupt(`${start.length} bytes are too few for the header of ${HEADER_BYTES}`);
  const major = u32(start, 4) & 0xffff;
  if (major > MAJOR) {
    throw new KletError(
      'BAD_VERSION',
      `${where} has format version ${major}, this kinglet reads up to ${MAJOR}; ` +
        'update kinglet, or convert the model again',
    );
  }
  if (major !== MAJOR) throw corrupt(`its format version is ${major}`);
  return u32(start, 8);
}

const sectionNames = ['', 'META', 'PLAN', 'WEIGHTS', 'GOLDEN', 'DEBUG', 'CODED', 'NIBBLES', 'SIGNATURE'];

/** Name and size of each section of a file. */
export function sectionSizes(file: Uint8Array): [name: string, bytes: number][] {
  return Array.from({ length: u32(file, 24) }, (_, i) => {
    const at = HEADER_BYTES + i * ENTRY_BYTES;
    const kind = u32(file, at);
    return [
      sectionNames[kind] ??
        (sectionNames[kind - SECTION_PACKED] ? `${sectionNames[kind - SECTION_PACKED]} coded` : `kind ${kind}`),
      u32(file, at + 8),
    ];
  });
}

/** Where a section is in a file that was not checked yet. */
export interface SectionEntry {
  /** Offset of the entry in the section table. */
  entry: number;
  offset: number;
  length: number;
}

/** The first section of a kind in a file that was not checked yet, if it is inside the file. */
export function sectionEntry(file: Uint8Array, kind: number): SectionEntry | undefined {
  const count = file.length < HEADER_BYTES ? 0 : Math.min(u32(file, 24), MAX_SECTIONS);
  for (let entry = HEADER_BYTES; entry < HEADER_BYTES + count * ENTRY_BYTES; entry += ENTRY_BYTES) {
    if (entry + ENTRY_BYTES > file.length || u32(file, entry) !== kind) continue;
    const [offset, length] = [u32(file, entry + 4), u32(file, entry + 8)];
    return offset + length <= file.length ? { entry, offset, length } : undefined;
  }
  return undefined;
}

/** Size of the decoded weights in memory. */
export function weightsBytes({ weights, coded }: Pick<KletParts, 'weights' | 'coded'>): number {
  return coded ? u32(weights, L.CODED_WEIGHTS_BYTES) : weights.length;
}

/**
 * Bytes from the start of the weights to the start of their coded section in memory, and bytes that
 * the decoder needs after that section.
 */
export function codedRoom(coded: Uint8Array): { lead: number; bytes: number } {
  return {
    lead: alignUp(u32(coded, L.CODED_LEAD), 64),
    bytes: u32(coded, L.CODED_TABLES) * L.CODED_TABLE_ROOM + L.CODED_STATE_ROOM +
      u32(coded, L.CODED_RUNS) * L.CODED_RUN_BYTES,
  };
}

/**
 * Bytes of weights that any CODED section may stand for. Larger ones may have MOST_EXPANSION times
 * the bytes of the section more.
 */
const FREE_WEIGHTS = 2 ** 24;

/** Whether the sizes that a CODED section claims are within their limits. */
export function codedFits(coded: Uint8Array): boolean {
  return coded.length >= L.CODED_HEADER && u32(coded, L.CODED_LEAD) <= u32(coded, L.CODED_WEIGHTS_BYTES) &&
    u32(coded, L.CODED_WEIGHTS_BYTES) <= FREE_WEIGHTS + MOST_EXPANSION * coded.length &&
    u32(coded, L.CODED_TABLES) <= L.MAX_CODED_TABLES
    && u32(coded, L.CODED_RUNS) * L.CODED_RUN_BYTES <= coded.length;
}

export function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}

export function u32(file: Uint8Array, at: number): number {
  return (file[at]! | (file[at + 1]! << 8) | (file[at + 2]! << 16) | (file[at + 3]! << 24)) >>> 0;
}

type Checksum = (bytes: Uint8Array) => number;

export function headerCrc(file: Uint8Array, tableEnd: number, checksum: Checksum): number {
  const covered = new Uint8Array(28 + tableEnd - HEADER_BYTES);
  covered.set(file.subarray(0, 28));
  covered.set(file.subarray(HEADER_BYTES, tableEnd), 28);
  return checksum(covered);
}

function damage(where: string): (what: string) => KletError {
  return (what) => new KletError('CORRUPT', `${where} is damaged: ${what}; fetch or convert it again`);
}

/**
 * Decodes a section on demand. Keeps only the section alive, not the whole file: neither a shared
 * closure nor the stack of an early-created Error may reference the file.
 */
function sectionReader(
  section: Uint8Array | undefined,
  packed: Uint8Array | undefined,
  kind: number,
  corrupt: (what: string) => KletError,
): () => Uint8Array | undefined {
  return () => {
    const bytes = section ?? (packed && decodeSection(packed));
    if (packed && !bytes) throw corrupt(`its ${sectionNames[kind]} section cannot be decoded`);
    return bytes;
  };
}

/** Keeps only the sections alive, not the whole file. */
function debugReader(section: Uint8Array | undefined, packed: Uint8Array | undefined): OpenedKlet['readDebug'] {
  return () => section ?? (packed && decodeSection(packed));
}

/**
 * Says what a foreign file looks like, because users pass a wrong file more often than a damaged
 * one.
 */
function describeForeign(file: Uint8Array, where: string): string {
  const head = String.fromCharCode(...file.subarray(0, 16));
  const expected = `${where} is not a .klet file (it must start with "KLET")`;
  if (file.length === 0) return `${expected}: it is empty`;
  if (head.slice(4, 8) === 'TFL3') {
    return `${expected}: it is a .tflite file; convert it first: npx kinglet convert IN.tflite -o OUT.klet`;
  }
  if (/^\s*</.test(head)) {
    return `${expected}: it looks like HTML, probably the server's page for a missing file; check the URL`;
  }
  if (/^\s*[{[]/.test(head)) return `${expected}: it looks like JSON`;
  if (head.startsWith('\0asm')) return `${expected}: it is WebAssembly; pass it as the option "wasm"`;
  return `${expected}: it starts with ${
    [...file.subarray(0, 4)].map((b) => b.toString(16).padStart(2, '0')).join(' ')
  }`;
}
