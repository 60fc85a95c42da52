import { expect, test } from 'vitest';
import { importOnnx, runOnnx } from './run';
import { onnxTypes, type OnnxGraph } from './writer';

const x = Array.from({ length: 2 * 2 * 3 * 4 }, (_, i) => Math.sin(i * i));

/** A pool of x [2, 2, 3, 4] with the places of its maxima. */
function pool(attributes: Record<string, number | number[]>): OnnxGraph {
  return {
    nodes: [{
      op: 'MaxPool',
      inputs: ['x'],
      outputs: ['y', 'at'],
      attributes: { kernel_shape: [2, 2], ...attributes },
    }],
    inputs: [{ name: 'x', shape: [2, 2, 3, 4] }],
    outputs: [{ name: 'y' }, { name: 'at' }],
  };
}

test.each([{}, { strides: [2, 1], pads: [1, 0, 0, 1] }])('MaxPool gives the places of its maxima, %j', (attributes) => {
  const { y, at } = runOnnx(pool(attributes), { x });
  expect(at!.map((place) => Math.fround(x[place]!))).toEqual(y);
});

test('MaxPool counts places along columns on demand', () => {
  const { at } = runOnnx(pool({}), { x });
  const byColumn = runOnnx(pool({ storage_order: 1 }), { x }).at;
  expect(byColumn).toEqual(at!.map((place) => {
    const [image, row, column] = [Math.floor(place / 12), Math.floor(place / 4) % 3, place % 4];
    return image * 12 + column * 3 + row;
  }));
});

test('MaxPool gives the places in a sequence', () => {
  const graph = pool({ kernel_shape: [3] });
  graph.inputs[0]!.shape = [1, 2, 4];
  expect(runOnnx(graph, { x: [1, 3, 2, 0, 0, 1, 2, 3] })).toEqual({ y: [3, 3, 2, 3], at: [1, 1, 6, 7] });
});

/** A pool [1, 1, 2, 2] put back to where it came from. */
function unpool(shape?: number[]): OnnxGraph {
  const sizes = { name: 'sizes', shape: [4], data: shape ?? [], type: onnxTypes.int64 };
  return {
    nodes: [{
      op: 'MaxUnpool',
      inputs: ['x', 'at', ...(shape ? ['sizes'] : [])],
      outputs: ['y'],
      attributes: { kernel_shape: [2, 2], strides: [2, 2] },
    }],
    inputs: [{ name: 'x', shape: [1, 1, 2, 2] }],
    outputs: [{ name: 'y' }],
    constants: [{ name: 'at', shape: [1, 1, 2, 2], data: [5, 7, 13, 15], type: onnxTypes.int64 },
      ...(shape ? [sizes] : [])],
  };
}

test('MaxUnpool puts elements at their places', () => {
  const y = [0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 3, 0, 4];
  expect(runOnnx(unpool(), { x: [1, 2, 3, 4] }).y).toEqual(y);
  const wide = [0, 1, 2, 3].flatMap((row) => [...y.slice(row * 4, row * 4 + 4), 0]);
  expect(runOnnx(unpool([1, 1, 4, 5]), { x: [1, 2, 3, 4] }).y).toEqual(wide);
  expect(() => importOnnx(unpool([1, 1, 3, 4]))).toThrow('MaxUnpool with the shape 1, 1, 3, 4, less than 1, 1, 4, 4');
});

/** ONNX's example of two classes. */
function suppression(most: number, centered: 0 | 1): OnnxGraph {
  return {
    nodes: [{
      op: 'NonMaxSuppression',
      inputs: ['boxes', 'scores', 'most', 'overlap', ''],
      outputs: ['y'],
      attributes: { center_point_box: centered },
    }],
    inputs: [{ name: 'boxes', shape: [1, 4, 4] }, { name: 'scores', shape: [1, 2, 4] }],
    outputs: [{ name: 'y' }],
    constants: [{ name: 'most', shape: [1], data: [most], type: onnxTypes.int64 }, {
      name: 'overlap',
      shape: [1],
      data: [0.5],
    }],
  };
}

test('NonMaxSuppression gives rows of batch, class and box; −1 where there are fewer', () => {
  const scores = [0.9, 0.75, 0.6, 0.95, 0.1, 0.2, 0.3, -5];
  const boxes = [0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, -0.1, 1, 0.9, 0, 10, 1, 11];
  const rows = [0, 0, 3, 0, 0, 0, 0, 1, 2, 0, 1, 3];
  const corners = runOnnx(suppression(3, 0), { boxes, scores }).y;
  expect(corners).toEqual([...rows, -1, -1, -1, -1, -1, -1]);
  expect(runOnnx(suppression(2, 0), { boxes, scores }).y).toEqual(rows);
  const centers = [0, 4, 8, 12].flatMap((at) => [boxes[at + 1]! + 0.5, 0.5, 1, 1]);
  expect(runOnnx(suppression(3, 1), { boxes: centers, scores }).y).toEqual(corners);
  // not more than there are boxes
  expect(importOnnx(suppression(1000, 0)).outputs[0]!.shape).toEqual([8, 3]);
  expect(() => importOnnx(suppression(0, 0))).toThrow('NonMaxSuppression with no boxes of a class');
});
