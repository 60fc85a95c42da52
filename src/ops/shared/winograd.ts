import * as L from '../../../assembly/layout';
import type { ConvGeometry } from './convolution';

// Which int8 convolutions of 3×3 are computed in tiles of 2×2 or 4×4 outputs
// (assembly/ops/winograd.ts), and how many tiles at a time. All forms give the same bits.

// Costs in multiply-adds, fitted to measurements of all forms on one thread. Only comparisons
// matter.

/** To gather one input of the direct form. */
const GATHER = 4;

/** A form in tiles of `side`×`side` outputs. */
interface Form {
  side: number;
  /** Tiles of a block. More would save time, because the weights are transformed for each block. */
  maxTiles: number;
  /** BLOCK_ROWS that tell the core to use the form, and no other. */
  rows: (tiles: number) => number;
  /** To multiply a tile, for each input and output channel. Larger tiles have fewer products. */
  product: number;
  /** To transform the inputs of a tile, for each channel. */
  input: number;
  /** To transform the products of a tile to outputs, for each channel. */
  output: number;
  /** To transform the nine weights between two channels, for each block. */
  weight: number;
}

const forms: readonly Form[] = [{
  side: 2,
  // 32 would have 128 BLOCK_ROWS, which mean 4×4 outputs
  maxTiles: 28,
  rows: (tiles) => Math.max(L.WINOGRAD_ROWS, 4 * tiles),
  product: 16,
  input: 64,
  output: 200,
  weight: 40,
}, {
  side: 4,
  maxTiles: 16,
  rows: (tiles) => Math.max(128, 16 * tiles),
  product: 30,
  input: 350,
  output: 650,
  weight: 130,
}];

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

/**
 * The tiling of a convolution, or undefined if it has none or the direct form is about as fast.
 *
 * @param weightsZero zero point of the weights, which bounds the sums of 4×4 outputs
 */
export function winogradTiling(g: ConvGeometry, weightsZero: number): Tiling | undefined {
  const C = g.inC / g.groups;
  const N = g.outC / g.groups;
  const is3x3 = [...g.kernel, ...g.stride, ...g.dilation].join() === '3,3,1,1,1,1';
  if (!is3x3 || C % 8 !== 0 || C > L.WINOGRAD_CHANNELS) return undefined;
  const isBounded = C * (128 + Math.abs(weightsZero)) <= L.WINOGRAD_REACH;
  const costs = forms.filter(({ side }) => side === 2 || isBounded).map((form) => {
    const tiles = Math.ceil(g.outH / form.side) * Math.ceil(g.outW / form.side);
    const blocks = Math.ceil(tiles / form.maxTiles);
    const block = Math.ceil(tiles / blocks / 4) * 4;
    const tile = form.product * C * N + form.input * C + form.output * N;
    return { rows: form.rows(block), cost: blocks * (block * tile + form.weight * N * C) };
  });
  const { rows, cost } = costs.reduce((best, form) => form.cost < best.cost ? form : best);
  const direct = g.outH * g.outW * 9 * C * (N + GATHER);
  if (cost * GAIN > direct) return undefined;
  return { rows, time: g.groups * cost / RATE };
}
