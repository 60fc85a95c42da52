import fc from 'fast-check';
import { describe, test } from 'vitest';
import type { DType } from '../../src/graph/graph';
import type { PadMode } from '../../src/graph/operators';
import { checkMove, fewKinds, kinds, type Kind } from './moves';
import { property } from './suite';

interface Side {
  size: number;
  before: number;
  after: number;
}

/** A mirror repeats each element at most once. */
function largestPadding(size: number, mode: PadMode): number {
  switch (mode) {
    case 'symmetric':
      return size;
    case 'reflect':
      return size - 1;
    default:
      return Infinity;
  }
}

/** A padding value that the type can represent. */
function valueFor(type: DType, value: number): number {
  switch (type) {
    case 'float32':
    case 'int8':
    case 'uint8':
      return value;
    case 'bool':
      return Number(value > 0);
    default:
      return Math.round(value);
  }
}

function check(sides: Side[], mode: PadMode, value: number, kind: Kind): void {
  const before = sides.map((s) => Math.min(s.before, largestPadding(s.size, mode)));
  const after = sides.map((s) => Math.min(s.after, largestPadding(s.size, mode)));
  const from = sides.map((s) => s.size);
  const to = sides.map((s, d) => s.size + before[d]! + after[d]!);
  checkMove('pad', { before, after, mode, value: valueFor(kind.type, value) }, from, [to], kind);
}

const sides = fc.record<Side>({ size: fc.integer({ min: 1, max: 5 }), before: fc.nat(4), after: fc.nat(4) });
const unpadded = (size: number): Side => ({ size, before: 0, after: 0 });
const modes = fc.constantFrom<PadMode>('constant', 'reflect', 'symmetric', 'edge', 'wrap');

describe('pad', () => {
  test('equals the reference for random types, amounts, modes, values and quantizations', () => {
    property(
      fc.tuple(
        fc.array(sides, { minLength: 1, maxLength: 4 }),
        modes,
        fc.constantFrom(0, 0, 1, -2.5, 0.75, 1000, -1000),
        kinds,
      ),
      250,
      ([list, mode, value, kind]) => check(list, mode, value, kind),
    );
  });

  test('writes the value around each of six dimensions', () => {
    for (const kind of fewKinds) {
      for (let d = 0; d < 6; d++) {
        for (const [before, after] of [[2, 0], [0, 3], [1, 2]] as const) {
          check(
            [2, 1, 3, 2, 2, 3].map((size, i) => ({ size, before: i === d ? before : 0, after: i === d ? after : 0 })),
            'constant',
            1.5,
            kind,
          );
        }
      }
    }
  });

  test('repeats the edge, or the whole input as often as needed', () => {
    for (const kind of fewKinds) {
      for (const mode of ['edge', 'wrap'] as const) {
        for (const size of [1, 2, 5]) {
          for (const [before, after] of [[0, 7], [7, 0], [5, 5], [13, 11]] as const) {
            check([unpadded(2), { size, before, after }, unpadded(3)], mode, 0, kind);
          }
        }
      }
    }
  });

  test('mirrors up to the whole length of the input', () => {
    for (const kind of fewKinds) {
      for (const mode of ['reflect', 'symmetric'] as const) {
        for (const size of [1, 2, 5, 9]) {
          check([{ size, before: 9, after: 9 }], mode, 0, kind);
          const sides = [unpadded(1), { size, before: 9, after: 1 }, { size: 4, before: 1, after: 9 }, unpadded(3)];
          check(sides, mode, 0, kind);
        }
      }
    }
  });
});
