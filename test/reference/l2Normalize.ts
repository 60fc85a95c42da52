import type { Node, TensorData } from '../../src/graph/graph';
import { mapRows } from './rows';
import { fround } from './requantize';
import type { Inputs } from './support';

/** x / sqrt(max(Σ x², epsilon)) over the last dimension */
export function l2Normalize(node: Node<'l2Normalize'>, inputs: Inputs): TensorData[] {
  const epsilon = fround(node.attributes.epsilon);
  return mapRows(node, inputs, (row) => {
    const length = Math.sqrt(Math.max(row.reduce((sum, x) => sum + x * x, 0), epsilon));
    return row.map((x) => x / length);
  });
}
