import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Attributes } from '../../src/graph/operators';
import { checkGraph, property, seeds, shapes, single, size, quantizations, tensor, types, zeroPoints, type NumberType,
  type Quantization, type Tolerance } from './suite';

type RowOperator = 'softmax' | 'logSoftmax' | 'l2Normalize';

interface Spec<K extends RowOperator> {
  type: NumberType;
  shape: number[];
  attributes: Attributes[K];
  x: Quantization;
  y: Quantization;
  seed: number;
}

interface Family<K extends RowOperator> {
  /** The attributes to test with. */
  attributes: Attributes[K][];
  /** The quantization that the output usually has. */
  usual: Quantization;
  tolerance: Tolerance;
  /** The largest float input whose result is finite. */
  largest: number;
}

/** The test body of the operators that work along the last dimension. */
export function rowSuite<K extends RowOperator>(op: K, { attributes, usual, tolerance, largest }: Family<K>): void {
  const depths = fc.oneof(size(20), fc.constantFrom(100, 1000));
  // The reference rounds float64 values and the core float32 values, so near a tie they may round
  // to different integers.
  const close: Tolerance = { ...tolerance, units: 1 };
  let apart = 0;
  let values = 0;

  function check({ type, shape, attributes: chosen, x, y, seed }: Spec<K>): void {
    const different = checkGraph(
      single(op, [tensor('x', shape, type, x)], chosen, tensor('y', shape, type, y)),
      seed,
      close,
    );
    if (type === 'float32') return;
    apart += different;
    values += shape.reduce((a, b) => a * b, 1);
  }

  describe(op, () => {
    test('matches the reference for random shapes; fewer than 1 of 10,000 integers differ, by one unit', () => {
      property(
        fc.record<Spec<K>>({
          type: types,
          shape: fc.tuple(shapes(3, 4), depths).map(([lead, depth]) => [...lead, depth]),
          attributes: fc.constantFrom(...attributes),
          x: quantizations,
          y: fc.oneof(
            fc.constant(usual),
            fc.record<Quantization>({
              scale: fc.constantFrom(usual.scale, usual.scale * 2, usual.scale / 3),
              zeroPoint: zeroPoints,
            }),
          ),
          seed: seeds,
        }),
        250,
        check,
      );
      expect(apart / values).toBeLessThan(1e-4);
    });

    for (const type of ['int8', 'uint8', 'float32'] as const) {
      test(`takes rows of any length (${type})`, () => {
        for (const depth of [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 63, 64, 65]) {
          for (const lead of [[], [1], [3], [2, 1, 2]]) {
            for (const chosen of attributes) {
              check({
                type,
                shape: [...lead, depth],
                attributes: chosen,
                x: { scale: 0.125, zeroPoint: -3 },
                y: usual,
                seed: depth,
              });
            }
          }
        }
      });
    }

    test('takes rows of equal values, including extreme values', () => {
      for (const depth of [1, 2, 3, 256, 512, 700]) {
        for (const value of [-128, -3, 127]) {
          for (const chosen of attributes) {
            const graph = single(
              op,
              [tensor('x', [2, depth], 'int8', { scale: 0.125, zeroPoint: -3 })],
              chosen,
              tensor('y', [2, depth], 'int8', usual),
            );
            checkGraph(graph, 1, tolerance, { x: new Int8Array(2 * depth).fill(value) });
          }
        }
      }
      for (const value of [0, 1e-20, -largest, largest]) {
        for (const chosen of attributes) {
          checkGraph(
            single(op, [tensor('x', [2, 5], 'float32')], chosen, tensor('y', [2, 5], 'float32')),
            1,
            tolerance,
            { x: new Float32Array(10).fill(value) },
          );
        }
      }
    });
  });
}
