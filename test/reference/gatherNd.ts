import { elementCount, input, output, type Node, type TensorData } from '../../src/graph/graph';
import { allocate, coordinates, offset, valueOf, type Inputs } from './support';

/**
 * Output element [i][b] is x[indices[i][0]]…[indices[i][K − 1]][b], after the batch dimensions,
 * which are the same in all tensors. Indices out of range are clamped.
 */
export function gatherNd(node: Node<'gatherNd'>, inputs: Inputs): TensorData[] {
  const x = input(node, 0);
  const indices = input(node, 1);
  const y = output(node);
  const out = allocate(y);
  const from = valueOf(node, inputs);
  const at = valueOf(node, inputs, 1);
  const outer = indices.shape.slice(0, -1);
  const depth = indices.shape[outer.length]!;
  const { batchDims } = node.attributes;
  for (let i = 0; i < elementCount(y.shape); i++) {
    const position = coordinates(i, y.shape);
    const place = position.slice(0, batchDims);
    for (let k = 0; k < depth; k++) {
      const index = at[offset([...position.slice(0, outer.length), k], indices.shape)]!;
      place.push(Math.max(0, Math.min(x.shape[batchDims + k]! - 1, index)));
    }
    out[i] = from[offset([...place, ...position.slice(outer.length)], x.shape)]!;
  }
  return [out];
}
