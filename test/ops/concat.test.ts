import fc from 'fast-check';
import { describe, test } from 'vitest';
import type { DType } from '../../src/graph/graph';
import type { FusedActivation } from '../../src/graph/operators';
import { activations, checkGraph, constant, property, Random, seeds, shapes, single, size, quantizations, tensor,
  type Quantization } from './suite';

interface Spec {
  type: DType;
  shape: number[];
  axis: number;
  /** The length of each part along the axis, its quantization, and whether it is a constant. */
  parts: { length: number; quantization: Quantization | null; constant: boolean }[];
  y: Quantization;
  activation: FusedActivation;
  seed: number;
}

function check({ type, shape, axis: wish, parts, y, activation, seed }: Spec): void {
  const axis = wish % shape.length;
  const random = new Random(seed);
  const along = (length: number): number[] => shape.map((d, i) => (i === axis ? length : d));
  const inputs = parts.map((part, i) => {
    const quantization = part.quantization ?? y;
    return part.constant && i > 0
      ? constant(random, `x${i}`, along(part.length), type, quantization)
      : tensor(`x${i}`, along(part.length), type, quantization);
  });
  const quantized = type === 'int8' || type === 'uint8' || type === 'float32';
  const result = tensor('y', along(parts.reduce((sum, part) => sum + part.length, 0)), type, y);
  checkGraph(single('concat', inputs, { axis, activation: quantized ? activation : 'none' }, result), seed);
}

const part = (length: number, own: Quantization | null = null): Spec['parts'][number] => ({
  length,
  quantization: own,
  constant: false,
});

describe('concat', () => {
  test('equals the reference for random types, axes, numbers of parts and quantizations', () => {
    property(
      fc.record<Spec>({
        type: fc.constantFrom<DType>('int8', 'int8', 'uint8', 'float32', 'int32', 'bool'),
        shape: shapes(5, 4),
        axis: fc.nat(4),
        parts: fc.array(
          fc.record({ length: size(5), quantization: fc.option(quantizations), constant: fc.boolean() }),
          { minLength: 1, maxLength: 5 },
        ),
        y: quantizations,
        activation: activations,
        seed: seeds,
      }),
      250,
      check,
    );
  });

  for (const type of ['int8', 'uint8', 'float32', 'int32'] as const) {
    test(`joins along each axis of one to six dimensions (${type})`, () => {
      for (let rank = 1; rank <= 6; rank++) {
        for (let axis = 0; axis < rank; axis++) {
          check({
            type,
            shape: [2, 3, 2, 1, 3, 2].slice(0, rank),
            axis,
            parts: [part(1), part(4), part(2)],
            y: { scale: 0.5, zeroPoint: 3 },
            activation: 'none',
            seed: rank,
          });
        }
      }
    });

    test(`copies runs of any length to any address (${type})`, () => {
      for (const n of [1, 3, 5, 7, 8, 9, 15, 16, 17, 31, 33]) {
        check({
          type,
          shape: [3, 1],
          axis: 1,
          parts: [part(n), part(1), part(n + 1)],
          y: { scale: 0.5, zeroPoint: 3 },
          activation: 'none',
          seed: n,
        });
      }
    });
  }

  test('requantizes the parts whose scale differs from the output', () => {
    for (const type of ['int8', 'uint8'] as const) {
      for (const zeroPoint of [-128, 0, 127]) {
        check({
          type,
          shape: [2, 9],
          axis: 0,
          parts: [part(2, { scale: 0.25, zeroPoint }), part(1), part(3, { scale: 1, zeroPoint: -zeroPoint - 1 })],
          y: { scale: 0.5, zeroPoint: 3 },
          activation: 'relu6',
          seed: zeroPoint,
        });
      }
    }
  });

  test('joins a tensor with itself', () => {
    const x = tensor('x', [2, 3], 'int8', { scale: 0.5, zeroPoint: 1 });
    checkGraph(
      single(
        'concat',
        [x, x, x],
        { axis: 1, activation: 'none' },
        tensor('y', [2, 9], 'int8', { scale: 0.5, zeroPoint: 1 }),
      ),
      1,
    );
    checkGraph(
      single(
        'concat',
        [x, x],
        { axis: 0, activation: 'none' },
        tensor('y', [4, 3], 'int8', { scale: 0.25, zeroPoint: 9 }),
      ),
      1,
    );
  });
});
