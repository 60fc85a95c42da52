import fc from 'fast-check';
import { describe, test } from 'vitest';
import type { BinaryKind, FusedActivation } from '../../src/graph/operators';
import { activations, checkGraph, constant, property, Random, seeds, single, size, quantizations, tensor, types,
  type NumberType, type Quantization } from './suite';

interface Spec {
  type: NumberType | 'int32';
  kind: BinaryKind;
  /** The shape of the result before dimensions are dropped. */
  shape: number[];
  /** Which dimensions of a and b are 1, as bits; bit 0 is the last dimension. */
  onesA: number;
  onesB: number;
  /** The number of leading dimensions that a and b omit. */
  lackA: number;
  lackB: number;
  activation: FusedActivation;
  a: Quantization;
  b: Quantization;
  y: Quantization;
  /** Whether b is a constant. */
  constantB: boolean;
  seed: number;
}

const kinds: BinaryKind[] = ['add', 'sub', 'mul', 'div', 'minimum', 'maximum', 'squaredDifference'];
const integerKinds: BinaryKind[] = ['add', 'sub', 'mul', 'minimum', 'maximum'];

const plain: Spec = {
  type: 'int8',
  kind: 'add',
  shape: [3, 5],
  onesA: 0,
  onesB: 0,
  lackA: 0,
  lackB: 0,
  activation: 'none',
  a: { scale: 0.5, zeroPoint: 3 },
  b: { scale: 0.25, zeroPoint: -20 },
  y: { scale: 0.5, zeroPoint: -5 },
  constantB: false,
  seed: 1,
};

function check(spec: Spec): void {
  const { type, kind, shape } = spec;
  const part = (ones: number, lack: number): number[] =>
    shape.map((d, i) => ((ones >> (shape.length - 1 - i)) & 1 ? 1 : d)).slice(Math.min(lack, shape.length));
  const shapeA = part(spec.onesA, spec.lackA);
  const shapeB = part(spec.onesB, spec.lackB);
  const rank = Math.max(shapeA.length, shapeB.length);
  const result = shape.slice(shape.length - rank).map((_, i) =>
    Math.max(shapeA[shapeA.length - rank + i] ?? 1, shapeB[shapeB.length - rank + i] ?? 1)
  );
  const a = tensor('a', shapeA, type, spec.a);
  const y = tensor('y', result, type, spec.y);
  const b = spec.constantB
    ? constant(new Random(spec.seed + 1), 'b', shapeB, type, spec.b)
    : tensor('b', shapeB, type, spec.b);
  checkGraph(single('binary', [a, b], { kind, activation: type === 'int32' ? 'none' : spec.activation }, y), spec.seed);
}

describe('binary', () => {
  const spec = (type: fc.Arbitrary<Spec['type']>, kind: fc.Arbitrary<BinaryKind>): fc.Arbitrary<Spec> =>
    fc.record({
      type,
      kind,
      shape: fc.array(fc.oneof(size(4), size(20)), { minLength: 1, maxLength: 4 }),
      onesA: fc.oneof(fc.constant(0), fc.nat(15)),
      onesB: fc.oneof(fc.constant(0), fc.nat(15)),
      lackA: fc.constantFrom(0, 0, 1, 2),
      lackB: fc.constantFrom(0, 0, 1, 2),
      activation: activations,
      a: quantizations,
      b: quantizations,
      y: quantizations,
      constantB: fc.boolean(),
      seed: seeds,
    });

  test('equals the reference for random kinds, broadcasts and quantizations', () => {
    property(spec(types, fc.constantFrom(...kinds)), 500, check);
  });

  test('equals the reference in int32, which wraps around', () => {
    property(spec(fc.constant('int32'), fc.constantFrom(...integerKinds)), 80, check);
  });

  for (const type of ['int8', 'uint8', 'int16', 'float32', 'int32'] as const) {
    test(`takes any length, with either operand broadcast or neither (${type})`, () => {
      for (const kind of type === 'int32' ? integerKinds : kinds) {
        for (const n of [1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33]) {
          for (const [onesA, onesB] of [[0, 0], [0, 1], [1, 0]] as const) {
            check({ ...plain, type, kind, shape: [2, n], onesA, onesB, constantB: n % 2 === 0, seed: n });
          }
        }
      }
    });

    test(`broadcasts every combination of three dimensions (${type})`, () => {
      for (let onesA = 0; onesA < 8; onesA++) {
        for (let onesB = 0; onesB < 8; onesB++) {
          check({ ...plain, type, kind: 'sub', shape: [2, 3, 5], onesA, onesB, seed: onesA * 8 + onesB });
        }
      }
    });

    test(`broadcasts six dimensions that alternate between the operands (${type})`, () => {
      check({ ...plain, type, shape: [2, 3, 2, 3, 2, 3], onesA: 0b101010, onesB: 0b010101 });
      check({ ...plain, type, shape: [2, 2, 2, 2, 2, 2], onesA: 0b010101, onesB: 0b101010 });
    });
  }

  test('equals the reference for every pair of int8 values', () => {
    const all = Int8Array.from({ length: 256 }, (_, i) => i - 128);
    for (const kind of kinds) {
      for (const [a, b, y] of [[0.5, 0.5, 0.5], [0.5, 0.25, 1], [1, 1, 4], [0.0123, 0.0321, 0.0456], [2, 0.004,
        0.5]] as const)
      {
        for (const zeroPoint of [-128, 0, 127]) {
          const inputs = [tensor('a', [256, 1], 'int8', { scale: a, zeroPoint }),
            tensor('b', [256], 'int8', { scale: b, zeroPoint: -zeroPoint - 1 })];
          const graph = single(
            'binary',
            inputs,
            { kind, activation: 'none' },
            tensor('y', [256, 256], 'int8', { scale: y, zeroPoint: 7 }),
          );
          checkGraph(graph, 1, undefined, { a: all, b: all });
        }
      }
    }
  });

  test('equals the reference for many short rows, which share a row of the other operand', () => {
    for (const type of ['int8', 'int16', 'float32', 'int32'] as const) {
      for (const [rows, n] of [[8, 5], [16, 24], [67, 3], [9, 100], [8, 300]] as const) {
        // all rows share one, those of a batch do, or b is shared along the rows only
        for (const ones of [14, 6, 4]) {
          const shape = [2, rows, 9, n];
          check({ ...plain, type, kind: 'mul', shape, onesB: ones, seed: n });
          check({ ...plain, type, kind: 'sub', shape, onesA: ones, constantB: true, seed: n });
        }
      }
    }
  });

  test('takes the same tensor as both operands', () => {
    for (const type of ['int8', 'float32'] as const) {
      for (const kind of kinds) {
        const x = tensor('x', [3, 7], type, plain.a);
        checkGraph(single('binary', [x, x], { kind, activation: 'none' }, tensor('y', [3, 7], type, plain.y)), 3);
      }
    }
  });
});
