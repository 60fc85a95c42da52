import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compile, readKlet } from '../../src/compiler/index';
import { elementCount, type DType } from '../../src/graph/graph';
import { checkGraph, property, Random, seeds, shapes, single, tensor } from './suite';
import { reductions, scatterTensors, typesOf } from './scatters';

test('scatterElements equals the reference along every axis, for fewer indices than elements', () => {
  const spec = fc.record({
    shape: shapes(4, 6),
    axis: fc.nat(),
    sizes: fc.array(fc.nat(), { minLength: 4, maxLength: 4 }),
    reduction: reductions,
    type: fc.nat(),
    indexType: fc.constantFrom<DType>('int32', 'int64'),
    constants: fc.constantFrom('none', 'none', 'x', 'uniform', 'at', 'updates'),
    isRescaled: fc.boolean(),
    seed: seeds,
  });
  property(spec, 300, ({ shape, sizes, reduction, type, seed, ...rest }) => {
    const random = new Random(seed);
    const axis = rest.axis % shape.length;
    // along the axis there may be more updates than elements
    const indices = shape.map((size, d) => 1 + sizes[d]! % (d === axis ? size + 3 : size));
    const size = shape[axis]!;
    const places = Int32Array.from({ length: elementCount(indices) }, () => random.int(-size - 1, size));
    const made = scatterTensors(random, {
      ...rest,
      dtype: typesOf(reduction)[type % typesOf(reduction).length]!,
      shape,
      indices,
      updates: indices,
      places,
    });
    checkGraph(single('scatterElements', made.operands, { axis, reduction }, made.y), seed, undefined, made.inputs);
  });
});

test('constant indices of a whole slice become copies', () => {
  const graph = single(
    'scatterElements',
    [tensor('x', [2, 5], 'float32'), { ...tensor('at', [2, 2], 'int32'), data: Int32Array.of(1, 3, 1, 3) },
      tensor('updates', [2, 2], 'float32')],
    { axis: 1, reduction: 'none' },
    tensor('y', [2, 5], 'float32'),
  );
  expect(readKlet(compile(graph)).debugInfo!.records.map(({ op }) => op)).toEqual(['copy', 'copy']);
  checkGraph(graph, 5);
});

test('scatterElements refuses shapes that contradict each other', () => {
  const compiled = (indices: number[], updates = indices) => () =>
    compile(single(
      'scatterElements',
      [tensor('x', [2, 3], 'int32'), tensor('at', indices, 'int32'), tensor('updates', updates, 'int32')],
      { axis: 1, reduction: 'none' },
      tensor('y', [2, 3], 'int32'),
    ));
  expect(compiled([3, 3])).toThrow('the indices [3, 3] must be within [2, 3] except along axis 1');
  expect(compiled([6])).toThrow('the indices [6] must be within [2, 3]');
  expect(compiled([2, 4], [2, 3])).toThrow('its updates must have the shape [2, 4] of the indices, not [2, 3]');
});
