import { input, output, type Node, type TensorData } from '../../src/graph/graph';
import { multiplyAdd } from './multiplyAdd';
import { allocate, broadcastOffset, coordinates, rowsOf, valueOf, type Inputs } from './support';

/**
 * a [...B][M][K], b [...B][K][N] → [...B][M][N]; leading dimensions broadcast. A transposed operand
 * is stored with its last two dimensions swapped.
 */
export function batchMatmul(node: Node<'batchMatmul'>, inputs: Inputs): TensorData[] {
  const { transposeA, transposeB } = node.attributes;
  const [a, b, out] = [valueOf(node, inputs, 0), valueOf(node, inputs, 1), allocate(output(node))];
  const [shapeA, shapeB, shape] = [input(node, 0).shape, input(node, 1).shape, output(node).shape];
  const [rows, columns] = shape.slice(-2) as [number, number];
  const depth = shapeA.at(transposeA ? -2 : -1);
  const batchShape = shape.slice(0, -2);
  const batches = rowsOf([...batchShape, 1])[0];
  const accumulator = multiplyAdd(node, null, 'none');

  for (let batch = 0; batch < batches; batch++) {
    const position = coordinates(batch, batchShape);
    const startA = broadcastOffset(position, shapeA.slice(0, -2)) * rows * depth;
    const startB = broadcastOffset(position, shapeB.slice(0, -2)) * depth * columns;
    for (let m = 0; m < rows; m++) {
      for (let n = 0; n < columns; n++) {
        let acc = accumulator.start(n);
        for (let k = 0; k < depth; k++) {
          const indexA = startA + (transposeA ? k * rows + m : m * depth + k);
          const indexB = startB + (transposeB ? n * depth + k : k * columns + n);
          acc = accumulator.add(acc, a[indexA]!, b[indexB]!, n);
        }
        out[(batch * rows + m) * columns + n] = accumulator.finish(acc, n);
      }
    }
  }
  return [out];
}
