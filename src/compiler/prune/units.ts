import type { PrunableLayer } from './layers';

/**
 * What is pruned together: single weights; pairs along K of one output; blocks of 4 along K of 8 outputs. Pairs and blocks are what the
 * core has lists for (docs/kernels.md); single weights keep the pairs that they lie in.
 */
export type UnitPattern = 'weights' | 'pairs' | 'blocks';
/** What `prune` removes: units of weights, or whole output channels (channels.ts). */
export type PrunePattern = UnitPattern | 'channels';

const sizes: Record<UnitPattern, { rows: number; depth: number }> = { weights: { rows: 1, depth: 1 }, pairs: { rows: 1, depth: 2 }, blocks: { rows: 8, depth: 4 } };
/** The core multiplies pairs in fours: a channel that keeps another number pays for the next. */
const FOURS = 4;

/** For one place along K, the matrix [depth][depth] that weighs its weights w: their removal costs w·M·w. Without: w·w. */
export type Weighing = (place: number) => ArrayLike<number> | undefined;

export function depthOf(pattern: UnitPattern): number {
  return sizes[pattern].depth;
}

/** Which list of units output n belongs to, and how many lists there are before output N: each gate has its own. */
function listOf({ lanes }: PrunableLayer, n: number, rows: number): number {
  return Math.floor(n / lanes) * Math.ceil(lanes / rows) + Math.floor((n % lanes) / rows);
}

/** What each unit's removal costs, [lists][⌈K/depth⌉]. */
export function unitCosts(layer: PrunableLayer, weights: Float64Array, pattern: UnitPattern, weighing: Weighing = () => undefined): Float64Array {
  const { N, K } = layer, { rows, depth } = sizes[pattern], places = Math.ceil(K / depth), costs = new Float64Array(listOf(layer, N, rows) * places);
  for (let place = 0; place < places; place++) {
    const matrix = weighing(place), from = place * depth, width = Math.min(depth, K - from);
    for (let n = 0; n < N; n++) {
      let cost = 0;
      for (let i = 0; i < width; i++) for (let j = 0; j < width; j++) {
        if (matrix || i === j) cost += weights[n * K + from + i]! * weights[n * K + from + j]! * (matrix ? matrix[i * width + j]! : 1);
      }
      costs[listOf(layer, n, rows) * places + place]! += cost;
    }
  }
  return costs;
}

/** The mask [N][K] (1: stays) that removes the cheapest units, so many that `sparsity` of them are gone. */
export function cheapestMask(layer: PrunableLayer, costs: Float64Array, sparsity: number, pattern: UnitPattern): Uint8Array {
  const { N, K } = layer, { rows, depth } = sizes[pattern], places = Math.ceil(K / depth), lists = costs.length / places, stays = new Uint8Array(costs.length);
  const order = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i).sort((a, b) => costs[b]! - costs[a]! || a - b);
  for (const unit of order(0, costs.length).slice(0, Math.round(costs.length * (1 - sparsity)))) stays[unit] = 1;
  if (pattern === 'pairs') {
    for (let list = 0; list < lists; list++) {
      const from = list * places, kept = stays.subarray(from, from + places).reduce((sum, stay) => sum + stay, 0), fours = Math.min(places, Math.round(kept / FOURS) * FOURS);
      order(from, from + places).forEach((unit, i) => { stays[unit] = i < fours ? 1 : 0; });
    }
  }
  const mask = new Uint8Array(N * K);
  for (let n = 0; n < N; n++) for (let k = 0; k < K; k++) mask[n * K + k] = stays[listOf(layer, n, rows) * places + Math.floor(k / depth)]!;
  return mask;
}
