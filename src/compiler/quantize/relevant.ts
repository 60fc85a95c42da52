import { consumers } from '../../graph/edit';
import { resultsOf, type AnyNode, type Graph, type Tensor } from '../../graph/graph';
import { operatorOf } from '../../ops/index';
import type { Observations } from './observe';
import { rangeOf, type Range } from './steps';

// Some values of a tensor make no difference: a softmax gives no share to an element far below the
// largest of its row, and a sum with a mask of −10,000 needs no steps between −20 and −10,000. From
// the outputs back, this finds the range of each tensor that does make a difference.

/** The ranges of all float32 tensors, constants included, that make a difference to the outputs. */
export function relevantRanges(graph: Graph, observations: Observations): Map<Tensor, Range> {
  const readers = consumers(graph);
  const results = new Set(resultsOf(graph));
  const found = new Map<Tensor, Range>();
  const observed = (tensor: Tensor): Range => seenRange(tensor, observations);
  const settle = (tensor: Tensor): void => {
    if (tensor.dtype !== 'float32' || found.has(tensor)) return;
    const all = observed(tensor);
    const nodes = readers.get(tensor) ?? [];
    const isWhole = results.has(tensor) || nodes.length === 0;
    found.set(tensor, isWhole ? all : union(nodes.map((node) => partFor(node!, tensor)), all));
  };
  const partFor = (node: AnyNode, tensor: Tensor): Range => {
    const operator = operatorOf(node.op);
    const wanted = found.get(node.outputs[0]!) ?? [-Infinity, Infinity];
    if (!operator.relevantRange) return observed(tensor);
    const operands = node.inputs.map((input) => (input ? observed(input) : ([0, 0] as Range)));
    const rowMaxima = node.inputs.map((input) => rowMaximum(input, observations));
    const parts = node.inputs.flatMap((input, i) =>
      input === tensor ? [operator.relevantRange!(node, i, { operands, rowMaxima, wanted })] : []
    );
    return union(parts, observed(tensor));
  };
  // nodes are in topological order, so the readers of a tensor are settled before it
  for (const node of graph.nodes.toReversed()) {
    node.outputs.forEach(settle);
  }
  for (const node of graph.nodes) for (const input of node.inputs) if (input) settle(input);
  for (const tensor of graph.inputs) settle(tensor);
  return found;
}

function seenRange(tensor: Tensor, { tensors }: Observations): Range {
  if (tensor.data) return rangeOf(tensor.data);
  return tensors.get(tensor.name)?.range ?? [0, 0];
}

function rowMaximum(tensor: Tensor | null, { tensors }: Observations): number {
  return (tensor && tensors.get(tensor.name)?.leastRowMaximum) ?? Infinity;
}

/** The union of parts, within all values. */
function union(parts: readonly (readonly [number, number])[], [least, most]: Range): Range {
  const low = Math.min(...parts.map((part) => part[0]));
  const high = Math.max(...parts.map((part) => part[1]));
  // an empty part, such as that of maximum(a, b) with a always below b
  if (!(low <= high)) return [least, most];
  return [Math.max(least, Math.min(low, most)), Math.min(most, Math.max(high, least))];
}
