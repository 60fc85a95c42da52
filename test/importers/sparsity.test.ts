import { describe, expect, test } from 'vitest';
import type { TfliteReader } from '../../src/importers/tflite/reader';
import type { Table } from '../../src/importers/tflite/schema';
import { expandSparse } from '../../src/importers/tflite/sparsity';
import { Random } from '../helpers/random';

type Level = number | { segments: number[]; indices: number[] };

/** Levels of one dimension each: dense sizes, or lists. */
function expand(
  stored: number[],
  shape: number[],
  order: number[],
  levels: Level[],
  blockMap: number[] = [],
): Float32Array {
  const lists: number[][] = [];
  const keep = (list: number[]): number => lists.push(list) - 1;
  const dimMetadata = levels.map((
    level,
  ): Table<
    'DimensionMetadata'
  > => (typeof level === 'number'
    ? { format: 0, denseSize: level, segmentsType: 0, segments: 0, indicesType: 0, indices: 0 }
    : {
      format: 1,
      denseSize: 0,
      segmentsType: 1,
      segments: keep(level.segments),
      indicesType: 3,
      indices: keep(level.indices),
    })
  );
  const reader = { table: (_: string, position: number) => ({ values: lists[position] }) } as unknown as TfliteReader;
  return expandSparse(Float32Array.from(stored), { traversalOrder: order, blockMap, dimMetadata }, shape, 'w', reader);
}

describe('sparse tensors', () => {
  test('expand compressed sparse rows', () => {
    expect([...expand([1, 2, 3], [3, 4], [0, 1], [3, { segments: [0, 2, 2, 3], indices: [1, 3, 0] }])]).toEqual([0, 1,
      0, 2, 0, 0, 0, 0, 3, 0, 0, 0]);
  });

  test('expand compressed sparse columns', () => {
    expect([...expand([1, 2, 3], [2, 3], [1, 0], [3, { segments: [0, 1, 1, 3], indices: [1, 0, 1] }])]).toEqual([0, 0,
      2, 1, 0, 3]);
  });

  test('expand blocks', () => {
    // 4×4 in blocks of 2×2: the upper right one and the lower left one
    expect([
      ...expand([1, 2, 3, 4, 5, 6, 7, 8], [4, 4], [0, 1, 2, 3], [2, { segments: [0, 1, 2], indices: [1, 0] }, 2, 2], [0,
        1]),
    ]).toEqual([0, 0, 1, 2, 0, 0, 3, 4, 5, 6, 0, 0, 7, 8, 0, 0]);
  });

  test('expand to the original values in four dimensions, for any density', () => {
    const random = new Random(3);
    const shape = [3, 2, 2, 5];
    const dense = Float32Array.from({ length: 60 }, () => (random.next() < 0.3 ? random.int(1, 9) : 0));
    const segments = [0];
    const indices: number[] = [];
    const stored: number[] = [];
    for (let row = 0; row < 12; row++) {
      for (let c = 0; c < 5; c++) {
        if (dense[row * 5 + c] !== 0) {
          indices.push(c);
          stored.push(dense[row * 5 + c]!);
        }
      }
      segments.push(indices.length);
    }
    expect(expand(stored, shape, [0, 1, 2, 3], [3, 2, 2, { segments, indices }])).toEqual(dense);
  });

  test.each<[string, () => unknown]>([['has more values than indices',
    () => expand([1, 2, 3], [1, 3], [0, 1], [1, { segments: [0, 2], indices: [0, 1] }])], ['has fewer',
    () => expand([1], [1, 3], [0, 1], [1, { segments: [0, 2], indices: [0, 1] }])], ['has indices outside its shape',
    () => expand([1], [1, 3], [0, 1], [1, { segments: [0, 1], indices: [3] }])], ['has segments in descending order',
    () => expand([1], [2, 3], [0, 1], [2, { segments: [1, 0, 1], indices: [0] }])], [
    'has segments past the end of its indices',
    () => expand([1], [1, 3], [0, 1], [1, { segments: [0, 9], indices: [0] }]),
  ], ['lacks segments', () => expand([1], [2, 3], [0, 1], [2, { segments: [0, 1], indices: [0] }])], [
    'walks a dimension twice',
    () => expand([1], [1, 3], [0, 0], [1, 3]),
  ], ['has levels larger than its shape', () => expand([1], [2, 3], [0, 1], [1e9, 1e9])]])(
    'are refused if the file %s',
    (_, attempt) => expect(attempt).toThrow(/tensor "w" has a sparse encoding that does not fit/),
  );
});
