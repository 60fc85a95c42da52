import type { Node, TensorData } from '../../src/graph/graph';
import { mapRows } from './rows';
import type { Inputs } from './support';

/** x − max − log Σ exp(x − max) over the last dimension */
export function logSoftmax(node: Node<'logSoftmax'>, inputs: Inputs): TensorData[] {
  return mapRows(node, inputs, (row) => {
    const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
    const logOfSum = Math.log(row.reduce((sum, x) => sum + Math.exp(x - largest), 0));
    return row.map((x) => x - largest - logOfSum);
  });
}
