import * as L from '../../../assembly/layout';
import type { ConvGeometry } from './convolution';

// Which int8 convolutions of 3×3 are computed in tiles of 2×2 outputs (assembly/ops/winograd.ts),
// and how many tiles at a time. Both forms give the same bits.

/** Tiles of a block. More would save time, because the weights are transformed for each block. */
const MAX_TILES = 32;

// Costs in multiply-adds, fitted to measurements of both forms on one thread. Only comparisons
// matter.

/** To gather one input of the direct form. */
const GATHER = 4;
/** To transform the inputs of a tile, for each channel. */
const INPUT = 64;
/** To transform the products of a tile to outputs, for each channel. */
const OUTPUT = 128;
/** To transform the nine weights between two channels, for each block. */
const WEIGHT = 40;
/** Tiles must be faster by this factor. */
const GAIN = 1.1;
/** Multiply-adds per nanosecond. */
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
  if (!is3x3 || C % 8 !== 0 || C > L.WINOGRAD_CHANNELS) return undefined;
  const tiles = Math.ceil(g.outH / 2) * Math.ceil(g.outW / 2);
  const blocks = Math.ceil(tiles / MAX_TILES);
  const block = Math.ceil(tiles / blocks / 4) * 4;
  const direct = g.outH * g.outW * 9 * C * (N + GATHER);
  const tiled = blocks * (block * (16 * C * N + INPUT * C + OUTPUT * N) + WEIGHT * N * C);
  if (tiled * GAIN > direct) return undefined;
  return { rows: Math.max(L.WINOGRAD_ROWS, 4 * block), time: g.groups * tiled / RATE };
}
