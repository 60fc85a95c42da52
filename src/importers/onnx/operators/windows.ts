import type { Tensor } from '../../../graph/graph';
import type { Padding, Pair } from '../../../graph/operators';
import type { NodeEmitter } from '../../shared/nodeEmitter';
import type { OnnxOperator } from '../operator';

/** Windows over the dimensions behind batch and channels, in elements. */
export interface Windows {
  kernel: number[];
  stride: number[];
  dilation: number[];
  /** Padding before and after each dimension. */
  before: number[];
  after: number[];
}

/**
 * The windows of a convolution or pool, with the padding that `auto_pad` asks for.
 *
 * @param sizes - The dimensions that the windows slide over.
 */
export function windowsOf(operator: OnnxOperator, sizes: readonly number[], kernel: readonly number[]): Windows {
  const { attributes } = operator;
  const each = (name: string, absent: number): number[] => attributes.ints(name) ?? sizes.map(() => absent);
  const stride = each('strides', 1);
  const dilation = each('dilations', 1);
  const pads = attributes.ints('pads') ?? [...sizes, ...sizes].map(() => 0);
  const rank = sizes.length;
  operator.check(
    [kernel, stride, dilation].every((list) => list.length === rank && list.every((n) => n > 0)) &&
      pads.length === 2 * rank,
    'a kernel, stride, dilation or padding that does not fit its input',
  );
  const rule = attributes.string('auto_pad', 'NOTSET');
  const windows = { kernel: [...kernel], stride, dilation, before: pads.slice(0, rank), after: pads.slice(rank) };
  if (rule === 'VALID') return { ...windows, before: sizes.map(() => 0), after: sizes.map(() => 0) };
  if (!rule.startsWith('SAME')) return windows;
  const totals = sizes.map((size, i) =>
    Math.max((Math.ceil(size / stride[i]!) - 1) * stride[i]! + extent(windows, i) - size, 0)
  );
  // SAME_UPPER adds an odd pixel at the end, SAME_LOWER at the beginning
  const [less, more] = [totals.map((n) => n >> 1), totals.map((n) => n - (n >> 1))];
  return rule === 'SAME_LOWER' ? { ...windows, before: more, after: less } : { ...windows, before: less, after: more };
}

/** The elements that a window covers along dimension `i`. */
export function extent({ kernel, dilation }: Windows, i: number): number {
  return (kernel[i]! - 1) * dilation[i]! + 1;
}

/** A pair for rows and columns; one dimension is a row. */
export function pair(values: readonly number[], row: number): Pair {
  return values.length === 1 ? [row, values[0]!] : [values[0]!, values[1]!];
}

export function paddingOf({ before, after }: Windows): Padding {
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
