import { KletError } from '../../errors';
import { tensorsOf } from '../../graph/edit';
import type { AnyNode, Graph, Tensor } from '../../graph/graph';

/** Quantized uint8 becomes int8 by flipping the top bit: q − 128, zeroPoint − 128. Exact. Inputs and outputs stay uint8, behind a cast. */
export function uint8ToInt8(graph: Graph): void {
  const isUint8 = (tensor: Tensor): boolean => tensor.dtype === 'uint8' && tensor.quantization !== undefined;
  const before: AnyNode[] = [], after: AnyNode[] = [];
  graph.inputs = graph.inputs.map((tensor) => {
    if (!isUint8(tensor)) return tensor;
    const outside = { ...tensor };
    before.push(castNode(outside, tensor, `${tensor.name} (as int8)`));
    tensor.name = `${tensor.name} (as int8)`;
    return outside;
  });
  const outside = new Map<Tensor, Tensor>();
  graph.outputs = graph.outputs.map((tensor) => {
    if (!isUint8(tensor) || graph.inputs.includes(tensor)) return tensor;
    const made = outside.get(tensor) ?? { ...tensor };
    if (!outside.has(tensor)) {
      outside.set(tensor, made);
      delete made.data;
      after.push(castNode(tensor, made, tensor.name));
      tensor.name = `${tensor.name} (as int8)`;
    }
    return made;
  });
  const keep = new Set<Tensor>([...graph.inputs, ...graph.outputs]);
  for (const tensor of tensorsOf(graph)) {
    if (!isUint8(tensor) || keep.has(tensor)) continue;
    tensor.dtype = 'int8';
    tensor.wasUint8 = true;
    tensor.quantization = { ...tensor.quantization!, zeroPoint: tensor.quantization!.zeroPoint.map((z) => z - 128) };
    if (tensor.data) {
      if (!(tensor.data instanceof Uint8Array)) throw new KletError('INVALID_GRAPH', `the uint8 constant "${tensor.name}" is held in ${tensor.data.constructor.name}`);
      tensor.data = Int8Array.from(tensor.data, (q) => q - 128);
    }
  }
  graph.nodes = [...before, ...graph.nodes, ...after];
}

function castNode(from: Tensor, to: Tensor, name: string): AnyNode {
  return { op: 'cast', name, inputs: [from], outputs: [to], attributes: {} };
}
