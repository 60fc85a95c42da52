import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ssdAnchors } from '../../src/compiler/index';
import type { DetectRules } from '../../src/format/task';
import { anchorList } from '../../src/decoding/anchors';
import { detect } from '../../src/tasks/detect';
import type { Candidate } from '../../src/decoding/candidates';
import { iouOf, suppress } from '../../src/decoding/suppress';
import { imageOf, modelOf, type Given } from './models';
import { refusal } from './refusal';

// Boxes that are encoded as each kind of network does it come back.

/** Centre and size in parts of the input, class and score. */
interface Truth {
  x: number;
  y: number;
  w: number;
  h: number;
  class: number;
  score: number;
}

const CLASSES = 3;
const SIZE = 64;
const input = [1, SIZE, SIZE, 3];
const image = imageOf(SIZE, SIZE);
const logit = (p: number): number => Math.log(p / (1 - p));

const truth = fc.record({
  x: fc.double({ min: 0.3, max: 0.7, noNaN: true }),
  y: fc.double({ min: 0.3, max: 0.7, noNaN: true }),
  w: fc.double({ min: 0.1, max: 0.5, noNaN: true }),
  h: fc.double({ min: 0.1, max: 0.5, noNaN: true }),
  class: fc.nat(CLASSES - 1),
  score: fc.double({ min: 0.4, max: 0.95, noNaN: true }),
});

/** Outputs that hold a box, and the rules that the file would have. */
type Encode = (truth: Truth) => { outputs: Record<string, Given>; rules: Partial<DetectRules> };

const scoresOf = ({ class: c, score }: Truth, as = (p: number): number => p): number[] =>
  Array.from({ length: CLASSES }, (_, i) => (i === c ? as(score) : as(0.01)));

const anchors = ssdAnchors({ width: SIZE, height: SIZE, strides: [16, 32], minScale: 0.2, maxScale: 0.6 });
const priors = anchorList(anchors);
const count = priors.length / 4;

/** Values of every anchor, of which one has the box. */
function inAnchors(truth: Truth, exponential: boolean, order: 'xy' | 'yx'): Given {
  const at = 5;
  const [ax, ay, aw, ah] = priors.subarray(4 * at, 4 * at + 4) as unknown as [number, number, number, number];
  const scales = exponential ? [10, 10, 5, 5] : [SIZE, SIZE, SIZE, SIZE];
  const size = (value: number, prior: number): number => (exponential ? Math.log(value / prior) : value / prior);
  const coded = [(truth.x - ax) / aw, (truth.y - ay) / ah, size(truth.w, aw), size(truth.h, ah)].map((value, i) =>
    value * scales[i]!
  );
  const values = new Float32Array(4 * count);
  values.set(order === 'xy' ? coded : [coded[1]!, coded[0]!, coded[3]!, coded[2]!], 4 * at);
  return [[1, count, 4], values];
}

function scoresInAnchors(scores: number[], rest: number): Given {
  const values = new Float32Array(scores.length * count).fill(rest);
  values.set(scores, scores.length * 5);
  return [[1, count, scores.length], values];
}

/** Fields of three candidates, of which the second is the box. */
function candidates(fields: number[], isPlanar: boolean): Given {
  const n = 20;
  const values = new Float32Array(n * fields.length);
  fields.forEach((value, f) => {
    values[isPlanar ? f * n + 1 : fields.length + f] = value;
  });
  return [isPlanar ? [1, fields.length, n] : [1, n, fields.length], values];
}

const encoders: Record<string, Encode> = {
  'anchors of TensorFlow (exponential, y first)': (truth) => ({
    outputs: { boxes: inAnchors(truth, true, 'yx'), scores: scoresInAnchors([0, ...scoresOf(truth, logit)], -9) },
    rules: { anchors, scores: 'scores', exponential: true, order: 'yx', background: 0, activation: 'sigmoid' },
  }),
  'anchors of MediaPipe (linear, x first)': (truth) => ({
    outputs: { boxes: inAnchors(truth, false, 'xy'), scores: scoresInAnchors(scoresOf(truth, logit), -9) },
    rules: { anchors },
  }),
  'decoded corners and scores': (truth) => {
    const { x, y, w, h } = truth;
    const box = [0, 0, 0.1, 0.1, x - w / 2, y - h / 2, x + w / 2, y + h / 2];
    const scores = [...Array.from({ length: CLASSES }, () => 0.01), ...scoresOf(truth)];
    return { outputs: { a: [[1, 2, CLASSES], scores], b: [[1, 2, 4], box] }, rules: {} };
  },
  'decoded centres and softmax with a background': (truth) => {
    const { x, y, w, h } = truth;
    const rest = (1 - truth.score) / CLASSES;
    const logs = [rest, ...Array.from({ length: CLASSES }, (_, i) => (i === truth.class ? truth.score : rest))];
    return {
      outputs: {
        boxes: [[1, 2, 4], [x * SIZE, y * SIZE, w * SIZE, h * SIZE, 0, 0, 1, 1]],
        scores: [[1, 2, CLASSES + 1], [...logs.map((p) => Math.log(p) + 3), 9, -9, -9, -9]],
      },
      rules: { boxes: 'boxes', coding: 'center', activation: 'softmax', background: 0 },
    };
  },
  'TFLite_Detection_PostProcess': ({ x, y, w, h, class: c, score }) => ({
    outputs: {
      'd:0': [[1, 3, 4], [y - h / 2, x - w / 2, y + h / 2, x + w / 2]],
      'd:1': [[1, 3], [c]],
      'd:2': [[1, 3], [score, 0.9, 0.9]],
      'd:3': [[1], [1]],
    },
    rules: {},
  }),
  'the same, as TensorFlow 2 orders it': ({ x, y, w, h, class: c, score }) => ({
    outputs: {
      'Call:0': [[1, 3], [score]],
      'Call:1': [[1, 3, 4], [y - h / 2, x - w / 2, y + h / 2, x + w / 2]],
      'Call:2': [[1], [1]],
      'Call:3': [[1, 3], [c]],
    },
    rules: {},
  }),
  'rows after suppression': ({ x, y, w, h, class: c, score }) => ({
    outputs: {
      out: [[1, 2, 6], [x - w / 2, y - h / 2, x + w / 2, y + h / 2].map((part) => part * SIZE).concat(score, c)],
    },
    rules: { units: 'pixels' },
  }),
  'YOLO v8, relative': (truth) => ({
    outputs: { out: candidates([truth.x, truth.y, truth.w, truth.h, ...scoresOf(truth)], true) },
    rules: {},
  }),
  'YOLO v8, in pixels': (truth) => ({
    outputs: {
      out: candidates([...[truth.x, truth.y, truth.w, truth.h].map((part) => part * SIZE), ...scoresOf(truth)], true),
    },
    rules: { units: 'pixels' },
  }),
  'YOLO v5': (truth) => ({
    outputs: { out: candidates([truth.x, truth.y, truth.w, truth.h, 1, ...scoresOf(truth)], false) },
    rules: {},
  }),
  'YOLO v5 with the softmax of its classes': (truth) => {
    const logs = scoresOf(truth, (p) => Math.log(p === truth.score ? p : (1 - truth.score) / (CLASSES - 1)));
    return {
      outputs: { out: candidates([truth.x, truth.y, truth.w, truth.h, 40, ...logs], false) },
      rules: { activation: 'softmax', objectness: true, threshold: 0.35 },
    };
  },
  'YOLO v8 with a background': (truth) => ({
    outputs: { out: candidates([truth.x, truth.y, truth.w, truth.h, 0.99, ...scoresOf(truth)], true) },
    rules: { background: 0 },
  }),
  'rows with a background': ({ x, y, w, h, class: c, score }) => {
    const box = [x - w / 2, y - h / 2, x + w / 2, y + h / 2];
    // a background of 1: class 0 stays, 2 becomes 1
    const index = c + Number(c >= 1);
    return {
      outputs: { out: [[1, 2, 6], [...box, score, index, ...box, 0.99, 1]] },
      rules: { background: 1, decoder: 'rows' },
    };
  },
  'TFLite_Detection_PostProcess with a background': ({ x, y, w, h, class: c, score }) => ({
    outputs: {
      boxes: [[1, 2, 4], [y - h / 2, x - w / 2, y + h / 2, x + w / 2]],
      classes: [[1, 2], [c + 1, 0]],
      scores: [[1, 2], [score, 0.9]],
      count: [[1], [2]],
    },
    rules: { background: 0 },
  }),
  'grids with a background and the softmax of their classes': (truth) => {
    const encoded = gridsOf(truth, 'exp', 1, (scores) => [Math.log(1 - truth.score - 0.01 * (CLASSES - 1)), ...scores]);
    return { ...encoded, rules: { ...encoded.rules, background: 0, activation: 'softmax' } };
  },
  'grids of YOLO v3': (truth) => gridsOf(truth, 'exp', 1),
  'grids of YOLO v4, which stretches centres': (truth) => gridsOf(truth, 'exp', 1.2),
  'grids of YOLO v5': (truth) => gridsOf(truth, 'square', 2),
  'heat maps of CenterNet': (truth) => {
    const cells = 16;
    const [x, y] = [truth.x * cells, truth.y * cells];
    const cell = Math.floor(y) * cells + Math.floor(x);
    const heat = new Float32Array(cells * cells * CLASSES).fill(-9);
    scoresOf(truth, logit).forEach((value, c) => {
      heat[cell * CLASSES + c] = value;
      // a neighbour that is lower is no peak
      heat[(cell + 1) * CLASSES + c] = value - 0.1;
    });
    const pair = (a: number, b: number): Float32Array => {
      const values = new Float32Array(cells * cells * 2);
      values.set([a, b], 2 * cell);
      return values;
    };
    return {
      outputs: {
        heat: [[1, cells, cells, CLASSES], heat],
        size: [[1, cells, cells, 2], pair(truth.w * cells, truth.h * cells)],
        offset: [[1, cells, cells, 2], pair(x % 1, y % 1)],
      },
      rules: { decoder: 'heatmap', scores: 'heat', boxes: 'size', offsets: 'offset', activation: 'sigmoid' },
    };
  },
};

/** A box in the second anchor of a grid of 4 × 4 cells. */
function gridsOf(
  truth: Truth,
  formula: 'exp' | 'square',
  stretch: number,
  withBackground?: (scores: number[]) => number[],
): ReturnType<Encode> {
  const cells = 4;
  const sizes: [number, number][] = [[10, 12], [20, 24]];
  const scores = withBackground ? withBackground(scoresOf(truth, Math.log)) : scoresOf(truth, logit);
  const fields = 5 + scores.length;
  const values = new Float32Array(cells * cells * 2 * fields).fill(-9);
  const [x, y] = [truth.x * cells, truth.y * cells];
  const cell = Math.floor(y) * cells + Math.floor(x);
  const center = (value: number): number => logit((value % 1 - 0.5) / stretch + 0.5);
  const size = (part: number, anchor: number): number => {
    const ratio = part * SIZE / anchor;
    return formula === 'exp' ? Math.log(ratio) : logit(Math.sqrt(ratio) / 2);
  };
  values.set([center(x), center(y), size(truth.w, 20), size(truth.h, 24), 30, ...scores], (cell * 2 + 1) * fields);
  return {
    outputs: { head: [[1, cells, cells, 2 * fields], values] },
    rules: { heads: [{ anchors: sizes }], formula, ...(formula === 'exp' && { stretch }) },
  };
}

describe('detect', () => {
  it.each(Object.entries(encoders))('finds a box in %s', (_, encode) => {
    fc.assert(
      fc.property(truth, (box) => {
        // cells begin at 0, where the logit of a centre is infinite
        fc.pre([box.x, box.y].every((part) => (part * 4) % 1 > 0.01 && (part * 4) % 1 < 0.99));
        const { outputs, rules } = encode(box);
        const found = detect(image, modelOf(outputs, { task: { kind: 'detect', threshold: 0.3, ...rules } }, input));
        expect(found.length).toBe(1);
        expect(found[0]).toMatchObject({ class: box.class, label: String(box.class) });
        expect(found[0]!.score).toBeCloseTo(box.score, 4);
        const { x, y, w, h } = box;
        [x - w / 2, y - h / 2, x + w / 2, y + h / 2].forEach((part, edge) => {
          expect(found[0]!.box[edge]!).toBeCloseTo(Math.min(1, Math.max(0, part)) * SIZE, 2);
        });
      }),
      { numRuns: 50 },
    );
  });

  it('gives boxes in pixels of the image, with the letterbox undone', () => {
    const rows = [0.25, 0.25, 0.75, 0.75, 0.9, 0];
    const model = modelOf({ out: [[1, 1, 6], rows] }, {
      task: { kind: 'detect' },
      labels: ['cat'],
      preprocessing: { kind: 'image', channels: 3, scale: 1, offset: 0, fit: 'letterbox' },
    }, input);
    // 200 × 100 becomes 64 × 32, from row 16 on: rows 16 to 48 are the whole image
    expect(detect(imageOf(200, 100), model)).toEqual([{
      class: 0,
      label: 'cat',
      score: Math.fround(0.9),
      box: [50, 0, 150, 100],
    }]);
    expect(detect(imageOf(200, 100), model, { preprocessing: { kind: 'image', channels: 3, scale: 1, offset: 0 } })[0])
      .toMatchObject({ box: [50, 25, 150, 75] });
  });

  it('clips boxes to the image, and points not', () => {
    const [raw, scores] = [new Float32Array(8), [3]];
    raw.set([0, 0, 2 * SIZE, 2 * SIZE, -SIZE, 0, SIZE, SIZE]);
    const model = modelOf({ boxes: [[1, 1, 8], raw], scores: [[1, 1, 1], scores] }, {
      task: { kind: 'detect', anchors: [[0.5, 0.5, 1, 1]], keypoints: 2 },
    }, input);
    expect(detect(image, model)[0]).toMatchObject({
      box: [0, 0, 64, 64],
      keypoints: [{ x: -32, y: 32 }, { x: 96, y: 96 }],
    });
  });

  it('refuses outputs that the rules do not describe', () => {
    const boxes: Given = [[1, 2, 4], []];
    expect(refusal(() => detect(image, modelOf({ x: [[1, 7], []] }, {}, input))))
      .toMatch(/^SHAPE_MISMATCH: expected the outputs of a detector: .*; the outputs are "x" \[1, 7\]$/);
    expect(refusal(() => detect(image, modelOf({ boxes, scores: [[1, 2, 3], []] }, { labels: ['a'] }, input))))
      .toBe('SHAPE_MISMATCH: there are 1 labels for 3 classes, so names may be wrong; labels: [] shows the indexes');
    expect(refusal(() =>
      detect(image, modelOf({ boxes, scores: [[1, 2, 3], []] }, {}, input), { anchors: [[0, 0, 1, 1]] })
    )).toBe('SHAPE_MISMATCH: there are 1 anchors for 2 boxes');
    expect(refusal(() => detect(image, modelOf({ boxes }, {}, input), { anchors: [[0, 0, 1]] as never })))
      .toMatch(/needs \[a number, a number, a number, a number\] as anchors\[0\], not Array/);
  });

  it('refuses heat maps and grids whose outputs do not fit each other', () => {
    const heat: Given = [[1, 4, 4, 3], []];
    const task = { kind: 'detect', decoder: 'heatmap', boxes: 'size', scores: 'heat' } as const;
    expect(refusal(() => detect(image, modelOf({ heat, size: [[1, 2, 2, 2], []] }, { task }, input))))
      .toMatch(/^SHAPE_MISMATCH: expected sizes and offsets \[4, 4, 2\]/);
    expect(refusal(() =>
      detect(image, modelOf({ heat, size: [[1, 4, 4, 2], []], offset: [[1, 4, 4, 1], []] }, { task }, input), {
        offsets: 'offset',
      })
    )).toMatch(/^SHAPE_MISMATCH: expected sizes and offsets/);
    const heads = [{ output: 'a', anchors: [[1, 1]] as [number, number][] }, {
      output: 'b',
      anchors: [[1, 1]] as [number, number][],
    }];
    expect(refusal(() =>
      detect(image, modelOf({ a: [[1, 2, 2, 8], []], b: [[1, 2, 2, 9], []] }, {}, input), { heads })
    )).toMatch(/^SHAPE_MISMATCH: expected grids .* with the same classes in all/);
  });

  it('refuses a background that is none of the scores', () => {
    const model = modelOf({ boxes: [[1, 2, 4], []], scores: [[1, 2, 3], []] }, {}, input);
    expect(refusal(() => detect(image, model, { background: 3 })))
      .toMatch(/^SHAPE_MISMATCH: expected more than 3 scores, because the background is score 3/);
    expect(detect(image, model, { background: 2 })).toEqual([]);
  });

  it('refuses rules that the decoder which the shapes tell would ignore', () => {
    const model = modelOf({ out: [[1, 1, 6], []] }, {}, input);
    for (const rule of [{ units: 'cells' }, { coding: 'center' }, { activation: 'sigmoid' }, { objectness: true }]) {
      expect(refusal(() => detect(image, model, rule as never)))
        .toMatch(/^BAD_ARGUMENT: the task .* the decoder "rows", which reads boxes, order, units, keypoints, masks$/);
    }
  });

  it('leaves out NaN', () => {
    const model = modelOf({ out: [[1, 1, 6], [0, 0, 1, 1, NaN, 0]] }, {}, input);
    expect(detect(image, model)).toEqual([]);
  });
});

type Boxed = Omit<Candidate, 'row'>;

describe('non-maximum suppression', () => {
  const edge = fc.double({ min: 0, max: 1, noNaN: true });
  const candidate = fc.record({
    class: fc.nat(2),
    score: fc.double({ min: 0, max: 1, noNaN: true }),
    box: fc.tuple(edge, edge, edge, edge).map((
      [a, b, c, d],
    ): Candidate['box'] => [Math.min(a, c), Math.min(b, d), Math.max(a, c), Math.max(b, d)]),
  });

  /** The definition: the best one that is left is kept, and removes those that overlap it. */
  function reference(all: Boxed[], iou: number, isByClass: boolean): Boxed[] {
    let left = [...all].sort((a, b) => b.score - a.score);
    const kept: Boxed[] = [];
    while (left.length > 0) {
      const best = left[0]!;
      kept.push(best);
      left = left.slice(1).filter((one) =>
        (isByClass && one.class !== best.class) || overlap(one.box, best.box) <= iou
      );
    }
    return kept;
  }

  /** By counting the cells of a grid that boxes with edges on its lines cover. */
  function overlap(a: Candidate['box'], b: Candidate['box']): number {
    const xs = [...new Set([a[0], a[2], b[0], b[2]])].sort((p, q) => p - q);
    const ys = [...new Set([a[1], a[3], b[1], b[3]])].sort((p, q) => p - q);
    const isIn = ([x0, y0, x1, y1]: Candidate['box'], x: number, y: number): boolean =>
      x > x0 && x < x1 && y > y0 && y < y1;
    let [common, union] = [0, 0];
    for (let i = 1; i < xs.length; i++) {
      for (let j = 1; j < ys.length; j++) {
        const area = (xs[i]! - xs[i - 1]!) * (ys[j]! - ys[j - 1]!);
        const [x, y] = [(xs[i]! + xs[i - 1]!) / 2, (ys[j]! + ys[j - 1]!) / 2];
        const inside = Number(isIn(a, x, y)) + Number(isIn(b, x, y));
        if (inside > 0) union += area;
        if (inside === 2) common += area;
      }
    }
    return union === 0 ? 0 : common / union;
  }

  it('keeps what its definition keeps', () => {
    const iou = fc.double({ min: 0.05, max: 0.95, noNaN: true });
    fc.assert(fc.property(fc.array(candidate, { maxLength: 40 }), iou, fc.boolean(), (all, limit, isByClass) => {
      const kept = suppress(all, {
        kind: 'detect',
        iou: limit,
        suppression: isByClass ? 'class' : 'all',
        maxDetections: 1000,
      });
      expect(kept).toEqual(reference(all, limit, isByClass));
    }));
  });

  it('keeps what TensorFlow keeps', () => {
    // TensorFlow drops scores of 0, orders equal ones as it likes, and rounds to float32, which
    // matters where the overlap of such boxes is the limit: never, for an irrational one
    const iou = Math.SQRT2 - 1;
    const solid = fc.record({
      class: fc.nat(2),
      score: fc.integer({ min: 1, max: 1000 }).map((score) => score / 1000),
      box: fc.tuple(fc.nat(50), fc.nat(50), fc.integer({ min: 5, max: 50 }), fc.integer({ min: 5, max: 50 })).map((
        [x, y, w, h],
      ): Candidate['box'] => [x / 100, y / 100, (x + w) / 100, (y + h) / 100]),
    });
    const list = fc.uniqueArray(solid, { minLength: 1, maxLength: 30, selector: ({ score }) => score });
    fc.assert(fc.property(list, (all) => {
      const boxes = tf.tensor2d(all.map(({ box: [x0, y0, x1, y1] }) => [y0, x0, y1, x1]));
      const kept = tf.image.nonMaxSuppression(boxes, tf.tensor1d(all.map(({ score }) => score)), 100, iou, 0);
      const own = suppress(all, { kind: 'detect', iou, suppression: 'all' });
      expect(own.map((one) => all.indexOf(one))).toEqual([...kept.dataSync()]);
    }));
  });

  it('IoU is symmetric, 1 for equal boxes and 0 for boxes that only touch', () => {
    expect(iouOf([0, 0, 2, 2], [0, 0, 2, 2])).toBe(1);
    expect(iouOf([0, 0, 1, 1], [1, 0, 2, 1])).toBe(0);
    expect(iouOf([0, 0, 2, 1], [1, 0, 3, 1])).toBeCloseTo(1 / 3, 9);
  });

  it('stops at maxDetections, and none keeps everything', () => {
    const same: Boxed[] = [0.3, 0.9, 0.5].map((score) => ({ class: 0, score, box: [0, 0, 1, 1] }));
    expect(suppress(same, { kind: 'detect' }).map(({ score }) => score)).toEqual([0.9]);
    expect(suppress(same, { kind: 'detect', suppression: 'none', maxDetections: 2 }).map(({ score }) => score))
      .toEqual([0.9, 0.5]);
  });
});
