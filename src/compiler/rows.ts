import type { AnyNode } from '../graph/graph';
import type { WeightMatrix } from '../ops/operator';

/** A weight matrix of a node. */
export interface LayerMatrix extends WeightMatrix {
  node: AnyNode;
  /** The node's name with the suffix of the matrix. */
  name: string;
}

/** Numbers in a row: K of each group. */
export function rowLength({ K, groups }: LayerMatrix): number {
  return K * groups;
}

/**
 * The receptive field of one output pixel of the first image, or one row of the input, as real
 * values in the order [tap][channel].
 *
 * @param values the elements of `layer.seen`, as they are stored
 */
export function gatherRow(
  layer: LayerMatrix,
  values: ArrayLike<number>,
  pixel: number,
  out: Float32Array,
  at: number,
): void {
  const x = layer.seen!;
  const { scale, zeroPoint } = x.quantization ?? { scale: [1], zeroPoint: [0] };
  const [s, z] = [scale[0]!, zeroPoint[0] ?? 0];
  if (!layer.window) {
    const from = (layer.rowOf?.(pixel) ?? pixel) * layer.K;
    for (let k = 0; k < layer.K; k++) out[at + k] = s * (values[from + k]! - z);
    return;
  }
  const [, , W, C] = x.shape as [number, number, number, number];
  const [rows, columns] = pixelsOf(layer, pixel);
  let to = at;
  for (const iy of rows) {
    for (const ix of columns) {
      const from = (iy * W + ix) * C;
      const inside = iy >= 0 && ix >= 0;
      for (let c = 0; c < C; c++) out[to + c] = inside ? s * (values[from + c]! - z) : 0;
      to += C;
    }
  }
}

/** The rows and the columns of the input that the taps of one output pixel read; −1 is outside. */
function pixelsOf({ node, seen, window, isTransposed }: LayerMatrix, pixel: number): [number[], number[]] {
  const { kernel, stride, dilation, padding } = window!;
  const outW = node.outputs[0]!.shape[2]!;
  const read = (axis: 0 | 1, out: number): number[] =>
    Array.from({ length: kernel[axis] }, (_, tap) => {
      const offset = tap * dilation[axis];
      const place = isTransposed
        ? (out + padding[axis] - offset) / stride[axis]
        : out * stride[axis] - padding[axis] + offset;
      return Number.isInteger(place) && place >= 0 && place < seen!.shape[1 + axis]! ? place : -1;
    });
  return [read(0, Math.floor(pixel / outW)), read(1, pixel % outW)];
}
