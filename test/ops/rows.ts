import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Attributes } from '../../src/graph/operators';
import { checkGraph, property, seeds, shapes, single, size, steps, tensor, types, zeroPoints, type NumberType,
  type Steps, type Tolerance } from './suite';

type RowOperator = 'softmax' | 'logSoftmax' | 'l2Normalize';

interface Spec<K extends RowOperator> {
  type: NumberType;
  shape: number[];
  attributes: Attributes[K];
  x: Steps;
  y: Steps;
  seed: number;
}

/**
 * The body for operators over the last dimension: attributes to try, the output's usual scale, how
 * close floats are, and the largest of them.
 */
export function rowSuite<K extends RowOperator>(
  op: K,
  attributes: Attributes[K][],
  usual: Steps,
  tolerance: Tolerance,
  largest: number,
): void {
  // the reference rounds real numbers, the core float32 ones: where those lie on a tie, they part
  const close: Tolerance = { ...tolerance, steps: 1 };
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
    test('agrees with the reference over shapes, attributes and quantizations; next to no integer is a step away', () => {
      property(
        fc.record<Spec<K>>({
          type: types,
          shape: fc.tuple(shapes(3, 4), fc.oneof(size(20), fc.constantFrom(100, 1000))).map((
            [lead, depth],
          ) => [...lead, depth]),
          attributes: fc.constantFrom(...attributes),
          x: steps,
          y: fc.oneof(
            fc.constant(usual),
            fc.record<Steps>({
              scale: fc.constantFrom(usual.scale, usual.scale * 2, usual.scale / 3),
              zero: zeroPoints,
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
      test(`has rows of any length (${type})`, () => {
        for (const depth of [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 63, 64, 65]) {
          for (const lead of [[], [1], [3], [2, 1, 2]]) {
            for (const chosen of attributes) {
              check({
                type,
                shape: [...lead, depth],
                attributes: chosen,
                x: { scale: 0.125, zero: -3 },
                y: usual,
                seed: depth,
              });
            }
          }
        }
      });
    }

    test('gives equal shares to equal values, extremes too', () => {
      for (const depth of [1, 2, 3, 256, 512, 700]) {
        for (const value of [-128, -3, 127]) {
          for (const chosen of attributes) {
            const graph = single(
              op,
              [tensor('x', [2, depth], 'int8', { scale: 0.125, zero: -3 })],
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
