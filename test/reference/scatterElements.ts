import { input, type Node, type TensorData } from '../../src/graph/graph';
import { scatter, valid } from './scatter';
import { coordinates, offset, valueOf, type Inputs } from './support';

/** The update at a position goes to that position with its index along `axis`. */
export function scatterElements(node: Node<'scatterElements'>, inputs: Inputs): TensorData[] {
  const { shape } = input(node, 0);
  const { axis, reduction } = node.attributes;
  const at = valueOf(node, inputs, 1);
  return scatter(node, inputs, 2, reduction, (update) => {
    const index = valid(at[update]!, shape[axis]!);
    return index === undefined ? undefined : offset(coordinates(update, input(node, 1).shape).with(axis, index), shape);
  });
}
