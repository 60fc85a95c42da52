import { elementCount, type Tensor } from '../../../../graph/graph';
import type { Padding, Pair } from '../../../../graph/operators';
import type { NodeEmitter } from '../../nodeEmitter';
import type { KerasLayer } from '../layer';

// Windows over one to three spatial dimensions, which the graph has as images [N][H][W][C].

/** Windows over the spatial dimensions of a layer, in elements. */
export interface Windows {
  kernel: readonly number[];
  stride: readonly number[];
  dilation: readonly number[];
  before: readonly number[];
  after: readonly number[];
}

/** The numbers of the last two dimensions; `filler` for a height that a sequence does not have. */
export function pair(list: readonly number[], filler: number): Pair {
  return [list.at(-2) ?? filler, list.at(-1)!];
}

/** The padding of the last two dimensions. */
export function paddingOf({ before, after }: Pick<Windows, 'before' | 'after'>): Padding {
  const [[top, left], [bottom, right]] = [pair(before, 0), pair(after, 0)];
  return [top, left, bottom, right];
}

/** Elements from the first to the last tap of a window. */
export function extent(kernel: number, dilation: number): number {
  return (kernel - 1) * dilation + 1;
}

/**
 * The padding of windows by Keras's rules: `valid` is none, `same` gives ⌈size / stride⌉ windows
 * with an odd element after, and `causal` pads before only.
 */
export function padWindows(
  layer: KerasLayer,
  sizes: readonly number[],
  { kernel, stride, dilation }: Pick<Windows, 'kernel' | 'stride' | 'dilation'>,
): Windows {
  // Keras 1 has border_mode
  const rule = layer.config.string(layer.config.has('border_mode') ? 'border_mode' : 'padding', 'valid').toLowerCase();
  layer.check(['valid', 'same', 'causal'].includes(rule), `padding "${rule}"`);
  const totals = sizes.map((size, i) => {
    const reach = extent(kernel[i]!, dilation[i]!);
    if (rule === 'same') return Math.max((Math.ceil(size / stride[i]!) - 1) * stride[i]! + reach - size, 0);
    return rule === 'causal' ? reach - 1 : 0;
  });
  const before = totals.map((total) => (rule === 'causal' ? total : total >> 1));
  return { kernel, stride, dilation, before, after: totals.map((total, i) => total - before[i]!) };
}

/** The input with its channels last. */
export function channelsLast(layer: KerasLayer, x: Tensor): Tensor {
  if (!layer.isChannelsFirst) return x;
  const spatial = x.shape.slice(2).map((_, i) => i + 2);
  return layer.emit.transpose(x, [0, ...spatial, 1]);
}

/** The reverse: an output with its channels where the layer has them. */
export function channelsBack(layer: KerasLayer, y: Tensor): Tensor {
  if (!layer.isChannelsFirst) return y;
  const spatial = y.shape.slice(1, -1).map((_, i) => i + 1);
  return layer.emit.transpose(y, [0, y.shape.length - 1, ...spatial]);
}

/** [N][L][C], [N][H][W][C] or [N][D][H][W][C] as [N or N·D][1 or H][W or L][C] */
export function toImage(emit: NodeEmitter, x: Tensor): Tensor {
  const [n, c] = [x.shape[0]!, x.shape.at(-1)];
  const spatial = x.shape.slice(1, -1);
  const [height, width] = pair(spatial, 1);
  return emit.reshape(x, [n * elementCount(spatial.slice(0, -2)), height, width, c]);
}

/** The reverse, to `rank` dimensions with a batch of `batch`. */
export function fromImage(emit: NodeEmitter, y: Tensor, rank: number, batch: number): Tensor {
  const [n, height, width, c] = y.shape as [number, number, number, number];
  if (rank === 3) return emit.reshape(y, [n, width, c]);
  return rank === 4 ? y : emit.reshape(y, [batch, n / batch, height, width, c]);
}

/** Applies a function of the last dimension along another axis. */
export function alongAxis(emit: NodeEmitter, x: Tensor, axis: number, apply: (x: Tensor) => Tensor): Tensor {
  const perm = [...x.shape.keys()].filter((d) => d !== axis);
  perm.push(axis);
  return emit.transpose(apply(emit.transpose(x, perm)), perm.map((_, d) => perm.indexOf(d)));
}

/** Values for the axes in `axes`, in a shape that broadcasts to `rank` dimensions. */
export function alongAxes(emit: NodeEmitter, values: Tensor, axes: readonly number[], like: readonly number[]): Tensor {
  return emit.reshape(values, like.map((size, i) => (axes.includes(i) ? size : 1)));
}
