import fc from 'fast-check';
import type { DType, Tensor, TensorData } from '../../src/graph/graph';
import type { Attributes, OperatorName } from '../../src/graph/operators';
import { checkGraph, exact, property, quantizations, seeds, single, size, tensor, type Quantization,
  type Tolerance } from './suite';

/** One node of an operator that works on broadcast elements. */
export interface BroadcastSpec {
  /** The shape of the result before dimensions are dropped. */
  shape: number[];
  /** For each operand, which of its dimensions are 1, as bits; bit 0 is the last dimension. */
  ones: number[];
  /** For each operand, the number of leading dimensions that it omits. */
  lack: number[];
  /** Quantizations of the operands and, at the end, of the result. */
  quantization: Quantization[];
  seed: number;
}

/** An operator to test on random broadcasts. */
export interface BroadcastCase<K extends OperatorName> {
  op: K;
  attributes: Attributes[K];
  /** The types of the operands. */
  types: DType[];
  result: DType;
  tolerance?: Tolerance;
  /** Values for the operands in place of random ones. */
  values?: (operands: Tensor[], seed: number) => Record<string, TensorData>;
}

export function checkBroadcast<K extends OperatorName>(
  { op, attributes, types, result, tolerance = exact, values }: BroadcastCase<K>,
  { shape, ones, lack, quantization, seed }: BroadcastSpec,
): void {
  const operands = types.map((type, i) => {
    const dimensions = shape.map((d, at) => ((ones[i]! >> (shape.length - 1 - at)) & 1 ? 1 : d));
    return tensor('abc'[i]!, dimensions.slice(Math.min(lack[i]!, shape.length)), type, quantization[i]);
  });
  const rank = Math.max(...operands.map((operand) => operand.shape.length));
  const whole = Array.from(
    { length: rank },
    (_, at) => Math.max(...operands.map((operand) => operand.shape[operand.shape.length - rank + at] ?? 1)),
  );
  const y = tensor('y', whole, result, quantization[types.length]);
  const graph = single(op, operands, attributes, y);
  checkGraph(graph, seed, tolerance, ...(values ? [values(operands, seed)] : []));
}

/** Random broadcasts of `count` operands. */
export const broadcastSpecs = (count: number): fc.Arbitrary<BroadcastSpec> => {
  const each = <T>(arbitrary: fc.Arbitrary<T>, length: number): fc.Arbitrary<T[]> =>
    fc.array(arbitrary, { minLength: length, maxLength: length });
  return fc.record({
    shape: fc.array(fc.oneof(size(4), size(20)), { minLength: 1, maxLength: 4 }),
    ones: each(fc.oneof(fc.constant(0), fc.nat(15)), count),
    lack: each(fc.constantFrom(0, 0, 1, 2), count),
    quantization: each(quantizations, count + 1),
    seed: seeds,
  });
};

/**
 * Checks a case on random broadcasts, and on six dimensions that alternate between the operands.
 */
export function checkBroadcasts<K extends OperatorName>(test: BroadcastCase<K>, runs: number): void {
  const count = test.types.length;
  property(broadcastSpecs(count), runs, (spec) => checkBroadcast(test, spec));
  checkBroadcast(test, {
    shape: [2, 3, 2, 3, 2, 3],
    ones: [0b101010, 0b010101, 0b110011].slice(0, count),
    lack: [0, 0, 0].slice(0, count),
    quantization: Array.from({ length: count + 1 }, () => ({ scale: 0.5, zeroPoint: 3 })),
    seed: 1,
  });
}
