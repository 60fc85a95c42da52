import { input, type Node, type TensorData } from '../../src/graph/graph';
import { scatter } from './scatter';
import { coordinates, offset, valueOf, type Inputs } from './support';

/** The update at `begin`, which is clamped so that all of it is within the data. */
export function updateSlice(node: Node<'updateSlice'>, inputs: Inputs): TensorData[] {
  const [{ shape }, part] = [input(node, 0), input(node, 1)];
  const begin = Array.from(
    valueOf(node, inputs, 2),
    (index, d) => Math.max(0, Math.min(shape[d]! - part.shape[d]!, index)),
  );
  return scatter(
    node,
    inputs,
    1,
    'none',
    (update) => offset(coordinates(update, part.shape).map((i, d) => i + begin[d]!), shape),
  );
}
