import { describe, expect, it } from 'vitest';
import type { ImagePreprocessing } from '../../src/format/meta';
import { segment } from '../../src/tasks/segment';
import { imageOf, modelOf } from './models';
import { refusal } from './refusal';

const letterbox: ImagePreprocessing = { kind: 'image', channels: 3, scale: 1, offset: 0, fit: 'letterbox' };

/** Scores [size][size][3]: class 1 in the left half, class 2 in the right half. */
function halves(size: number, isPlanar = false): number[] {
  const values = new Array<number>(size * size * 3).fill(0);
  for (let i = 0; i < size * size; i++) {
    const best = i % size < size / 2 ? 1 : 2;
    values[isPlanar ? best * size * size + i : i * 3 + best] = 1;
  }
  return values;
}

describe('segment', () => {
  const model = modelOf({ out: [[1, 4, 4, 3], halves(4)] }, { labels: ['none', 'left', 'right'] });

  it('gives each pixel of the image its class, and each class its share', () => {
    const found = segment(imageOf(10, 6), model);
    expect([found.width, found.height]).toEqual([10, 6]);
    for (let i = 0; i < 60; i++) expect(found.classes[i]).toBe(i % 10 < 5 ? 1 : 2);
    expect(found.shares).toEqual([{ index: 1, label: 'left', share: 0.5 }, { index: 2, label: 'right', share: 0.5 }]);
    expect(found.probabilities).toBeUndefined();
  });

  it('reads channels first where the input has them first', () => {
    const planar = modelOf({ out: [[1, 3, 4, 4], halves(4, true)] }, {}, [1, 3, 8, 8]);
    expect(segment(imageOf(10, 6), planar).classes).toEqual(segment(imageOf(10, 6), model).classes);
  });

  it('undoes the letterbox', () => {
    // the image is twice as wide as high, so it is in the middle half of the rows
    const values = Array.from({ length: 64 }, (_, i) => (Math.floor(i / 8) >= 2 && Math.floor(i / 8) < 4 ? 9 : -9));
    const mask = modelOf({ mask: [[1, 8, 8, 1], values] }, { preprocessing: letterbox });
    const { classes } = segment(imageOf(16, 8), mask);
    // rows 2 and 3 of 8 are the upper half of the image
    for (let i = 0; i < 128; i++) expect(classes[i]).toBe(i < 64 ? 1 : 0);
  });

  it('interpolates a mask of probabilities, or of logits', () => {
    const given = (values: number[]) =>
      segment(imageOf(4, 1), modelOf({ mask: [[1, 1, 2, 1], values] }, {}, [1, 1, 2, 3]));
    expect(given([0, 1]).probabilities).toEqual(Float32Array.of(0, 0.25, 0.75, 1));
    expect(given([0, 1]).classes).toEqual(Uint8Array.of(0, 0, 1, 1));
    const logits = given([-4, 4]).probabilities!;
    [-4, -2, 2, 4].forEach((value, i) => expect(logits[i]).toBeCloseTo(1 / (1 + Math.exp(-value)), 6));
    expect(given([0, 1]).shares).toEqual([{ index: 0, label: '0', share: 0.5 }, { index: 1, label: '1', share: 0.5 }]);
  });

  it('takes another threshold', () => {
    const mask = modelOf({ mask: [[1, 1, 2], [0.4, 0.9]] }, {}, [1, 1, 2, 3]);
    expect(segment(imageOf(2, 1), mask, { threshold: 0.3 }).classes).toEqual(Uint8Array.of(1, 1));
    expect(segment(imageOf(2, 1), mask).classes).toEqual(Uint8Array.of(0, 1));
  });

  it('takes the classes of an argmax in the network', () => {
    const index = modelOf({ index: [[1, 2, 2], [0, 7, 20, 3], { dtype: 'int32' }] });
    expect(segment(imageOf(2, 2), index, { labels: ['sky'] }).classes).toEqual(Uint8Array.of(0, 7, 20, 3));
    expect(segment(imageOf(2, 2), index, { labels: ['sky'] }).shares[0]).toEqual({
      index: 0,
      label: 'sky',
      share: 0.25,
    });
  });

  it('refuses classes that do not fit into a byte', () => {
    const given = (values: number[]) => () =>
      segment(imageOf(2, 1), modelOf({ index: [[1, 1, 2], values, { dtype: 'int32' }] }));
    expect(given([255, 0])().classes).toEqual(Uint8Array.of(255, 0));
    expect(refusal(given([3, 256])))
      .toBe('SHAPE_MISMATCH: "index" has the class 256; masks hold classes from 0 to 255');
    expect(refusal(given([-1, 3]))).toMatch(/^SHAPE_MISMATCH: "index" has the class -1/);
  });

  it('fills the arrays of an earlier answer again', () => {
    const first = segment(imageOf(10, 6), model);
    first.classes.fill(9);
    const second = segment(imageOf(10, 6), model, { reuse: first });
    expect(second.classes).toBe(first.classes);
    expect(second.classes[0]).toBe(1);
    expect(segment(imageOf(5, 6), model, { reuse: first }).classes.length).toBe(30);
  });

  it('refuses a threshold for several classes, and the softmax of one', () => {
    expect(refusal(() => segment(imageOf(2, 2), model, { threshold: 0.3 })))
      .toMatch(/^SHAPE_MISMATCH: expected one score for each pixel, for a threshold/);
    const mask = modelOf({ mask: [[1, 1, 2], [0.4, 0.9]] }, {}, [1, 1, 2, 3]);
    expect(refusal(() => segment(imageOf(2, 1), mask, { activation: 'softmax' })))
      .toMatch(/^SHAPE_MISMATCH: expected scores of several classes for "softmax"/);
  });

  it('refuses outputs that are no grid, and labels for other classes', () => {
    expect(refusal(() => segment(imageOf(2, 2), modelOf({ x: [[1, 7], []] }))))
      .toBe('SHAPE_MISMATCH: expected a grid [height, width, classes]; the outputs are "x" [1, 7]');
    expect(refusal(() => segment(imageOf(2, 2), model, { labels: ['a', 'b'] }))).toMatch(/2 labels for 3 classes/);
  });
});
