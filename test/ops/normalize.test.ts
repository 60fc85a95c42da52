import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as L from '../../assembly/layout';
import { compile } from '../../src/compiler/index';
import { loadSync } from '../../src/index';
import { Random } from '../helpers/random';
import { distances, epsilon as rounding } from '../helpers/realNumbers';
import { faults, refused } from '../robustness/malformed';
import { recordOf } from '../robustness/plan';
import { checkGraph, constant, property, quantizations, randomInputs, seeds, shapes, single, tensor } from './suite';

const spec = fc.record({
  type: fc.constantFrom('int8' as const, 'uint8' as const, 'float32' as const),
  shape: shapes(4, 6),
  chosen: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
  scale: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
  bias: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
  has: fc.constantFrom('nothing', 'scale', 'bias', 'both'),
  epsilon: fc.constantFrom(1e-5, 1e-3, 0.5),
  center: fc.boolean(),
  x: quantizations,
  y: quantizations,
  seed: seeds,
});

type Spec = typeof spec extends fc.Arbitrary<infer S> ? S : never;

function graphOf({ type, shape, chosen, scale, bias, has, epsilon, center, x, y, seed }: Spec) {
  const random = new Random(seed);
  const axes = shape.map((_, d) => d).filter((d) => chosen[d] || d === seed % shape.length).slice(0, 3);
  const operand = (name: string, whole: boolean[]) =>
    constant(random, name, shape.map((size, d) => (whole[d] ? size : 1)), 'float32');
  return single(
    'normalize',
    [tensor('x', shape, type, x), has === 'scale' || has === 'both' ? operand('scale', scale) : null,
      has === 'bias' || has === 'both' ? operand('bias', bias) : null],
    { axes, epsilon, center },
    tensor('y', shape, type, y),
  );
}

describe('normalize', () => {
  test('equals the reference over any axes, in float32 after one rounding', () => {
    property(spec, 300, (drawn) => {
      checkGraph(graphOf(drawn), drawn.seed, { relative: 2e-7, absolute: 1e-6 });
    });
  });

  test('of int8 is nearest to the real numbers', () => {
    property(spec, 150, (drawn) => {
      const graph = graphOf({ ...drawn, type: 'int8' });
      const inputs = randomInputs(graph, drawn.seed);
      const model = loadSync(compile(graph));
      const found = model.predict(inputs, { output: 'raw' }) as Int8Array;
      model.dispose();
      expect(Math.max(...distances(graph.nodes[0]!, inputs, found))).toBeLessThanOrEqual(0.5 + rounding);
    });
  });

  test('refuses operands that alternate in more than three of its axes', () => {
    const scale = constant(new Random(1), 'scale', [2, 1, 2, 1], 'float32');
    const x = tensor('x', [2, 2, 2, 2], 'float32');
    const attributes = { axes: [0, 1, 2, 3], epsilon: 1e-5, center: true };
    const graph = single('normalize', [x, scale, null], attributes, tensor('y', [2, 2, 2, 2], 'float32'));
    expect(() => compile(graph)).toThrow(/more than 3 alternate/);
  });

  test('keeps the digits of a small variance at a large mean', () => {
    const graph = single('normalize', [tensor('x', [4], 'float32'), null, null], {
      axes: [0],
      epsilon: 0,
      center: true,
    }, tensor('y', [4], 'float32'));
    const model = loadSync(compile(graph));
    const x = Float32Array.of(16777208, 16777210, 16777212, 16777214);
    const expected = [-3, -1, 1, 3].map((d) => Math.fround(d / Math.sqrt(5)));
    expect(Array.from(model.predict({ x }) as Float32Array)).toEqual(expected);
  });
});

describe('its record is refused for', () => {
  const record = recordOf(L.OP_NORMALIZE);
  refused('a source beyond the arena', record, faults.arena, [L.NORMALIZE_SOURCE, 1 << 20]);
  refused('a target beyond the arena', record, faults.arena, [L.NORMALIZE_TARGET, 1 << 20]);
  refused('a misaligned bias', record, faults.misaligned, [L.NORMALIZE_BIAS, 2]);
  refused('an empty dimension', record, faults.attribute, [L.NORMALIZE_DIMENSIONS, 0]);
  refused('a negative stride', record, faults.attribute, [L.NORMALIZE_STRIDES + 8, -1]);
  refused('a negative stride of the scale', record, faults.attribute, [L.NORMALIZE_SCALE_STRIDES, -1]);
  refused('a negative stride of the bias', record, faults.attribute, [L.NORMALIZE_BIAS_STRIDES + 20, -1]);
  refused('a stride beyond the arena', record, faults.arena, [L.NORMALIZE_STRIDES + 20, 1 << 20]);
  refused('an epsilon that is no number', record, faults.attribute, [L.NORMALIZE_EPSILON, 0x7fc00000]);
  refused('an infinite scale', record, faults.attribute, [L.NORMALIZE_SOURCE_SCALE, 0x7f800000]);
  refused('an infinite scale of the target', record, faults.attribute, [L.NORMALIZE_TARGET_SCALE, 0x7f800000]);
  refused('a center that is no truth value', record, faults.attribute, [L.NORMALIZE_CENTER, 2]);
  refused('a zero point beyond int8', record, faults.attribute, [L.NORMALIZE_SOURCE_ZERO, 128]);
  refused('a target zero point beyond int8', record, faults.attribute, [L.NORMALIZE_TARGET_ZERO, -129]);
  refused('int32', record, faults.attribute, [L.RECORD_DTYPE, L.DTYPE_I32, 'byte']);
});
