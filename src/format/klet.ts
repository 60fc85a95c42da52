import { describeValue, KletError } from '../errors';
import * as L from '../../assembly/layout';
import { checkOptions, type Options } from '../arguments';
import { TOOL_MEMORY } from '../limits';
import type { AudioPreprocessing } from './audio';
import { crc32 } from './crc32';
import { expandNibbles, packNibbles } from './nibbles';
import { decodeSection, MOST_EXPANSION } from './rans';

// docs/format/ specifies what these functions read and write.
//
//   0   4  "KLET"                      16  u32 arena bytes
//   4  u16 major  6 u16 minor          20  u32 scratch bytes
//   8  u32 length of the file          24  u32 number of sections n
//  12  u32 flags                       28  u32 CRC-32 of bytes 0..28 and of the section table
//  32 n × { u32 kind, u32 offset, u32 length, u32 CRC-32 }, then the sections, each 16-byte aligned

export const MAJOR = 1;
export const MINOR = 0;
const HEADER_BYTES = 32;
const ENTRY_BYTES = 16;
const ALIGNMENT = 16;
const MAX_SECTIONS = 64;
const MAGIC = 0x54454c4b;

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

/** Element types of inputs and outputs, with NumPy's names. */
export type IoType = 'float32' | 'int8' | 'uint8' | 'int16' | 'int32' | 'int64' | 'bool';

/** Description of an input or output. */
export interface TensorInfo {
  name: string;
  dtype: IoType;
  /** Row-major dimensions; images are NHWC. */
  shape: number[];
  /** real = scale × (q − zeroPoint). Absent if the values are real numbers themselves. */
  scale?: number;
  zeroPoint?: number;
}

/**
 * How an image becomes the input: it is resized to the input's height and width, then real = value
 * × scale + offset per channel.
 */
export interface ImagePreprocessing {
  kind: 'image';
  channels: 1 | 3;
  /** Factor for channel values of 0..255: one number, or one per channel. */
  scale: number | number[];
  offset: number | number[];
  /** Inverts the values (255 − value) first, for networks that expect white on black. */
  invert?: boolean;
}

/** How the data of a sensor become the input. */
export type Preprocessing = ImagePreprocessing | AudioPreprocessing;

/** Metadata of a model. Additional properties are preserved. */
export interface Meta {
  name: string;
  inputs: TensorInfo[];
  outputs: TensorInfo[];
  /** Class names, for outputs that are class scores. */
  labels?: string[];
  preprocessing?: Preprocessing;
  /** Origin of the file: source format, converter and its version. */
  provenance?: Record<string, unknown>;
  /** Measured accuracy, if known. */
  accuracy?: Record<string, unknown>;
  [key: string]: unknown;
}

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

/** Debug info about the records and the arena, for tools. Optional, not needed to run. */
export interface DebugInfo {
  /**
   * `layout` and `density` are set for pruned weights stored as lists and for weights that stay
   * packed: the kind of list or "nibbles", and the fraction of nonzero weights.
   */
  records: { name: string; op: string; shape: number[]; macs: number; weights: number; layout?: string;
    density?: number }[];
  /**
   * Buffers of the arena as [name, offset, bytes, first, last], where `first` and `last` are the
   * records between which a buffer is in use (−1: before the first record).
   */
  arena: [name: string, offset: number, bytes: number, first: number, last: number][];
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

/** A file of these sections, in this order. */
function assemble(
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

/** Whether entropy-coded weights are small enough to be read, and smaller than these bytes. */
export function pays(coded: Uint8Array, weights: Uint8Array): boolean {
  return coded.length < storedBytes(weights) && codedFits(coded);
}

/** Whether the sizes that a CODED section claims are within their limits. */
function codedFits(coded: Uint8Array): boolean {
  return coded.length >= L.CODED_HEADER && u32(coded, L.CODED_LEAD) <= u32(coded, L.CODED_WEIGHTS_BYTES) &&
    u32(coded, L.CODED_WEIGHTS_BYTES) <= FREE_WEIGHTS + MOST_EXPANSION * coded.length &&
    u32(coded, L.CODED_TABLES) <= L.MAX_CODED_TABLES
    && u32(coded, L.CODED_RUNS) * L.CODED_RUN_BYTES <= coded.length;
}

export function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}

/** Size of one element in the caller's array, and in the arena. */
export const ioBytes: Record<IoType, [outside: number, inside: number]> = {
  float32: [4, 4],
  int8: [1, 1],
  uint8: [1, 1],
  int16: [2, 2],
  int32: [4, 4],
  int64: [8, 4],
  bool: [1, 1],
};

function u32(file: Uint8Array, at: number): number {
  return (file[at]! | (file[at + 1]! << 8) | (file[at + 2]! << 16) | (file[at + 3]! << 24)) >>> 0;
}

type Checksum = (bytes: Uint8Array) => number;

function headerCrc(file: Uint8Array, tableEnd: number, checksum: Checksum): number {
  const covered = new Uint8Array(28 + tableEnd - HEADER_BYTES);
  covered.set(file.subarray(0, 28));
  covered.set(file.subarray(HEADER_BYTES, tableEnd), 28);
  return checksum(covered);
}

/**
 * JSON as ASCII bytes with other characters escaped, so that it can be read in worklets, which have
 * no TextDecoder.
 */
function toAscii(value: unknown): Uint8Array {
  const text = JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (c) => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0'),
  );
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}

/** @returns the parsed value, or undefined when it is not JSON */
function fromAscii(bytes: Uint8Array): unknown {
  let text = '';
  try {
    for (let i = 0; i < bytes.length; i += 4096) text += String.fromCharCode(...bytes.subarray(i, i + 4096));
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function checkMeta(meta: unknown, arenaBytes: number): string | undefined {
  if (!isObject(meta)) return 'its META section is not a JSON object';
  if (typeof meta.name !== 'string') return 'its META has no name';
  for (const side of ['inputs', 'outputs'] as const) {
    const list = meta[side];
    if (!Array.isArray(list)) return `its META has no list of ${side}`;
    const names = new Set<unknown>();
    for (const tensor of list as unknown[]) {
      if (!isObject(tensor) || typeof tensor.name !== 'string') return `one of its ${side} has no name`;
      const { name, dtype, shape, offset, scale, zeroPoint } = tensor;
      if (names.has(name)) return `two of its ${side} are named "${name}"`;
      names.add(name);
      if (typeof dtype !== 'string' || !Object.hasOwn(ioBytes, dtype)) {
        return `"${name}" has the unknown type ${typeof dtype === 'string' ? dtype : describeValue(dtype)}`;
      }
      if (!Array.isArray(shape) || !shape.every((d) => Number.isInteger(d) && d > 0)) {
        return `"${name}" has no proper shape`;
      }
      const bytes = (shape as number[]).reduce((a, b) => a * b, 1) * ioBytes[dtype as IoType][1];
      if (!isWhole(offset) || offset % ioBytes[dtype as IoType][1] !== 0 || !(offset + bytes <= arenaBytes)) {
        return `"${name}" lies outside the arena`;
      }
      if (scale !== undefined && !(typeof scale === 'number' && scale > 0 && Number.isFinite(scale))) {
        return `"${name}" has the scale ${JSON.stringify(scale)}`;
      }
      if (zeroPoint !== undefined &&
        !(Number.isInteger(zeroPoint) && isWhole((zeroPoint as number) + 128) && (zeroPoint as number) <= 255))
      {
        return `"${name}" has the zero point ${JSON.stringify(zeroPoint)}`;
      }
      if ((scale === undefined) !== (zeroPoint === undefined)) return `"${name}" has half a quantization`;
    }
  }
  return undefined;
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

/**
 * Debug info without repeated keys, and without buffer names that equal record names.
 */
function shortDebugInfo({ records, arena }: DebugInfo): unknown {
  const numbers = new Map(records.map(({ name }, i) => [name, i]));
  return {
    records: records.map((
      { name, op, shape, macs, weights, layout, density },
    ) => [name, op, shape, macs, weights, ...(layout === undefined ? [] : [layout, density])]),
    arena: arena.map(([name, ...rest]) => [numbers.get(name) ?? name, ...rest]),
  };
}

/** Keeps only the sections alive, not the whole file. */
function debugReader(section: Uint8Array | undefined, packed: Uint8Array | undefined): OpenedKlet['readDebug'] {
  return () => section ?? (packed && decodeSection(packed));
}

/** The debug info of a file, if it has any that can be read. */
export function debugInfoOf({ readDebug }: Pick<OpenedKlet, 'readDebug'>): DebugInfo | undefined {
  const debugInfo = fromAscii(readDebug() ?? new Uint8Array(0));
  if (!isObject(debugInfo) || !isTable(debugInfo.records, ['string', 'string', 'object', 'number', 'number']) ||
    !isTable(debugInfo.arena, ['', 'number', 'number', 'number', 'number'])) return undefined;
  const records = debugInfo.records.map(([name, op, shape, macs, weights, layout, density]) => ({
    name,
    op,
    shape,
    macs,
    weights,
    ...(layout !== undefined && { layout, density }),
  }));
  const arena = debugInfo.arena.map((
    [name, ...rest],
  ) => [typeof name === 'number' ? records[name]?.name : name, ...rest]);
  if (!records.every(({ shape, layout, density }) =>
    isTable([shape], []) && (layout === undefined || isTable([[layout, density]], ['string', 'number']))
  ) || !isTable(arena, ['string'])) return undefined;
  return { records, arena } as DebugInfo;
}

/**
 * Whether a value is an array of arrays whose first elements have the given types ('' matches any).
 */
function isTable(value: unknown, types: readonly string[]): value is unknown[][] {
  return Array.isArray(value) &&
    value.every((row) => Array.isArray(row) && types.every((type, i) => type === '' || typeof row[i] === type));
}

function checkState(
  { state, inputs }: { state?: unknown; inputs: ArenaTensor[] },
  arenaBytes: number,
  weightsBytes: number,
): string | undefined {
  if (state === undefined) return undefined;
  if (!isObject(state) || !isWhole(state.bytes) || !isWhole(state.initial) ||
    !['undefined', 'boolean'].includes(typeof state.carries)) return 'the state in its META is malformed';
  if (state.bytes > arenaBytes) return `its state of ${state.bytes} bytes lies outside the arena`;
  const { bytes } = state;
  const covering = inputs.find(({ offset }) => offset < bytes);
  if (covering) return `its input "${covering.name}" lies in the state`;
  return state.initial + state.bytes > weightsBytes ? 'its initial state lies outside the weights' : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isWhole(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0;
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
