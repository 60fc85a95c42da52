import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as L from '../../assembly/layout';
import { compile } from '../../src/compiler/index';
import { loadSync } from '../../src/index';
import { faults, refused } from '../robustness/malformed';
import { recordOf } from '../robustness/plan';
import { checkGraph, property, Random, seeds, single, tensor } from './suite';

const usual = { limit: 3, scoreThreshold: 0, iouThreshold: 0.5, sigma: 0, centered: false };

function network(batch: number, classes: number, count: number, attributes: typeof usual) {
  const rows = batch * classes * attributes.limit;
  return single(
    'nonMaxSuppression',
    [tensor('boxes', [batch, count, 4], 'float32'), tensor('scores', [batch, classes, count], 'float32')],
    attributes,
    tensor('rows', [rows, 3], 'int32'),
    tensor('kept', [rows], 'float32'),
    tensor('count', [1], 'int32'),
  );
}

test('nonMaxSuppression equals the reference', () => {
  const spec = fc.record({
    batch: fc.integer({ min: 1, max: 3 }),
    classes: fc.integer({ min: 1, max: 3 }),
    count: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 7, max: 60 })),
    limit: fc.integer({ min: 1, max: 12 }),
    scoreThreshold: fc.constantFrom(-100, 0, 0.25, 0.9),
    iouThreshold: fc.constantFrom(0, 0.25, 0.5, 1),
    sigma: fc.constantFrom(0, 0, 0.125, 0.5, 2),
    centered: fc.boolean(),
    levels: fc.constantFrom(4, 1000),
    seed: seeds,
  });
  property(spec, 200, ({ batch, classes, count, levels, seed, ...attributes }) => {
    const random = new Random(seed);
    const eighths = (n: number, most: number): Float32Array =>
      Float32Array.from({ length: n }, () => random.int(0, most) / 8);
    checkGraph(network(batch, classes, count, attributes), seed, undefined, {
      boxes: eighths(batch * count * 4, 24),
      scores: Float32Array.from({ length: batch * classes * count }, () => random.int(0, levels) / levels),
    });
  });
});

describe('nonMaxSuppression', () => {
  // ONNX's example: pairs of boxes that overlap, of which the better ones are selected
  const boxes = [[0, 0, 1, 1], [0, 0.1, 1, 1.1], [0, -0.1, 1, 0.9], [0, 10, 1, 11], [0, 10.1, 1, 11.1], [0, 100, 1,
    101]].flat();
  const scores = Float32Array.of(0.9, 0.75, 0.6, 0.95, 0.5, 0.3);
  const run = (attributes: Partial<typeof usual>, given = boxes) => {
    const model = loadSync(compile(network(1, 1, 6, { ...usual, ...attributes })));
    const result = model.predict({ boxes: Float32Array.from(given), scores }, { output: 'raw' }) as Record<string,
      Float32Array>;
    model.dispose();
    const [indices, kept] = [Array.from(result.rows!).filter((_, i) => i % 3 === 2), Array.from(result.kept!)];
    return { indices, kept, count: result.count![0] };
  };

  test('selects the best boxes, and marks unused rows', () => {
    expect(run({})).toEqual({ indices: [3, 0, 5], kept: [0.95, 0.9, 0.3].map(Math.fround), count: 3 });
    expect(run({ scoreThreshold: 0.4 })).toEqual({
      indices: [3, 0, -1],
      kept: [0.95, 0.9, 0].map(Math.fround),
      count: 2,
    });
    expect(run({ limit: 2 }).indices).toEqual([3, 0]);
  });

  test('takes corners in any order', () => {
    const turned = boxes.map((_, i) => boxes[i ^ 2]!);
    expect(run({}, turned).indices).toEqual([3, 0, 5]);
  });

  test('takes centers and sizes', () => {
    const centered = [0, 1, 2, 3, 4, 5].flatMap((box) => {
      const [top, left] = [boxes[box * 4]!, boxes[box * 4 + 1]!];
      return [left + 0.5, top + 0.5, 1, 1];
    });
    expect(run({ centered: true }, centered).indices).toEqual([3, 0, 5]);
  });

  test('lets overlaps decay the scores', () => {
    // TensorFlow's test of Soft-NMS
    const { indices, kept } = run({ limit: 6, iouThreshold: 1, sigma: 0.5 });
    expect(indices).toEqual([3, 0, 1, 5, 4, 2]);
    [0.95, 0.9, 0.384, 0.3, 0.256, 0.197].forEach((score, i) => expect(kept[i]).toBeCloseTo(score, 3));
  });

  test('refuses other shapes', () => {
    const graph = network(1, 1, 6, usual);
    graph.inputs[1]!.shape = [1, 1, 7];
    expect(() => compile(graph)).toThrow('its boxes [1, 6, 4] must be [batch, number, 4]');
    expect(() => compile(network(1, 1, 6, { ...usual, sigma: -1 }))).toThrow('its sigma must not be negative');
    const open = network(1, 1, 6, { ...usual, limit: 0.5 });
    open.outputs.forEach((output) => (output.shape = [1, 3]));
    expect(() => compile(open)).toThrow('its limit [0.5] must be whole numbers');
  });
});

describe('its record is refused for', () => {
  const record = recordOf(L.OP_NON_MAX_SUPPRESSION);
  refused('boxes beyond the arena', record, faults.arena, [L.NMS_BOXES, 1 << 20]);
  refused('misaligned scores', record, faults.misaligned, [L.NMS_SCORES, 2 - 2 ** 31]);
  refused('rows beyond the arena', record, faults.arena, [L.NMS_TARGET_ROWS, 1 << 20]);
  refused('misaligned scores of rows', record, faults.misaligned, [L.NMS_TARGET_SCORES, 2]);
  refused('a number beyond the arena', record, faults.arena, [L.NMS_TARGET_COUNT, 1 << 20]);
  refused('more batch items than the arena holds', record, faults.arena, [L.NMS_BATCH, 1 << 20]);
  refused('no class', record, faults.attribute, [L.NMS_CLASSES, 0]);
  refused('more boxes than the arena holds', record, faults.arena, [L.NMS_COUNT, 1 << 20]);
  refused('no row', record, faults.attribute, [L.NMS_LIMIT, 0]);
  refused('boxes of an unknown form', record, faults.attribute, [L.NMS_CENTERED, 2]);
});
