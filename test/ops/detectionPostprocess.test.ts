import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as L from '../../assembly/layout';
import { compile } from '../../src/compiler/index';
import type { AnyNode, Graph } from '../../src/graph/graph';
import type { Attributes } from '../../src/graph/operators';
import { loadSync } from '../../src/index';
import { flavors } from '../helpers/flavors';
import { faults, refused } from '../robustness/malformed';
import { recordOf } from '../robustness/plan';
import { checkGraph, property, Random, seeds, single, tensor } from './suite';

type Options = Attributes['detectionPostprocess'];

const usual: Options = {
  classes: 1,
  detections: 4,
  classesPerDetection: 1,
  scoreThreshold: 0,
  iouThreshold: 0.5,
  scales: [1, 1, 1, 1],
};

interface Sizes {
  anchors: number;
  background?: number;
  /** Values of each box. */
  length?: number;
}

function graphOf(options: Options, { anchors, background = 0, length = 4 }: Sizes): Graph {
  const places = options.detections * options.classesPerDetection;
  return single(
    'detectionPostprocess',
    [tensor('boxes', [1, anchors, length], 'float32'),
      tensor('scores', [1, anchors, options.classes + background], 'float32'),
      tensor('anchors', [anchors, 4], 'float32')],
    options,
    tensor('edges', [1, places, 4], 'float32'),
    tensor('labels', [1, places], 'float32'),
    tensor('values', [1, places], 'float32'),
    tensor('count', [1], 'float32'),
  );
}

const spec = fc.record({
  anchors: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 10, max: 120 })),
  background: fc.integer({ min: 0, max: 1 }),
  length: fc.constantFrom(4, 4, 6),
  classes: fc.integer({ min: 1, max: 6 }),
  detections: fc.integer({ min: 1, max: 12 }),
  classesPerDetection: fc.integer({ min: 1, max: 7 }),
  isPerClass: fc.boolean(),
  detectionsPerClass: fc.integer({ min: 1, max: 12 }),
  scoreThreshold: fc.constantFrom(-20, 0, 1e-8, 0.3, 0.7),
  iouThreshold: fc.constantFrom(0.1, 0.3, 0.5, 0.6, 1),
  scales: fc.constantFrom<Options['scales']>([1, 1, 1, 1], [10, 10, 5, 5], [0.5, 2, 3, 0.7]),
  /** The number of different scores; few produce ties. */
  levels: fc.constantFrom(1, 2, 4, 256, 2 ** 20),
  seed: seeds,
});

test('detectionPostprocess equals the reference, also for equal scores', () => {
  property(spec, 300, ({ anchors, background, length, levels, seed, isPerClass, detectionsPerClass, ...rest }) => {
    const random = new Random(seed);
    const options = { ...rest, ...(isPerClass && { detectionsPerClass }) };
    const floats = (count: number, value: (i: number) => number): Float32Array =>
      Float32Array.from({ length: count }, (_, i) => value(i));
    const inputs = {
      boxes: floats(anchors * length, () => random.between(-2, 2)),
      scores: floats(anchors * (rest.classes + background), () => random.int(0, levels) / levels),
      anchors: floats(anchors * 4, (i) => (i % 4 < 2 ? random.between(0, 1) : random.between(0.1, 0.4))),
    };
    checkGraph(graphOf(options, { anchors, background, length }), seed, undefined, inputs);
  });
});

/** Outputs for anchors with the given corners, whose boxes are the anchors themselves. */
function detect(options: Options, corners: number[][], scores: number[]): Record<string, number[]> {
  const anchors = corners.length;
  const graph = graphOf(options, { anchors });
  const sizes = corners.flatMap((
    [top, left, bottom, right],
  ) => [(top! + bottom!) / 2, (left! + right!) / 2, bottom! - top!, right! - left!]);
  const inputs = {
    boxes: new Float32Array(anchors * 4),
    scores: Float32Array.from(scores),
    anchors: Float32Array.from(sizes),
  };
  checkGraph(graph, 1, undefined, inputs);
  const model = loadSync(compile(graph), { flavor: flavors[0]! });
  const outputs = model.predict(inputs) as Record<string, Float32Array>;
  model.dispose();
  return Object.fromEntries(Object.entries(outputs).map(([name, values]) => [name, Array.from(values)]));
}

test('a box is suppressed by a better one that overlaps by more than the threshold, and only then', () => {
  // the second box covers a half of the first, the third a quarter
  const corners = [[0, 0, 4, 4], [0, 0, 4, 2], [0, 0, 2, 2], [4, 4, 8, 8]];
  const scores = [0.5, 0.25, 0.75, 0.125];
  const places = (iouThreshold: number): number[] => detect({ ...usual, iouThreshold }, corners, scores).values!;
  expect(places(1)).toEqual([0.75, 0.5, 0.25, 0.125]);
  // 0.5 is not more than 0.5
  expect(places(0.5)).toEqual([0.75, 0.5, 0.25, 0.125]);
  expect(places(0.4)).toEqual([0.75, 0.5, 0.125, 0]);
  expect(places(0.2)).toEqual([0.75, 0.125, 0, 0]);
});

test('boxes without area suppress nothing and are not suppressed', () => {
  const { count } = detect({ ...usual, iouThreshold: 0.01 }, [[0, 0, 0, 2], [0, 0, 0, 2], [0, 0, 2, 2], [0, 0, 2, 2]], [
    0.5,
    0.5,
    0.5,
    0.5,
  ]);
  expect(count).toEqual([3]);
});

test('a detection lists its best classes, or each class has its own detections', () => {
  const options = { ...usual, classes: 3, detections: 2, classesPerDetection: 2 };
  const corners = [[0, 0, 2, 2], [0, 0, 2, 2]];
  const scores = [0.25, 0.5, 0.125, 0.375, 0.25, 0.375];
  expect(detect(options, corners, scores)).toEqual({
    edges: [0, 0, 2, 2, 0, 0, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0],
    labels: [1, 0, 0, 0],
    values: [0.5, 0.25, 0, 0],
    count: [1],
  });
  expect(detect({ ...options, detections: 3, classesPerDetection: 1, detectionsPerClass: 1 }, corners, scores))
    .toMatchObject({ labels: [1, 0, 2], values: [0.5, 0.375, 0.375], count: [3] });
});

test('scores and coordinates that are not finite give detections or none, but no fault', () => {
  // the logarithms of 1, 0 and −1 are 0, −∞ and NaN
  const graph = graphOf(usual, { anchors: 5 });
  const names = ['boxes', 'scores'];
  graph.nodes.unshift(...names.map((name, i): AnyNode => {
    const inner = graph.inputs[i]!;
    graph.inputs[i] = { ...inner, name: `exp ${name}` };
    return { op: 'unary', name, inputs: [graph.inputs[i]], outputs: [inner], attributes: { kind: 'log' } };
  }));
  const inputs = {
    'exp boxes': Float32Array.from([1, 1, 1, 1, -1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1]),
    'exp scores': Float32Array.of(1, 1, 1, 0, -1),
    anchors: Float32Array.from({ length: 20 }, (_, i) => (i === 0 ? Infinity : 1)),
  };
  checkGraph(graph, 1, undefined, inputs);
  const model = loadSync(compile(graph));
  expect(model.predict(inputs)).toMatchObject({ count: Float32Array.of(3) });
  model.dispose();
});

test('detectionPostprocess refuses shapes and options that contradict each other', () => {
  const compiled = (options: Partial<Options>, sizes: Partial<Sizes> = {}) => () =>
    compile(graphOf({ ...usual, ...options }, { anchors: 3, ...sizes }));
  expect(compiled({}, { background: 2 })).toThrow('its scores must have the shape [1, 3, 1 or 2], not [1, 3, 3]');
  expect(compiled({}, { length: 3 })).toThrow('its boxes must have the shape [1, 3, 4 or more], not [1, 3, 3]');
  expect(compiled({ iouThreshold: 0 })).toThrow('iouThreshold must be above 0 and at most 1, not 0');
  expect(compiled({ iouThreshold: 1.5 })).toThrow('iouThreshold must be above 0 and at most 1, not 1.5');
  expect(compiled({ classesPerDetection: 0.5 })).toThrow('numbers of classes and detections [1, 4, 0.5, 1]');
  const graph = graphOf(usual, { anchors: 3 });
  graph.inputs[2]!.shape = [3, 5];
  expect(() => compile(graph)).toThrow('its anchors must have the shape [number, 4], not [3, 5]');
});

describe('its record is refused for', () => {
  const record = recordOf(L.OP_DETECTION_POSTPROCESS);
  const many = 1 << 20;
  refused('more anchors than it has boxes', record, faults.arena, [L.DETECTION_ANCHOR_COUNT, many]);
  refused('no anchors', record, faults.attribute, [L.DETECTION_ANCHOR_COUNT, 0]);
  refused('boxes of too many values', record, faults.arena, [L.DETECTION_BOX_STRIDE, many]);
  refused('boxes of 3 values', record, faults.attribute, [L.DETECTION_BOX_STRIDE, 3]);
  refused('more classes than it has scores', record, faults.arena, [L.DETECTION_CLASSES, many]);
  refused('two backgrounds', record, faults.attribute, [L.DETECTION_BACKGROUND, 2]);
  refused('more detections than it has places', record, faults.arena, [L.DETECTION_DETECTIONS, many]);
  refused('more classes for a detection than places', record, faults.arena, [L.DETECTION_CLASSES_PER_DETECTION, many]);
  refused('no class for a detection', record, faults.attribute, [L.DETECTION_CLASSES_PER_DETECTION, 0]);
  refused('a negative limit for each class', record, faults.attribute, [L.DETECTION_DETECTIONS_PER_CLASS, -1]);
  refused('anchors beyond the weights', record, faults.weights, [L.DETECTION_ANCHORS, 2 ** 30 - 2 ** 31]);
  refused('a count beyond the arena', record, faults.arena, [L.DETECTION_TARGET_COUNT, 1 << 30]);
  refused('misaligned boxes', record, faults.misaligned, [L.DETECTION_TARGET_BOXES, 2]);
  refused('misaligned classes', record, faults.misaligned, [L.DETECTION_TARGET_CLASSES, 2]);
  refused('misaligned scores', record, faults.misaligned, [L.DETECTION_TARGET_SCORES, 2]);
});
