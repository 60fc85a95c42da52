import type { Node, TensorData } from '../../src/graph/graph';
import { move } from './moves';
import type { Inputs } from './support';

/** The same elements in the output's shape. */
export function reshape(node: Node<'reshape'>, inputs: Inputs): TensorData[] {
  return move(node, inputs, (_, index) => index);
}
