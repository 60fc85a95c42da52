import { input, output, type AnyNode, type TensorData } from '../../src/graph/graph';
import { converter } from './requantize';
import { allocate, coordinates, valueOf, type Inputs } from './support';

/**
 * For operators that only move elements. `source` maps an output position to the row-major index in
 * the input. Integers are requantized if the output's quantization differs.
 */
export function move(
  node: AnyNode,
  inputs: Inputs,
  source: (position: number[], index: number) => number,
): TensorData[] {
  const [x, out] = [valueOf(node, inputs), allocate(output(node))];
  const convert = converter(input(node, 0), output(node));
  for (let i = 0; i < out.length; i++) out[i] = convert(x[source(coordinates(i, output(node).shape), i)]!);
  return [out];
}
