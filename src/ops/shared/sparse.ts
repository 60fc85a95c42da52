import * as L from '../../../assembly/layout';

// Pruned weights as lists of the remaining ones (docs/format/, SPARSE_CONV2D and SPARSE_RECURRENT),
// and the estimate that decides when lists are faster than dense weights.

/**
 * The layout of int8 weights: dense, or lists of pairs along K, or lists of blocks of 8 channels by
 * 4 along K, or dense with two weights of four bits in a byte.
 */
export type WeightLayout = 'dense' | 'pairs' | 'blocks' | 'nibbles';
export type ListLayout = Exclude<WeightLayout, 'dense' | 'nibbles'>;

/** The properties of a matrix product that the choice depends on. */
export interface Product {
  /** Weights [N][K]; those equal to `zero` count as pruned. */
  values: Int8Array;
  N: number;
  K: number;
  zero: number;
  /** Output pixels of one image. */
  pixels: number;
  /** Pixels of a filter. */
  taps: number;
  /** The product of a recurrent layer, with unscaled accumulators, one row at a time. */
  isRecurrent?: boolean;
  /** Whether the weights have four bits, so that dense ones take half a byte each in the file. */
  hasFourBits?: boolean;
  /** Whether dense weights stay packed with four bits, which is faster. */
  isPacked?: boolean;
  /** Nanoseconds for dense weights, if they are multiplied by tiles of outputs. */
  tiledTime?: number | undefined;
}

/** The tables of a SPARSE_CONV2D record, or of one matrix of a SPARSE_RECURRENT record. */
export interface SparseWeights {
  layout: ListLayout;
  tile: number;
  weights: Int8Array;
  deltas: Uint8Array;
  counts: Uint16Array;
}

interface Pattern {
  code: number;
  /**
   * Channels and products that one entry covers. A list is padded to a multiple of `unit` entries.
   */
  channels: number;
  depth: number;
  unit: number;
}
const patterns: Record<ListLayout, Pattern> = {
  pairs: { code: L.SPARSE_PAIRS, channels: 1, depth: 2, unit: 4 },
  blocks: { code: L.SPARSE_BLOCKS, channels: 8, depth: 4, unit: 1 },
};

/** Limits of the tables: deltas are bytes, counts have 16 bits. */
const MAX_DELTA = 255;
const MAX_COUNT = 65535;
const BLOCK_ROWS = 64;

export function patternCode(layout: ListLayout): number {
  return patterns[layout].code;
}

/** The fraction of a layer's weights that are not zero. */
export function density(matrices: readonly ArrayLike<number>[], zero: number): number {
  let left = 0;
  let all = 0;
  for (const values of matrices) {
    all += values.length;
    for (let i = 0; i < values.length; i++) if (values[i] !== zero) left++;
  }
  return left / all;
}

/**
 * The lists in the wanted layout, or by default in the fastest one. Undefined if dense weights are
 * faster, or if the layout cannot represent the weights.
 */
export function sparseWeights(product: Product, wanted?: WeightLayout): SparseWeights | undefined {
  if (wanted === 'dense' || wanted === 'nibbles') return undefined;
  let best: { layout: ListLayout; lists: number[][]; time: number } | undefined;
  for (const layout of ['pairs', 'blocks'] as const) {
    if (wanted !== undefined && wanted !== layout) continue;
    const lists = listsOf(product, layout);
    const time = listedTime(product, layout, lists);
    const limit = wanted === undefined ? denseTime(product) : Infinity;
    if (wanted === undefined && product.hasFourBits && growsFile(product, layout, lists)) continue;
    if (isPossible(product, layout, lists) && time < Math.min(limit, best?.time ?? Infinity)) {
      best = { layout, lists, time };
    }
  }
  return best && pack(product, best.layout, best.lists);
}

function isPossible({ K, taps, isRecurrent }: Product, layout: ListLayout, lists: number[][]): boolean {
  const evenTaps = taps === 1 || (K / taps) % 2 === 0;
  return (layout !== 'pairs' || (evenTaps && !isRecurrent)) && lists.some((places) => places.length > 0) &&
    lists.every((places) => places.length / patterns[layout].unit <= MAX_COUNT);
}

/** Whether lists of 4-bit weights, with their deltas, take more of the file than dense weights. */
function growsFile({ N, K }: Product, layout: ListLayout, lists: number[][]): boolean {
  const { channels, depth } = patterns[layout];
  const entries = lists.reduce((sum, places) => sum + places.length, 0);
  return entries * (channels * depth / 2 + 1) > N * K / 2;
}

/** For each list, the positions along K, in entries, that have nonzero weights. */
function listsOf({ values, N, K, zero }: Product, layout: ListLayout): number[][] {
  const { channels, depth } = patterns[layout];
  const used = new Uint8Array(Math.ceil(K / depth));
  const lists: number[][] = [];
  for (let first = 0; first < N; first += channels) {
    used.fill(0);
    for (let n = first; n < Math.min(N, first + channels); n++) {
      for (let k = 0; k < K; k++) if (values[n * K + k] !== zero) used[Math.floor(k / depth)] = 1;
    }
    const places: number[] = [];
    used.forEach((some, place) => {
      if (!some) return;
      // a weightless entry where the next position is too far for one delta
      for (let last = places.at(-1) ?? 0; place - last > MAX_DELTA; last += MAX_DELTA) places.push(last + MAX_DELTA);
      places.push(place);
    });
    lists.push(places);
  }
  return lists;
}

function pack({ values, N, K, zero, pixels }: Product, layout: ListLayout, lists: number[][]): SparseWeights {
  const { channels, depth, unit } = patterns[layout];
  const counts = Uint16Array.from(lists, (places) => Math.ceil(places.length / unit));
  const size = channels * depth;
  const entries = counts.reduce((sum, count) => sum + count, 0) * unit;
  const weights = new Int8Array(entries * size).fill(zero);
  const deltas = new Uint8Array(entries);
  let at = 0;
  lists.forEach((places, list) => {
    places.forEach((place, i) => {
      deltas[at + i] = place - (places[i - 1] ?? 0);
      for (let n = list * channels; n < Math.min(N, (list + 1) * channels); n++) {
        const from = n * K + place * depth;
        const row = values.subarray(from, Math.min(from + depth, (n + 1) * K));
        weights.set(row, (at + i) * size + (n - list * channels) * depth);
      }
    });
    at += counts[list]! * unit;
  });
  return { layout, tile: tileOf(layout, pixels), weights, deltas, counts };
}

// ── estimated cost ─────────────────────────────────────────────────────────────────────────────────────────
//
// Estimated times in nanoseconds, fitted to `npm run bench -- --kernels` on one thread of the
// machine of bench/results. The time of dense weights is between those of the relaxed flavor,
// which is faster, and of the simd flavor. Only comparisons between these times matter.

function denseTime({ N, K, pixels, isPacked = false, tiledTime }: Product): number {
  if (tiledTime !== undefined) return tiledTime;
  if (isPacked) return pixels * N * K / 50;
  return pixels === 1 ? N * K / 30 : pixels * (N * K / 56 + 0.44 * N + 0.16 * K);
}

function listedTime({ N, K, pixels, taps, isRecurrent }: Product, layout: ListLayout, lists: number[][]): number {
  const { unit } = patterns[layout];
  const entries = lists.reduce((sum, places) => sum + Math.ceil(places.length / unit) * unit, 0);
  // recurrent layers have their own kernel, which stores accumulators and has a relaxed form
  if (isRecurrent) return 1.5 * entries + 4 * lists.length;
  if (layout === 'pairs') return tilesTime(pixels, tileOf(layout, pixels), entries, N) + pixels * (0.13 * K + 2 * taps);
  return pixels === 1
    ? 2 * entries + 8 * lists.length
    : Math.ceil(pixels / 2) * (3.2 * entries + 11 * lists.length) + pixels * (0.1 * K + 2 * taps);
}

function tilesTime(pixels: number, tile: number, entries: number, N: number): number {
  return Math.ceil(pixels / tile) * (entries * (0.35 + 0.05 * tile) + N * (2 + 0.44 * tile));
}

/** Pixels of a tile. Of the two sizes for pairs, the one that wastes less. */
function tileOf(layout: ListLayout, pixels: number): number {
  if (layout === 'blocks') return Math.min(BLOCK_ROWS, Math.ceil(pixels / 4) * 4);
  return tilesTime(pixels, L.SPARSE_TILE, 8, 1) < tilesTime(pixels, L.SPARSE_TILE_WIDE, 8, 1)
    ? L.SPARSE_TILE
    : L.SPARSE_TILE_WIDE;
}
