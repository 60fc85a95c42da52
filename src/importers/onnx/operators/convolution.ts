import type { Tensor } from '../../../graph/graph';
import type { Constant } from '../../shared/constants';
import { emitConvolution, emitTransposedConvolution } from '../../shared/convolutions';
import { extentOf, windowCounts, type SpatialWindows } from '../../shared/windows';
import type { Mapping, Mappings, OnnxOperator } from '../operator';
import { channelsFirst, channelsLast, fromImage, paddingOf, pair, toImage, windowsOf } from './windows';

/** Kernels [Co][Ci][KH][KW] or [Co][Ci][K] as [Co][KH][KW][Ci]. */
function imageWeights({ emit }: OnnxOperator, w: Tensor): Tensor {
  const [co, ci, ...kernel] = w.shape as [number, number, ...number[]];
  const [kh, kw] = pair(kernel, 1);
  return emit.transpose(emit.reshape(w, [co, ci, kh, kw]), [0, 2, 3, 1]);
}

/** Emits a convolution over three dimensions. */
function overVolumes(
  { emit, kind, ...operator }: OnnxOperator,
  convolve: typeof emitConvolution,
  w: Tensor,
  windows: SpatialWindows,
  groups: number,
  shape: number[],
): Tensor {
  const [x, , bias = null] = operator.operands;
  const last = channelsLast(emit, x!);
  const y = emit.adopt(
    kind,
    { shape, like: x! },
    (nodes) => convolve(nodes, { x: last, w: w as Constant, bias, windows, groups }),
  );
  return channelsFirst(emit, y);
}

const conv: Mapping = (operator) => {
  const { emit, attributes } = operator;
  const [x, w] = [operator.input(0), operator.input(1)];
  const windows = windowsOf(operator, x.shape.slice(2), attributes.ints('kernel_shape') ?? w.shape.slice(2));
  const groups = attributes.int('group', 1);
  if (x.shape.length > 4) {
    const shape = [x.shape[0]!, ...windowCounts(x.shape.slice(2), windows), w.shape[0]!];
    return overVolumes(
      operator,
      emitConvolution,
      channelsLast(emit, operator.constant(1, 'weights')),
      windows,
      groups,
      shape,
    );
  }
  const image = toImage(emit, x);
  const kernels = imageWeights(operator, w);
  const common = {
    stride: pair(windows.stride, 1),
    dilation: pair(windows.dilation, 1),
    padding: paddingOf(windows),
    activation: 'none' as const,
  };
  const isDepthwise = groups > 1 && groups === x.shape[1] && w.shape[1] === 1;
  const bias = operator.optional(2);
  const y = isDepthwise
    // [C·m][KH][KW][1] → [1][KH][KW][C·m]
    ? emit.node('depthwiseConv2d', [image, emit.transpose(kernels, [3, 1, 2, 0]), bias], common)
    : emit.node('conv2d', [image, kernels, bias], { ...common, groups });
  return fromImage(emit, y, x.shape.length);
};

const convTranspose: Mapping = (operator) => {
  const { emit, attributes } = operator;
  const [x, w] = [operator.input(0), operator.input(1)];
  const sizes = x.shape.slice(2);
  const windows = windowsOf(operator, sizes, attributes.ints('kernel_shape') ?? w.shape.slice(2));
  const groups = attributes.int('group', 1);
  const wished = attributes.ints('output_shape');
  const extra = attributes.ints('output_padding') ?? sizes.map(() => 0);
  const full = sizes.map((size, i) => (size - 1) * windows.stride[i]! + extra[i]! + extentOf(windows, i));
  const isSame = attributes.string('auto_pad', 'NOTSET').startsWith('SAME');
  const target = wished ??
    sizes.map((size, i) => isSame ? size * windows.stride[i]! : full[i]! - windows.before[i]! - windows.after[i]!);
  const isUpper = attributes.string('auto_pad', 'NOTSET') !== 'SAME_LOWER';
  const before = wished || isSame
    ? full.map((n, i) => {
      const total = Math.max(n - target[i]!, 0);
      return isUpper ? total >> 1 : total - (total >> 1);
    })
    : windows.before;
  if (x.shape.length > 4) {
    // [Ci][Co/groups]… → [Co]…[Ci/groups]
    const [ci, each, ...kernel] = operator.constant(1, 'weights').shape as [number, number, ...number[]];
    const parts = emit.reshape(w, [groups, ci / groups, each, ...kernel]);
    const turned = emit.transpose(parts, [0, 2, ...kernel.map((_, i) => i + 3), 1]);
    const kernels = emit.reshape(turned, [groups * each, ...kernel, ci / groups]);
    const shape = [x.shape[0]!, ...target, groups * each];
    return overVolumes(operator, emitTransposedConvolution, kernels, { ...windows, before }, groups, shape);
  }
  const [top, left] = pair(before, 0);
  const [height, width] = pair(target, 1);
  const [kh, kw] = pair(windows.kernel, 1);
  // [Ci][Co/groups][KH][KW] → [Co][KH][KW][Ci/groups]
  const [ci, each] = w.shape as [number, number];
  const grouped = emit.transpose(emit.reshape(w, [groups, ci / groups, each, kh, kw]), [0, 2, 3, 4, 1]);
  const kernels = emit.reshape(grouped, [groups * each, kh, kw, ci / groups]);
  const image = toImage(emit, x);
  const stride = pair(windows.stride, 1);
  const [inH, inW] = [image.shape[1]!, image.shape[2]!];
  const dilation = pair(windows.dilation, 1);
  const bottom = Math.max((inH - 1) * stride[0] + (kh - 1) * dilation[0] + 1 - top - height, 0);
  const right = Math.max((inW - 1) * stride[1] + (kw - 1) * dilation[1] + 1 - left - width, 0);
  const y = emit.node('transposeConv2d', [image, kernels, operator.optional(2)], {
    stride,
    dilation,
    groups,
    padding: [top, left, bottom, right],
    activation: 'none',
  }, { shape: [x.shape[0]!, height, width, groups * each] });
  return fromImage(emit, y, x.shape.length);
};

export const convolution: Mappings = { Conv: conv, ConvTranspose: convTranspose };
