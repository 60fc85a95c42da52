import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as L from '../../assembly/layout';
import { compile, readKlet } from '../../src/compiler/index';
import { elementCount, type DType, type Graph } from '../../src/graph/graph';
import type { ScatterReduction } from '../../src/graph/operators';
import { faults, refused } from '../robustness/malformed';
import { recordOf } from '../robustness/plan';
import { checkGraph, property, Random, seeds, single, tensor } from './suite';
import { reductions, scatterTensors, typesOf } from './scatters';

test('scatterNd equals the reference for every reduction, with indices that are out of range', () => {
  const spec = fc.record({
    outer: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }),
    inner: fc.array(fc.constantFrom(1, 2, 5, 17), { maxLength: 2 }),
    indices: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }),
    reduction: reductions,
    type: fc.nat(),
    indexType: fc.constantFrom<DType>('int32', 'int64'),
    constants: fc.constantFrom('none', 'none', 'x', 'uniform', 'at', 'updates'),
    isRescaled: fc.boolean(),
    seed: seeds,
  });
  property(spec, 300, ({ outer, inner, indices, reduction, type, seed, ...rest }) => {
    const random = new Random(seed);
    const places = Int32Array.from(
      { length: elementCount(indices) * outer.length },
      (_, i) => random.int(-outer[i % outer.length]! - 1, outer[i % outer.length]!),
    );
    const made = scatterTensors(random, {
      ...rest,
      dtype: typesOf(reduction)[type % typesOf(reduction).length]!,
      shape: [...outer, ...inner],
      indices: [...indices, outer.length],
      updates: [...indices, ...inner],
      places,
    });
    checkGraph(single('scatterNd', made.operands, { reduction }, made.y), seed, undefined, made.inputs);
  });
});

/** Rows of [4, 3, 2] at constant indices. */
function rows(at: number[][], reduction: ScatterReduction = 'none'): Graph {
  const depth = at[0]!.length;
  return single(
    'scatterNd',
    [tensor('x', [4, 3, 2], 'float32'), {
      ...tensor('at', [at.length, depth], 'int32'),
      data: Int32Array.from(at.flat()),
    }, tensor('updates', [at.length, ...[4, 3, 2].slice(depth)], 'float32')],
    { reduction },
    tensor('y', [4, 3, 2], 'float32'),
  );
}

test.each([['neighbors', [[1], [2]]], ['every other row', [[0], [2]]], ['one row from the end', [[-1]]], ['a column', [[
  0,
  1,
], [1, 1], [2, 1], [3, 1]]]])('constant indices of %s become copies', (_, at) => {
  const graph = rows(at);
  const { debugInfo } = readKlet(compile(graph));
  expect(debugInfo!.records.map(({ op }) => op)).toEqual(['copy', 'copy']);
  checkGraph(graph, 3);
});

test.each<[string, number[][], ScatterReduction]>([['out of range', [[0], [4]], 'none'], ['irregular', [[0], [1], [3]],
  'none'], ['descending', [[2], [1]], 'none'], ['equal', [[2], [2]], 'none'], ['added', [[1], [2]], 'add']])(
    'constant indices that are %s do not',
    (_, at, reduction) => {
      const graph = rows(at, reduction);
      const { debugInfo } = readKlet(compile(graph));
      expect(debugInfo!.records.map(({ op }) => op)).toEqual(['scatterNd']);
      checkGraph(graph, 3);
    },
  );

test('scatterNd refuses shapes that contradict each other, and types without an order', () => {
  const compiled =
    (depth: number, updates: number[], dtype: DType = 'float32', reduction: ScatterReduction = 'none') => () =>
      compile(single(
        'scatterNd',
        [tensor('x', [2, 3], dtype), tensor('at', [4, depth], 'int32'), tensor('updates', updates, dtype)],
        { reduction },
        tensor('y', [2, 3], dtype),
      ));
  expect(compiled(3, [4])).toThrow('the last dimension of the indices [4, 3] must be 1 to 2');
  expect(compiled(1, [4])).toThrow('its updates must have the shape [4, 3], not [4]');
  expect(compiled(2, [4], 'int8', 'add')).toThrow('is int8; float32 or int32 or int64 is possible');
});

describe('its record is refused for', () => {
  const record = recordOf(L.OP_SCATTER);
  const [far, many] = [1 << 20, 1 << 20];
  refused('a source beyond the arena', record, faults.arena, [L.SCATTER_SOURCE, far]);
  refused('indices beyond the arena', record, faults.arena, [L.SCATTER_INDICES, far]);
  refused('misaligned indices', record, faults.misaligned, [L.SCATTER_INDICES, 2]);
  refused('updates beyond the arena', record, faults.arena, [L.SCATTER_UPDATES, far]);
  refused('a misaligned target', record, faults.misaligned, [L.SCATTER_TARGET, 2]);
  refused('a target beyond the arena', record, faults.arena, [L.SCATTER_COUNT, many]);
  refused('a target smaller than the places', record, faults.arena, [L.SCATTER_COUNT, 1]);
  refused('rows longer than the arena', record, faults.arena, [L.SCATTER_ROW, many]);
  refused('empty rows', record, faults.attribute, [L.SCATTER_ROW, 0]);
  refused('an unknown reduction', record, faults.attribute, [L.SCATTER_REDUCTION, 5]);
  refused('a source that is neither whole nor filled', record, faults.attribute, [L.SCATTER_FILLED, 2]);
  refused('indices that are neither shared nor separate', record, faults.attribute, [L.SCATTER_SHARED, -1]);
  refused('a clamp that is no truth value', record, faults.attribute, [L.SCATTER_CLAMPED, 2]);
  refused('no index', record, faults.attribute, [L.SCATTER_DEPTH, 0]);
  refused('more indices than sizes', record, faults.attribute, [L.SCATTER_DEPTH, 7]);
  refused('no rows', record, faults.attribute, [L.SCATTER_DIMENSIONS, 0]);
  refused('more rows than the arena holds', record, faults.arena, [L.SCATTER_DIMENSIONS, many]);
  refused('rows beyond the target', record, faults.arena, [L.SCATTER_STRIDES + 20, many], [L.SCATTER_DIMENSIONS + 20,
    2]);
  refused('a negative distance of rows', record, faults.attribute, [L.SCATTER_STRIDES, -1]);
  refused('an index of no values', record, faults.attribute, [L.SCATTER_SIZES, 0]);
  refused('an index beyond the target', record, faults.arena, [L.SCATTER_SIZES, many], [L.SCATTER_INDEX_STRIDES, 1]);
  refused('a negative distance of indices', record, faults.attribute, [L.SCATTER_INDEX_STRIDES, -1]);
});
