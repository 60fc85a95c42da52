import { elementCount, input, output, type Node, type TensorData } from '../../src/graph/graph';
import { allocate, coordinates, offset, valueOf, type Inputs } from './support';

/**
 * Output element [a][i][b] is x[a][indices[batch of a][i]][b]; indices out of range are clamped.
 */
export function gather(node: Node<'gather'>, inputs: Inputs): TensorData[] {
  const x = input(node, 0);
  const indices = input(node, 1);
  const y = output(node);
  const out = allocate(y);
  const { axis, batchDims } = node.attributes;
  const from = valueOf(node, inputs);
  const at = valueOf(node, inputs, 1);
  const inner = indices.shape.slice(batchDims);
  for (let i = 0; i < elementCount(y.shape); i++) {
    const position = coordinates(i, y.shape);
    const index =
      at[offset([...position.slice(0, batchDims), ...position.slice(axis, axis + inner.length)], indices.shape)]!;
    const row = Math.max(0, Math.min(x.shape[axis]! - 1, index));
    out[i] = from[offset([...position.slice(0, axis), row, ...position.slice(axis + inner.length)], x.shape)]!;
  }
  return [out];
}
