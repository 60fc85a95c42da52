import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as L from '../../assembly/layout';
import { compile } from '../../src/compiler/index';
import { elementCount, type DType, type TensorData } from '../../src/graph/graph';
import { allocate } from '../reference/support';
import { faults, refused } from '../robustness/malformed';
import { recordOf } from '../robustness/plan';
import { checkGraph, constant, property, Random, single, tensor } from './suite';

test('gatherNd equals the reference, and clamps indices that are out of range', () => {
  const spec = fc.record({
    batch: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }),
    outer: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }),
    inner: fc.array(fc.constantFrom(1, 2, 5, 17), { maxLength: 2 }),
    indices: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 2 }),
    dtype: fc.constantFrom<DType>('int8', 'float32', 'int32', 'int64', 'uint8', 'bool'),
    indexType: fc.constantFrom<DType>('int32', 'int64'),
    constants: fc.constantFrom('none', 'x', 'at'),
    seed: fc.nat(),
  });
  property(spec, 250, ({ batch, outer, inner, indices, dtype, indexType, constants, seed }) => {
    const random = new Random(seed);
    const quantization = dtype === 'int8' || dtype === 'uint8' ? { scale: 0.5, zeroPoint: 3 } : undefined;
    const shape = [...batch, ...outer, ...inner];
    const x = constants === 'x'
      ? constant(random, 'x', shape, dtype, quantization)
      : tensor('x', shape, dtype, quantization);
    const at = tensor('at', [...batch, ...indices, outer.length], indexType);
    const places = allocate(at).map((_, i) => random.int(-2, outer[i % outer.length]! + 1));
    if (constants === 'at') at.data = places;
    const y = tensor('y', [...batch, ...indices, ...inner], dtype, quantization);
    const inputs: Record<string, TensorData> = {};
    if (constants !== 'x') inputs.x = constant(random, 'x', shape, dtype).data as TensorData;
    if (constants !== 'at') inputs.at = places;
    checkGraph(single('gatherNd', [x, at], { batchDims: batch.length }, y), seed, undefined, inputs);
  });
});

test('gatherNd clamps the most distant indices', () => {
  const x = tensor('x', [2, 3], 'int32');
  const at = { ...tensor('at', [3, 2], 'int32'), data: Int32Array.of(2 ** 31 - 1, -(2 ** 31), -1, 3, 0, 1) };
  checkGraph(single('gatherNd', [x, at], { batchDims: 0 }, tensor('y', [3], 'int32')), 1);
});

test('gatherNd refuses indices of more dimensions than the source or the record has', () => {
  const compiled = (shape: number[], depth: number) => () =>
    compile(single(
      'gatherNd',
      [tensor('x', shape, 'int32'), tensor('at', [4, depth], 'int32')],
      { batchDims: 0 },
      tensor('y', [4], 'int32'),
    ));
  expect(compiled([2, 3], 3)).toThrow('the last dimension of the indices [4, 3] must be 1 to 2');
  const many = Array.from({ length: 7 }, () => 2);
  expect(elementCount(many)).toBe(128);
  expect(compiled(many, 7)).toThrow('7 indices for an element; 6 are possible');
});

describe('its record is refused for', () => {
  const record = recordOf(L.OP_GATHER_ND);
  refused('rows of more bytes than the arena', record, faults.arena, [L.GATHER_ND_ROW_BYTES, 1 << 20]);
  refused('more indices than the weights hold', record, faults.weights, [L.GATHER_ND_COUNT, 1 << 20]);
  refused('a dimension of 0 to select from', record, faults.attribute, [L.GATHER_ND_DIMENSIONS, 0]);
  refused('a dimension beyond the arena', record, faults.arena, [L.GATHER_ND_DIMENSIONS + 20, 1 << 20]);
  refused('no index for a row', record, faults.attribute, [L.GATHER_ND_DEPTH, 0]);
  refused('more indices for a row than dimensions', record, faults.attribute, [L.GATHER_ND_DEPTH, 7]);
  refused('more batch items than the arena holds', record, faults.arena, [L.GATHER_ND_BATCH, 1 << 20]);
  refused('no batch item', record, faults.attribute, [L.GATHER_ND_BATCH, 0]);
  refused('a misaligned target of floats', record, faults.misaligned, [L.GATHER_ND_TARGET, 2]);
  refused('misaligned indices', record, faults.misaligned, [L.GATHER_ND_INDICES, 2 - 2 ** 31]);
});
