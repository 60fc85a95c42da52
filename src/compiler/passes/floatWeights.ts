import { elementCount, type Graph, type Tensor } from '../../graph/graph';

/**
 * Gives float layers with int8 weights (dynamic range quantization) the float32 values of their
 * weights, and lets them compute in float32.
 */
export function floatWeights(graph: Graph): void {
  for (const node of graph.nodes) {
    const attributes = node.attributes as { hybrid?: unknown };
    if (attributes.hybrid === undefined) continue;
    const { hybrid: _, ...rest } = attributes;
    node.attributes = rest;
    node.inputs = node.inputs.map((tensor) => (tensor?.data && tensor.quantization ? realValues(tensor) : tensor));
  }
}

function realValues({ quantization, data, ...tensor }: Tensor): Tensor {
  const { scale, zeroPoint, axis } = quantization!;
  const inner = elementCount(tensor.shape.slice(axis + 1));
  const entry = (i: number): number => (scale.length === 1 ? 0 : Math.floor(i / inner) % scale.length);
  const values = Float32Array.from(data!, (q, i) => scale[entry(i)]! * (q - zeroPoint[entry(i)]!));
  return { ...tensor, dtype: 'float32', data: values };
}
