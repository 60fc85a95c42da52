import { C } from './fields';

// Compressed sections, as docs/format/compressed.md specifies them: see runner.ts.

/** Decodes CODED to the bytes of WEIGHTS. */
export function decode(coded: Uint8Array): Uint8Array {
  const view = new DataView(coded.buffer);
  const u32 = (at: number): number => view.getUint32(at, true);
  const weights = new Uint8Array(u32(C.CODED_WEIGHTS_BYTES!));
  const runs = Array.from({ length: u32(C.CODED_RUNS!) }, (_, i) => C.CODED_HEADER! + i * C.CODED_RUN_BYTES!);
  const symbols = new Symbols(coded, C.CODED_HEADER! + runs.length * C.CODED_RUN_BYTES!, u32(C.CODED_TABLES!));
  let offset = 0;
  for (const run of runs) {
    const quads = u32(run + C.CODED_QUADS!);
    const lanes = u32(run + C.CODED_LANES!);
    for (let l = 0; l < lanes; l++) {
      const table = symbols.take(0, 0);
      const same = table === 0 ? symbols.take(0, 0) : 0;
      for (let q = 0; q < quads; q++) {
        for (let i = 0; i < 4; i++) {
          weights[offset + positionOf(lanes, quads, l, q, i)] = table === 0 ? same : symbols.take(i, table);
        }
      }
    }
    offset += quads * 4 * lanes;
  }
  symbols.end();
  return weights;
}

/** Position of byte i of quad q of lane l, from the start of the run. */
function positionOf(lanes: number, quads: number, l: number, q: number, i: number): number {
  if (lanes === C.CODED_BYTES) return 4 * q + i;
  if (lanes === C.CODED_PLANES) return l + 16 * q + 4 * i;
  return Math.floor(l / 8) * quads * 32 + (l % 8) * 4 + 32 * q + i;
}

/** Expands NIBBLES to the bytes of WEIGHTS. */
export function expand(section: Uint8Array): Uint8Array {
  const view = new DataView(section.buffer);
  const ranges = view.getUint32(4, true);
  const bytes: number[] = [];
  let at = 8 + 8 * ranges;
  for (let range = 8; range < 8 + 8 * ranges; range += 8) {
    for (let i = view.getUint32(range, true); i > 0; i--) bytes.push(section[at++]!);
    for (let block = view.getUint32(range + 4, true); block > 0; block--) {
      const half = [...section.subarray(at, at += 16)];
      bytes.push(...half.map((byte) => byte % 16 - 8), ...half.map((byte) => Math.floor(byte / 16) - 8));
    }
  }
  return Uint8Array.from([...bytes, ...section.subarray(at)]);
}

/** Decodes a packed section. */
export function unpack(packed: Uint8Array): Uint8Array {
  const symbols = new Symbols(packed, 4, 1);
  const section = new Uint8Array(new DataView(packed.buffer).getUint32(0, true));
  for (let j = 0; j < section.length; j++) section[j] = symbols.take(j % 4, 0);
  symbols.end();
  return section;
}

/** Decodes symbols; `at` is the offset of the lists of frequencies. */
class Symbols {
  private readonly tables: { symbol: number; frequency: number; first: number }[][];
  private readonly states: number[];
  private readonly view: DataView;
  private at: number;

  constructor(bytes: Uint8Array, at: number, tables: number) {
    this.tables = Array.from({ length: tables }, () => {
      const slots: { symbol: number; frequency: number; first: number }[] = [];
      for (let symbol = 0; symbol < 256; symbol++) {
        const byte = bytes[at++]!;
        if (byte === 0) {
          symbol += bytes[at++]!;
          continue;
        }
        const frequency = byte < 128 ? byte : byte - 128 + 128 * bytes[at++]!;
        const slot = { symbol, frequency, first: slots.length };
        for (let i = 0; i < frequency; i++) slots.push(slot);
      }
      return slots;
    });
    at = Math.ceil(at / 4) * 4;
    this.view = new DataView(bytes.buffer);
    this.states = [0, 4, 8, 12].map((i) => this.view.getUint32(at + i, true));
    this.at = at + 16;
  }

  take(state: number, table: number): number {
    const x = this.states[state]!;
    const { symbol, frequency, first } = this.tables[table]![x % 4096]!;
    let rest = frequency * Math.floor(x / 4096) + x % 4096 - first;
    if (rest < 65536) {
      rest = 65536 * rest + this.view.getUint16(this.at, true);
      this.at += 2;
    }
    this.states[state] = rest;
    return symbol;
  }

  end(): void {
    if (this.states.some((state) => state !== 65536) || this.at !== this.view.byteLength) {
      throw new Error('the coded bytes must end with all states at 65536 and no word left');
    }
  }
}
