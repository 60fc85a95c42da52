import * as L from '../../assembly/layout';
import { crc32 } from '../format/crc32';
import { debugInfoOf, shortDebugInfo, type DebugInfo } from '../format/debugInfo';
import { fromAscii, toAscii } from '../format/json';
import { codedFits, MAGIC, MAJOR, SECTION_CODED, SECTION_DEBUG, SECTION_META, SECTION_NIBBLES, SECTION_PACKED,
  SECTION_PLAN, SECTION_WEIGHTS, sectionEntry, u32, type KletParts } from '../format/klet';
import { expandNibbles } from '../format/nibbles';
import { decodeSection } from '../format/rans';
import { assemble } from '../format/writeKlet';
import { decode } from '../js/decode';
import { demand } from './demand';

/**
 * The parts of a file that cutting it needs, unpacked. `load` checks everything else in the cut
 * file.
 */
export interface NetworkParts extends Pick<KletParts, 'meta' | 'plan' | 'weights' | 'arenaBytes' | 'scratchBytes'> {
  debug: DebugInfo;
}

/**
 * @param of the function in error messages
 * @throws KletError `BAD_ARGUMENT`, `BAD_MAGIC`, `BAD_VERSION` or `CORRUPT`
 */
export function readParts(file: Uint8Array, of: string): NetworkParts {
  demand(file instanceof Uint8Array, `${of} takes the bytes of a .klet file as Uint8Array`);
  demand(
    file.length >= 32 && u32(file, 0) === MAGIC,
    `${of} takes a .klet file, which starts with "KLET"`,
    'BAD_MAGIC',
  );
  demand(
    (u32(file, 4) & 0xffff) === MAJOR && u32(file, 12) <= 1,
    `${of} reads format version ${MAJOR}; update kinglet`,
    'BAD_VERSION',
  );
  const debug = debugInfoOf({ readDebug: () => unpacked(file, SECTION_DEBUG) });
  demand(
    debug !== undefined,
    `${of} needs the names of the layers; compile the network with debugInfo: true, which is the default`,
  );
  return {
    meta: need(fromAscii(need(section(file, SECTION_META), 'META')) as KletParts['meta'] | undefined, 'META'),
    debug,
    plan: need(unpacked(file, SECTION_PLAN), 'PLAN'),
    weights: need(plainWeights(file), 'WEIGHTS'),
    arenaBytes: u32(file, 16),
    scratchBytes: u32(file, 20),
  };
}

/** The bytes of a file with these parts. */
export function writeParts({ meta, plan, weights, debug, arenaBytes, scratchBytes }: NetworkParts): Uint8Array {
  return assemble([[SECTION_META, toAscii(meta)], [SECTION_PLAN, plan], [SECTION_WEIGHTS, weights], [SECTION_DEBUG,
    toAscii(shortDebugInfo(debug))]], { flags: 0, version: MAJOR, arenaBytes, scratchBytes });
}

function need<T>(value: T | undefined, name: string): T {
  demand(value !== undefined, `the model is damaged: its ${name} cannot be read; fetch or convert it again`, 'CORRUPT');
  return value;
}

/** The bytes of a section, if it is there. */
function section(file: Uint8Array, kind: number): Uint8Array | undefined {
  const found = sectionEntry(file, kind);
  if (!found) return undefined;
  const bytes = file.subarray(found.offset, found.offset + found.length);
  return need(crc32(bytes) === u32(file, found.entry + 12) ? bytes : undefined, `section of kind ${kind}`);
}

function unpacked(file: Uint8Array, kind: number): Uint8Array | undefined {
  const packed = section(file, kind + SECTION_PACKED);
  return packed ? decodeSection(packed) : section(file, kind);
}

/** The bytes of WEIGHTS, in whichever form the file has them. */
function plainWeights(file: Uint8Array): Uint8Array | undefined {
  const coded = section(file, SECTION_CODED);
  if (coded) return decodeWeights(coded);
  const nibbles = section(file, SECTION_NIBBLES);
  return nibbles ? expandNibbles(nibbles) : section(file, SECTION_WEIGHTS);
}

/** Address of the weights in the decoder's memory, after its map. */
const WEIGHTS_AT = 128;

/** Decodes a CODED section beside itself; a core decodes it in place. */
function decodeWeights(coded: Uint8Array): Uint8Array | undefined {
  if (!codedFits(coded)) return undefined;
  const bytes = u32(coded, L.CODED_WEIGHTS_BYTES);
  const memory = new Uint8Array(WEIGHTS_AT + bytes + coded.length);
  const map = new DataView(memory.buffer);
  map.setUint32(L.MAP + L.MAP_WEIGHTS, WEIGHTS_AT, true);
  map.setUint32(L.MAP + L.MAP_WEIGHTS_BYTES, bytes, true);
  memory.set(coded, WEIGHTS_AT + bytes);
  if (decode(memory.buffer, WEIGHTS_AT + bytes, coded.length) !== L.FAULT_NONE) return undefined;
  return memory.subarray(WEIGHTS_AT, WEIGHTS_AT + bytes);
}
