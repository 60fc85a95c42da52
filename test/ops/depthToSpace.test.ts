import fc from 'fast-check';
import { describe, test } from 'vitest';
import { checkMove, fewKinds, kinds, type Kind } from './moves';
import { channels, property, size } from './suite';

function check(n: number, h: number, w: number, c: number, b: number, kind: Kind): void {
  checkMove('depthToSpace', { blockSize: b }, [n, h, w, c * b * b], [[n, h * b, w * b, c]], kind);
}

describe('depthToSpace', () => {
  test('equals the reference for random types, shapes, block sizes and quantizations', () => {
    property(
      fc.tuple(size(2), size(4), size(4), channels, size(4), kinds),
      150,
      ([n, h, w, c, b, kind]) => check(n, h, w, c, b, kind),
    );
  });

  test('takes any number of channels, with block sizes of one to four', () => {
    for (const kind of fewKinds) {
      for (const c of [1, 7, 8, 9, 16, 17]) for (const b of [1, 2, 3, 4]) check(2, 2, 3, c, b, kind);
    }
  });
});
