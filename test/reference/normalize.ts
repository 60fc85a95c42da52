import { input, output, type Node, type TensorData } from '../../src/graph/graph';
import { fround, isQuantized, quantizeReal, roundHalfEven, scaleOf, zeroPointOf } from './requantize';
import { allocate, coordinates, offset, valueOf, type Inputs } from './support';

/**
 * (x − mean) / √(variance + epsilon) · scale + bias, with the mean (0 without `center`) and the
 * variance over `axes`, in float64. The result is rounded once.
 */
export function normalize(node: Node<'normalize'>, inputs: Inputs): TensorData[] {
  const { axes, center } = node.attributes;
  const epsilon = fround(node.attributes.epsilon);
  const [from, to] = [input(node, 0), output(node)];
  const out = allocate(to);
  const x = Array.from(valueOf(node, inputs), (q) => isQuantized(from) ? scaleOf(from) * (q - zeroPointOf(from)) : q);
  const groups = new Map<string, number[]>();
  const groupOf = (i: number): string =>
    coordinates(i, from.shape).map((position, d) => axes.includes(d) ? 0 : position).join();
  x.forEach((_, i) => groups.set(groupOf(i), [...(groups.get(groupOf(i)) ?? []), i]));
  for (const members of groups.values()) {
    const average = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
    const mean = center ? average(members.map((i) => x[i]!)) : 0;
    const deviation = Math.sqrt(average(members.map((i) => (x[i]! - mean) ** 2)) + epsilon);
    for (const i of members) {
      const y = (x[i]! - mean) / deviation * operandAt(1, i, 1) + operandAt(2, i, 0);
      out[i] = isQuantized(to) ? quantizeReal(y / scaleOf(to), to, roundHalfEven) : fround(y);
    }
  }
  return [out];

  /** An operand broadcast to x, at element i. */
  function operandAt(index: number, i: number, absent: number): number {
    const tensor = node.inputs[index];
    if (!tensor) return absent;
    const position = coordinates(i, from.shape).slice(from.shape.length - tensor.shape.length);
    return valueOf(node, inputs, index)[offset(position.map((p, d) => tensor.shape[d] === 1 ? 0 : p), tensor.shape)]!;
  }
}
