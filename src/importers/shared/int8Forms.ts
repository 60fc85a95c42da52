import { elementCount, perTensor, type AnyNode, type Node, type Tensor } from '../../graph/graph';
import { sameQuantization } from '../../ops/shared/quantized';
import { inverse } from './sinkTransposes';
import type { Fusing } from './fuseQuantized';
import { int8Weights, withInt32Bias } from './int8Weights';
import { outputAxis } from './integerProducts';

/**
 * Emits the int8 form of a float operator whose operands are quantized and whose result is `y`
 * after quantization.
 *
 * @returns whether there is one
 */
export function int8Form(node: AnyNode, y: Tensor, fusing: Fusing): boolean {
  switch (node.op) {
    case 'conv2d':
    case 'depthwiseConv2d':
    case 'transposeConv2d':
    case 'fullyConnected':
      return layer(node, y, fusing);
    case 'binary':
    case 'prelu':
    case 'batchMatmul':
      return pair(node, y, fusing);
    case 'unary':
    case 'softmax':
    case 'logSoftmax':
    case 'l2Normalize':
    case 'resize2d':
    case 'resample':
      return single(node, y, fusing);
    case 'averagePool2d':
      return averagePool(node, y, fusing);
    case 'reduce':
      return reduce(node, y, fusing);
    default:
      return false;
  }
}

function layer(node: AnyNode, y: Tensor, fusing: Fusing): boolean {
  const x = fusing.view(node.inputs[0]);
  const axis = outputAxis(node)!;
  const weights = int8Weights(fusing.stored.get(node.inputs[1]!), axis);
  if (!x || !weights) return false;
  const bias = node.inputs[2];
  const form = bias
    ? withInt32Bias(weights, bias, fusing.stored.get(bias), perTensor(x).scale, axis)
    : { weights, bias: null };
  if (!form) return false;
  fusing.nodes.push({ ...node, name: y.name, inputs: [x, form.weights, form.bias], outputs: [y] });
  return true;
}

function single(node: AnyNode, y: Tensor, fusing: Fusing): boolean {
  const x = fusing.view(node.inputs[0]);
  if (!x) return false;
  fusing.nodes.push({ ...node, name: y.name, inputs: [x], outputs: [y] });
  return true;
}

function pair(node: AnyNode, y: Tensor, fusing: Fusing): boolean {
  const inputs = node.inputs.map((tensor) => fusing.view(tensor) ?? quantizedConstant(tensor!, fusing));
  if (!inputs.every((tensor) => tensor) || inputs.every((tensor) => tensor!.data)) return false;
  fusing.nodes.push({ ...node, name: y.name, inputs, outputs: [y] } as AnyNode);
  return true;
}

/** A constant as int8: by the integers of the file with one scale, or a single number. */
function quantizedConstant(tensor: Tensor, { stored }: Fusing): Tensor | undefined {
  if (!tensor.data) return undefined;
  const integers = stored.get(tensor);
  const isByte = integers?.dtype === 'int8' || integers?.dtype === 'uint8';
  if (isByte && integers.quantization.scale.length === 1) return int8Weights(integers, 0);
  const [value] = tensor.data;
  if (!tensor.data.every((v) => v === value) || !Number.isFinite(value)) return undefined;
  const scale = value === 0 ? 1 : Math.abs(value!) / 127;
  const data = new Int8Array(tensor.data.length).fill(127 * Math.sign(value!));
  return {
    name: tensor.name,
    shape: tensor.shape,
    dtype: 'int8',
    data,
    quantization: { scale: [scale], zeroPoint: [0], axis: 0 },
  };
}

/**
 * A mean of whole windows is a depthwise convolution with equal weights, which rounds the real
 * number. With padding, the windows have different sizes; then the mean of integers is rounded,
 * which is the same only if the quantization stays.
 */
function averagePool(node: Node<'averagePool2d'>, y: Tensor, fusing: Fusing): boolean {
  const x = fusing.view(node.inputs[0]);
  const { kernel, stride, padding, activation } = node.attributes;
  if (!x) return false;
  if (padding.some((n) => n > 0)) return sameQuantization(x, y) && single(node, y, fusing);
  const [, , , channels] = x.shape as [number, number, number, number];
  const weights = ones([1, ...kernel, channels], 1 / (kernel[0] * kernel[1]), y);
  fusing.emitTo(y, 'depthwiseConv2d', [x, weights, null], { stride, padding, activation, dilation: [1, 1] });
  return true;
}

function ones(shape: number[], scale: number, { name }: Tensor): Tensor {
  const data = new Int8Array(elementCount(shape)).fill(1);
  return {
    name: `${name} (weights)`,
    shape,
    dtype: 'int8',
    data,
    quantization: { scale: [scale], zeroPoint: [0], axis: 0 },
  };
}

/**
 * A mean over height and width is a global pool. Other means and sums are layers with equal
 * weights, because those round the real number.
 */
function reduce(node: Node<'reduce'>, y: Tensor, fusing: Fusing): boolean {
  const x = fusing.view(node.inputs[0]);
  const { kind, axes } = node.attributes;
  if (!x || (kind !== 'mean' && kind !== 'sum')) return false;
  const kept = x.shape.map((_, d) => d).filter((d) => !axes.includes(d));
  const sizes = (dimensions: readonly number[]): number[] => dimensions.map((d) => x.shape[d]!);
  const count = elementCount(sizes(axes));
  const isImage = kind === 'mean' && axes.every((d) => d >= 2) && kept.length === 2 && x.shape.length > 2;
  if (isImage) {
    // [N][C]… → [N][…][1][C]
    const moved = fusing.emit('transpose', [x], { perm: [0, ...axes, 1] }, x);
    const image = fusing.emit('reshape', [moved], {}, x, [x.shape[0]!, count, 1, x.shape[1]!]);
    const mean = fusing.emit('reduce', [image], { kind, axes: [1, 2] }, y, [x.shape[0]!, x.shape[1]!]);
    fusing.emitTo(y, 'reshape', [mean], {});
    return true;
  }
  const perm = [...kept, ...axes];
  const isInOrder = inverse(perm).every((d, i) => d === i);
  const ordered = isInOrder ? x : fusing.emit('transpose', [x], { perm }, x);
  const rows = fusing.emit('reshape', [ordered], {}, x, [elementCount(sizes(kept)), count]);
  const weights = ones([1, count], kind === 'mean' ? 1 / count : 1, y);
  const sums = fusing.emit('fullyConnected', [rows, weights, null], { activation: 'none' }, y);
  fusing.emitTo(y, 'reshape', [sums], {});
  return true;
}
