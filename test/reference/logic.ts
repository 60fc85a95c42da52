import type { Node, TensorData } from '../../src/graph/graph';
import type { LogicKind } from '../../src/graph/operators';
import { elementwise } from './broadcast';
import type { Inputs } from './support';

const functions: Record<LogicKind, (a: boolean, b: boolean) => boolean> = {
  and: (a, b) => a && b,
  or: (a, b) => a || b,
  xor: (a, b) => a !== b,
};

/** a ∘ b on truth values, broadcast as in numpy; any byte but 0 is true */
export function logic(node: Node<'logic'>, inputs: Inputs): TensorData[] {
  return elementwise(node, inputs, (a, b) => functions[node.attributes.kind](a !== 0, b !== 0));
}
