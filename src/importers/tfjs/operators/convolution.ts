import type { Tensor } from '../../../graph/graph';
import type { Pair } from '../../../graph/operators';
import { transposedPadding, windowPadding } from '../../shared/padding';
import type { Mapping, Mappings, TfOperator } from '../operator';
import { activated, fusedParts } from './fused';
import { explicitPadding, fromImage, spatial, toImage, windowsOf } from './windows';

/** Weights of four dimensions, whose first two are the kernel. */
function weightsOf(operator: TfOperator): { w: Tensor; kernel: Pair } {
  const w = operator.constant(1, 'weights');
  operator.check(w.shape.length === 4, `weights of ${w.shape.length} dimensions`);
  return { w, kernel: [w.shape[0]!, w.shape[1]!] };
}

function convolve(operator: TfOperator, bias: Tensor | null): Tensor {
  const { emit } = operator;
  const image = toImage(operator, operator.input(0));
  const { w, kernel } = weightsOf(operator);
  const { stride, dilation, padding } = windowsOf(operator, image, kernel);
  const groups = image.shape[3]! / w.shape[2]!;
  operator.check(
    Number.isInteger(groups) && w.shape[3]! % groups === 0,
    `weights for ${w.shape[2]} of ${image.shape[3]} channels`,
  );
  // [KH][KW][Ci/groups][Co] → [Co][KH][KW][Ci/groups]
  const kernels = emit.transpose(w, [3, 0, 1, 2]);
  const attributes = { stride, dilation, padding, groups, activation: 'none' as const };
  return fromImage(operator, emit.node('conv2d', [image, kernels, bias], attributes));
}

function depthwise(operator: TfOperator, bias: Tensor | null): Tensor {
  const { emit } = operator;
  const image = toImage(operator, operator.input(0));
  const { w, kernel } = weightsOf(operator);
  const { stride, dilation, padding } = windowsOf(operator, image, kernel);
  const [kh, kw, channels, multiplier] = w.shape as [number, number, number, number];
  operator.check(channels === image.shape[3], `weights for ${channels} of ${image.shape[3]} channels`);
  const kernels = emit.reshape(w, [1, kh, kw, channels * multiplier]);
  const attributes = { stride, dilation, padding, activation: 'none' as const };
  return fromImage(operator, emit.node('depthwiseConv2d', [image, kernels, bias], attributes));
}

function fused(layer: (operator: TfOperator, bias: Tensor | null) => Tensor): Mapping {
  return (operator) => {
    const parts = fusedParts(operator);
    return activated(operator, layer(operator, parts.bias), parts);
  };
}

/** The gradient of a convolution. Its inputs are the result's shape, weights and the image. */
const transposed: Mapping = (operator) => {
  const { emit, attributes } = operator;
  const small = toImage(operator, operator.input(2));
  const { w, kernel } = weightsOf(operator);
  const wished = operator.integers(0, 'the shape of its result');
  const sizes = wished.length === 2 ? wished : spatial(operator, wished);
  const [n, rows, columns] = small.shape as [number, number, number, number];
  const co = w.shape[2]!;
  const large = [n, sizes[0]!, sizes[1]!, co];
  operator.check(w.shape[3] === small.shape[3], `weights for ${w.shape[3]} of ${small.shape[3]} channels`);
  const stride = spatial(operator, attributes.ints('strides'));
  const dilation = attributes.has('dilations') ? spatial(operator, attributes.ints('dilations')) : [1, 1] as Pair;
  const windows = { kernel, stride, dilation };
  const rule = attributes.string('padding', 'VALID');
  operator.check(['SAME', 'VALID', 'EXPLICIT'].includes(rule), `the padding "${rule}"`);
  const [top, left, bottom, right] = rule === 'EXPLICIT'
    ? explicitPadding(operator)
    : windowPadding(operator, rule as 'SAME' | 'VALID', large, small.shape, windows);
  const covers = (i: 0 | 1, count: number, padded: number): boolean =>
    Math.floor((large[i + 1]! + padded - (kernel[i] - 1) * dilation[i] - 1) / stride[i]) + 1 === count;
  const fits = rule === 'SAME'
    ? [rows, columns].every((count, i) => Math.ceil(large[i + 1]! / stride[i]!) === count)
    : covers(0, rows, top + bottom) && covers(1, columns, left + right);
  operator.check(fits, `an input [${small.shape.join(', ')}] for a result [${large.join(', ')}]`);
  // [KH][KW][Co][Ci] → [Co][KH][KW][Ci]
  const kernels = emit.transpose(w, [2, 0, 1, 3]);
  const extents = { kernel: kernel.map((k, i) => (k - 1) * dilation[i]! + 1), stride };
  const padding = transposedPadding([top, left], large, small.shape, extents);
  const options = { stride, dilation, groups: 1, padding, activation: 'none' as const };
  return fromImage(operator, emit.node('transposeConv2d', [small, kernels, null], options, { shape: large }));
};

export const convolution: Mappings = {
  Conv2D: (operator) => convolve(operator, null),
  _FusedConv2D: fused(convolve),
  DepthwiseConv2d: (operator) => depthwise(operator, null),
  DepthwiseConv2dNative: (operator) => depthwise(operator, null),
  FusedDepthwiseConv2dNative: fused(depthwise),
  _FusedDepthwiseConv2dNative: fused(depthwise),
  Conv2DBackpropInput: transposed,
};
