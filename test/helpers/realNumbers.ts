import type { AnyNode, Graph, Quantization, Tensor, TensorData } from '../../src/graph/graph';
import { runReference } from '../reference/index';
import { rangeOf } from '../reference/requantize';

// Distances of quantized results from real numbers: the same network in float32, whose reference
// computes in double precision and rounds each output to float32 once.

/** Error of a float32 that counts up to 256 quantization steps. */
export const epsilon = 3e-5;

function dequantized(data: ArrayLike<number>, shape: readonly number[], { scale, zeroPoint, axis }: Quantization) {
  const inner = shape.slice(axis + 1).reduce((product, d) => product * d, 1);
  return Float64Array.from(data, (q, i) => {
    const channel = scale.length === 1 ? 0 : Math.floor(i / inner) % scale.length;
    return Math.fround(scale[channel]!) * (q - zeroPoint[channel]!);
  });
}

/** A single layer of quantized tensors as a layer of real numbers. */
export function realLayer(node: AnyNode): Graph {
  const made = new Map<Tensor, Tensor>();
  const real = (tensor: Tensor): Tensor => {
    if (!tensor.quantization || !['int8', 'uint8', 'int16'].includes(tensor.dtype)) return tensor;
    const { quantization, name, shape, data } = tensor;
    const copy = made.get(tensor) ??
      { name, shape, dtype: 'float32', ...(data && { data: dequantized(data, shape, quantization) as never }) };
    made.set(tensor, copy);
    return copy;
  };
  /** Biases are in units of the products. */
  const bias = (tensor: Tensor): Tensor => {
    const [x, w] = node.inputs as [Tensor, Tensor];
    const scale = w.quantization!.scale.map((s) => Math.fround(s) * Math.fround(x.quantization!.scale[0]!));
    const data = Float64Array.from(tensor.data!, (b, i) => b * (scale[i] ?? scale[0]!)) as never;
    return { name: tensor.name, shape: tensor.shape, dtype: 'float32', data };
  };
  const inputs = node.inputs.map((tensor, i) => {
    const isBias = i === 2 && tensor?.data && tensor.dtype.startsWith('int') && node.inputs[1]?.quantization;
    return isBias ? bias(tensor) : tensor && real(tensor);
  });
  const outputs = node.outputs.map(real);
  return {
    name: node.name,
    inputs: inputs.filter((t): t is Tensor => t !== null && !t.data),
    outputs,
    nodes: [{ ...node, inputs, outputs }],
  };
}

/**
 * The distances of quantized results from the real numbers of a layer, in steps. Real numbers
 * beyond the range of the output's type are clamped to it.
 *
 * @param inputs the quantized inputs, by name
 * @param found the quantized values of output 0
 */
export function distances(node: AnyNode, inputs: Record<string, TensorData>, found: TensorData): number[] {
  const graph = realLayer(node);
  const values: Record<string, TensorData> = {};
  for (const tensor of graph.inputs) {
    const { quantization, shape } = node.inputs.find((operand) => operand!.name === tensor.name)!;
    const given = inputs[tensor.name]!;
    values[tensor.name] = quantization ? dequantized(given, shape, quantization) as never : given;
  }
  const y = node.outputs[0]!;
  const { scale: [scale = 1], zeroPoint: [zeroPoint = 0] } = y.quantization!;
  const [low, high] = rangeOf(y.dtype);
  const result = runReference(graph, values).get(y.name)!;
  return Array.from(result, (real, i) => {
    const steps = Math.max(low, Math.min(high, real / Math.fround(scale) + zeroPoint));
    return Number.isNaN(steps) ? 0 : Math.abs(found[i]! - steps);
  });
}
