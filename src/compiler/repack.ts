import * as L from '../../assembly/layout';
import { checkOptions, show, type Options } from '../arguments';
import { KletError } from '../errors';
import { readKlet } from '../format/klet';
import type { Meta } from '../format/meta';
import { pays, writeKlet } from '../format/writeKlet';
import { limitsOf, TOOL_MEMORY, type Limits } from '../limits';
import type { CodedRun } from '../ops/emitter';
import type { Inputs } from '../runtime/types';
import { encodeSection, encodeWeights } from './entropy';
import { goldenVectors } from './golden';
import { checkMeta } from './meta';
import { loadSync } from './runtime';

export interface RepackOptions {
  /** Entries of the META section to add or replace. */
  meta?: Partial<Omit<Meta, 'inputs' | 'outputs'>>;
  /** Inputs to store with their outputs as golden cases, instead of those in the file. */
  golden?: readonly Inputs[];
  /** `false` drops the names and sizes that `inspect` and `profile` show (default: as they are). */
  debugInfo?: boolean;
  /** Entropy-code the sections where that makes them smaller (default: as the file is). */
  compact?: boolean;
  /** Upper limit of the model's memory, in bytes (default: 1 GiB). */
  maxMemory?: number;
  /** Upper limit of the work of a prediction, for golden cases (default: 2^40 multiply-adds). */
  maxWork?: number;
}

const repackOptions = {
  meta: 'object',
  golden: 'object',
  debugInfo: 'boolean',
  compact: 'boolean',
  maxMemory: 'number',
  maxWork: 'number',
} satisfies Options<RepackOptions>;

/**
 * Bytes of weights that are coded together. The file does not say where its tensors begin, so the
 * weights are cut into equal pieces.
 */
const PIECE = 2048;

/**
 * Changes the parts of a `.klet` file that do not depend on the network. The plan and the weights
 * stay as they are, so the answers stay the same. Coded weights are up to 3 % larger than those of
 * `compile` with `compact`, which knows the tensors.
 *
 * @param file the bytes of a `.klet` file
 * @returns the bytes of the new file
 * @throws KletError `BAD_MAGIC`, `BAD_VERSION`, `CORRUPT`, `OUT_OF_MEMORY` or `TOO_MUCH_WORK` about
 *   the file
 * @example
 * ```js
 * const b = new GraphBuilder('twice'), x = b.input('x', [1, 2]);
 * const y = b.node('binary', [x, x], { kind: 'add', activation: 'none' }, { name: 'y' });
 * const file = repack(compile(b.finish([y])), { meta: { labels: ['left', 'right'] } });
 * console.log(loadSync(file).meta.labels); // [ 'left', 'right' ]
 * ```
 */
export function repack(file: Uint8Array, options: RepackOptions): Uint8Array {
  checkOptions(options, repackOptions, 'repack()');
  const { meta = {}, golden = [], debugInfo = true, compact = false, maxMemory, maxWork } = options;
  const limits = limitsOf({ maxMemory, maxWork }, TOOL_MEMORY);
  if (!Array.isArray(golden)) {
    throw new KletError('BAD_ARGUMENT', `the option "golden" of repack() takes an array, not ${show(golden)}`);
  }
  const { debugInfo: names, ...parts } = readKlet(file, undefined, { maxMemory: limits.maxMemory });
  checkMeta(meta, parts.meta.outputs);
  const changed = {
    ...parts,
    meta: { ...parts.meta, ...meta },
    ...(debugInfo && names && { debugInfo: names }),
    ...(golden.length > 0 && { golden: goldenOf(file, golden, limits) }),
  };
  if (parts.coded || !compact) return writeKlet(changed, parts.coded ? encodeSection : undefined);
  const coded = encodeWeights(parts.weights, pieces(parts.weights));
  return writeKlet(pays(coded, parts.weights) ? { ...changed, weights: coded, coded: true } : changed, encodeSection);
}

/** Each piece as bytes, or as 32-bit words where that takes fewer bits. */
function pieces(weights: Uint8Array): CodedRun[] {
  return Array.from({ length: Math.ceil(weights.length / PIECE) }, (_, i) => {
    const offset = i * PIECE;
    const piece = weights.subarray(offset, offset + PIECE);
    const planes = Array.from(
      { length: L.CODED_PLANES },
      (_, plane) => piece.filter((_, at) => at % L.CODED_PLANES === plane),
    );
    const wordBits = planes.reduce((sum, plane) => sum + entropyOf(plane), 0);
    const lanes = wordBits < entropyOf(piece) ? L.CODED_PLANES : L.CODED_BYTES;
    return { offset, quads: piece.length / 4 / lanes, lanes };
  });
}

/** Bits of an optimal code of the bytes. */
function entropyOf(bytes: Uint8Array): number {
  const counts = new Map<number, number>();
  for (const byte of bytes) counts.set(byte, (counts.get(byte) ?? 0) + 1);
  return [...counts.values()].reduce((bits, count) => bits - count * Math.log2(count / bytes.length), 0);
}

function goldenOf(file: Uint8Array, cases: readonly Inputs[], limits: Limits): Uint8Array {
  const model = loadSync(file, limits);
  const golden = goldenVectors(model, cases);
  model.dispose();
  return golden;
}
