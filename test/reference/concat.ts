import { input, output, type Node, type TensorData } from '../../src/graph/graph';
import { converter } from './requantize';
import { activate, allocate, aroundAxis, valueOf, type Inputs } from './support';

/**
 * Joins the inputs along `axis`. An input whose quantization differs from the output's is
 * requantized.
 */
export function concat(node: Node<'concat'>, inputs: Inputs): TensorData[] {
  const { axis, activation } = node.attributes;
  const out = allocate(output(node));
  const [outer, total, inner] = aroundAxis(output(node).shape, axis);
  const clampToActivation = activate(activation, output(node));

  let start = 0;
  for (let index = 0; index < inputs.length; index++) {
    const x = valueOf(node, inputs, index);
    const length = input(node, index).shape[axis]!;
    const convert = converter(input(node, index), output(node));
    for (let o = 0; o < outer; o++) {
      for (let j = 0; j < length; j++) {
        for (let i = 0; i < inner; i++) {
          out[(o * total + start + j) * inner + i] = clampToActivation(convert(x[(o * length + j) * inner + i]!));
        }
      }
    }
    start += length;
  }
  return [out];
}
