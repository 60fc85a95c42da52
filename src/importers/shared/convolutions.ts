import type { Tensor } from '../../graph/graph';
import type { CellActivation, Padding, Pair } from '../../graph/operators';
import { permuted, type Constant } from './constants';
import type { OperatorImport } from './operatorImport';
import { padded } from './pads';
import { spreadDepth, stackDepth, stackedWeights } from './volumes';
import { windowCounts, type SpatialWindows } from './windows';

// Convolutions over one, two or three spatial dimensions: x [N, …sizes, Ci], w [Co, …kernel,
// Ci/groups], bias [Co]. A sequence is an image of one row.

interface Parts {
  x: Tensor;
  w: Constant;
  bias: Tensor | null;
  windows: SpatialWindows;
  groups: number;
  activation?: CellActivation;
}

/** Emits a convolution. The padding is zeros. */
export function emitConvolution(operator: OperatorImport, parts: Parts): void {
  const { x, w, windows } = checked(operator, parts);
  const y = operator.output;
  if (windows.kernel.length === 1) return emitOnRow(operator, parts, emitConvolution2d);
  if (windows.kernel.length === 2) return emitConvolution2d(operator, parts, y);
  const { kernel, stride, dilation, before, after } = windows;
  const [count] = windowCounts(x.shape.slice(1, -1), windows) as [number];
  const deep = padded(operator, x, [before[0]!, 0, 0], [after[0]!, 0, 0]);
  const taps = Array.from({ length: kernel[0]! }, (_, k) => ({ begin: k * dilation[0]!, stride: stride[0]! }));
  const images = stackDepth(operator, deep, taps, count, parts.groups);
  emitOnImages(operator, { ...parts, x: images, w: stackedWeights(w) }, emitConvolution2d);
}

/**
 * Emits a transposed convolution. The windows are those of the convolution whose gradient it is;
 * the padding is cropped, and the output's shape says how much at the end.
 */
export function emitTransposedConvolution(operator: OperatorImport, parts: Parts): void {
  const { x, w, windows } = checked(operator, parts);
  const y = operator.output;
  if (windows.kernel.length === 1) return emitOnRow(operator, parts, emitTransposed2d);
  if (windows.kernel.length === 2) return emitTransposed2d(operator, parts, y);
  const [depth, count] = [x.shape[1]!, y.shape[1]!];
  const [kernel, stride, dilation, crop] = [windows.kernel[0]!, windows.stride[0]!, windows.dilation[0]!,
    windows.before[0]!];
  // output slice o reads slice o + crop − k·dilation of the volumes that are spread by the stride
  const front = Math.max(0, (kernel - 1) * dilation - crop);
  const deep = spreadDepth(operator, x, stride, front, Math.max(0, crop + count - depth * stride));
  const taps = Array.from({ length: kernel }, (_, k) => ({ begin: front + crop - k * dilation, stride: 1 }));
  const images = stackDepth(operator, deep, taps, count, parts.groups);
  emitOnImages(operator, { ...parts, x: images, w: stackedWeights(w) }, emitTransposed2d);
}

function checked(operator: OperatorImport, parts: Parts): Parts {
  const { x, w, windows, groups } = parts;
  const rank = windows.kernel.length;
  operator.check(
    rank >= 1 && rank <= 3 && x.shape.length === rank + 2 && w.shape.length === rank + 2,
    `an input [${x.shape.join(', ')}] for a kernel [${windows.kernel.join(', ')}]`,
  );
  operator.check(
    w.shape.at(-1) * groups === x.shape.at(-1) && w.shape[0]! % groups === 0,
    `weights [${w.shape.join(', ')}] of ${groups} groups for ${x.shape.at(-1)} channels`,
  );
  return parts;
}

type Emit = (operator: OperatorImport, parts: Parts, y: Tensor) => void;

const asPair = (list: readonly number[]): Pair => [list[0]!, list[1]!];
const asPadding = ({ before, after }: SpatialWindows): Padding => [before[0]!, before[1]!, after[0]!, after[1]!];

/** Emits an operator on sequences as one on images of one row. */
function emitOnRow(operator: OperatorImport, parts: Parts, emit: Emit): void {
  const { x, w, windows } = parts;
  const row = (shape: readonly number[]): number[] => [shape[0]!, 1, ...shape.slice(1)];
  const y = operator.temporary(operator.output, row(operator.output.shape), 'row');
  const { kernel, stride, dilation, before, after } = windows;
  emit(operator, {
    ...parts,
    x: operator.reshaped(x, row(x.shape), 'as_row'),
    w: { ...w, shape: row(w.shape) },
    windows: {
      kernel: [1, ...kernel],
      stride: [1, ...stride],
      dilation: [1, ...dilation],
      before: [0, ...before],
      after: [0, ...after],
    },
  }, y);
  operator.emit('reshape', [y], {});
}

/** Emits an operator on volumes that were stacked to images. */
function emitOnImages(operator: OperatorImport, parts: Parts, emit: Emit): void {
  const [n, depth, ...image] = operator.output.shape as [number, number, number, number, number];
  const y = operator.temporary(operator.output, [n * depth, ...image], 'result');
  const { kernel, stride, dilation, before, after } = parts.windows;
  const windows = {
    kernel: kernel.slice(1),
    stride: stride.slice(1),
    dilation: dilation.slice(1),
    before: before.slice(1),
    after: after.slice(1),
  };
  emit(operator, { ...parts, windows }, y);
  operator.emit('reshape', [y], {});
}

function emitConvolution2d(
  operator: OperatorImport,
  { x, w, bias, windows, groups, activation = 'none' }: Parts,
  y: Tensor,
): void {
  const attributes = {
    stride: asPair(windows.stride),
    dilation: asPair(windows.dilation),
    padding: asPadding(windows),
  };
  if (groups > 1 && groups === x.shape[3]) {
    const taps = { ...permuted(w, [3, 1, 2, 0]) };
    operator.emitActivated('depthwiseConv2d', [x, taps, bias], activation, attributes, y);
  } else {
    operator.emitActivated('conv2d', [x, w, bias], activation, { ...attributes, groups }, y);
  }
}

function emitTransposed2d(
  operator: OperatorImport,
  { x, w, bias, windows, groups, activation = 'none' }: Parts,
  y: Tensor,
): void {
  operator.emitActivated('transposeConv2d', [x, w, bias], activation, {
    stride: asPair(windows.stride),
    dilation: asPair(windows.dilation),
    padding: asPadding(windows),
    groups,
  }, y);
}
