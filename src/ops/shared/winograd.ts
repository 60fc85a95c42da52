import * as L from '../../../assembly/layout';
import type { Pair } from '../../graph/operators';
import type { ConvGeometry } from './convolution';

// Which int8 convolutions of 3×3 are computed in tiles of 2×2 or 4×4 outputs, and which of 3×1 and
// 1×3 in tiles of 4 outputs (assembly/ops/winograd.ts), and how many tiles at a time. All forms
// give the same bits.

// Costs in multiply-adds, fitted to measurements of all forms on one thread. Only comparisons
// matter.

/** To gather one input of the direct form, and if the kernel is one row, which is one copy. */
const GATHER = 4;
const GATHER_ROW = 1.5;

/** A form in tiles of `side`×`side` outputs, or of `side` outputs along one axis. */
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
  /** To transform the weights between two channels, for each block. */
  weight: number;
}

/** For 3×3. */
const squares: readonly Form[] = [{
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

/** For 3×1 and 1×3. More tiles of a block would save up to 4 % of the time. */
const line: Form = {
  side: 4,
  maxTiles: 32,
  rows: (tiles) => Math.max(L.WINOGRAD_ROWS, 4 * tiles),
  product: 6.4,
  input: 40,
  output: 60,
  weight: 12,
};

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
 * @param weightsZero zero point of the weights, which bounds the sums of tiles with side 4
 */
export function winogradTiling(g: ConvGeometry, weightsZero: number): Tiling | undefined {
  const C = g.inC / g.groups;
  const N = g.outC / g.groups;
  if ([...g.stride, ...g.dilation].some((step) => step !== 1) || C % 8 !== 0) return undefined;
  const costs = formsOf(g.kernel, C, C * (128 + Math.abs(weightsZero))).map((form) => {
    const [height, width] = g.kernel.map((taps) => (taps === 1 ? 1 : form.side)) as Pair;
    const tiles = Math.ceil(g.outH / height) * Math.ceil(g.outW / width);
    const blocks = Math.ceil(tiles / form.maxTiles);
    const block = Math.ceil(tiles / blocks / 4) * 4;
    const tile = form.product * C * N + form.input * C + form.output * N;
    return { rows: form.rows(block), cost: blocks * (block * tile + form.weight * N * C) };
  });
  if (costs.length === 0) return undefined;
  const { rows, cost } = costs.reduce((best, form) => form.cost < best.cost ? form : best);
  const direct = g.outH * g.outW * g.kernel[0] * g.kernel[1] * C * (N + (g.kernel[0] === 1 ? GATHER_ROW : GATHER));
  if (cost * GAIN > direct) return undefined;
  return { rows, time: g.groups * cost / RATE };
}

/** The forms of a kernel whose sums fit. */
function formsOf(kernel: Pair, C: number, reach: number): readonly Form[] {
  switch (kernel.join()) {
    case '3,3':
      return squares.filter(({ side }) => (side === 2 ? C <= L.WINOGRAD_CHANNELS : reach <= L.WINOGRAD_REACH));
    case '3,1':
    case '1,3':
      return reach <= 24 * L.WINOGRAD_REACH ? [line] : [];
    default:
      return [];
  }
}
