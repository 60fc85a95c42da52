import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cluster, compile, GraphBuilder, prune, type Graph } from '../../src/compiler/index';
import { loadSync } from '../../src/index';
import { flavors } from '../helpers/flavors';
import { Random } from '../helpers/random';

const random = new Random(21);

/** A fully connected layer of int8 weights [n][k], with one scale per output or one for all. */
function layerOf(weights: Int8Array | Uint8Array, n: number, scale: number[], zeroPoint = 0): Graph {
  const b = new GraphBuilder('layer');
  const k = weights.length / n;
  const quantization = { scale, zeroPoint: scale.map(() => zeroPoint), axis: 0 };
  const x = b.input('x', [1, k], 'int8', { scale: [0.05], zeroPoint: [0], axis: 0 });
  return b.finish([
    b.node('fullyConnected', [x, b.constant(weights, [n, k], quantization), null], { activation: 'none' }, {
      name: 'y',
      quantization: { scale: [2], zeroPoint: [0], axis: 0 },
    }),
  ]);
}

function weightsOf(graph: Graph): number[] {
  return Array.from(graph.nodes[0]!.inputs[1]!.data!);
}

const bell = (count: number): Int8Array =>
  Int8Array.from(
    { length: count },
    () => Math.max(-127, Math.min(127, Math.round((random.next() + random.next() + random.next() - 1.5) * 90))),
  );

describe('cluster', () => {
  test('leaves the requested number of distinct values, zero included, and keeps zero weights', () => {
    for (const values of [2, 3, 16, 100]) {
      const weights = bell(4096);
      const { graph, clustered } = cluster(layerOf(weights, 8, [0.01]), values);
      const after = weightsOf(graph);
      expect(new Set([...after, 0]).size).toBeLessThanOrEqual(values);
      expect(new Set(after).size).toBeGreaterThan(0.9 * values - 1);
      weights.forEach((w, i) => {
        if (w === 0) expect(after[i]).toBe(0);
      });
      expect(clustered).toEqual([
        expect.objectContaining({
          name: 'y',
          weights: 4096,
          before: new Set(weights).size,
          after: new Set(after).size,
        }),
      ]);
    }
  });

  test('finds the clusters with the least error, up to the rounding of their centers', () => {
    const far = (weights: ArrayLike<number>, centers: readonly number[]): number =>
      Array.from(weights).reduce((sum, w) => sum + (w === 0 ? 0 : Math.min(...centers.map((c) => (w - c) ** 2))), 0);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -6, max: 6 }), { minLength: 48, maxLength: 60 }), (list) => {
        const weights = Int8Array.from(list);
        const after = weightsOf(cluster(layerOf(weights, 1, [1]), 3).graph);
        let least = Infinity;
        for (let a = -6; a <= 6; a++) for (let b = a; b <= 6; b++) least = Math.min(least, far(weights, [a, b]));
        if (new Set([...weights, 0]).size > 3) {
          expect(weights.reduce((sum, w, i) => sum + (w - after[i]!) ** 2, 0))
            .toBeLessThanOrEqual(least + list.length / 4); // at most this much error from rounding the centers
        }
      }),
      { numRuns: 100, seed: 9 },
    );
  });

  test('weights errors by scale: outputs with a larger scale keep more of their values', () => {
    const weights = bell(2048).map((w, i) => (i < 1024 ? w / 6 : w));
    const errorOfFirst = (scale: number[]): number => {
      const after = weightsOf(cluster(layerOf(weights, 2, scale), 12).graph);
      return weights.subarray(0, 1024).reduce((sum, w, i) => sum + (w - after[i]!) ** 2, 0);
    };
    expect(errorOfFirst([1, 0.001])).toBeLessThan(0.2 * errorOfFirst([1, 1]));
  });

  test('keeps weights at the zero point, also of uint8', () => {
    const weights = Uint8Array.from(bell(1024), (w) => w + 128);
    const { graph } = cluster(layerOf(weights, 4, [0.01], 128), 8);
    const after = weightsOf(graph);
    expect(new Set([...after, 128]).size).toBeLessThanOrEqual(8);
    weights.forEach((w, i) => {
      if (w === 128) expect(after[i]).toBe(128);
    });
  });

  test('makes compact files of about log2(values) bits per weight, equal in all flavors, pruned or not', () => {
    const dense = layerOf(bell(64 * 512), 64, [0.01]);
    const { graph } = cluster(dense, 16);
    const x = Int8Array.from({ length: 512 }, () => random.int(-128, 127));
    const file = compile(graph, { compact: true, golden: [{ x }] });
    expect(file.length).toBeLessThan(64 * 512 * 4 / 8 + 1500);
    for (const flavor of flavors) expect(loadSync(file, { flavor }).selfTest()).toBe(1);
    const thin = cluster(prune(dense, { sparsity: 0.8, pattern: 'weights' }).graph, 16).graph;
    expect(weightsOf(thin).filter((w) => w === 0).length).toBeGreaterThanOrEqual(0.8 * 64 * 512 - 1);
    expect(compile(thin, { compact: true }).length).toBeLessThan(0.5 * file.length);
  });

  test('does not change layers with few weights or few distinct values', () => {
    const few = bell(100);
    const same = Int8Array.from({ length: 1024 }, (_, i) => i % 5);
    expect(cluster(layerOf(few, 1, [1]), 16).clustered).toEqual([]);
    expect(weightsOf(cluster(layerOf(same, 1, [1]), 16).graph)).toEqual([...same]);
  });

  test('refuses an invalid number of values, and float networks', () => {
    for (const values of [1, 256, 2.5, NaN]) {
      expect(() => cluster(layerOf(bell(1024), 1, [1]), values)).toThrow(/from 2 to 255 values/);
    }
    const b = new GraphBuilder('float');
    const x = b.input('x', [1, 4]);
    expect(() =>
      cluster(
        b.finish([
          b.node('fullyConnected', [x, b.constant(new Float32Array(8), [2, 4]), null], { activation: 'none' }),
        ]),
        16,
      )
    ).toThrow(/no weights of 8 bits to cluster; quantize\(\) it first/);
  });
});
