import { input, output, type AnyNode, type TensorData } from '../../src/graph/graph';
import { allocate, broadcastOffset, coordinates, valueOf, type Inputs } from './support';

/** A function of the operands' elements, broadcast as in numpy. */
export function elementwise(
  node: AnyNode,
  inputs: Inputs,
  compute: (...operands: number[]) => number | boolean,
): TensorData[] {
  const { shape } = output(node);
  const out = allocate(output(node));
  for (let i = 0; i < out.length; i++) {
    const position = coordinates(i, shape);
    const operands = node.inputs.map((_, k) =>
      valueOf(node, inputs, k)[broadcastOffset(position, input(node, k).shape)]!
    );
    out[i] = Number(compute(...operands));
  }
  return [out];
}
