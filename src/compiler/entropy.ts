import * as L from '../../assembly/layout';
import { alignUp } from '../format/klet';
import { MOST_EXPANSION } from '../format/rans';
import type { CodedRun } from '../ops/emitter';

// The encoder of the CODED section: static range asymmetric numeral systems (rANS; J. Duda,
// arXiv:1311.2540) with 12-bit probabilities, four interleaved states and 16-bit words.
// docs/format/ describes the section; assembly/decode.ts reads it.

type Counts = [symbols: Uint8Array, counts: Uint32Array];
type Clustering = { choice: Uint8Array; tables: Uint16Array[]; bits: number };
/** The table that codes a lane, or the constant byte of the lane. */
type LaneCode = { table: number; value?: number };

/**
 * Table index 0 codes the table indices themselves. Real tables are numbered from 1; a lane with
 * table 0 holds one constant byte.
 */
const CONSTANT = 0;

const BITS = 12;
const SLOTS = 1 << BITS;
const LOWEST = 65536;
/** The numbers of tables to try. Each table must save more bytes than its list takes. */
const TABLE_COUNTS = [1, 2, 4, 8, 16, 32];
const ROUNDS = 6;
/** Groups of four symbols between two checks of the read position, as in assembly/decode.ts. */
const BLOCK = 1024;

/**
 * Codes weights with the number of tables that makes the result smallest.
 *
 * @param runs contiguous runs that cover all bytes
 * @returns the CODED section
 */
export function encodeWeights(weights: Uint8Array, runs: readonly CodedRun[]): Uint8Array {
  const lanes = runs.flatMap((run) => Array.from({ length: run.lanes }, (_, lane) => countsOf(weights, run, lane)));
  const varied = lanes.filter(([symbols]) => symbols.length > 1);
  let best: Clustering = { choice: new Uint8Array(0), tables: [], bits: Infinity };
  for (const count of TABLE_COUNTS) {
    if (count > varied.length) break;
    const candidate = cluster(varied, count);
    if (candidate.bits < best.bits) best = candidate;
  }
  let next = 0;
  const ids = lanes.map((
    [symbols],
  ): LaneCode => (symbols.length > 1 ? { table: best.choice[next++]! + 1 } : { table: CONSTANT, value: symbols[0]! }));
  return write(weights, runs, ids, best.tables);
}

/**
 * Addresses of a lane's bytes: the first one, the step within a group of four, the stride of
 * groups.
 */
function layoutOf(run: CodedRun, lane: number): [from: number, step: number, stride: number] {
  if (run.lanes % L.CODED_CHANNELS === 0) return [run.offset + (lane >> 3) * run.quads * 32 + (lane & 7) * 4, 1, 32];
  return run.lanes === L.CODED_PLANES ? [run.offset + lane, 4, 16] : [run.offset, 1, 4];
}

function countsOf(weights: Uint8Array, run: CodedRun, lane: number): Counts {
  const [from, step, stride] = layoutOf(run, lane);
  const counts = new Uint32Array(256);
  for (let at = from, quad = 0; quad < run.quads; quad++, at += stride) {
    for (let i = 0; i < 4; i++) counts[weights[at + i * step]!]!++;
  }
  const symbols = Uint8Array.from(counts.keys()).filter((symbol) => counts[symbol]! > 0);
  return [symbols, Uint32Array.from(symbols, (symbol) => counts[symbol]!)];
}

/**
 * Assigns one of `count` tables to each lane. Alternates between building each table from its lanes
 * and assigning each lane its cheapest table (as k-means does).
 */
function cluster(lanes: readonly Counts[], count: number): Clustering {
  const order = lanes.map((lane, i) => [entropyOf(lane), i] as const).sort(([a], [b]) => a - b);
  const choice = new Uint8Array(lanes.length);
  order.forEach(([, lane], rank) => {
    choice[lane] = Math.floor(rank * count / lanes.length);
  });
  for (let round = 0; round < ROUNDS && count > 1; round++) {
    // symbols missing from a table get a high but finite cost, so that the next round can add them
    const costs = tablesOf(lanes, choice, count).map((table) =>
      Float64Array.from(table, (frequency) => BITS - Math.log2(frequency || 1 / 16))
    );
    lanes.forEach((lane, i) => {
      choice[i] = smallest(costs.map((cost) => bitsOf(lane, cost)));
    });
  }
  const used = [...new Set(choice)];
  lanes.forEach((_, i) => {
    choice[i] = used.indexOf(choice[i]!);
  });
  const tables = tablesOf(lanes, choice, used.length);
  const costs = tables.map((table) => Float64Array.from(table, (frequency) => BITS - Math.log2(frequency)));
  const ids = entropyOf(histogram(choice)) * lanes.length;
  const lists = tables.reduce((sum, table) => sum + 8 * listOf(table).length, 0);
  return { choice, tables, bits: lanes.reduce((sum, lane, i) => sum + bitsOf(lane, costs[choice[i]!]!), ids + lists) };
}

function tablesOf(lanes: readonly Counts[], choice: Uint8Array, count: number): Uint16Array[] {
  const sums = Array.from({ length: count }, () => new Float64Array(256));
  lanes.forEach(([symbols, counts], i) =>
    symbols.forEach((symbol, j) => {
      sums[choice[i]!]![symbol]! += counts[j]!;
    })
  );
  return sums.map(frequenciesOf);
}

/**
 * Frequencies that add up to 4096, at least 1 for each symbol that occurs. The rounding error is
 * corrected where that costs the fewest bits.
 */
function frequenciesOf(counts: Float64Array): Uint16Array {
  const total = counts.reduce((a, b) => a + b, 0);
  const frequencies = new Uint16Array(256);
  if (total === 0) {
    frequencies[0] = SLOTS;
    return frequencies;
  }
  counts.forEach((count, symbol) => {
    if (count > 0) frequencies[symbol] = Math.max(1, Math.round(count / total * SLOTS));
  });
  for (let left = SLOTS - frequencies.reduce((a, b) => a + b, 0); left !== 0; left -= Math.sign(left)) {
    // the bits that one slot more or less saves
    const gain = (symbol: number): number => {
      const frequency = frequencies[symbol]!;
      if (frequency === 0 || (left < 0 && frequency === 1)) return -Infinity;
      return counts[symbol]! * Math.log2((frequency + Math.sign(left)) / frequency);
    };
    let best = 0;
    for (let symbol = 1; symbol < 256; symbol++) if (gain(symbol) > gain(best)) best = symbol;
    frequencies[best]! += Math.sign(left);
  }
  return frequencies;
}

function histogram(values: Uint8Array): Counts {
  const counts = new Uint32Array(256);
  for (const value of values) counts[value]!++;
  return [Uint8Array.from(counts.keys()), counts];
}

/** Entropy in bits per symbol. */
function entropyOf([, counts]: Counts): number {
  const total = counts.reduce((a, b) => a + b, 0);
  return counts.reduce((bits, count) => bits - (count > 0 ? count / total * Math.log2(count / total) : 0), 0);
}

function bitsOf([symbols, counts]: Counts, cost: Float64Array): number {
  let bits = 0;
  for (let i = 0; i < symbols.length; i++) bits += counts[i]! * cost[symbols[i]!]!;
  return bits;
}

function smallest(values: readonly number[]): number {
  return values.indexOf(Math.min(...values));
}

/** A table as stored in the file (docs/format/compressed.md). */
function listOf(frequencies: Uint16Array): number[] {
  const list: number[] = [];
  for (let symbol = 0; symbol < 256; symbol++) {
    const frequency = frequencies[symbol]!;
    if (frequency > 127) list.push(frequency & 127 | 128, frequency >> 7);
    else list.push(frequency);
    if (frequency > 0) continue;
    let more = 0;
    while (symbol + 1 < 256 && frequencies[symbol + 1] === 0 && more < 255) {
      more++;
      symbol++;
    }
    list.push(more);
  }
  return list;
}

function write(
  weights: Uint8Array,
  runs: readonly CodedRun[],
  ids: readonly LaneCode[],
  laneTables: readonly Uint16Array[],
): Uint8Array {
  const [, idCounts] =
    histogram(Uint8Array.from(ids.flatMap(({ table, value }) => (value === undefined ? [table] : [table, value]))));
  const tables = [frequenciesOf(Float64Array.from(idCounts)), ...laneTables];
  const coder = new Coder(tables);
  const blocks: [end: number, words: number][] = [];
  // rANS decodes in reverse order, so the symbol decoded first is coded last
  let lanesLeft = ids.length;
  for (const run of [...runs].reverse()) {
    for (let lane = run.lanes - 1; lane >= 0; lane--) {
      const { table, value } = ids[--lanesLeft]!;
      const [from, step, stride] = layoutOf(run, lane);
      for (let quad = run.quads - 1; quad >= 0; quad--) {
        const at = from + quad * stride;
        if (value === undefined) { for (let i = 3; i >= 0; i--) coder.put(i, table, weights[at + i * step]!); }
        if (quad % BLOCK === 0) {
          blocks.push([from + (Math.min(run.quads, quad + BLOCK) - 1) * stride + 3 * step + 1, coder.words.length]);
        }
      }
      if (value !== undefined) coder.put(0, CONSTANT, value);
      coder.put(0, CONSTANT, table);
    }
  }
  const lists = tables.flatMap(listOf);
  const wordsAt = alignUp(L.CODED_HEADER + runs.length * L.CODED_RUN_BYTES + lists.length, 4) + STATES_BYTES;
  // the words of a block must start after the bytes that the block writes
  const lead = blocks.reduce(
    (most, [end, after]) => Math.max(most, end - wordsAt - 2 * (coder.words.length - after)),
    0,
  );
  const numbers = [weights.length, alignUp(lead, 16), tables.length, runs.length,
    ...runs.flatMap(({ quads, lanes }) => [quads, lanes])];
  return coder.section(numbers, lists);
}

/**
 * Codes any section as one lane with one table.
 *
 * @returns the packed section, which may be larger than `bytes`
 */
export function encodeSection(bytes: Uint8Array): Uint8Array {
  const [, counts] = histogram(bytes);
  const table = frequenciesOf(Float64Array.from(counts));
  const coder = new Coder([table]);
  for (let i = bytes.length - 1; i >= 0; i--) coder.put(i & 3, 0, bytes[i]!);
  const section = coder.section([bytes.length], listOf(table));
  return bytes.length > MOST_EXPANSION * section.length ? bytes : section;
}

const STATES_BYTES = 16;

/** The rANS coder; it takes symbols from last to first. */
class Coder {
  readonly words: number[] = [];
  private readonly states = [LOWEST, LOWEST, LOWEST, LOWEST];
  private readonly starts: Uint16Array[];

  constructor(private readonly tables: readonly Uint16Array[]) {
    this.starts = tables.map((table) => {
      let start = 0;
      return table.map((frequency) => (start += frequency) - frequency);
    });
  }

  put(state: number, table: number, symbol: number): void {
    const frequency = this.tables[table]![symbol]!;
    let x = this.states[state]!;
    if (x >= frequency * 2 ** (32 - BITS)) {
      this.words.push(x & 0xffff);
      x = Math.floor(x / 65536);
    }
    const quotient = Math.floor(x / frequency);
    this.states[state] = quotient * SLOTS + x - quotient * frequency + this.starts[table]![symbol]!;
  }

  /** The section: u32 numbers, frequency lists padded to a multiple of 4, the states, the words. */
  section(numbers: readonly number[], lists: readonly number[]): Uint8Array {
    const statesAt = alignUp(numbers.length * 4 + lists.length, 4);
    const section = new Uint8Array(statesAt + STATES_BYTES + 2 * this.words.length);
    const view = new DataView(section.buffer);
    numbers.forEach((value, i) => view.setUint32(i * 4, value, true));
    section.set(lists, numbers.length * 4);
    this.states.forEach((state, i) => view.setUint32(statesAt + i * 4, state, true));
    this.words.toReversed().forEach((word, i) => view.setUint16(statesAt + STATES_BYTES + i * 2, word, true));
    return section;
  }
}
