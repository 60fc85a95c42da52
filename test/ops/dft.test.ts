import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as L from '../../assembly/layout';
import { compile } from '../../src/compiler/index';
import type { Attributes } from '../../src/graph/operators';
import { faults, refused } from '../robustness/malformed';
import { recordOf } from '../robustness/plan';
import { checkGraph, property, Random, seeds, single, size, tensor } from './suite';

/** Compares a transform of values up to 1 with the reference, to 1e-6 of the usual largest |X|. */
function check(shape: number[], { axis, length, inverse, onesided }: Attributes['dft'], seed: number): void {
  const random = new Random(seed);
  const x = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.between(-1, 1));
  const to = [...shape.with(axis, onesided ? (length >> 1) + 1 : length).slice(0, -1), 2];
  const graph = single(
    'dft',
    [tensor('x', shape, 'float32')],
    { axis, length, inverse, onesided },
    tensor('y', to, 'float32'),
  );
  const largest = (inverse ? 1 : Math.sqrt(Math.min(length, shape[axis]!))) * Math.SQRT2;
  checkGraph(graph, seed, { relative: 0, absolute: 1e-6 * largest }, { x });
}

test('dft equals the reference along every axis, for any length, with zeros or a cut', () => {
  const spec = fc.record({
    outer: fc.array(size(3), { maxLength: 2 }),
    count: size(40),
    inner: fc.array(size(3), { maxLength: 2 }),
    parts: fc.constantFrom(1, 2),
    length: fc.oneof(size(40), fc.constantFrom(64, 96, 97, 128, 210)),
    inverse: fc.boolean(),
    onesided: fc.boolean(),
    seed: seeds,
  });
  property(
    spec,
    250,
    ({ outer, count, inner, parts, length, inverse, onesided, seed }) =>
      check([...outer, count, ...inner, parts], { axis: outer.length, length, inverse, onesided }, seed),
  );
});

test('dft has transforms of windows of sound, and of a large prime', () => {
  for (const [i, length] of [400, 480, 512, 1009, 1024].entries()) {
    check([2, length, 1], { axis: 1, length, inverse: false, onesided: true }, i);
    check([length, 2], { axis: 0, length, inverse: true, onesided: false }, i);
  }
});

test('dft refuses shapes and lengths that do not fit', () => {
  const compiled = (shape: number[], changes: Partial<Attributes['dft']> = {}) => () =>
    compile(single('dft', [tensor('x', shape, 'float32')], {
      axis: 0,
      length: 8,
      inverse: false,
      onesided: false,
      ...changes,
    }, tensor('y', [8, 2], 'float32')));
  expect(compiled([8, 2])).not.toThrow();
  expect(compiled([8, 3])).toThrow('the last dimension of [8, 3] must be 1 (real numbers) or 2');
  expect(compiled([2])).toThrow('the last dimension of [2] must be');
  expect(compiled([8, 2], { axis: 1 })).toThrow('there is no axis 1 in [8]');
  expect(compiled([8, 2], { length: 0 })).toThrow('its length [0] must be whole numbers from 1 on');
  expect(compiled([8, 2], { length: 2.5 })).toThrow('its length [2.5] must be');
  const many = single('dft', [tensor('x', [1, 1], 'float32')], {
    axis: 0,
    length: 2 ** 24 + 1,
    inverse: false,
    onesided: false,
  }, tensor('y', [2 ** 24 + 1, 2], 'float32'));
  expect(() => compile(many)).toThrow('16777217 points; 16777216 are possible');
});

describe('its record is refused for', () => {
  const record = recordOf(L.OP_DFT);
  refused('a source beyond the arena', record, faults.arena, [L.DFT_SOURCE, 1 << 20]);
  refused('a misaligned target', record, faults.misaligned, [L.DFT_TARGET, 2]);
  refused('a table beyond the weights', record, faults.weights, [L.DFT_TABLE, 1 << 24]);
  refused('no lines', record, faults.attribute, [L.DFT_OUTER, 0]);
  refused('more points than the arena holds', record, faults.arena, [L.DFT_COUNT, 1 << 20]);
  refused('more lines than the arena holds', record, faults.arena, [L.DFT_INNER, 1 << 20]);
  refused('no length', record, faults.attribute, [L.DFT_LENGTH, 0]);
  refused('a length above the largest', record, faults.attribute, [L.DFT_LENGTH, L.DFT_MOST + 1]);
  refused('more results than points', record, faults.attribute, [L.DFT_BINS, 7]);
  refused('three parts of a number', record, faults.attribute, [L.DFT_COMPONENTS, 3]);
  refused('a direction that is no truth value', record, faults.attribute, [L.DFT_INVERSE, 2]);
  refused('int8', record, faults.attribute, [L.RECORD_DTYPE, L.DTYPE_I8, 'byte']);
});
