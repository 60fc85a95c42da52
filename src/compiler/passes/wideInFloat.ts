import type { AnyNode, Graph, Tensor } from '../../graph/graph';
import { operatorOf } from '../../ops/index';
import { dequantizeNode, quantizeNode } from '../../ops/nodes';
import { unsupported } from '../../ops/shared/refuse';

/**
 * Gives operators without a form for int16 activations the real values in float32, and rounds their
 * results to int16. A float32 represents every int16, so that operators which move or compare
 * values stay exact.
 */
export function wideInFloat(graph: Graph): void {
  const real = new Map<Tensor, Tensor>();
  const nodes: AnyNode[] = [];
  /** The real values of a tensor, computed once. */
  const realOf = (tensor: Tensor): Tensor => {
    const known = real.get(tensor);
    if (known) return known;
    const made = inFloat(tensor);
    nodes.push(dequantizeNode(tensor, made));
    real.set(tensor, made);
    return made;
  };
  for (const node of graph.nodes) {
    if (!hasWideActivations(node) || computesInt16(node)) {
      nodes.push(node);
      continue;
    }
    if (operatorOf(node.op).isStateful || node.inputs.some(isPerChannel)) {
      throw unsupported(node, 'int16 activations; quantize it to int8, or keep it in float32');
    }
    node.inputs = node.inputs.map((tensor) => (tensor && isQuantized(tensor) ? realOf(tensor) : tensor));
    nodes.push(node);
    node.outputs = node.outputs.map((tensor) => {
      if (tensor.dtype !== 'int16') return tensor;
      const result = inFloat(tensor);
      nodes.push(quantizeNode(result, tensor));
      return result;
    });
  }
  graph.nodes = nodes;
}

/**
 * Whether a node reads or writes int16 activations. The cell states of int8 layers are int16, too,
 * so that only the first operands of layers count.
 */
function hasWideActivations({ op, inputs, outputs }: AnyNode): boolean {
  const isWide = (tensor: Tensor | null | undefined): boolean => tensor?.dtype === 'int16' && !tensor.data;
  return operatorOf(op).isStateful ? isWide(inputs[0]) || isWide(outputs[0]) : [...inputs, ...outputs].some(isWide);
}

function inFloat({ name, shape }: Tensor): Tensor {
  return { name: `${name} (float32)`, shape, dtype: 'float32' };
}

function isQuantized({ dtype, quantization }: Tensor): boolean {
  return (dtype === 'int8' || dtype === 'int16') && quantization !== undefined;
}

function isPerChannel(tensor: Tensor | null): boolean {
  return tensor !== null && isQuantized(tensor) && tensor.quantization!.scale.length > 1;
}

function computesInt16(node: AnyNode): boolean {
  const { computesInt16 } = operatorOf(node.op);
  return typeof computesInt16 === 'function' ? computesInt16(node) : computesInt16 === true;
}
