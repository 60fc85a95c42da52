import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as L from '../../assembly/layout';
import { compile } from '../../src/compiler/index';
import type { DType } from '../../src/graph/graph';
import { loadSync } from '../../src/index';
import { faults, refused } from '../robustness/malformed';
import { recordOf } from '../robustness/plan';
import { checkGraph, property, Random, seeds, single, tensor } from './suite';

const kinds = fc.constantFrom<'max' | 'min'>('max', 'min');

test('topK equals the reference along every axis, also for equal elements', () => {
  const spec = fc.record({
    outer: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }),
    inner: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 2 }),
    size: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 10, max: 70 })),
    k: fc.nat(),
    kind: kinds,
    dtype: fc.constantFrom<DType>('int8', 'float32', 'int32', 'int64', 'uint8'),
    indexType: fc.constantFrom<DType>('int32', 'int64'),
    isRescaled: fc.boolean(),
    /** The number of different elements, or 0 for the whole range. */
    levels: fc.constantFrom(0, 0, 1, 2, 5),
    seed: seeds,
  });
  property(spec, 300, ({ outer, inner, size, k, kind, dtype, indexType, isRescaled, levels, seed }) => {
    const random = new Random(seed);
    const shape = [...outer, size, ...inner];
    const count = 1 + k % size;
    const x = tensor('x', shape, dtype, { scale: 0.5, zeroPoint: 3 });
    const result = shape.with(outer.length, count);
    const values = tensor(
      'values',
      result,
      dtype,
      isRescaled ? { scale: 0.7, zeroPoint: -4 } : x.quantization && { scale: 0.5, zeroPoint: 3 },
    );
    const graph = single(
      'topK',
      [x],
      { axis: outer.length, k: count, kind },
      values,
      tensor('indices', result, indexType),
    );
    if (levels === 0) return void checkGraph(graph, seed);
    const few = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.int(0, levels - 1));
    const types = { float32: Float32Array, int8: Int8Array, uint8: Uint8Array, int32: Int32Array, int64: Int32Array };
    checkGraph(graph, seed, undefined, { x: types[dtype as 'int8'].from(few) });
  });
});

test
  .each([['max', [NaN, Infinity, 2, 0, -0, -1, -Infinity], [6, 2, 4, 0, 3, 5, 1]], ['min', [-Infinity, -1, 0, -0, 2,
    Infinity, NaN], [1, 5, 0, 3, 4, 2, 6]]] as const)(
      'topK (%s) orders NaN, infinities and both zeros',
      (kind, values, indices) => {
        // inputs must be numbers; 0/0 is NaN
        const inputs = { a: Float32Array.of(0, -1, 1, -0, 2, -1, 0), b: Float32Array.of(1, 0, 0, 1, 1, 1, 0) };
        const x = tensor('x', [7], 'float32');
        const graph = single(
          'topK',
          [x],
          { axis: 0, k: 7, kind },
          tensor('values', [7], 'float32'),
          tensor('indices', [7], 'int32'),
        );
        graph.inputs = [tensor('a', [7], 'float32'), tensor('b', [7], 'float32')];
        graph.nodes.unshift({
          op: 'binary',
          name: 'x',
          inputs: graph.inputs,
          outputs: [x],
          attributes: { kind: 'div', activation: 'none' },
        });
        checkGraph(graph, 1, undefined, inputs);
        const model = loadSync(compile(graph));
        const found = model.predict(inputs) as Record<string, Float32Array>;
        model.dispose();
        expect(Array.from(found.values!)).toEqual(values);
        expect(Array.from(found.indices!)).toEqual(indices);
      },
    );

test('topK refuses more elements than there are, and other types of its results', () => {
  const compiled = (k: number, values: DType, indices: DType) => () =>
    compile(single(
      'topK',
      [tensor('x', [2, 3], 'float32')],
      { axis: 1, k, kind: 'max' },
      tensor('values', [2, 3], values),
      tensor('indices', [2, 3], indices),
    ));
  expect(compiled(4, 'float32', 'int32')).toThrow('its k must be 1 to 3, the size of axis 1 of [2, 3], not 4');
  expect(compiled(0, 'float32', 'int32')).toThrow('not 0');
  expect(compiled(3, 'int32', 'int32')).toThrow('values of int32 of a source of float32');
  expect(compiled(3, 'float32', 'float32')).toThrow('indices of float32; int32 is possible');
});

describe('its record is refused for', () => {
  const record = recordOf(L.OP_TOP_K);
  refused('a source beyond the arena', record, faults.arena, [L.TOP_K_SOURCE, 1 << 20]);
  refused('misaligned values', record, faults.misaligned, [L.TOP_K_VALUES, 2]);
  refused('misaligned indices', record, faults.misaligned, [L.TOP_K_INDICES, 2]);
  refused('indices beyond the arena', record, faults.arena, [L.TOP_K_INDICES, 1 << 20]);
  refused('more lines than the arena holds', record, faults.arena, [L.TOP_K_OUTER, 1 << 20]);
  refused('lines of nothing', record, faults.attribute, [L.TOP_K_COUNT, 0]);
  refused('lines longer than the arena', record, faults.arena, [L.TOP_K_COUNT, 1 << 20]);
  refused('a negative number of lines', record, faults.attribute, [L.TOP_K_INNER, -1]);
  refused('more elements than a line has', record, faults.attribute, [L.TOP_K_K, 1 << 20]);
  refused('no elements', record, faults.attribute, [L.TOP_K_K, 0]);
  refused('an order that is no truth value', record, faults.attribute, [L.TOP_K_SMALLEST, 2]);
});
