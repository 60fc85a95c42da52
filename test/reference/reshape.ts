import type { Node, TensorData } from '../../src/graph/graph';
import { gather } from './gather';
import type { Inputs } from './support';

/** Same elements, the output's shape */
export function reshape(node: Node<'reshape'>, inputs: Inputs): TensorData[] {
  return gather(node, inputs, (_, index) => index);
}
