import type { Node, TensorData } from '../../src/graph/graph';
import { mapRows } from './rows';
import { fround } from './requantize';
import type { Inputs } from './support';

/** exp(beta·(x − max)) / Σ over the last dimension */
export function softmax(node: Node<'softmax'>, inputs: Inputs): TensorData[] {
  const beta = fround(node.attributes.beta);
  return mapRows(node, inputs, (row) => {
    const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
    const powers = row.map((x) => Math.exp(beta * (x - largest)));
    const sum = powers.reduce((a, b) => a + b, 0);
    return powers.map((power) => power / sum);
  });
}
