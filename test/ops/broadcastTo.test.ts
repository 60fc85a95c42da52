import fc from 'fast-check';
import { describe, test } from 'vitest';
import { checkMove, fewKinds, kinds } from './moves';
import { property, shapes } from './suite';

describe('broadcastTo', () => {
  test('equals the reference for random types, shapes and quantizations', () => {
    property(fc.tuple(shapes(5, 5), fc.nat(31), fc.nat(4), kinds), 200, ([shape, ones, lack, kind]) => {
      const full = shape.map((d, i) => ((ones >> i) & 1 ? 1 : d));
      checkMove('broadcastTo', {}, full.slice(lack % (shape.length + 1)), [shape], kind);
    });
  });

  test('repeats each combination of three dimensions, and a scalar along six', () => {
    for (const kind of fewKinds) {
      for (let ones = 0; ones < 8; ones++) {
        for (const last of [1, 7, 8, 17]) {
          checkMove('broadcastTo', {}, [2, 3, last].map((d, i) => ((ones >> i) & 1 ? 1 : d)), [[2, 3, last]], kind);
        }
      }
      checkMove('broadcastTo', {}, [], [[2, 1, 3, 2, 1, 2]], kind);
      checkMove('broadcastTo', {}, [1, 2, 1, 2, 1, 2], [[3, 2, 3, 2, 3, 2]], kind);
    }
  });
});
