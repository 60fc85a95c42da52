import fc from 'fast-check';
import { describe, test } from 'vitest';
import { checkGraph, property, seeds, shapes, single, quantizations, tensor, types, type NumberType,
  type Quantization } from './suite';

interface Spec {
  type: NumberType;
  shape: number[];
  axis: number;
  kind: 'max' | 'min';
  keep: boolean;
  to: 'int32' | 'int64';
  x: Quantization;
  seed: number;
}

function check({ type, shape, axis, kind, keep, to, x, seed }: Spec): void {
  const kept = keep ? shape.map((d, i) => (i === axis ? 1 : d)) : shape.filter((_, i) => i !== axis);
  checkGraph(single('argmax', [tensor('x', shape, type, x)], { axis, kind }, tensor('y', kept, to)), seed);
}

describe('argmax', () => {
  test('equals the reference for random types, shapes and axes, with many ties', () => {
    property(
      fc.record<Spec>({
        type: types,
        shape: shapes(4, 9),
        axis: fc.nat(3),
        kind: fc.constantFrom('max', 'min'),
        keep: fc.boolean(),
        to: fc.constantFrom('int32', 'int64'),
        x: quantizations,
        seed: seeds,
      }).map((spec) => ({ ...spec, axis: spec.axis % spec.shape.length })),
      250,
      check,
    );
  });

  test('finds the extreme along each axis, for lengths around the vector sizes', () => {
    for (const type of ['int8', 'uint8', 'float32'] as const) {
      for (const n of [1, 3, 7, 8, 9, 15, 16, 17, 300]) {
        for (const axis of [0, 1, 2]) {
          for (const kind of ['max', 'min'] as const) {
            check({
              type,
              shape: [3, 3, 3].map((d, i) => (i === axis ? n : d)),
              axis,
              kind,
              keep: false,
              to: 'int32',
              x: { scale: 1, zeroPoint: 0 },
              seed: n,
            });
          }
        }
      }
    }
  });
});
