import type { PrunableLayer } from './layers';

/**
 * The unit of pruning: single weights, pairs along K of one output, or blocks of 4 along K by 8
 * outputs. The core has kernels for lists of pairs and of blocks (docs/kernels/sparse.md). If a
 * single weight of a pair remains, the list keeps the whole pair.
 */
export type UnitPattern = 'weights' | 'pairs' | 'blocks';
/** The units that `prune` removes: groups of weights, or whole output channels (channels.ts). */
export type PrunePattern = UnitPattern | 'channels';

const sizes: Record<UnitPattern, { rows: number; depth: number }> = {
  weights: { rows: 1, depth: 1 },
  pairs: { rows: 1, depth: 2 },
  blocks: { rows: 8, depth: 4 },
};
/**
 * The core multiplies pairs in groups of four. If the number of pairs of a channel is not a
 * multiple of four, the last group is padded, which takes as long as a full one. Therefore a
 * channel keeps no pairs or at least four.
 */
const FOURS = 4;

/**
 * For one position along K, the matrix M [depth][depth] such that removing the weights w there
 * costs w·M·w. If it is undefined, the cost is w·w.
 */
export type Weighing = (place: number) => ArrayLike<number> | undefined;

export function depthOf(pattern: UnitPattern): number {
  return sizes[pattern].depth;
}

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, n) => sum + n, 0);

/**
 * The index of the list of units that output n belongs to. For n = N it is the number of lists.
 * Each gate has its own lists.
 */
function listOf({ lanes }: PrunableLayer, n: number, rows: number): number {
  return Math.floor(n / lanes) * Math.ceil(lanes / rows) + Math.floor((n % lanes) / rows);
}

/** The cost of removing each unit, [lists][⌈K/depth⌉]. */
export function unitCosts(
  layer: PrunableLayer,
  weights: Float64Array,
  pattern: UnitPattern,
  weighing: Weighing = () => undefined,
): Float64Array {
  const { N, K } = layer;
  const { rows, depth } = sizes[pattern];
  const places = Math.ceil(K / depth);
  const costs = new Float64Array(listOf(layer, N, rows) * places);
  for (let place = 0; place < places; place++) {
    const matrix = weighing(place);
    const from = place * depth;
    const width = Math.min(depth, K - from);
    for (let n = 0; n < N; n++) {
      let cost = 0;
      for (let i = 0; i < width; i++) {
        for (let j = 0; j < width; j++) {
          if (matrix || i === j) {
            cost += weights[n * K + from + i]! * weights[n * K + from + j]! * (matrix ? matrix[i * width + j]! : 1);
          }
        }
      }
      costs[listOf(layer, n, rows) * places + place]! += cost;
    }
  }
  return costs;
}

/**
 * The mask [N][K] (1 keeps a weight) that removes the cheapest units, the fraction `sparsity` of
 * all.
 */
export function cheapestMask(
  layer: PrunableLayer,
  costs: Float64Array,
  sparsity: number,
  pattern: UnitPattern,
): Uint8Array {
  const { N, K } = layer;
  const { rows, depth } = sizes[pattern];
  const places = Math.ceil(K / depth);
  const lists = costs.length / places;
  const stays = new Uint8Array(costs.length);
  const order = (from: number, to: number): number[] =>
    Array.from({ length: to - from }, (_, i) => from + i).sort((a, b) => costs[b]! - costs[a]! || a - b);
  for (const unit of order(0, costs.length).slice(0, Math.round(costs.length * (1 - sparsity)))) stays[unit] = 1;
  if (pattern === 'pairs') {
    const ranked = Array.from({ length: lists }, (_, list) => order(list * places, (list + 1) * places));
    const kept = ranked.map((units) => units.filter((unit) => stays[unit] === 1).length);
    const fours = kept.map((count) => count && Math.max(1, Math.round(count / FOURS)));
    const costOfLast = (list: number): number =>
      ranked[list]!.slice((fours[list]! - 1) * FOURS, fours[list]! * FOURS).reduce(
        (sum, unit) => sum + costs[unit]!,
        0,
      );
    // outputs that would be left empty take their four pairs from other outputs, cheapest first
    for (let more = sumOf(fours) - Math.round(sumOf(kept) / FOURS); more > 0; more--) {
      const cheapest = fours.flatMap((count, list) => (count > 1 ? [{ list, cost: costOfLast(list) }] : [])).reduce(
        (best, one) => (one.cost < best.cost ? one : best),
        { list: -1, cost: Infinity },
      );
      if (cheapest.list < 0) break;
      fours[cheapest.list]!--;
    }
    ranked.forEach((units, list) => {
      units.forEach((unit, i) => {
        stays[unit] = i < fours[list]! * FOURS ? 1 : 0;
      });
    });
  }
  const mask = new Uint8Array(N * K);
  for (let n = 0; n < N; n++) {
    for (let k = 0; k < K; k++) mask[n * K + k] = stays[listOf(layer, n, rows) * places + Math.floor(k / depth)]!;
  }
  return mask;
}
