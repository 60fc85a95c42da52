import fc from 'fast-check';
import { describe, test } from 'vitest';
import { checkMove, fewKinds, kinds, type Kind } from './moves';
import { property, shapes } from './suite';

function check(shape: number[], perm: number[], kind: Kind): void {
  checkMove('transpose', { perm }, shape, [perm.map((d) => shape[d]!)], kind);
}

function permutations(list: number[]): number[][] {
  return list.length <= 1
    ? [list]
    : list.flatMap((first) => permutations(list.filter((d) => d !== first)).map((rest) => [first, ...rest]));
}

describe('transpose', () => {
  test('equals the reference for random types, shapes, permutations and quantizations', () => {
    property(
      fc.tuple(shapes(6, 5), kinds).chain(([shape, kind]) =>
        fc.record({
          shape: fc.constant(shape),
          perm: fc.shuffledSubarray(shape.map((_, d) => d), { minLength: shape.length }),
          kind: fc.constant(kind),
        })
      ),
      250,
      ({ shape, perm, kind }) => check(shape, perm, kind),
    );
  });

  test('takes all permutations of one to four dimensions', () => {
    for (const kind of fewKinds) {
      for (const shape of [[7], [3, 5], [2, 3, 5], [2, 3, 4, 5]]) {
        for (const perm of permutations(shape.map((_, d) => d))) check(shape, perm, kind);
      }
    }
  });

  test('swaps rows and columns of sizes around its 8×8 tiles', () => {
    for (const kind of fewKinds) {
      for (const rows of [1, 7, 8, 9, 16, 17]) {
        for (const columns of [1, 7, 8, 9, 15, 16, 17]) {
          check([rows, columns], [1, 0], kind);
          check([3, rows, columns], [0, 2, 1], kind);
        }
      }
    }
  });
});
