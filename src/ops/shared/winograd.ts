import * as L from '../../../assembly/layout';
import type { ConvGeometry } from './convolution';

// Which int8 convolutions of 3×3 are computed in tiles of 2×2 outputs (assembly/ops/winograd.ts),
// and how many tiles at a time. Both forms give the same bits.

/** Tiles of a block: with more, transforming the weights for each block takes less of the time. */
const MAX_TILES = 32;
/** Input channels up to which the sums, times 4, fit i32. */
const MAX_CHANNELS = 1820;

// Costs in multiply-adds, fitted to measurements of both forms on one thread. Only comparisons
// matter.

/** Gathering an input of the direct form; the weights are widened once per block. */
const GATHER = 4;
/** Transforming an input channel of a tile, an output channel of a tile, and a weight. */
const INPUT = 64;
const OUTPUT = 128;
const WEIGHT = 40;
/** How much faster tiles must be. */
const GAIN = 1.1;
/** Multiply-adds in a nanosecond. */
const RATE = 38;

/** Tiles in place of the direct form. */
export interface Tiling {
  /** BLOCK_ROWS of the record. */
  rows: number;
  /** Estimated nanoseconds for one image. */
  time: number;
}

/** The tiling of a convolution, or undefined if it has none or the direct form is about as fast. */
export function winogradTiling(g: ConvGeometry): Tiling | undefined {
  const C = g.inC / g.groups;
  const N = g.outC / g.groups;
  const is3x3 = [...g.kernel, ...g.stride, ...g.dilation].join() === '3,3,1,1,1,1';
  if (!is3x3 || C % 8 !== 0 || C > MAX_CHANNELS) return undefined;
  const tiles = Math.ceil(g.outH / 2) * Math.ceil(g.outW / 2);
  const blocks = Math.ceil(tiles / MAX_TILES);
  const block = Math.ceil(tiles / blocks / 4) * 4;
  const direct = g.outH * g.outW * 9 * C * (N + GATHER);
  const tiled = blocks * (block * (16 * C * N + INPUT * C + OUTPUT * N) + WEIGHT * N * C);
  if (tiled * GAIN > direct) return undefined;
  return { rows: Math.max(L.WINOGRAD_ROWS, 4 * block), time: g.groups * tiled / RATE };
}
