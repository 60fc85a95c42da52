import { CODED_BYTES, CODED_CHANNELS, CODED_HEADER, CODED_LANES, CODED_PLANES, CODED_QUADS, CODED_RUNS, CODED_RUN_BYTES,
  CODED_TABLES, CODED_WEIGHTS_BYTES, FAULT_CODED, FAULT_NONE, MAP, MAP_WEIGHTS, MAP_WEIGHTS_BYTES,
  MAX_CODED_TABLES } from '../../assembly/layout';

// Entropy-coded weights (assembly/decode.ts, assembly/kernels/rans.ts), decoded in place.

const SLOTS = 4096;
const LOWEST = 65536;

/** A file as it is decoded */
interface Decoder {
  bytes: Uint8Array;
  /** Address of the next coded u16, and of the end. */
  next: number;
  end: number;
  states: Uint32Array;
  /** Of each table, the symbol of each slot. */
  symbols: Uint8Array;
  /** Of each table, the frequency and the first slot of each symbol. */
  frequencies: Uint16Array;
  first: Uint16Array;
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! + bytes[at + 1]! * 256 + bytes[at + 2]! * 65536 + bytes[at + 3]! * 16777216;
}

/**
 * Reads the frequencies of one table from `at` on.
 *
 * @returns the address after them, or 0 if they are wrong
 */
function readTable(d: Decoder, table: number, at: number): number {
  let slot = 0;
  for (let symbol = 0; symbol < 256; symbol++) {
    if (at + 2 > d.end) return 0;
    let frequency = d.bytes[at++]!;
    if (frequency === 0) {
      symbol += d.bytes[at++]!;
      continue;
    }
    if (frequency > 127) frequency = (frequency & 127) + d.bytes[at++]! * 128;
    if (slot + frequency > SLOTS) return 0;
    d.frequencies[table * 256 + symbol] = frequency;
    d.first[table * 256 + symbol] = slot;
    for (; frequency > 0; frequency--) d.symbols[table * SLOTS + slot++] = symbol;
  }
  return slot === SLOTS ? at : 0;
}

/** Decodes the symbol of a state. If the state is then too small, it reads on while `readable`. */
function symbolOf(d: Decoder, state: number, table: number, readable: boolean): number {
  const x = d.states[state]!;
  const slot = x & (SLOTS - 1);
  const symbol = d.symbols[table * SLOTS + slot]!;
  const entry = table * 256 + symbol;
  let rest = d.frequencies[entry]! * (x >>> 12) + slot - d.first[entry]!;
  if (rest < LOWEST && readable) {
    rest = rest * 65536 + d.bytes[d.next]! + d.bytes[d.next + 1]! * 256;
    d.next += 2;
  }
  d.states[state] = rest;
  return symbol;
}

/** Decodes one run to `at`, and returns whether it is right. */
function decodeRun(d: Decoder, tables: number, at: number, quads: number, lanes: number): boolean {
  if (lanes !== CODED_BYTES && lanes !== CODED_PLANES && lanes % CODED_CHANNELS !== 0) return false;
  const planes = lanes === CODED_PLANES;
  const step = planes ? 4 : 1;
  const stride = planes ? 16 : 32;
  for (let lane = 0; lane < lanes; lane++) {
    const table = symbolOf(d, 0, 0, d.next < d.end);
    if (table >= tables) return false;
    const value = table === 0 ? symbolOf(d, 0, 0, d.next < d.end) : 0;
    if (lanes === CODED_BYTES && table === 0) {
      for (let i = at; i < at + quads * 4; i++) d.bytes[i] = value;
      continue;
    }
    let to = at + (planes ? lane : (lane >> 3) * quads * 32 + (lane & 7) * 4);
    for (let quad = 0; quad < quads; quad++, to += lanes === CODED_BYTES ? 4 : stride) {
      if (d.next > d.end && table !== 0) return false;
      for (let i = 0; i < 4; i++) d.bytes[to + i * step] = table === 0 ? value : symbolOf(d, i, table, true);
    }
    if (d.next > d.end && table !== 0) return false;
  }
  return true;
}

/**
 * Decodes the section of `size` bytes at `coded` to the weights.
 *
 * @returns a FAULT_ code
 */
export function decode(buffer: ArrayBuffer, coded: number, size: number): number {
  if (size < CODED_HEADER) return FAULT_CODED;
  const bytes = new Uint8Array(buffer);
  const weights = word(bytes, MAP + MAP_WEIGHTS);
  const weightsBytes = word(bytes, MAP + MAP_WEIGHTS_BYTES);
  const tables = word(bytes, coded + CODED_TABLES);
  const runs = word(bytes, coded + CODED_RUNS);
  if (word(bytes, coded + CODED_WEIGHTS_BYTES) !== weightsBytes || tables < 1 || tables > MAX_CODED_TABLES ||
    runs > (size - CODED_HEADER) / CODED_RUN_BYTES) return FAULT_CODED;
  const d = {
    bytes,
    next: 0,
    end: coded + size,
    states: new Uint32Array(4),
    symbols: new Uint8Array(tables * SLOTS),
    frequencies: new Uint16Array(tables * 256),
    first: new Uint16Array(tables * 256),
  };
  // decoding overwrites the list of runs
  const list = new Uint8Array(runs * CODED_RUN_BYTES);
  for (let i = 0; i < list.length; i++) list[i] = bytes[coded + CODED_HEADER + i]!;
  let at = coded + CODED_HEADER + runs * CODED_RUN_BYTES;
  for (let table = 0; table < tables; table++) {
    at = readTable(d, table, at);
    if (at === 0) return FAULT_CODED;
  }
  at = (at + 3) & ~3;
  if (at + 16 > d.end) return FAULT_CODED;
  for (let i = 0; i < 4; i++) d.states[i] = word(bytes, at + 4 * i);
  d.next = at + 16;
  let offset = 0;
  for (let run = 0; run < runs; run++) {
    const quads = word(list, run * CODED_RUN_BYTES + CODED_QUADS);
    const lanes = word(list, run * CODED_RUN_BYTES + CODED_LANES);
    const length = quads * 4 * lanes;
    if (lanes < 1 || quads < 1 || offset + length > weightsBytes) return FAULT_CODED;
    if (!decodeRun(d, tables, weights + offset, quads, lanes)) return FAULT_CODED;
    offset += length;
  }
  for (; offset < weightsBytes; offset++) bytes[weights + offset] = 0;
  for (let i = 0; i < 4; i++) if (d.states[i] !== LOWEST) return FAULT_CODED;
  return d.next === d.end ? FAULT_NONE : FAULT_CODED;
}
