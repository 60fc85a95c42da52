import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { metricOf, roundRow, roundRows, scalesFor, solve, sorted, type Grid,
  type Metric } from '../../../src/compiler/quantize/lattice';
import { Random } from '../../helpers/random';

const grids: Grid[] = [{ low: -127, high: 127 }, { low: -63, high: 63 }, { low: -8, high: 7 }];

/** H of correlated random rows. */
function covariance(random: Random, K: number): Float64Array {
  const rows = Array.from({ length: 2 * K + 2 }, () => {
    const common = random.between(-1, 1);
    return Array.from({ length: K }, () => common + random.between(-0.7, 0.7));
  });
  const H = new Float64Array(K * K);
  for (const row of rows) row.forEach((a, i) => row.forEach((b, j) => (H[i * K + j]! += a * b)));
  for (let k = 0; k < K; k++) H[k * K + k]! += 0.01;
  return H;
}

function errorOf({ K, H }: Metric, q: ArrayLike<number>, c: Float64Array, scale: number): number {
  let error = 0;
  for (let i = 0; i < K; i++) {
    for (let j = 0; j < K; j++) error += (scale * q[i]! - c[i]!) * H[i * K + j]! * (scale * q[j]! - c[j]!);
  }
  return error;
}

const clamped = (value: number, { low, high }: Grid): number => Math.max(low, Math.min(high, Math.round(value)));

/** A metric, weights and a scale at which a tenth of the weights is clipped. */
const problems = fc.tuple(fc.integer(), fc.integer({ min: 1, max: 24 }), fc.constantFrom(...grids))
  .map(([seed, K, grid]) => {
    const random = new Random(seed);
    const metric = metricOf(covariance(random, K), K);
    const c = Float64Array.from({ length: K }, () => random.between(-1, 1));
    return { metric, c, grid, scale: 0.9 / grid.high };
  });

describe('rounding of a row', () => {
  test('stays on the grid and reports its error and gradient', () => {
    fc.assert(fc.property(problems, ({ metric, c, grid, scale }) => {
      const { q, error, gradient } = roundRow(metric, c, scale, grid);
      expect(q.every((v) => Number.isInteger(v) && v >= grid.low && v <= grid.high)).toBe(true);
      expect(error).toBeCloseTo(errorOf(metric, q, c, scale), 8);
      gradient.forEach((g, i) => {
        let sum = 0;
        for (let j = 0; j < metric.K; j++) sum += metric.H[i * metric.K + j]! * (scale * q[j]! - c[j]!);
        expect(g).toBeCloseTo(sum, 8);
      });
    }));
  });

  test('ends where no other integer of one weight is better', () => {
    fc.assert(fc.property(problems, ({ metric, c, grid, scale }) => {
      const { q, error } = roundRow(metric, c, scale, grid);
      for (let k = 0; k < metric.K; k++) {
        for (const step of [-1, 1]) {
          const other = q.slice();
          other[k] = clamped(q[k]! + step, grid);
          expect(errorOf(metric, other, c, scale)).toBeGreaterThan(error - 1e-9);
        }
      }
    }));
  });

  test('is close to the best of all rows of integers', () => {
    const random = new Random(5);
    const grid = { low: -1, high: 1 };
    let [found, best] = [0, 0];
    for (let i = 0; i < 60; i++) {
      const metric = metricOf(covariance(random, 6), 6);
      const c = Float64Array.from({ length: 6 }, () => random.between(-1.2, 1.2));
      found += roundRow(metric, c, 0.8, grid).error;
      const all = Array.from({ length: 3 ** 6 }, (_, n) => Array.from(c, (_, k) => Math.floor(n / 3 ** k) % 3 - 1));
      best += Math.min(...all.map((q) => errorOf(metric, q, c, 0.8)));
    }
    expect(found).toBeLessThan(1.15 * best);
  });

  test('has a third of the error of the nearest integers where inputs are correlated', () => {
    const random = new Random(6);
    let [found, nearest] = [0, 0];
    for (let i = 0; i < 20; i++) {
      const metric = metricOf(covariance(random, 40), 40);
      const c = Float64Array.from({ length: 40 }, () => random.between(-1, 1));
      found += roundRow(metric, c, 1 / 7, grids[2]!).error;
      nearest += errorOf(metric, c.map((v) => clamped(v * 7, grids[2]!)), c, 1 / 7);
    }
    expect(found).toBeLessThan(nearest / 3);
  });
});

describe('scales', () => {
  test('fitted to the integers lower the error of rows that share one', () => {
    fc.assert(fc.property(problems, fc.integer(), ({ metric, c, grid, scale }, seed) => {
      const random = new Random(seed);
      const rows = [c, c.map(() => random.between(-1, 1))];
      const targets = rows.map((row) => {
        const b = row.map((_, i) => row.reduce((sum, v, j) => sum + metric.H[i * metric.K + j]! * v, 0));
        return { c: row, b };
      });
      const start = rows.reduce((sum, row) => sum + roundRow(metric, row, scale, grid).error, 0);
      const result = roundRows(metric, targets, { scale, least: 0, grid });
      const error = result.rows.reduce((sum, row) => sum + row.error, 0);
      expect(error).toBeLessThanOrEqual(start * (1 + 1e-6));
      result.rows.forEach((row, i) => expect(row.error).toBeCloseTo(errorOf(metric, row.q, rows[i]!, result.scale), 6));
      expect(roundRows(metric, targets, { scale: 3, least: 3, grid }).scale).toBeGreaterThanOrEqual(3);
    }));
  });

  test('of coarse grids clip a large weight that matters little', () => {
    const weights = Float64Array.from({ length: 50 }, (_, k) => Math.sin(k));
    weights[7] = 4;
    const importance = new Float64Array(50).fill(1);
    const [equal] = scalesFor(weights, importance, grids[2]!, 0);
    importance[7] = 0;
    const [clipping] = scalesFor(weights, importance, grids[2]!, 0);
    expect(clipping).toBeLessThan(equal! * 0.75);
    expect(scalesFor(new Float64Array(3), new Float64Array(3), grids[0]!, 0)[0]).toBeGreaterThan(0);
    expect(Math.min(...scalesFor(weights, importance, grids[0]!, 0.5))).toBe(0.5);
  });
});

test('solve finds the weights that H maps to b', () => {
  fc.assert(fc.property(problems, ({ metric, c }) => {
    const b = c.map((_, i) => c.reduce((sum, v, j) => sum + metric.H[i * metric.K + j]! * v, 0));
    solve(metric, b).forEach((v, k) => expect(v).toBeCloseTo(c[k]!, 6));
    expect([...sorted([...metric.order.keys()], metric)]).toEqual([...metric.order]);
  }));
});
