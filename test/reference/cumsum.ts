import { input, output, type Node, type TensorData } from '../../src/graph/graph';
import { allocate, coordinates, offset, valueOf, type Inputs } from './support';

/** Running sums along `axis`, rounded to float32 after each addition; integers wrap around. */
export function cumsum(node: Node<'cumsum'>, inputs: Inputs): TensorData[] {
  const { shape, dtype } = input(node, 0);
  const { axis, exclusive, reverse } = node.attributes;
  const x = valueOf(node, inputs);
  const out = allocate(output(node));
  const add = (a: number, b: number): number => (dtype === 'float32' ? Math.fround(a + b) : (a + b) | 0);
  for (let i = 0; i < x.length; i++) {
    const position = coordinates(i, shape);
    if (position[axis] !== 0) continue;
    let sum = 0;
    for (let j = 0; j < shape[axis]!; j++) {
      const at = offset(position.with(axis, reverse ? shape[axis]! - 1 - j : j), shape);
      const next = add(sum, x[at]!);
      out[at] = exclusive ? sum : next;
      sum = next;
    }
  }
  return [out];
}
