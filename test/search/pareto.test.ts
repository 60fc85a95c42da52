import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { byContribution, dominates, hypervolume, nondominatedRanks } from '../../src/search/pareto';

const points = (dimensions: number): fc.Arbitrary<number[][]> =>
  fc.array(fc.array(fc.integer({ min: 0, max: 5 }), { minLength: dimensions, maxLength: dimensions }), {
    maxLength: 14,
  });

describe('ranks', () => {
  test('are the number of fronts that must be removed before nothing dominates a point', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 3 }).chain(points), (list) => {
      const ranks = nondominatedRanks(list);
      list.forEach((point, i) => {
        const above = list.flatMap((other, j) => (dominates(other, point) ? [ranks[j]!] : []));
        expect(ranks[i]).toBe(Math.max(-1, ...above) + 1);
      });
    }));
  });
});

describe('the hypervolume', () => {
  test('is the number of unit cells that a point dominates', () => {
    fc.assert(fc.property(
      fc.integer({ min: 1, max: 3 }).chain((d) => points(d).map((list) => ({ d, list }))),
      ({ d, list }) => {
        const side = 6;
        const cells = Array.from({ length: side ** d }, (_, i) =>
          Array.from({ length: d }, (_unused, axis) => Math.floor(i / side ** axis) % side));
        const covered = cells.filter((cell) =>
          list.some((point) =>
            point.every((value, axis) => value <= cell[axis]!)
          )
        );
        expect(hypervolume(list, new Array<number>(d).fill(side))).toBeCloseTo(covered.length, 9);
      },
    ));
  });
});

describe('the order by contribution', () => {
  test('has every point once, and prefers spread points to crowded ones', () => {
    fc.assert(fc.property(points(2), (list) => {
      expect([...byContribution(list)].sort((a, b) => a - b)).toEqual(list.map((_, i) => i));
    }));
    const [first, second, third] = byContribution([[0, 10], [5, 5], [5.1, 4.9], [10, 0]]);
    expect([1, 2]).toContain(first);
    expect([second, third]).not.toContain(first === 1 ? 2 : 1);
  });

  test('ends with infinite values too, such as decibels without any error', () => {
    const value = fc.constantFrom(-Infinity, Infinity, 0, 1);
    const list = fc.array(fc.array(value, { minLength: 3, maxLength: 3 }), { maxLength: 6 });
    fc.assert(fc.property(list, (given) => {
      expect([...byContribution(given)].sort((a, b) => a - b)).toEqual(given.map((_, i) => i));
    }));
  });
});
