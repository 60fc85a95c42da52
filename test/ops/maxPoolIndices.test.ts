import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as L from '../../assembly/layout';
import { compile } from '../../src/compiler/index';
import type { DType } from '../../src/graph/graph';
import type { Padding, Pair } from '../../src/graph/operators';
import { loadSync } from '../../src/index';
import { faults, refused } from '../robustness/malformed';
import { recordOf } from '../robustness/plan';
import { checkGraph, property, Random, seeds, single, tensor } from './suite';

const size = fc.integer({ min: 1, max: 9 });
const step = fc.integer({ min: 1, max: 3 });

test('maxPoolIndices equals the reference, also for equal elements', () => {
  const spec = fc.record({
    batch: fc.integer({ min: 1, max: 2 }),
    sizes: fc.tuple(size, size),
    channels: fc.integer({ min: 1, max: 5 }),
    kernel: fc.tuple(step, step),
    stride: fc.tuple(step, step),
    padding: fc.tuple(step, step, step, step),
    dtype: fc.constantFrom<DType>('int8', 'float32'),
    indexType: fc.constantFrom<DType>('int32', 'int64'),
    /** The number of different elements, or 0 for the whole range. */
    levels: fc.constantFrom(0, 2),
    seed: seeds,
  });
  property(spec, 200, ({ batch, sizes, channels, kernel, stride, dtype, indexType, levels, seed, ...spec }) => {
    const window = kernel.map((k, d) => Math.min(k, sizes[d]!)) as Pair;
    const padding = spec.padding.map((n, i) => Math.min(n, window[i % 2]!) - 1) as Padding;
    const counts = window.map((k, d) => Math.floor((sizes[d]! + padding[d]! + padding[d + 2]! - k) / stride[d]!) + 1);
    const shape = [batch, ...sizes, channels];
    const x = tensor('x', shape, dtype, { scale: 0.5, zeroPoint: 3 });
    const y = tensor('y', [batch, ...counts, channels], indexType);
    const graph = single('maxPoolIndices', [x], { kernel: window, stride, padding }, y);
    if (levels === 0) return void checkGraph(graph, seed);
    const random = new Random(seed);
    const few = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.int(0, levels - 1));
    checkGraph(graph, seed, undefined, { x: dtype === 'int8' ? Int8Array.from(few) : Float32Array.from(few) });
  });
});

test('maxPoolIndices gives the place in the image, without the padding', () => {
  const x = tensor('x', [1, 2, 3, 1], 'float32');
  const attributes = { kernel: [2, 2] as Pair, stride: [2, 2] as Pair, padding: [1, 1, 1, 0] as Padding };
  const model = loadSync(compile(single('maxPoolIndices', [x], attributes, tensor('y', [1, 2, 2, 1], 'int32'))));
  expect(model.predict(Float32Array.of(1, 2, 2, 4, 3, 5), { output: 'raw' })).toEqual(Int32Array.of(0, 1, 3, 5));
  model.dispose();
});

test('maxPoolIndices refuses windows of padding alone', () => {
  const x = tensor('x', [1, 2, 3, 1], 'float32');
  const attributes = { kernel: [1, 1] as Pair, stride: [1, 1] as Pair, padding: [1, 0, 0, 0] as Padding };
  expect(() => compile(single('maxPoolIndices', [x], attributes, tensor('y', [1, 3, 3, 1], 'int32'))))
    .toThrow('cover only padding');
});

describe('its record is refused for', () => {
  const record = recordOf(L.OP_MAX_POOL_INDICES);
  refused('a source beyond the arena', record, faults.arena, [L.MAX_POOL_INDICES_SOURCE, 1 << 20]);
  refused('a misaligned target', record, faults.misaligned, [L.MAX_POOL_INDICES_TARGET, 2]);
  refused('more images than the arena holds', record, faults.arena, [L.MAX_POOL_INDICES_BATCH, 1 << 20]);
  refused('no channels', record, faults.attribute, [L.MAX_POOL_INDICES_CHANNELS, 0]);
  refused('an image of no rows', record, faults.attribute, [L.MAX_POOL_INDICES_IN_H, 0]);
  refused('an image beyond the arena', record, faults.arena, [L.MAX_POOL_INDICES_IN_W, 1 << 20]);
  refused('windows below the image', record, faults.attribute, [L.MAX_POOL_INDICES_OUT_H, 1 << 20]);
  refused('windows right of the image', record, faults.attribute, [L.MAX_POOL_INDICES_OUT_W, 1 << 20]);
  refused('a kernel of no rows', record, faults.attribute, [L.MAX_POOL_INDICES_KERNEL_H, 0]);
  refused('too wide a kernel', record, faults.attribute, [L.MAX_POOL_INDICES_KERNEL_W, (1 << 24) + 1]);
  refused('a stride of 0', record, faults.attribute, [L.MAX_POOL_INDICES_STRIDE_Y, 0]);
  refused('windows beyond the reach of integers', record, faults.attribute, [L.MAX_POOL_INDICES_STRIDE_X, 1 << 30]);
  refused('padding as high as the kernel', record, faults.attribute, [L.MAX_POOL_INDICES_PAD_TOP, 2]);
  refused('negative padding', record, faults.attribute, [L.MAX_POOL_INDICES_PAD_LEFT, -1]);
});
