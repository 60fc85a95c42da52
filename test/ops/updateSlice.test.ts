import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compile, readKlet } from '../../src/compiler/index';
import type { DType } from '../../src/graph/graph';
import { checkGraph, property, Random, seeds, shapes, single, tensor } from './suite';
import { scatterTensors, typesOf } from './scatters';

test('updateSlice equals the reference, with begins that are clamped', () => {
  const spec = fc.record({
    shape: shapes(5, 6),
    sizes: fc.array(fc.nat(), { minLength: 5, maxLength: 5 }),
    dtype: fc.constantFrom(...typesOf('none')),
    indexType: fc.constantFrom<DType>('int32', 'int64'),
    constants: fc.constantFrom('none', 'none', 'x', 'uniform', 'at', 'updates'),
    isRescaled: fc.boolean(),
    seed: seeds,
  });
  property(spec, 300, ({ shape, sizes, seed, ...rest }) => {
    const random = new Random(seed);
    const updates = shape.map((size, d) => 1 + sizes[d]! % size);
    const places = Int32Array.from(shape, (size) => random.int(-2, size + 1));
    const { operands: [x, at, update], y, inputs } = scatterTensors(random, {
      ...rest,
      shape,
      indices: [shape.length],
      updates,
      places,
    });
    const graph = single('updateSlice', [x, update, at], {}, y);
    if (rest.constants === 'at' && !(rest.isRescaled && x.quantization)) {
      expect(readKlet(compile(graph)).debugInfo!.records.some(({ op }) => op === 'updateSlice')).toBe(false);
    }
    checkGraph(graph, seed, undefined, inputs);
  });
});

test('updateSlice refuses shapes that contradict each other', () => {
  const compiled = (update: number[], begin: number[]) => () =>
    compile(single(
      'updateSlice',
      [tensor('x', [2, 3], 'int32'), tensor('update', update, 'int32'), tensor('begin', begin, 'int32')],
      {},
      tensor('y', [2, 3], 'int32'),
    ));
  expect(compiled([2, 4], [2])).toThrow('the update [2, 4] must be within [2, 3]');
  expect(compiled([2], [2])).toThrow('the update [2] must be within [2, 3]');
  expect(compiled([2, 2], [3])).toThrow('its begin must have the shape [2], not [3]');
});
