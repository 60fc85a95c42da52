import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as L from '../../assembly/layout';
import { compile, GraphBuilder } from '../../src/compiler/index';
import type { Attributes } from '../../src/graph/operators';
import { allocate } from '../reference/support';
import { faults, refused } from '../robustness/malformed';
import { recordOf } from '../robustness/plan';
import { channels, checkGraph, property, quantizations, Random, seeds, single, size, tensor, types } from './suite';

const attributes = fc.record<Attributes['gridSample']>({
  mode: fc.constantFrom('nearest', 'linear', 'cubic'),
  padding: fc.constantFrom('zeros', 'border', 'reflection'),
  alignCorners: fc.boolean(),
});
/** Points in the image, at its edges, around it and far outside. */
const special = [-1, -0.5, 0, 0.25, 0.5, 1, -1.2, 1.6, 7.3, -1e30, 3e38, Infinity, -Infinity];

test('gridSample equals the reference, for points inside, outside and nowhere', () => {
  const spec = fc.record({
    type: types,
    batch: size(2),
    from: fc.tuple(size(6), size(6)),
    to: fc.tuple(size(5), size(5)),
    channels,
    attributes,
    x: quantizations,
    y: fc.option(quantizations, { freq: 3 }),
    seed: seeds,
  });
  let values = 0;
  let different = 0;
  property(spec, 300, ({ type, batch, from, to, channels: c, attributes, x, y, seed }) => {
    const random = new Random(seed);
    const image = tensor('x', [batch, ...from, c], type, x);
    const grid = tensor('grid', [batch, ...to, 2], 'float32');
    const target = tensor('y', [batch, ...to, c], type, y ?? x);
    const points = Float32Array.from(
      { length: batch * to[0] * to[1] * 2 },
      () => random.int(0, 3) === 0 ? random.pick(special) : random.between(-1.5, 1.5),
    );
    const pixels = random.fill(allocate(image));
    const count = checkGraph(single('gridSample', [image, grid], attributes, target), seed, {
      relative: 1e-6,
      absolute: 4e-6,
      units: 1,
    }, { x: pixels, grid: points });
    if (type === 'float32') {
      return;
    }
    values += batch * to[0] * to[1] * c;
    different += count;
  });
  expect(different / values).toBeLessThan(0.001);
});

test('gridSample takes coordinates that are not numbers', () => {
  for (const padding of ['zeros', 'border', 'reflection'] as const) {
    for (const mode of ['nearest', 'linear', 'cubic'] as const) {
      const b = new GraphBuilder('g');
      const grid = b.node('unary', [b.input('logarithms', [1, 1, 3, 2])], { kind: 'log' });
      const y = b.node('gridSample', [b.input('x', [1, 3, 4, 2]), grid], { mode, padding, alignCorners: true });
      const x = Float32Array.from({ length: 24 }, (_, i) => i + 1);
      // NaN and 0, −∞ and 0.69, 0 and NaN
      const logarithms = Float32Array.of(-1, 1, 0, 2, 1, -1);
      checkGraph(b.finish([y]), 1, { relative: 1e-6, absolute: 4e-6 }, { x, logarithms });
    }
  }
});

test('gridSample refuses grids and attributes that do not fit', () => {
  const compiled = (grid: number[], changes: Partial<Attributes['gridSample']> = {}) => () =>
    compile(single('gridSample', [tensor('x', [2, 3, 4, 5], 'float32'), tensor('grid', grid, 'float32')], {
      mode: 'linear',
      padding: 'zeros',
      alignCorners: false,
      ...changes,
    }, tensor('y', [2, 6, 7, 5], 'float32')));
  expect(compiled([1, 6, 7, 2])).toThrow('its grid [1, 6, 7, 2] must have the shape [2, rows, columns, 2]');
  expect(compiled([2, 6, 7, 3])).toThrow('its grid [2, 6, 7, 3] must have');
  expect(compiled([2, 6, 7, 2], { mode: 'area' as 'cubic' })).toThrow('its mode is area, not nearest, linear, cubic');
  expect(compiled([2, 6, 7, 2], { padding: 'wrap' as 'zeros' })).toThrow('its padding is wrap, not zeros');
});

describe('its record is refused for', () => {
  const record = recordOf(L.OP_GRID_SAMPLE);
  refused('a source beyond the arena', record, faults.arena, [L.GRID_SAMPLE_SOURCE, 1 << 20]);
  refused('a misaligned grid', record, faults.misaligned, [L.GRID_SAMPLE_GRID, 2]);
  refused('a target beyond the arena', record, faults.arena, [L.GRID_SAMPLE_TARGET, 1 << 20]);
  refused('no images', record, faults.attribute, [L.GRID_SAMPLE_BATCH, 0]);
  refused('images of no rows', record, faults.attribute, [L.GRID_SAMPLE_IN_H, 0]);
  refused('more columns than the arena holds', record, faults.arena, [L.GRID_SAMPLE_IN_W, 1 << 20]);
  refused('no channels', record, faults.attribute, [L.GRID_SAMPLE_CHANNELS, -1]);
  refused('more points than the arena holds', record, faults.arena, [L.GRID_SAMPLE_COUNT, 1 << 20]);
  refused('an unknown mode', record, faults.attribute, [L.GRID_SAMPLE_MODE, 3]);
  refused('an unknown padding', record, faults.attribute, [L.GRID_SAMPLE_PADDING, 3]);
  refused('an alignment that is no truth value', record, faults.attribute, [L.GRID_SAMPLE_ALIGN, 2]);
  refused('a zero point of the source of 128', record, faults.attribute, [L.GRID_SAMPLE_SOURCE_ZERO, 128]);
  refused('a zero point of the target of −129', record, faults.attribute, [L.GRID_SAMPLE_TARGET_ZERO, -129]);
  refused('a scale of NaN', record, faults.attribute, [L.GRID_SAMPLE_SCALE, NaN, 'float']);
  refused('integers', record, faults.attribute, [L.RECORD_DTYPE, L.DTYPE_I32, 'byte']);
});
