import { input, type Node, type TensorData } from '../../src/graph/graph';
import { move } from './moves';
import { offset, type Inputs, type Shape4 } from './support';

/**
 * [N][H·b][W·b][C] → [N][H][W][b·b·C]: pixel (y·b + dy, x·b + dx) goes to channel (dy·b + dx)·C + c
 */
export function spaceToDepth(node: Node<'spaceToDepth'>, inputs: Inputs): TensorData[] {
  const { blockSize } = node.attributes;
  const channels = input(node, 0).shape[3]!;
  return move(node, inputs, (position) => {
    const [n, y, x, channel] = position as Shape4;
    const block = Math.floor(channel / channels);
    const [dy, dx] = [Math.floor(block / blockSize), block % blockSize];
    return offset([n, y * blockSize + dy, x * blockSize + dx, channel % channels], input(node, 0).shape);
  });
}
