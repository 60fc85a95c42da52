import type { AnyNode, Graph, Tensor } from '../../src/graph/graph';

/**
 * The float32 form of a quantized or hybrid network: dequantized constants and float32 activations.
 * Saturation of int8 is lost except for fused activations, so outputs differ slightly; run time
 * does not depend on them.
 */
export function floatTwin(graph: Graph): Graph {
  const twins = new Map<Tensor, Tensor>();
  const twin = (tensor: Tensor): Tensor => {
    const known = twins.get(tensor);
    if (known) return known;
    const { name, shape, dtype, data } = tensor;
    const isReal = dtype === 'float32' || tensor.quantization !== undefined;
    const made: Tensor = isReal
      ? { name, shape, dtype: 'float32', ...(data && { data: realValues(tensor) }) }
      : { ...tensor };
    twins.set(tensor, made);
    return made;
  };
  // conversions between quantizations disappear
  const nodes: AnyNode[] = [];
  for (const node of graph.nodes) {
    if (node.op === 'quantize' || node.op === 'dequantize') twins.set(node.outputs[0]!, twin(node.inputs[0]!));
    else {nodes.push({
        ...node,
        inputs: node.inputs.map((t) => t && twin(t)),
        outputs: node.outputs.map(twin),
        attributes: withoutHybrid(node),
      } as AnyNode);}
  }
  return { name: graph.name, inputs: graph.inputs.map(twin), outputs: graph.outputs.map(twin), nodes };
}

function withoutHybrid({ attributes }: AnyNode): object {
  const { hybrid: _, ...rest } = attributes as { hybrid?: unknown };
  return rest;
}

/** scale × (q − zero point) */
export function realValues(
  { data, quantization, shape }: Pick<Tensor, 'data' | 'quantization' | 'shape'>,
): Float32Array {
  if (!data) throw new Error('only constants have values');
  if (!quantization || data instanceof Float32Array) return Float32Array.from(data);
  const { scale, zeroPoint, axis } = quantization;
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const size = shape[axis] ?? 1;
  return Float32Array.from(data, (q, i) => {
    const channel = scale.length === 1 ? 0 : Math.floor(i / inner) % size;
    return scale[channel]! * (q - (zeroPoint[channel] ?? zeroPoint[0] ?? 0));
  });
}
