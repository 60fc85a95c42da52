import fc from 'fast-check';
import { describe, test } from 'vitest';
import { checkGraph, property, seeds, shapes, single, quantizations, tensor, type NumberType,
  type Quantization } from './suite';

interface Spec {
  from: NumberType;
  to: 'int8' | 'uint8' | 'int16';
  shape: number[];
  x: Quantization;
  y: Quantization;
  seed: number;
}

function check({ from, to, shape, x, y, seed }: Spec): void {
  checkGraph(single('quantize', [tensor('x', shape, from, x)], {}, tensor('y', shape, to, y)), seed);
}

const scalePairs = [[0.5, 0.5], [0.5, 0.25], [0.25, 1], [0.0123, 0.0456], [1, 0.03]] as const;

describe('quantize', () => {
  test('equals the reference for random types, shapes and quantizations', () => {
    property(
      fc.record<Spec>({
        from: fc.constantFrom('float32', 'int8', 'uint8', 'int16'),
        to: fc.constantFrom('int8', 'uint8', 'int16'),
        shape: shapes(4, 7),
        x: quantizations,
        y: quantizations,
        seed: seeds,
      }),
      200,
      check,
    );
  });

  test('rounds ties of floats to even, and saturates, including infinities', () => {
    const x = Float32Array.from({ length: 1200 }, (_, i) => (i - 600) / 8);
    x.set([Infinity, -Infinity, 1e30, -1e30, 1e-40]);
    for (const to of ['int8', 'uint8'] as const) {
      for (const scale of [0.25, 0.5, 0.1]) {
        for (const zeroPoint of [-128, 0, 127]) {
          checkGraph(
            single('quantize', [tensor('x', [1200], 'float32')], {}, tensor('y', [1200], to, { scale, zeroPoint })),
            1,
            undefined,
            { x },
          );
        }
      }
    }
  });

  test('equals the reference for every 8-bit value, to another quantization and between int8 and uint8', () => {
    for (const from of ['int8', 'uint8'] as const) {
      for (const to of ['int8', 'uint8'] as const) {
        for (const [sx, sy] of scalePairs) {
          for (const zeroPoint of [-128, 0, 127]) {
            const x = from === 'int8'
              ? Int8Array.from({ length: 256 }, (_, i) => i - 128)
              : Uint8Array.from({ length: 256 }, (_, i) => i);
            checkGraph(
              single(
                'quantize',
                [tensor('x', [256], from, { scale: sx, zeroPoint })],
                {},
                tensor('y', [256], to, { scale: sy, zeroPoint: 5 }),
              ),
              1,
              undefined,
              { x },
            );
          }
        }
      }
    }
  });

  test('takes any number of elements', () => {
    for (const from of ['float32', 'int8', 'uint8'] as const) {
      for (const n of [1, 3, 4, 5, 15, 16, 17, 33]) {
        check({
          from,
          to: 'int8',
          shape: [n],
          x: { scale: 0.5, zeroPoint: 3 },
          y: { scale: 0.25, zeroPoint: 0 },
          seed: n,
        });
      }
    }
  });
});
