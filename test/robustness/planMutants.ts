import * as L from '../../assembly/layout';
import { compile, readKlet } from '../../src/compiler/index';
import type { ArenaTensor } from '../../src/format/klet';
import { writeKlet } from '../../src/format/writeKlet';
import type { Flavor } from '../../src/index';
import { Random } from '../helpers/random';
import { randomGraph } from '../helpers/randomGraph';
import { refusalOrSame } from './sameAnswers';
import { sampleFile } from './sample';
import { viewOf } from './seal';

// Plans of a few records, taken from valid files and bent.

/** Records to choose from, with the weights and the arena that they need. */
interface Base {
  records: Uint8Array[];
  weights: Uint8Array;
  arenaBytes: number;
}

const bases: Base[] = [];

function baseOf(file: Uint8Array): Base {
  const { plan, weights, arenaBytes } = readKlet(file);
  const records: Uint8Array[] = [];
  for (let at = 0; at < plan.length; at += viewOf(plan).getUint32(at + L.RECORD_SIZE, true)) {
    records.push(plan.subarray(at, at + viewOf(plan).getUint32(at + L.RECORD_SIZE, true)));
  }
  return { records, weights, arenaBytes };
}

function makeBases(): void {
  const random = new Random(5);
  bases.push(baseOf(sampleFile()), baseOf(sampleFile()));
  for (let i = 0; i < 12; i++) {
    const file = compile(randomGraph(random, 12, random.pick(['int8', 'uint8', 'float32'])), { debugInfo: false });
    const base = baseOf(file);
    if (base.records.length > 0) bases.push(base);
  }
}

const numbers = [0, 1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 64, 127, 128, 255, 4095, -1, -2, -128, -129, 1 << 16, 1 << 20,
  1 << 24, 1 << 28, 1 << 30, 0x7fffffff, -0x80000000, -(1 << 28), -(1 << 30)];
/** Bits of floats: 1, −1, small, large, infinity, two NaNs. */
const floats = [0x3f800000, 0xbf800000, 0x33000000, 0x3dcccccd, 0x41200000, 0x4b000000, 0x7f7fffff, 0xff7fffff, 1,
  0x7f800000, 0x7fc00000, 0xffc00001];

function bend(random: Random, record: Uint8Array, others: readonly Uint8Array[], arenaBytes: number): void {
  const view = viewOf(record);
  const at = 8 + 4 * random.int(0, (record.length - 8) / 4 - 1);
  const old = view.getInt32(at, true);
  const value = random.pick([() => random.pick(numbers), () => random.pick(floats),
    () => old + random.pick([1, -1, 2, -2, 4, -4, 8, 16, -16]), () => -old, () => old >> 1, () => old * 2,
    () => 4 * random.int(0, arenaBytes >> 2), () => random.int(0, arenaBytes), () => {
    // an operand of another record, or another field of this one
    const other = random.next() < 0.5 ? record : random.pick(others);
    return viewOf(other).getInt32(8 + 4 * random.int(0, (other.length - 8) / 4 - 1), true);
  }])();
  view.setInt32(at, value, true);
}

/** A multiply-add count that a bent record may have at most, so that tests end. */
const MAX_WORK = 2e6;

/** An upper estimate of the work of a record: the product of its largest fields. */
function isLarge(record: Uint8Array): boolean {
  const view = viewOf(record);
  const fields = (from: number, count: number): number =>
    Array.from({ length: count }, (_, i) => Math.max(1, view.getInt32(from + 4 * i, true))).reduce((a, b) => a * b, 1);
  switch (record[L.RECORD_OPCODE]) {
    case L.OP_CONV2D:
    case L.OP_SPARSE_CONV2D:
    case L.OP_HYBRID_CONV2D:
    case L.OP_WIDE_CONV2D:
      return view.getInt32(L.CONV2D_BATCH, true) * fields(L.CONV2D_IN_C, 6) > MAX_WORK;
    case L.OP_DEPTHWISE_CONV2D:
    case L.OP_WIDE_DEPTHWISE_CONV2D:
      return fields(L.DEPTHWISE_CHANNELS, 5) > MAX_WORK;
    case L.OP_BATCH_MATMUL:
      return fields(L.BATCH_MATMUL_BATCH, 4) > MAX_WORK;
    case L.OP_NIBBLE_PRODUCT:
      return fields(L.NIBBLE_PRODUCT_ROWS, 3) > MAX_WORK;
    case L.OP_POOL2D:
      return fields(L.POOL2D_CHANNELS, 5) > MAX_WORK;
    case L.OP_MAX_POOL_INDICES:
      return fields(L.MAX_POOL_INDICES_CHANNELS, 5) > MAX_WORK;
    case L.OP_RECURRENT:
    case L.OP_SPARSE_RECURRENT:
      return fields(L.RECURRENT_TIME, 2) * fields(L.RECURRENT_CELLS, 2) > MAX_WORK / 64;
    case L.OP_SVDF:
      return fields(L.SVDF_TIME, 6) > MAX_WORK;
    case L.OP_RECURRENCE:
      return fields(L.RECURRENCE_TIME, 4) > MAX_WORK / 16;
    case L.OP_DFT:
      return fields(L.DFT_OUTER, 1) * fields(L.DFT_INNER, 3) > MAX_WORK;
    case L.OP_RESAMPLE:
      return fields(L.RESAMPLE_OUT, 3) > MAX_WORK;
    case L.OP_SCATTER:
      return fields(L.SCATTER_ROW, 1) * fields(L.SCATTER_DIMENSIONS, 6) > MAX_WORK;
    case L.OP_NON_MAX_SUPPRESSION:
      return fields(L.NMS_BATCH, 4) > MAX_WORK / 16;
    case L.OP_DETECTION_POSTPROCESS:
      return fields(L.DETECTION_ANCHOR_COUNT, 3) > MAX_WORK / 16;
    default:
      return false;
  }
}

interface Mutant {
  file: Uint8Array;
  /** The same file before records and weights were bent. */
  straight: Uint8Array;
}

/** A plan of a few records of one base, most of them bent. An input fills the arena in part. */
export function mutantOf(seed: number): Mutant | undefined {
  if (bases.length === 0) makeBases();
  const random = new Random(seed);
  const base = random.pick(bases);
  const first = random.int(0, base.records.length - 1);
  const chosen = base.records.slice(first, first + random.pick([1, 1, 2, 3, 5]));
  const records = chosen.map((record) => record.slice());
  for (let n = random.pick([0, 1, 1, 1, 2, 3]); n > 0; n--) {
    bend(random, random.pick(records), base.records, base.arenaBytes);
  }
  if (records.some(isLarge)) return undefined;
  const arenaBytes = base.arenaBytes + random.pick([0, 0, 64, 4096]);
  const weights = base.weights.slice();
  if (weights.length >= 4 && random.next() < 0.3) {
    const view = viewOf(weights);
    for (let n = random.int(1, 40); n > 0; n--) {
      const at = 4 * random.int(0, (weights.length >> 2) - 1);
      if (random.next() < 0.5) weights[at + random.int(0, 3)] = random.int(0, 255);
      else view.setInt32(at, random.pick(random.next() < 0.5 ? numbers : floats), true);
    }
  }
  const port = (name: string, dtype: 'int8' | 'float32', from: number, to: number): ArenaTensor => {
    const size = dtype === 'int8' ? 1 : 4;
    const offset = from & -size;
    return { name, dtype, shape: [Math.max(1, Math.floor((to - offset) / size))], offset };
  };
  const state = weights.length > 0 && random.next() < 0.3
    ? { bytes: random.int(1, Math.min(arenaBytes - 64, weights.length)), initial: 0 }
    : undefined;
  const free = state ? state.bytes : 0;
  const whole = random.next() < 0.4;
  const cut = whole ? free : random.int(free, (free + arenaBytes) >> 1);
  const end = whole ? arenaBytes : random.int(cut + 16, arenaBytes);
  const outputs = random.next() < 0.6
    ? [port('y', 'int8', 0, arenaBytes)]
    : [port('y', 'float32', random.int(0, arenaBytes >> 1), arenaBytes)];
  const scratchBytes = random.pick([0, 64, 1 << 14]);
  const write = (parts: readonly Uint8Array[], data: Uint8Array): Uint8Array =>
    writeKlet({
      meta: {
        name: 'm',
        inputs: [port('x', 'int8', cut, end)],
        outputs,
        ...(state && { state: { ...state, carries: true } }),
      },
      plan: Buffer.concat(parts),
      weights: data,
      arenaBytes,
      scratchBytes,
      minor: 0,
    } as never);
  return { file: write(records, weights), straight: write(chosen, base.weights) };
}

/** How a mutant fared: refused, or run with the same bits everywhere. */
export type Fate = 'refused' | 'skipped' | 'same';

/**
 * Runs a mutant in all these flavors and in shares of threads.
 *
 * @throws Error if two runs differ
 */
export function fateOf(seed: number, flavors: readonly Flavor[]): Fate {
  const mutant = mutantOf(seed);
  if (!mutant) return 'skipped';
  return refusalOrSame(mutant.file, { flavors, seed, maxMemory: 1 << 24, shares: true }) ? 'refused' : 'same';
}

/** A description of the records of a mutant, for people. */
export function describeMutant(seed: number): string {
  const mutant = mutantOf(seed);
  if (!mutant) return '';
  const { plan, meta } = readKlet(mutant.file);
  const lines: string[] = [JSON.stringify(meta)];
  for (let at = 0; at < plan.length; at += viewOf(plan).getUint32(at + L.RECORD_SIZE, true)) {
    const size = viewOf(plan).getUint32(at + L.RECORD_SIZE, true);
    const fields = Array.from({ length: (size - 8) / 4 }, (_, i) => viewOf(plan).getInt32(at + 8 + 4 * i, true));
    lines.push(`opcode ${plan[at]} dtype ${plan[at + 1]}: ${fields.map((v, i) => `${8 + 4 * i}:${v}`).join(' ')}`);
  }
  return lines.join('\n');
}
