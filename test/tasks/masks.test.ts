import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ImagePreprocessing } from '../../src/format/meta';
import { detect, type DetectedObject } from '../../src/tasks/detect';
import { imageOf, modelOf, type Given } from './models';
import { refusal } from './refusal';

// Objects with masks: prototypes of 16 × 16 cells, mixed with the coefficients of each object.

const CELLS = 16;
const SIZE = 64;
const PROTOTYPES = 3;
const input = [1, SIZE, SIZE, 3];
const letterbox: ImagePreprocessing = { kind: 'image', channels: 3, scale: 1, offset: 0, fit: 'letterbox' };

/** Smooth prototypes: the column, the row, and 1. */
function prototype(c: number, x: number, y: number): number {
  return [x / CELLS - 0.5, y / CELLS - 0.5, 1][c]!;
}

function prototypes(isPlanar: boolean): Given {
  const values = new Float32Array(CELLS * CELLS * PROTOTYPES);
  for (let i = 0; i < CELLS * CELLS; i++) {
    for (let c = 0; c < PROTOTYPES; c++) {
      const at = isPlanar ? c * CELLS * CELLS + i : i * PROTOTYPES + c;
      values[at] = prototype(c, i % CELLS + 0.5, Math.floor(i / CELLS) + 0.5);
    }
  }
  return [isPlanar ? [1, PROTOTYPES, CELLS, CELLS] : [1, CELLS, CELLS, PROTOTYPES], values];
}

/** A box in parts of the input: centre and size. */
const [x, y, w, h] = [0.5, 0.5, 0.5, 0.25];
/** The half of the image right of the middle. */
const right = [1, 0, 0];

/** Candidates of YOLO v8 [4 + classes + coefficients, n], of which the second is the object. */
function candidates(coefficients: number[]): Given {
  const n = 20;
  const fields = [x, y, w, h, 0.1, 0.8, ...coefficients];
  const values = new Float32Array(n * fields.length);
  fields.forEach((value, f) => {
    values[f * n + 1] = value;
  });
  return [[1, fields.length, n], values];
}

function maskOf({ mask }: DetectedObject): number[][] {
  const { width, height, data } = mask!;
  return Array.from({ length: height }, (_, row) => [...data.subarray(row * width, (row + 1) * width)]);
}

describe('detect', () => {
  it.each([[false, input], [true, [1, 3, SIZE, SIZE]]])(
    'gives the pixels of an object (channels first: %s)',
    (isPlanar, shape) => {
      const outputs = { boxes: candidates(right), protos: prototypes(isPlanar) };
      const [found] = detect(imageOf(SIZE, SIZE), modelOf(outputs, { labels: ['a', 'b'] }, shape));
      expect(found).toMatchObject({ label: 'b', box: [16, 24, 48, 40] });
      expect(found!.mask).toMatchObject({ left: 16, top: 24, width: 32, height: 16 });
      for (const row of maskOf(found!)) {expect(row).toEqual([...Array<number>(16).fill(0),
          ...Array<number>(16).fill(1)]);}
    },
  );

  it('compares every pixel in the box with the mixed prototypes, with the letterbox undone', () => {
    const coefficient = fc.double({ min: -1, max: 1, noNaN: true });
    fc.assert(fc.property(fc.tuple(coefficient, coefficient, coefficient), (mix) => {
      const model = modelOf({ boxes: candidates(mix), protos: prototypes(false) }, { preprocessing: letterbox }, input);
      // 128 × 64 becomes 64 × 32, from row 16 on
      const [found] = detect(imageOf(128, 64), model);
      const { left, top, width, data } = found!.mask!;
      expect(found!.box).toEqual([32, 16, 96, 48]);
      data.forEach((inside, i) => {
        const [px, py] = [left + i % width + 0.5, top + Math.floor(i / width) + 0.5];
        const [cx, cy] = [px / 128 * CELLS, (py / 2 + 16) / SIZE * CELLS];
        const value = mix.reduce((sum, coefficient, c) => sum + coefficient * prototype(c, cx, cy), 0);
        if (Math.abs(value) > 1e-4) expect(inside).toBe(Number(value > 0));
      });
    }));
  });

  it('reads masks behind rows after the suppression, and behind points', () => {
    const edges = [x - w / 2, y - h / 2, x + w / 2, y + h / 2];
    const point = [0.25, 0.5, 0.9];
    const rows: Given = [[1, 2, 9 + PROTOTYPES], [...edges, 0.9, 1, ...point, ...right]];
    const model = modelOf({ rows, protos: prototypes(false) }, { task: { kind: 'detect', keypoints: 1 } }, input);
    const [found, ...others] = detect(imageOf(SIZE, SIZE), model);
    expect(others).toEqual([]);
    expect(found).toMatchObject({ class: 1, keypoints: [{ x: 16, y: 32 }] });
    expect(maskOf(found!)[0]).toEqual([...Array<number>(16).fill(0), ...Array<number>(16).fill(1)]);
  });

  it('are not looked for in feature maps beside boxes', () => {
    const outputs = {
      rows: [[1, 1, 6], [0, 0, 0.5, 0.5, 0.9, 1]] as Given,
      sizes: [[1, 4, 4, 2], []] as Given,
      heat: [[1, 4, 4, 3], []] as Given,
    };
    const model = modelOf(outputs, { task: { kind: 'detect', decoder: 'rows', boxes: 'rows' } }, input);
    expect(detect(imageOf(SIZE, SIZE), model)).toEqual([{
      class: 1,
      label: '1',
      score: Math.fround(0.9),
      box: [0, 0, 32, 32],
    }]);
  });

  it('takes coefficients from an output of their own, as YOLACT has them', () => {
    const outputs = {
      loc: [[1, 2, 4], [0, 0, 0, 0, 0.25, 0.375, 0.75, 0.625]] as Given,
      conf: [[1, 2, 3], [1, 0, 0, 0.1, 0.1, 0.8]] as Given,
      coef: [[1, 2, PROTOTYPES], [0, 0, 0, ...right]] as Given,
      proto: prototypes(false),
    };
    const task = {
      kind: 'detect',
      decoder: 'boxes',
      boxes: 'loc',
      scores: 'conf',
      background: 0,
      coefficients: 'coef',
    };
    const [found] = detect(imageOf(SIZE, SIZE), modelOf(outputs, { task: task as never }, input));
    expect(found).toMatchObject({ class: 1, box: [16, 24, 48, 40] });
    expect(maskOf(found!)[3]).toEqual([...Array<number>(16).fill(0), ...Array<number>(16).fill(1)]);
    const wrong = { ...outputs, coef: [[1, 3, PROTOTYPES], []] as Given };
    expect(refusal(() => detect(imageOf(SIZE, SIZE), modelOf(wrong, { task: task as never }, input))))
      .toMatch(/^SHAPE_MISMATCH: expected coefficients \[2, 3\]/);
  });

  it('gives an empty mask for a box outside the image', () => {
    const model = modelOf(
      { rows: [[1, 1, 6 + PROTOTYPES], [1.2, 1.2, 1.5, 1.5, 0.9, 0, ...right]], protos: prototypes(false) },
      { task: { kind: 'detect', decoder: 'rows' } },
      input,
    );
    expect(detect(imageOf(SIZE, SIZE), model)[0]!.mask).toMatchObject({ width: 0, height: 0, data: new Uint8Array(0) });
  });
});
