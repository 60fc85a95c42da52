import { input, output, type Node, type TensorData } from '../../src/graph/graph';
import { converter } from './requantize';
import { allocate, coordinates, offset, valueOf, type Inputs } from './support';

/** Orders numbers; NaN is above all of them, and zeros are equal. */
function order(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Sorts each line along `axis`, stably, and takes the first k elements. */
export function topK(node: Node<'topK'>, inputs: Inputs): TensorData[] {
  const { shape } = input(node, 0);
  const { axis, k, kind } = node.attributes;
  const x = valueOf(node, inputs);
  const [values, indices] = [allocate(output(node)), allocate(output(node, 1))];
  const convert = converter(input(node, 0), output(node));
  for (let i = 0; i < values.length; i++) {
    const position = coordinates(i, output(node).shape);
    if (position[axis] !== 0) continue;
    const line = Array.from({ length: shape[axis]! }, (_, j) => x[offset(position.with(axis, j), shape)]!);
    const sorted = line.map((_, j) => j).sort((a, b) => (kind === 'max' ? -1 : 1) * order(line[a]!, line[b]!));
    for (let place = 0; place < k; place++) {
      const at = offset(position.with(axis, place), output(node).shape);
      values[at] = convert(line[sorted[place]!]!);
      indices[at] = sorted[place]!;
    }
  }
  return [values, indices];
}
