import fc from 'fast-check';
import { describe, test } from 'vitest';
import { channels, checkGraph, constant, exact, fittingScale, property, Random, seeds, single, size, quantizations,
  tensor, types, zeroPoints, type NumberType, type Quantization } from './suite';

interface Spec {
  type: NumberType;
  rows: number;
  depth: number;
  columns: number;
  /** The leading dimensions of a and b, which broadcast. */
  batchA: number[];
  batchB: number[];
  transposeA: boolean;
  transposeB: boolean;
  a: Quantization;
  b: Quantization;
  outputZeroPoint: number;
  ties: boolean;
  /** Whether b is a constant. */
  constantB: boolean;
  seed: number;
}

const plain: Spec = {
  type: 'int8',
  rows: 5,
  depth: 6,
  columns: 9,
  batchA: [2],
  batchB: [2],
  transposeA: false,
  transposeB: false,
  a: { scale: 0.5, zeroPoint: -3 },
  b: { scale: 0.25, zeroPoint: 10 },
  outputZeroPoint: 5,
  ties: true,
  constantB: false,
  seed: 1,
};

function check(spec: Spec): void {
  const { type, rows, depth, columns, batchA, batchB, transposeA, transposeB } = spec;
  const shapeA = [...batchA, ...(transposeA ? [depth, rows] : [rows, depth])];
  const shapeB = [...batchB, ...(transposeB ? [columns, depth] : [depth, columns])];
  const longer = batchA.length > batchB.length ? batchA : batchB;
  const shorter = longer === batchA ? batchB : batchA;
  const lead = longer.length - shorter.length;
  const batch = longer.map((d, i) => (i < lead ? d : Math.max(d, shorter[i - lead]!)));
  const a = tensor('a', shapeA, type, spec.a);
  const b = spec.constantB
    ? constant(new Random(spec.seed + 1), 'b', shapeB, type, spec.b)
    : tensor('b', shapeB, type, spec.b);
  const y = tensor('y', [...batch, rows, columns], type, {
    scale: fittingScale(spec.a.scale * spec.b.scale, depth, spec.ties),
    zeroPoint: spec.outputZeroPoint,
  });
  checkGraph(single('batchMatmul', [a, b], { transposeA, transposeB }, y), spec.seed);
}

describe('batchMatmul', () => {
  test('equals the reference for random shapes, transpositions, broadcasts and quantizations', () => {
    property(
      fc.record<Spec>({
        type: types,
        rows: fc.oneof(size(9), fc.constantFrom(63, 64, 65)),
        depth: fc.oneof(channels, fc.constantFrom(31, 32, 33)),
        columns: channels,
        batchA: fc.constantFrom([], [1], [2]),
        batchB: fc.constantFrom([], [1], [2]),
        transposeA: fc.boolean(),
        transposeB: fc.boolean(),
        a: quantizations,
        b: quantizations,
        outputZeroPoint: zeroPoints,
        ties: fc.boolean(),
        constantB: fc.boolean(),
        seed: seeds,
      }),
      200,
      check,
    );
  });

  for (const type of ['int8', 'uint8', 'float32'] as const) {
    const transposes = [[false, false], [false, true], [true, false], [true, true]] as const;

    test(`computes tiles of every size, with either operand transposed (${type})`, () => {
      for (const [transposeA, transposeB] of transposes) {
        for (const [rows, columns] of [[1, 1], [3, 7], [4, 8], [5, 9], [1, 17]] as const) {
          for (const depth of [1, 2, 7, 8, 9]) {
            check({ ...plain, type, rows, columns, depth, transposeA, transposeB, seed: depth });
          }
        }
      }
    });

    test(`computes one and several blocks of rows (${type})`, () => {
      for (const [transposeA, transposeB] of transposes) {
        for (const rows of [63, 64, 65, 130]) check({ ...plain, type, rows, transposeA, transposeB, seed: rows });
      }
    });

    test(`broadcasts the leading dimensions of either operand (${type})`, () => {
      const broadcast = (batchA: number[], batchB: number[]): void =>
        check({ ...plain, type, batchA, batchB, seed: batchA.length });
      broadcast([3], []);
      broadcast([], [3]);
      broadcast([1], [4]);
      broadcast([2, 1], [1, 3]);
      broadcast([2, 3], [3]);
      broadcast([2, 3], [2, 1]);
      broadcast([2, 1, 2], [3, 1]);
      broadcast([1, 2], [2, 2]);
    });
  }

  test('takes any zero points', () => {
    for (const za of [-128, 0, 127]) {
      for (const zb of [-128, 0, 127]) {
        for (const out of [-128, 127]) {
          check({
            ...plain,
            a: { scale: 0.5, zeroPoint: za },
            b: { scale: 0.5, zeroPoint: zb },
            outputZeroPoint: out,
            seed: za + zb,
          });
        }
      }
    }
  });

  test('adds 32,768 products of the largest values without overflow', () => {
    for (const transposeB of [false, true]) {
      check({
        ...plain,
        rows: 1,
        columns: 1,
        depth: 32768,
        transposeB,
        batchA: [],
        batchB: [],
        a: { scale: 1, zeroPoint: 127 },
        b: { scale: 1, zeroPoint: 127 },
      });
    }
  });

  test('adds more products in float32, and rounds once', () => {
    for (const type of ['int8', 'uint8', 'float32'] as const) {
      const quantization = { scale: 0.5, zeroPoint: 20 };
      const [a, b] = [tensor('a', [2, 70_000], type, quantization), tensor('b', [3, 70_000], type, quantization)];
      const y = tensor('y', [2, 3], type, { scale: 2 ** 16, zeroPoint: 3 });
      const graph = single('batchMatmul', [a, b], { transposeA: false, transposeB: true }, y);
      checkGraph(graph, 11, type === 'float32' ? exact : { ...exact, units: 1 });
    }
  });
});
