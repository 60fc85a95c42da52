import * as L from '../../../assembly/layout';
import type { Emitter } from '../emitter';
import type { ConvGeometry } from './convolution';

// Weights of four bits that the core multiplies as they are packed (docs/kernels/gemm.md), which is
// faster for single rows. Others are packed in the file only (src/format/nibbles.ts).

/** Rows up to which a product with packed weights is faster than one with unpacked weights. */
const MOST_ROWS = 8;
const MOST_INPUTS = 65536;
const LOWEST = -8;
const HIGHEST = 7;

/** Whether these are int8 weights that fit four bits. */
export function fitFourBits(values: ArrayLike<number>, zeroPoint = 0): boolean {
  if (!(values instanceof Int8Array)) return false;
  return values.every((value) => value - zeroPoint >= LOWEST && value - zeroPoint <= HIGHEST);
}

/** Whether the weights fit four bits and the compiler may leave them packed. */
export function staysPacked(values: ArrayLike<number>, emit: Emitter, zeroPoint = 0): boolean {
  const { weightLayout } = emit.options;
  return (weightLayout === undefined || weightLayout === 'nibbles') && fitFourBits(values, zeroPoint);
}

/**
 * The number of rows if a convolution is a product of few dense rows with one matrix: a layer over
 * rows or pixels, or a filter as large as the image.
 */
export function fewRows(g: ConvGeometry, K: number, emit: Emitter): number | undefined {
  const { batch, inH, inW, outH, outW, outC } = g;
  const [pixels, isDense] = [outH * outW, g.pixelStride === outC && g.rowStride === outW * outC];
  const isWhole = pixels === 1 && g.kernel[0] === inH && g.kernel[1] === inW && g.dilation.every((step) => step === 1);
  const isPointwise = K === g.inC && outH === inH && outW === inW && g.stride.every((step) => step === 1);
  const isProduct = (isWhole || isPointwise) && isDense && g.padTop === 0 && g.padLeft === 0 && g.groups === 1 &&
    (batch === 1 || g.batchStride === pixels * outC);
  const rows = batch * pixels;
  return isProduct && K <= MOST_INPUTS && (rows <= MOST_ROWS || emit.options.weightLayout === 'nibbles')
    ? rows
    : undefined;
}

/** The bits of PARTS for the matrices of a recurrent record that stay packed. */
export const nibbleParts: Record<number, number> = {
  [L.RECURRENT_INPUT_WEIGHTS]: L.RECURRENT_INPUT_NIBBLES,
  [L.RECURRENT_HIDDEN_WEIGHTS]: L.RECURRENT_HIDDEN_NIBBLES,
  [L.RECURRENT_PROJECTION]: L.RECURRENT_PROJECTION_NIBBLES,
};
