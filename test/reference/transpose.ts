import { input, type Node, type TensorData } from '../../src/graph/graph';
import { move } from './moves';
import { offset, type Inputs } from './support';

/** Output dimension i is input dimension perm[i]. */
export function transpose(node: Node<'transpose'>, inputs: Inputs): TensorData[] {
  const { perm } = node.attributes;
  return move(node, inputs, (position) => {
    const source: number[] = [];
    perm.forEach((from, to) => {
      source[from] = position[to]!;
    });
    return offset(source, input(node, 0).shape);
  });
}
