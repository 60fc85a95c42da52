import type { Tensor } from '../../../graph/graph';
import type { Padding, Pair } from '../../../graph/operators';
import type { NodeEmitter } from '../../shared/nodeEmitter';
import { autoPadded, type SpatialWindows } from '../../shared/windows';
import type { OnnxOperator } from '../operator';

/**
 * The windows of a convolution or pool over the dimensions behind batch and channels, with the
 * padding that `auto_pad` asks for.
 *
 * @param sizes - The dimensions that the windows slide over.
 */
export function windowsOf(operator: OnnxOperator, sizes: readonly number[], kernel: readonly number[]): SpatialWindows {
  const { attributes } = operator;
  const each = (name: string, absent: number): number[] => attributes.ints(name) ?? sizes.map(() => absent);
  const windows = { kernel: [...kernel], stride: each('strides', 1), dilation: each('dilations', 1) };
  const pads = attributes.ints('pads') ?? [...sizes, ...sizes].map(() => 0);
  const rank = sizes.length;
  operator.check(
    Object.values(windows).every((list) => list.length === rank && list.every((n) => n > 0)) &&
      pads.length === 2 * rank,
    'a kernel, stride, dilation or padding that does not fit its input',
  );
  const rule = attributes.string('auto_pad', 'NOTSET');
  if (rule === 'SAME_UPPER' || rule === 'SAME_LOWER' || rule === 'VALID') return autoPadded(sizes, rule, windows);
  return { ...windows, before: pads.slice(0, rank), after: pads.slice(rank) };
}

/** A pair for rows and columns; one dimension is a row. */
export function pair(values: readonly number[], row: number): Pair {
  return values.length === 1 ? [row, values[0]!] : [values[0]!, values[1]!];
}

export function paddingOf({ before, after }: SpatialWindows): Padding {
  const [top, left] = pair(before, 0);
  const [bottom, right] = pair(after, 0);
  return [top, left, bottom, right];
}

/** [N][C][L] or [N][C][H][W] → an image [N][H][W][C]; one dimension is a row. */
export function toImage(emit: NodeEmitter, x: Tensor): Tensor {
  if (x.shape.length === 4) return emit.transpose(x, [0, 2, 3, 1]);
  const [n, c, l] = x.shape as [number, number, number];
  return emit.reshape(emit.transpose(x, [0, 2, 1]), [n, 1, l, c]);
}

/** The reverse of `toImage`, for a result of `rank` dimensions. */
export function fromImage(emit: NodeEmitter, y: Tensor, rank: number): Tensor {
  if (rank === 4) return emit.transpose(y, [0, 3, 1, 2]);
  const [n, , l, c] = y.shape as [number, number, number, number];
  return emit.transpose(emit.reshape(y, [n, l, c]), [0, 2, 1]);
}

/** [N][C]… → [N]…[C] */
export function channelsLast(emit: NodeEmitter, x: Tensor): Tensor {
  return emit.transpose(x, [0, ...Array.from({ length: x.shape.length - 2 }, (_, i) => i + 2), 1]);
}

/** [N]…[C] → [N][C]… */
export function channelsFirst(emit: NodeEmitter, y: Tensor): Tensor {
  const last = y.shape.length - 1;
  return emit.transpose(y, [0, last, ...Array.from({ length: last - 1 }, (_, i) => i + 1)]);
}
