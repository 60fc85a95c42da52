import { input, output, type Node, type TensorData } from '../../src/graph/graph';
import { elementwise } from './broadcast';
import { converter, isQuantized } from './requantize';
import type { Inputs } from './support';

/** a where c is not 0, and b elsewhere, broadcast as in numpy */
export function select(node: Node<'select'>, inputs: Inputs): TensorData[] {
  const y = output(node);
  const [fromA, fromB] = [0, 1].map((k) => {
    const operand = input(node, k);
    return isQuantized(operand) && isQuantized(y) ? converter(operand, y) : (value: number) => value;
  }) as [(value: number) => number, (value: number) => number];
  return elementwise(node, inputs, (a, b, c) => (c !== 0 ? fromA(a) : fromB(b)));
}
