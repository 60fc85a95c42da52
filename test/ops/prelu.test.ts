import fc from 'fast-check';
import { describe, test } from 'vitest';
import { checkGraph, constant, property, Random, seeds, shapes, single, quantizations, tensor, types, type NumberType,
  type Quantization } from './suite';

interface Spec {
  type: NumberType;
  shape: number[];
  /** Which dimensions share one slope, as bits; bit 0 is the last dimension. */
  ones: number;
  x: Quantization;
  alpha: Quantization;
  y: Quantization;
  seed: number;
}

function check({ type, shape, ones, x, alpha, y, seed }: Spec): void {
  const slope = shape.map((d, i) => ((ones >> (shape.length - 1 - i)) & 1 ? 1 : d));
  checkGraph(
    single(
      'prelu',
      [tensor('x', shape, type, x), constant(new Random(seed), 'alpha', slope, type, alpha)],
      {},
      tensor('y', shape, type, y),
    ),
    seed,
  );
}

describe('prelu', () => {
  test('equals the reference for random shapes, shared slopes and quantizations', () => {
    property(
      fc.record<Spec>({
        type: types,
        shape: shapes(4, 9),
        ones: fc.nat(15),
        x: quantizations,
        alpha: quantizations,
        y: quantizations,
        seed: seeds,
      }),
      200,
      check,
    );
  });

  for (const type of ['int8', 'uint8', 'float32'] as const) {
    test(`computes many short rows (${type})`, () => {
      for (const [rows, n] of [[8, 5], [16, 24], [67, 3]] as const) {
        for (const ones of [6, 14]) {
          check({
            type,
            shape: [2, rows, 9, n],
            ones,
            x: { scale: 0.5, zeroPoint: -3 },
            alpha: { scale: 0.25, zeroPoint: 4 },
            y: { scale: 0.5, zeroPoint: 9 },
            seed: n,
          });
        }
      }
    });

    test(`takes a slope per channel or per element, for any number of channels (${type})`, () => {
      for (const n of [1, 3, 4, 5, 7, 8, 9, 15, 16, 17]) {
        for (const ones of [0, 1, 6, 7]) {
          check({
            type,
            shape: [2, 3, n],
            ones,
            x: { scale: 0.5, zeroPoint: -3 },
            alpha: { scale: 0.25, zeroPoint: 4 },
            y: { scale: 0.5, zeroPoint: 9 },
            seed: n,
          });
        }
      }
    });
  }
});
