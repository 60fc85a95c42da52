import { elementCount, input, output, type Node, type TensorData } from '../../src/graph/graph';
import { coordinates, offset, valueOf, type Inputs } from './support';

/** Each point along `axis` is turned by its place times that of the result, and added to it. */
export function dft(node: Node<'dft'>, inputs: Inputs): TensorData[] {
  const { shape } = input(node, 0);
  const { axis, length, inverse } = node.attributes;
  const x = valueOf(node, inputs);
  const to = output(node).shape;
  const sums = new Float64Array(elementCount(to));
  for (let i = 0; i < x.length; i++) {
    const position = coordinates(i, shape);
    const j = position[axis]!;
    const isImaginary = position.at(-1) === 1;
    if (j >= length) continue;
    for (let k = 0; k < to[axis]!; k++) {
      const angle = (inverse ? 2 : -2) * Math.PI * (j * k % length) / length;
      const at = offset([...position.with(axis, k).slice(0, -1), 0], to);
      sums[at]! += x[i]! * (isImaginary ? -Math.sin(angle) : Math.cos(angle));
      sums[at + 1]! += x[i]! * (isImaginary ? Math.cos(angle) : Math.sin(angle));
    }
  }
  return [Float32Array.from(sums, (value) => (inverse ? value / length : value))];
}
