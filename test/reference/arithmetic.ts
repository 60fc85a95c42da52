import { output, type Node, type TensorData } from '../../src/graph/graph';
import type { ArithmeticKind } from '../../src/graph/operators';
import { elementwise } from './broadcast';
import { isInteger, type Inputs } from './support';

type Operation = (a: number, b: number) => number;

const floats: Record<ArithmeticKind, Operation> = {
  floorDiv: (a, b) => Math.floor(Math.fround(a / b)),
  floorMod(a, b) {
    const remainder = a % b;
    return remainder !== 0 && remainder < 0 !== b < 0 ? remainder + b : remainder;
  },
  pow: (a, b) => a ** b,
};

const integers: Record<ArithmeticKind, Operation> = {
  floorDiv: (a, b) => (b === 0 ? 0 : Math.floor(a / b) | 0),
  floorMod: (a, b) => (b === 0 ? 0 : a - Math.floor(a / b) * b),
  pow: (a, b) => (b < 0 && Math.abs(a) !== 1 ? 0 : Number(BigInt.asIntN(32, BigInt(a) ** BigInt(Math.abs(b))))),
};

/** a ∘ b on float32 and integers, broadcast as in numpy */
export function arithmetic(node: Node<'arithmetic'>, inputs: Inputs): TensorData[] {
  const operations = isInteger(output(node).dtype) ? integers : floats;
  return elementwise(node, inputs, operations[node.attributes.kind]);
}
