import { input, type Node, type TensorData } from '../../src/graph/graph';
import { move } from './moves';
import { offset, type Inputs, type Shape4 } from './support';

/**
 * [N][H][W][b·b·C] → [N][H·b][W·b][C]: channel (dy·b + dx)·C + c goes to pixel (y·b + dy, x·b + dx)
 */
export function depthToSpace(node: Node<'depthToSpace'>, inputs: Inputs): TensorData[] {
  const { blockSize } = node.attributes;
  const channels = input(node, 0).shape[3]! / blockSize ** 2;
  return move(node, inputs, (position) => {
    const [n, y, x, c] = position as Shape4;
    const block = (y % blockSize) * blockSize + x % blockSize;
    return offset(
      [n, Math.floor(y / blockSize), Math.floor(x / blockSize), block * channels + c],
      input(node, 0).shape,
    );
  });
}
