import fc from 'fast-check';
import { describe, test } from 'vitest';
import { checkMove, fewKinds, kinds } from './moves';
import { property, shapes } from './suite';

describe('reshape', () => {
  test('equals the reference for random types, shapes and quantizations', () => {
    property(fc.tuple(shapes(5, 5), kinds), 120, ([shape, kind]) => {
      const count = shape.reduce((a, b) => a * b, 1);
      for (const to of [[count], [...shape].reverse(), [1, ...shape, 1], [shape[0]!, count / shape[0]!]]) {
        checkMove('reshape', {}, shape, [to], kind);
      }
    });
  });

  test('reshapes to and from a scalar, and to eight dimensions', () => {
    for (const kind of fewKinds) {
      checkMove('reshape', {}, [1, 1], [[]], kind);
      checkMove('reshape', {}, [], [[1]], kind);
      checkMove('reshape', {}, [2, 3, 4, 5], [[2, 1, 3, 1, 2, 2, 5, 1]], kind);
    }
  });
});
