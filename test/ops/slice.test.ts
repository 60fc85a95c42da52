import fc from 'fast-check';
import { describe, test } from 'vitest';
import { checkMove, fewKinds, kinds, type Kind } from './moves';
import { property } from './suite';

interface Range {
  size: number;
  begin: number;
  stride: number;
  count: number;
}

function check(ranges: Range[], kind: Kind): void {
  checkMove(
    'slice',
    { begin: ranges.map((r) => r.begin), stride: ranges.map((r) => r.stride) },
    ranges.map((r) => r.size),
    [ranges.map((r) => r.count)],
    kind,
  );
}

/** A range that stays inside its dimension. */
const ranges: fc.Arbitrary<Range> = fc.record({
  size: fc.integer({ min: 1, max: 9 }),
  at: fc.nat(8),
  stride: fc.constantFrom(1, 1, 1, 2, 3, -1, -1, -2, -3),
  part: fc.nat(8),
}).map(({ size, at, stride, part }) => {
  const begin = at % size;
  const possible = Math.floor((stride > 0 ? size - 1 - begin : begin) / Math.abs(stride)) + 1;
  return { size, begin, stride, count: 1 + part % possible };
});

const whole = (size: number): Range => ({ size, begin: 0, stride: 1, count: size });
const reversed = (size: number): Range => ({ size, begin: size - 1, stride: -1, count: size });

describe('slice', () => {
  test('equals the reference for random types, begins, strides of either sign and quantizations', () => {
    property(
      fc.tuple(fc.array(ranges, { minLength: 1, maxLength: 5 }), kinds),
      300,
      ([list, kind]) => check(list, kind),
    );
  });

  test('reverses each of one to six dimensions', () => {
    for (const kind of fewKinds) {
      for (let rank = 1; rank <= 6; rank++) {
        for (let d = 0; d < rank; d++) {
          const sizes = [2, 3, 2, 4, 3, 5].slice(0, rank);
          check(sizes.map((size, i) => (i === d ? reversed(size) : whole(size))), kind);
        }
      }
    }
  });

  test('reverses six dimensions at once, and takes every second element of six dimensions', () => {
    for (const kind of fewKinds) {
      check([2, 3, 2, 4, 3, 5].map(reversed), kind);
      check([3, 4, 3, 4, 3, 5].map((size) => ({ size, begin: 0, stride: 2, count: Math.ceil(size / 2) })), kind);
    }
  });

  test('copies runs of any length from any address', () => {
    for (const kind of fewKinds) {
      for (const count of [1, 3, 7, 8, 9, 15, 16, 17, 33]) {
        for (const begin of [0, 1, 3]) check([whole(3), { size: count + 5, begin, stride: 1, count }], kind);
      }
    }
  });
});
