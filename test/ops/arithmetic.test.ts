import { describe, test } from 'vitest';
import type { Tensor, TensorData } from '../../src/graph/graph';
import type { ArithmeticKind } from '../../src/graph/operators';
import { checkBroadcast, checkBroadcasts } from './broadcasts';
import { Random } from './suite';

const kinds: ArithmeticKind[] = ['floorDiv', 'floorMod', 'pow'];

/** Whole numbers in a range for each operand. */
const within = (...ranges: [number, number][]) => (operands: Tensor[], seed: number): Record<string, TensorData> => {
  const random = new Random(seed);
  return Object.fromEntries(operands.map(({ name, shape }, k) => {
    const count = shape.reduce((p, q) => p * q, 1);
    return [name, Int32Array.from({ length: count }, () => random.int(...ranges[k]!))];
  }));
};

describe('arithmetic', () => {
  for (const kind of kinds) {
    const attributes = { kind };
    test(`${kind} matches the reference for random broadcasts of float32`, () => {
      const tolerance = { relative: kind === 'pow' ? 2e-7 : 0, absolute: 0 };
      checkBroadcasts(
        { op: 'arithmetic', attributes, types: ['float32', 'float32'], result: 'float32', tolerance },
        60,
      );
    });

    test(`${kind} equals the reference for random broadcasts of int32 and int64`, () => {
      const values = kind === 'pow' ? within([-40, 40], [-3, 40]) : within([-1000, 1000], [-7, 7]);
      for (const type of ['int32', 'int64'] as const) {
        checkBroadcasts({ op: 'arithmetic', attributes, types: [type, type], result: type, values }, 40);
      }
    });
  }

  test('divides by zero and at the ends of int32 without a trap', () => {
    const ends = Int32Array.of(-2147483648, -1, 0, 1, 2147483647, 7);
    const values = () => ({ a: ends, b: ends });
    const spec = { shape: [6, 6], ones: [1, 2], lack: [0, 0], quantization: [], seed: 1 };
    for (const kind of ['floorDiv', 'floorMod'] as const) {
      checkBroadcast(
        { op: 'arithmetic', attributes: { kind }, types: ['int32', 'int32'], result: 'int32', values },
        spec,
      );
    }
  });

  test('gives the limits of pow, floorDiv and floorMod for zeros, infinities and negative numbers', () => {
    const ends = Float32Array.of(-Infinity, -3, -1, -0.5, 0, 0.5, 1, 3, Infinity, 1e30);
    const values = () => ({ a: ends, b: ends });
    const spec = { shape: [10, 10], ones: [1, 2], lack: [0, 0], quantization: [], seed: 1 };
    for (const kind of kinds) {
      checkBroadcast({
        op: 'arithmetic',
        attributes: { kind },
        types: ['float32', 'float32'],
        result: 'float32',
        tolerance: { relative: 2e-7, absolute: 0 },
        values,
      }, spec);
    }
  });
});
