import fc from 'fast-check';
import { describe, test } from 'vitest';
import { checkGraph, property, seeds, shapes, single, quantizations, tensor, type Quantization } from './suite';

interface Spec {
  from: 'int8' | 'uint8';
  shape: number[];
  x: Quantization;
  seed: number;
}

function check({ from, shape, x, seed }: Spec): void {
  checkGraph(single('dequantize', [tensor('x', shape, from, x)], {}, tensor('y', shape, 'float32')), seed);
}

describe('dequantize', () => {
  test('equals the reference for random types, shapes and quantizations', () => {
    property(
      fc.record<Spec>({ from: fc.constantFrom('int8', 'uint8'), shape: shapes(4, 7), x: quantizations, seed: seeds }),
      100,
      check,
    );
  });

  test('takes any number of elements and any zero point', () => {
    for (const from of ['int8', 'uint8'] as const) {
      for (const n of [1, 3, 4, 5, 7, 8, 9, 15, 17]) {
        for (const zeroPoint of [-128, 0, 127]) check({ from, shape: [n], x: { scale: 0.1, zeroPoint }, seed: n });
      }
    }
  });
});
