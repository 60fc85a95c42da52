import { input, type Node, type TensorData } from '../../src/graph/graph';
import type { CompareKind } from '../../src/graph/operators';
import { elementwise } from './broadcast';
import { isQuantized, realOf } from './requantize';
import type { Inputs } from './support';

const relations: Record<CompareKind, (a: number, b: number) => boolean> = {
  equal: (a, b) => a === b,
  notEqual: (a, b) => a !== b,
  less: (a, b) => a < b,
  lessEqual: (a, b) => a <= b,
  greater: (a, b) => a > b,
  greaterEqual: (a, b) => a >= b,
};

/** a ∘ b on real numbers, broadcast as in numpy */
export function compare(node: Node<'compare'>, inputs: Inputs): TensorData[] {
  const [a, b] = [input(node, 0), input(node, 1)];
  const holds = relations[node.attributes.kind];
  if (!isQuantized(a) || !isQuantized(b)) return elementwise(node, inputs, (p, q) => holds(p, q));
  return elementwise(node, inputs, (p, q) => holds(realOf(p, a), realOf(q, b)));
}
