import fc from 'fast-check';
import { describe, test } from 'vitest';
import { checkMove, fewKinds, kinds, type Kind } from './moves';
import { property, shapes, size } from './suite';

function check(shape: number[], axis: number, lengths: number[], kind: Kind): void {
  const along = (length: number): number[] => shape.map((d, i) => (i === axis ? length : d));
  checkMove('split', { axis }, along(lengths.reduce((a, b) => a + b, 0)), lengths.map(along), kind);
}

describe('split', () => {
  test('equals the reference for random types, axes, pieces and quantizations', () => {
    property(
      fc.tuple(shapes(5, 4), fc.nat(4), fc.array(size(5), { minLength: 1, maxLength: 5 }), kinds),
      200,
      ([shape, axis, lengths, kind]) => check(shape, axis % shape.length, lengths, kind),
    );
  });

  test('splits along each axis of one to six dimensions', () => {
    for (const kind of fewKinds) {
      for (let rank = 1; rank <= 6; rank++) {
        for (let axis = 0; axis < rank; axis++) check([2, 3, 2, 1, 3, 2].slice(0, rank), axis, [1, 4, 2], kind);
      }
    }
  });

  test('splits without a copy if all dimensions before the axis are 1, and with copies otherwise', () => {
    for (const kind of fewKinds) {
      for (const shape of [[1, 1, 3], [2, 1, 3], [1, 2, 3]]) check(shape, 1, [3, 1, 2], kind);
    }
  });
});
