import fc from 'fast-check';
import { describe, test } from 'vitest';
import type { FusedActivation, HybridMode } from '../../src/graph/operators';
import { activations, channels, checkGraph, exact, property, Random, seeds, single, size, quantizations, tensor, types,
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

  for (const type of ['int8', 'uint8', 'int16', 'float32'] as const) {
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

  test('adds more than 65,536 products in 32 bits if the weights allow it', () => {
    for (const type of ['int8', 'uint8', 'float32'] as const) {
      check({ ...plain, type, rows: 2, depth: 70_001, columns: 9, weights: { ...plain.weights, scale: 1 }, seed: 5 });
    }
  });

  test('adds products that may overflow 32 bits in float32, and rounds once', () => {
    for (const [depth, zeroPoint] of [[67_000, 0], [33_100, 127]] as const) {
      const x = tensor('x', [2, depth], 'int8', { scale: 0.5, zeroPoint: 127 });
      const w = tensor('w', [3, depth], 'int8', { scale: 0.25, zeroPoint });
      w.data = new Int8Array(3 * depth).fill(-128);
      const y = tensor('y', [2, 3], 'int8', { scale: 2 ** 22, zeroPoint: -100 });
      const bias = { ...tensor('bias', [3], 'int32'), data: Int32Array.of(-1e6, 0, 2e9) };
      const random = new Random(depth);
      const values = Int8Array.from({ length: 2 * depth }, (_, i) => (i < depth ? -128 : random.int(-128, 127)));
      const activation = zeroPoint === 0 ? 'none' : 'relu';
      const graph = single('fullyConnected', [x, w, bias], { activation }, y);
      checkGraph(graph, depth, { ...exact, units: 1 }, { x: values });
    }
  });
});
