import fc from 'fast-check';
import type { DType } from '../../src/graph/graph';
import type { Attributes, OperatorName } from '../../src/graph/operators';
import { checkGraph, seeds, single, quantizations, tensor, type Quantization } from './suite';

// The shared test body of operators that only move elements. They take every element type, and
// requantize int8 when the output's quantization differs.

export interface Kind {
  type: DType;
  x: Quantization;
  /** The output's quantization; null if it is the input's. */
  y: Quantization | null;
  seed: number;
}

const dtypes: DType[] = ['int8', 'int8', 'uint8', 'int16', 'float32', 'int32', 'int64', 'bool'];

export const kinds: fc.Arbitrary<Kind> = fc.record({
  type: fc.constantFrom(...dtypes),
  x: quantizations,
  y: fc.option(quantizations, { freq: 3 }),
  seed: seeds,
});

const plain = { scale: 0.5, zeroPoint: 3 };
const bytes: Kind = { type: 'int8', x: plain, y: null, seed: 1 };
const words: Kind = { type: 'float32', x: plain, y: null, seed: 2 };
const requantized: Kind = { type: 'uint8', x: plain, y: { scale: 0.25, zeroPoint: -128 }, seed: 3 };

/** One of each: bytes, words, and requantized values. */
export const fewKinds: Kind[] = [bytes, words, requantized];

/** Checks an operator that moves a tensor of shape `from` into tensors of the shapes `to`. */
export function checkMove<K extends OperatorName>(
  op: K,
  attributes: Attributes[K],
  from: number[],
  to: number[][],
  { type, x, y, seed }: Kind,
): void {
  checkGraph(
    single(op, [tensor('x', from, type, x)], attributes, ...to.map((shape, i) => tensor(`y${i}`, shape, type, y ?? x))),
    seed,
  );
}
