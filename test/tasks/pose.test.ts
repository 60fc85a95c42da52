import { describe, expect, it } from 'vitest';
import type { ImagePreprocessing } from '../../src/format/meta';
import { pose } from '../../src/tasks/pose';
import { imageOf, modelOf, type Given } from './models';
import { refusal } from './refusal';

const letterbox: ImagePreprocessing = { kind: 'image', channels: 3, scale: 1, offset: 0, fit: 'letterbox' };
const input = [1, 64, 64, 3];

describe('pose', () => {
  it('reads MoveNet: y, x, score of 17 points', () => {
    const values = Array.from({ length: 17 }, (_, i) => [0.5, i / 20, 0.5]).flat();
    const model = modelOf({ out: [[1, 1, 17, 3], values] }, { preprocessing: letterbox }, input);
    // 200 × 100 is in rows 16 to 48 of 64
    const [found, ...others] = pose(imageOf(200, 100), model);
    expect(others).toEqual([]);
    expect(found!.score).toBeCloseTo(0.5, 6);
    expect(found!.keypoints.length).toBe(17);
    expect(found!.keypoints[4]).toMatchObject({ name: '4', score: 0.5, y: 50 });
    expect(found!.keypoints[4]!.x).toBeCloseTo(40, 4);
  });

  it('reads MoveNet for several people, and leaves out those below the threshold', () => {
    const person = (
      x: number,
      score: number,
    ): number[] => [...Array.from({ length: 17 }, () => [0.25, x, 0.9]).flat(), 0.1, 0.2, 0.3, 0.4, score];
    const rows: Given = [[1, 3, 56], [...person(0.5, 0.4), ...person(0.75, 0.8), ...person(0, 0.05)]];
    const found = pose(imageOf(100, 100), modelOf({ out: rows }, {}, input), { threshold: 0.1 });
    expect(found.map(({ score }) => score)).toEqual([Math.fround(0.8), Math.fround(0.4)]);
    expect(found[0]!.keypoints[0]).toMatchObject({ x: 75, y: 25 });
    [20, 10, 40, 30].forEach((edge, i) => expect(found[0]!.box![i]).toBeCloseTo(edge, 4));
  });

  it('reads lists of points in pixels, named by the rules', () => {
    const model = modelOf({ points: [[1, 4], [32, 16, 64, 48]] }, {
      task: { kind: 'pose', keypoints: ['wrist', 'thumb'], edges: [[0, 1]] },
    }, input);
    expect(pose(imageOf(128, 128), model)).toEqual([{
      score: 1,
      keypoints: [{ name: 'wrist', x: 64, y: 32, score: 1 }, { name: 'thumb', x: 128, y: 96, score: 1 }],
    }]);
  });

  it('a third number that is no part is a depth, not a score', () => {
    const model = modelOf({ points: [[1, 2, 3], [0.5, 0.5, -3, 0.25, 1, 2]] }, {}, input);
    expect(pose(imageOf(8, 8), model)[0]!.keypoints.map(({ x, score }) => [x, score])).toEqual([[4, 1], [2, 1]]);
  });

  it('reads heat maps with offsets, as PoseNet has them', () => {
    const [rows, columns, points] = [5, 5, 2];
    const heat = new Float32Array(rows * columns * points).fill(-9);
    const offsets = new Float32Array(rows * columns * 2 * points);
    // point 0 in cell (row 1, column 2), point 1 in (4, 0)
    heat[(1 * columns + 2) * points] = 3;
    heat[4 * columns * points + 1] = 0;
    offsets.set([1.5, 0, -2.25, 0], (1 * columns + 2) * 2 * points);
    const model = modelOf(
      { heat: [[1, rows, columns, points], heat], offsets: [[1, rows, columns, 2 * points], offsets] },
      {},
      [1, 65, 65, 3],
    );
    // the stride is (65 − 1) / (5 − 1) = 16
    const [{ keypoints }] = pose(imageOf(65, 65), model) as [ReturnType<typeof pose>[0]];
    expect(keypoints[0]).toMatchObject({ x: 2 * 16 - 2.25, y: 16 + 1.5 });
    expect(keypoints[0]!.score).toBeCloseTo(1 / (1 + Math.exp(-3)), 6);
    expect(keypoints[1]).toMatchObject({ x: 0, y: 64, score: 0.5 });
  });

  it('moves a quarter of a cell towards the higher neighbour where there are no offsets', () => {
    const heat = new Float32Array(16);
    heat[1 * 4 + 2] = 1;
    heat[1 * 4 + 1] = 0.5;
    heat[2 * 4 + 2] = 0.5;
    const model = modelOf({ heat: [[1, 4, 4, 1], heat] }, {}, input);
    expect(pose(imageOf(40, 40), model)[0]!.keypoints[0]).toMatchObject({ x: 22.5, y: 17.5, score: 1 });
  });

  it('reads SimCC: scores of each point along x and along y', () => {
    const [x, y] = [new Float32Array(2 * 128), new Float32Array(2 * 128)];
    x[32] = 0.9;
    y[64] = 0.7;
    x[128 + 127] = 0.5;
    y[128] = 0.6;
    const model = modelOf({ x: [[1, 2, 128], x], y: [[1, 2, 128], y] }, {
      task: { kind: 'pose', decoder: 'simcc', x: 'x', y: 'y' },
    }, input);
    const [first, second] = pose(imageOf(128, 128), model)[0]!.keypoints;
    expect(first).toEqual({ name: '0', x: 32, y: 64, score: Math.fround(0.7) });
    expect(second).toEqual({ name: '1', x: 127, y: 0, score: Math.fround(0.5) });
  });

  it('refuses outputs that are not what the rules say', () => {
    const list = modelOf({ points: [[1, 4], [1, 2, 3, 4]] }, {}, input);
    expect(refusal(() => pose(imageOf(8, 8), list, { keypoints: ['a'] })))
      .toBe('SHAPE_MISMATCH: expected 1 keypoints; the outputs are "points" [1, 4]');
    expect(refusal(() => pose(imageOf(8, 8), list, { values: 3 })))
      .toMatch(/^SHAPE_MISMATCH: expected points of 2 or 3/);
    const heat = modelOf({ a: [[1, 4, 4, 2], []], b: [[1, 4, 4, 3], []] }, {}, input);
    expect(refusal(() => pose(imageOf(8, 8), heat))).toMatch(/offsets of 4 numbers for 2 points/);
  });
});
