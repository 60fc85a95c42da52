import { consumers, producers } from '../../graph/edit';
import { elementCount, innermost, type AnyNode, type Graph, type Tensor } from '../../graph/graph';
import { dequantizeNode } from '../../ops/nodes';
import { alongSource, beforeMovements } from './movedDimension';
import { int8Weights } from './int8Weights';
import { realNumbers, type QuantizedValues, type StoredIntegers } from './storedIntegers';

/**
 * Products of integers that are multiplied by the scales of both operands become layers with real
 * operands. Activations that were quantized by their own range are quantized by the layer
 * (`hybrid`), if its range is that of the whole tensor.
 */
export function integerProducts(graph: Graph, { steps, stored }: QuantizedValues): void {
  if (steps.size === 0) return;
  const made = producers(graph);
  const read = consumers(graph);
  const gone = new Set<AnyNode>();
  const added = new Map<AnyNode, AnyNode>();
  for (const node of graph.nodes) {
    if (node.op !== 'binary' || node.attributes.kind !== 'mul') continue;
    const y = node.outputs[0]!;
    for (const [product, factor] of [node.inputs, [...node.inputs].reverse()] as [Tensor, Tensor][]) {
      if (product.data || product.shape.join() !== y.shape.join() || read.get(product)!.length !== 1) continue;
      const after = beforeMovements(product, made, read);
      const layer = made.get(after.source);
      if (!layer || read.get(after.source)!.length !== 1) continue;
      const before = beforeMovements(layer.inputs[0]!, made, read);
      const known = steps.get(before.source);
      const weights = layer.inputs[1] && stored.get(layer.inputs[1]);
      if (!known || !weights) continue;
      const scale = weightScale(factor, known.scale, made);
      const along = scale && alongSource(scale, y, after.by);
      if (!along || (along.axis !== undefined && along.axis !== after.source.shape.length - 1)) continue;
      if (!scaleLayer(layer, known, along.values, weights, stored)) continue;
      const first = before.by.at(-1) ?? layer;
      first.inputs = [realValues(known.x, first, added), ...first.inputs.slice(1)];
      const last = after.by[0] ?? layer;
      last.outputs = [y];
      last.name = y.name;
      made.set(y, last);
      gone.add(node);
      break;
    }
  }
  graph.nodes = graph.nodes.flatMap((node) => {
    if (gone.has(node)) return [];
    const before = added.get(node);
    return before ? [before, node] : [node];
  });
}

/** A tensor as float32, by a node before `reader` if it is quantized. */
function realValues(x: Tensor, reader: AnyNode, added: Map<AnyNode, AnyNode>): Tensor {
  if (x.dtype === 'float32') return x;
  const real: Tensor = { name: `${reader.name}/dequantize`, shape: x.shape, dtype: 'float32' };
  added.set(reader, dequantizeNode(x, real));
  return real;
}

/** What remains of a factor when the scale of the activations is taken out of it. */
function weightScale(factor: Tensor, scale: Tensor, made: ReadonlyMap<Tensor, AnyNode>): Tensor | undefined {
  if (scale.data) {
    const [divisor] = scale.data;
    return factor.data && { ...factor, data: Float32Array.from(factor.data, (f) => f / divisor!) };
  }
  if (factor === scale) return { name: factor.name, shape: [], dtype: 'float32', data: Float32Array.of(1) };
  const node = made.get(factor);
  if (node?.op !== 'binary' || node.attributes.kind !== 'mul' || !node.inputs.includes(scale)) return undefined;
  const [other] = node.inputs.filter((x) => x !== scale);
  return other?.data ? other : undefined;
}

/** Gives a layer weights with these scales, for each output channel or for all. */
function scaleLayer(
  layer: AnyNode,
  { scale }: { scale: Tensor },
  values: readonly number[],
  integers: StoredIntegers,
  stored: Map<Tensor, StoredIntegers>,
): boolean {
  const axis = outputAxis(layer);
  if (axis === undefined) return false;
  const { zeroPoint } = integers.quantization;
  const count = Math.max(values.length, zeroPoint.length);
  if (zeroPoint.length > 1 && integers.quantization.axis !== axis) return false;
  const quantization = {
    scale: Array.from({ length: count }, (_, i) => values[values.length === 1 ? 0 : i]!),
    zeroPoint: Array.from({ length: count }, (_, i) => zeroPoint[zeroPoint.length === 1 ? 0 : i]!),
    axis: count === 1 ? 0 : axis,
  };
  const scaled = { ...integers, quantization };
  if (scale.data) {
    const { name, shape } = scaled;
    const weights: Tensor = { name: `${name} (real)`, shape, dtype: 'float32', data: realNumbers(scaled) };
    stored.set(weights, scaled);
    layer.inputs = [layer.inputs[0]!, weights, ...layer.inputs.slice(2)];
    return true;
  }
  const int8 = int8Weights(scaled, axis);
  if (!int8 || int8.quantization!.zeroPoint.some((z) => z !== 0) || !hasOneRange(layer)) return false;
  layer.inputs = [layer.inputs[0]!, int8, ...layer.inputs.slice(2)];
  layer.attributes = { ...layer.attributes, hybrid: 'asymmetric' };
  return true;
}

/** Whether a layer would quantize its whole input by one range. */
function hasOneRange(layer: AnyNode): boolean {
  const { shape } = layer.inputs[0]!;
  const K = elementCount(layer.inputs[1]!.shape) / innermost(layer.outputs[0]!.shape);
  return layer.op !== 'transposeConv2d' && shape[0] === 1 && K <= MAX_K;
}

/** Products that a hybrid layer can sum. */
const MAX_K = 65536;

/** The dimension of a layer's weights that counts its outputs. */
export function outputAxis({ op }: AnyNode): number | undefined {
  switch (op) {
    case 'conv2d':
    case 'transposeConv2d':
    case 'fullyConnected':
      return 0;
    case 'depthwiseConv2d':
      return 3;
    default:
      return undefined;
  }
}
