import fc from 'fast-check';
import { describe, test } from 'vitest';
import type { FusedActivation, HybridMode } from '../../src/graph/operators';
import { activations, channels, checkGraph, property, Random, seeds, single, size, quantizations, tensor, types,
  type NumberType, type Quantization } from './suite';
import { hybridModes, hybridOf, outputQuantization, weightsAndBias, weightSpecs, type WeightSpec } from './weighted';

interface Spec {
  type: NumberType;
  rows: number;
  depth: number;
  columns: number;
  activation: FusedActivation;
  x: Quantization;
  weights: WeightSpec;
  seed: number;
  /** Set for float activations with int8 weights. */
  hybrid?: HybridMode | undefined;
}

const plain: Spec = {
  type: 'int8',
  rows: 1,
  depth: 10,
  columns: 10,
  activation: 'none',
  x: { scale: 0.5, zeroPoint: -3 },
  weights: { scale: 0.25, zeroPoint: 0, perChannel: true, bias: true, ties: true, outputZeroPoint: 5 },
  seed: 1,
};

function check(spec: Spec): void {
  const { type, rows, depth, columns } = spec;
  const x = tensor('x', [rows, depth], type, spec.x);
  const { w, bias } = weightsAndBias(new Random(spec.seed), x, [columns, depth], 0, spec.weights, spec.hybrid);
  const y = tensor('y', [rows, columns], type, outputQuantization(x, w, depth, spec.weights));
  checkGraph(
    single('fullyConnected', [x, w, bias], { activation: spec.activation, ...hybridOf(x, spec.hybrid) }, y),
    spec.seed,
  );
}

describe('fullyConnected', () => {
  test('matches the reference for random shapes and quantizations', () => {
    property(
      fc.record<Spec>({
        type: types,
        rows: size(9),
        depth: fc.oneof(channels, size(300)),
        columns: channels,
        activation: activations,
        x: quantizations,
        weights: weightSpecs,
        hybrid: hybridModes,
        seed: seeds,
      }),
      200,
      check,
    );
  });

  for (const type of ['int8', 'uint8', 'float32'] as const) {
    const base: Spec = { ...plain, type, weights: { ...plain.weights, zeroPoint: type === 'uint8' ? -7 : 0 } };

    test(`computes one row, which has its own path, and blocks of rows (${type})`, () => {
      for (const rows of [1, 2, 3, 4, 5, 6, 7, 63, 64, 65, 129]) {
        for (const columns of [1, 8, 17, 25, 33]) check({ ...base, rows, columns, seed: rows });
      }
    });

    test(`accumulates any number of products (${type})`, () => {
      for (const depth of [1, 2, 3, 7, 8, 9, 15, 16, 17, 1023]) {
        for (const rows of [1, 2, 4]) check({ ...base, rows, depth, columns: 18, seed: depth });
      }
    });

    test(`takes any number of output columns (${type})`, () => {
      for (const columns of [1, 4, 5, 7, 8, 9, 12, 15, 16, 17, 23, 24, 25, 31, 32, 33, 100]) {
        for (const rows of [1, 4]) {
          check({ ...base, rows, columns, seed: columns });
        }
      }
    });
  }

  test('multiplies floats by int8 weights, with each row quantized by its own range', () => {
    for (const hybrid of ['symmetric', 'asymmetric'] as const) {
      for (const rows of [1, 2, 5]) {
        for (const depth of [1, 7, 8, 9, 100]) {
          check({ ...plain, type: 'float32', hybrid, rows, depth, seed: depth });
        }
      }
    }
  });

  test('adds 65,536 products of the largest values without overflow', () => {
    for (const zeroPoint of [-128, 127]) {
      check({
        ...plain,
        depth: 65536,
        columns: 1,
        x: { scale: 1, zeroPoint },
        weights: { ...plain.weights, bias: false },
        seed: zeroPoint,
      });
    }
  });
});
