import { input, type Node, type TensorData } from '../../src/graph/graph';
import { move } from './moves';
import { broadcastOffset, type Inputs } from './support';

/** Broadcasts to the output's shape as numpy does. */
export function broadcastTo(node: Node<'broadcastTo'>, inputs: Inputs): TensorData[] {
  return move(node, inputs, (position) => broadcastOffset(position, input(node, 0).shape));
}
