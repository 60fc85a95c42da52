import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile } from '../../src/compiler/index';
import type { DType } from '../../src/graph/graph';
import type { ReduceKind } from '../../src/graph/operators';
import { checkGraph, property, seeds, shapes, single, quantizations, tensor, types, type NumberType, type Quantization,
  type Tolerance } from './suite';

interface Spec {
  type: NumberType;
  kind: ReduceKind;
  shape: number[];
  /** Which dimensions are reduced, as bits; bit 0 is the first dimension. */
  mask: number;
  keep: boolean;
  x: Quantization;
  /** The output's quantization; null if it is the input's. */
  y: Quantization | null;
  seed: number;
}

const kinds: ReduceKind[] = ['mean', 'sum', 'max', 'min', 'prod'];
/**
 * Floats are added in another order than in the reference. A sum near zero keeps the rounding
 * errors of its terms.
 */
const floatSums: Tolerance = { relative: 1e-6, absolute: 4e-6 };
const products: Tolerance = { relative: 2e-6, absolute: 0 };

function check({ type, kind, shape, mask, keep, x: xQuantization, y: yQuantization, seed }: Spec): void {
  const axes = shape.map((_, d) => d).filter((d) => (mask >> d) & 1);
  const kept = keep ? shape.map((d, i) => (axes.includes(i) ? 1 : d)) : shape.filter((_, i) => !axes.includes(i));
  const x = tensor('x', shape, type, xQuantization);
  const y = tensor('y', kept, type, yQuantization ?? xQuantization);
  const count = axes.reduce((n, d) => n * shape[d]!, 1);
  checkGraph(
    single('reduce', [x], { kind, axes }, y),
    seed,
    kind === 'prod'
      ? products
      : { relative: floatSums.relative, absolute: floatSums.absolute * (kind === 'sum' ? count : 1) },
  );
}

describe('reduce', () => {
  test('matches the reference for random kinds, shapes, axes and quantizations', () => {
    property(
      fc.record<Spec>({
        type: types,
        kind: fc.constantFrom(...kinds),
        shape: shapes(5),
        mask: fc.integer({ min: 1, max: 31 }),
        keep: fc.boolean(),
        x: quantizations,
        y: fc.option(quantizations, { freq: 2 }),
        seed: seeds,
      }).map((spec) => ({ ...spec, mask: (spec.mask & (2 ** spec.shape.length - 1)) || 1 })),
      400,
      check,
    );
  });

  for (const type of ['int8', 'uint8', 'float32'] as const) {
    for (const kind of kinds) {
      test(`reduces the first, last, middle, separate and all dimensions (${kind}, ${type})`, () => {
        for (const mask of [1, 2, 4, 8, 3, 6, 12, 5, 9, 10, 13, 15]) {
          for (const y of [null, { scale: 0.25, zeroPoint: -7 }]) {
            check({
              type,
              kind,
              shape: [2, 3, 4, 5],
              mask,
              keep: mask % 2 === 0,
              x: { scale: 0.5, zeroPoint: 3 },
              y,
              seed: mask,
            });
          }
        }
      });

      test(`reduces rows and columns of any length (${kind}, ${type})`, () => {
        for (const n of [1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33]) {
          check({
            type,
            kind,
            shape: [2, n],
            mask: 2,
            keep: false,
            x: { scale: 0.125, zeroPoint: -5 },
            y: { scale: 0.5, zeroPoint: 0 },
            seed: n,
          });
          check({
            type,
            kind,
            shape: [3, n],
            mask: 1,
            keep: false,
            x: { scale: 0.125, zeroPoint: -5 },
            y: { scale: 0.5, zeroPoint: 0 },
            seed: n,
          });
          check({
            type,
            kind,
            shape: [1, 3, 2, n],
            mask: 6,
            keep: false,
            x: { scale: 0.125, zeroPoint: -5 },
            y: null,
            seed: n,
          });
        }
      });
    }
  }

  test('averages int8 with any zero points, rounding ties', () => {
    for (const zeroPoint of [-128, 0, 127]) {
      for (const out of [-128, 0, 127]) {
        for (const count of [2, 4, 6]) {
          for (const [shape, mask] of [[[3, count], 2], [[1, 2, count, 3], 6]] as [number[], number][]) {
            check({
              type: 'int8',
              kind: 'mean',
              shape,
              mask,
              keep: false,
              x: { scale: 0.5, zeroPoint },
              y: { scale: 0.5, zeroPoint: out },
              seed: zeroPoint + out,
            });
          }
        }
      }
    }
  });

  test('averages 90,000 of the largest values without overflow', () => {
    for (const inner of [1, 9]) {
      check({
        type: 'int8',
        kind: 'mean',
        shape: [300, 300, inner],
        mask: 3,
        keep: false,
        x: { scale: 1, zeroPoint: 127 },
        y: { scale: 1, zeroPoint: 127 },
        seed: 3,
      });
    }
  });
});

describe('reduce of integers', () => {
  test('matches the reference', () => {
    const spec = fc.record({
      dtype: fc.constantFrom<DType>('int32', 'int64', 'uint8', 'bool'),
      kind: fc.constantFrom<ReduceKind>('sum', 'prod', 'max', 'min'),
      shape: shapes(5),
      mask: fc.integer({ min: 0, max: 31 }),
      keep: fc.boolean(),
      seed: seeds,
    });
    property(spec, 200, ({ dtype, kind, shape, mask, keep, seed }) => {
      const axes = shape.map((_, d) => d).filter((d) => (mask >> d) & 1);
      const kept = keep ? shape.map((d, i) => (axes.includes(i) ? 1 : d)) : shape.filter((_, i) => !axes.includes(i));
      const isWhole = dtype === 'int32' || dtype === 'int64';
      const compares = isWhole || kind === 'max' || kind === 'min' ? kind : 'max';
      checkGraph(
        single('reduce', [tensor('x', shape, dtype)], { kind: compares, axes }, tensor('y', kept, dtype)),
        seed,
      );
    });
  });

  test('wraps around, and knows the extremes', () => {
    const extremes = Int32Array.of(2 ** 31 - 1, 1, -(2 ** 31), -1);
    for (const kind of ['sum', 'prod', 'max', 'min'] as const) {
      const graph = single('reduce', [tensor('x', [2, 2], 'int32')], { kind, axes: [1] }, tensor('y', [2], 'int32'));
      checkGraph(graph, 1, undefined, { x: extremes });
    }
  });

  test('refuses a mean, and sums of truth values', () => {
    const compiled = (kind: ReduceKind, dtype: DType) => () =>
      compile(single('reduce', [tensor('x', [2, 2], dtype)], { kind, axes: [1] }, tensor('y', [2], dtype)));
    expect(compiled('mean', 'int32')).toThrow('the mean of int32');
    expect(compiled('sum', 'bool')).toThrow('the sum of bool');
  });
});
