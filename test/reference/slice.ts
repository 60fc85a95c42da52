import { input, type Node, type TensorData } from '../../src/graph/graph';
import { move } from './moves';
import { offset, type Inputs } from './support';

/** out[i] = x[begin + i·stride] in each dimension; strides may be negative. */
export function slice(node: Node<'slice'>, inputs: Inputs): TensorData[] {
  const { begin, stride } = node.attributes;
  return move(
    node,
    inputs,
    (position) => offset(position.map((i, d) => begin[d]! + i * stride[d]!), input(node, 0).shape),
  );
}
