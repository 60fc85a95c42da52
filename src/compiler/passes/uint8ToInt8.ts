import { KletError } from '../../errors';
import { tensorsOf } from '../../graph/edit';
import type { AnyNode, Graph, Tensor } from '../../graph/graph';
import { operatorOf } from '../../ops/index';
import { quantizeNode } from '../../ops/nodes';

/**
 * Converts quantized uint8 to int8 by flipping the top bit: q − 128, zeroPoint − 128, which is
 * exact. Inputs and outputs stay uint8 and are requantized. Inputs and outputs of a cast stay uint8
 * too, because a cast works on the stored integers.
 */
export function uint8ToInt8(graph: Graph): void {
  const isUint8 = (tensor: Tensor): boolean => tensor.dtype === 'uint8' && tensor.quantization !== undefined;
  const before: AnyNode[] = [];
  const after: AnyNode[] = [];
  graph.inputs = graph.inputs.map((tensor) => {
    if (!isUint8(tensor)) return tensor;
    const outside = { ...tensor };
    before.push(quantizeNode(outside, tensor, `${tensor.name} (as int8)`));
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
      after.push(quantizeNode(tensor, made, tensor.name));
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
      if (!(tensor.data instanceof Uint8Array)) {
        throw new KletError(
          'INVALID_GRAPH',
          `the uint8 constant "${tensor.name}" is held in ${tensor.data.constructor.name}`,
        );
      }
      tensor.data = Int8Array.from(tensor.data, (q) => q - 128);
    }
  }
  for (const state of graph.states ?? []) {
    if (state.value.wasUint8) {
      state.initial = Int8Array.from(state.initial, (q) => q - 128);
    }
  }
  graph.nodes = [...before,
    ...graph.nodes.flatMap((node) => (operatorOf(node.op).readsStoredIntegers ? asStored(node) : [node])), ...after];
}

/** A cast whose input and output are uint8 where they are uint8 in the network. */
function asStored(node: AnyNode): AnyNode[] {
  const nodes: AnyNode[] = [];
  const [x] = node.inputs as [Tensor];
  const [y] = node.outputs as [Tensor];
  const cast = { ...node, inputs: [x], outputs: [y] } as AnyNode;
  if (x.wasUint8) {
    cast.inputs[0] = asUint8(x);
    nodes.push(quantizeNode(x, cast.inputs[0], cast.inputs[0].name));
  }
  nodes.push(cast);
  if (y.wasUint8) {
    cast.outputs[0] = asUint8(y);
    nodes.push(quantizeNode(cast.outputs[0], y, `${y.name} (as int8)`));
  }
  return nodes;
}

function asUint8(tensor: Tensor): Tensor {
  return {
    name: `${tensor.name} (as uint8)`,
    shape: tensor.shape,
    dtype: 'uint8',
    quantization: { ...tensor.quantization!, zeroPoint: tensor.quantization!.zeroPoint.map((z) => z + 128) },
  };
}
