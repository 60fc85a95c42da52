import fc from 'fast-check';
import { describe, test } from 'vitest';
import type { DType } from '../../src/graph/graph';
import { checkGraph, property, seeds, shapes, single, tensor, type Quantization } from './suite';

interface Spec {
  from: DType;
  to: DType;
  shape: number[];
  /** The quantization of an 8-bit tensor; null for plain integers. */
  x: Quantization | null;
  y: Quantization | null;
  seed: number;
}

function check({ from, to, shape, x, y, seed }: Spec): void {
  checkGraph(
    single('cast', [tensor('x', shape, from, x ?? undefined)], {}, tensor('y', shape, to, y ?? undefined)),
    seed,
  );
}

const sources: DType[] = ['float32', 'int8', 'uint8', 'int32', 'int64', 'bool'];
/** Without bool, because the core implements that cast (x ≠ 0) for bytes only. */
const targets: DType[] = ['float32', 'int8', 'uint8', 'int32', 'int64'];
const some: Quantization = { scale: 0.5, zeroPoint: 3 };

describe('cast', () => {
  test('equals the reference for every pair of types', () => {
    property(
      fc.record<Spec>({
        from: fc.constantFrom(...sources),
        to: fc.constantFrom(...targets),
        shape: shapes(4, 7),
        x: fc.constant(null),
        y: fc.constant(null),
        seed: seeds,
      }),
      150,
      check,
    );
  });

  test('converts the stored integers of quantized tensors, int8 as signed and uint8 as unsigned', () => {
    for (const from of ['int8', 'uint8'] as const) {
      for (const to of targets) for (const y of [null, some]) check({ from, to, shape: [3, 7], x: some, y, seed: 1 });
    }
    for (const from of sources) {
      for (const to of ['int8', 'uint8'] as const) check({ from, to, shape: [3, 7], x: null, y: some, seed: 2 });
    }
  });

  test('takes any number of elements', () => {
    for (const from of sources) {
      for (const to of targets) {
        for (const n of [1, 3, 4, 5, 15, 16, 17, 33]) check({ from, to, shape: [n], x: null, y: null, seed: n });
      }
    }
  });

  test('saturates floats outside the range of the target type', () => {
    const x = Float32Array.from([1.9, -1.9, 127.5, 128, -128.9, -129, 255.9, 256, -1, 2147483520, 2147483648,
      -2147483648, -3e38, 3e38, Infinity, -Infinity, 0.5, -0.5]);
    for (const to of ['int8', 'uint8', 'int32', 'int64'] as const) {
      checkGraph(single('cast', [tensor('x', [x.length], 'float32')], {}, tensor('y', [x.length], to)), 1, undefined, {
        x,
      });
    }
  });
});
