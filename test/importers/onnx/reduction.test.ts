import { describe, expect, test } from 'vitest';
import { importOnnx, runGraph, runOnnx } from './run';
import { onnxTypes, type OnnxGraph, type OnnxNode } from './writer';

const x = Array.from({ length: 2 * 5 * 4 * 6 }, (_, i) => 3 * Math.sin(i * i));

function single(op: string, shape: number[], attributes: OnnxNode['attributes'] = {}): OnnxGraph {
  return {
    nodes: [{ op, inputs: ['x'], outputs: ['y'], attributes }],
    inputs: [{ name: 'x', shape }],
    outputs: [{ name: 'y' }],
  };
}

function expectClose(found: number[], expected: number[]): void {
  expect(found.length).toBe(expected.length);
  expected.forEach((value, i) => expect(found[i]).toBeCloseTo(value, 4));
}

describe('LRN', () => {
  test.each([[1, {}], [3, { beta: 0.5, bias: 2, alpha: 0.25 }], [4, { alpha: 0.5 }], [9, { beta: 1, alpha: 3.5 }]])(
    'divides by the squares of %i channels, %j',
    (size, options) => {
      const floats = Object.fromEntries(Object.entries(options).map(([name, float]) => [name, { float }]));
      const { alpha = 1e-4, beta = 0.75, bias = 1 } = options as Record<string, number>;
      const expected = x.map((value, i) => {
        const [image, channel, pixel] = [Math.floor(i / 120), Math.floor(i / 24) % 5, i % 24];
        let sum = 0;
        for (let c = channel - Math.floor((size - 1) / 2); c <= channel + Math.ceil((size - 1) / 2); c++) {
          if (c >= 0 && c < 5) sum += x[image * 120 + c * 24 + pixel]! ** 2;
        }
        return value / (bias + alpha / size * sum) ** beta;
      });
      expectClose(runOnnx(single('LRN', [2, 5, 4, 6], { size, ...floats }), { x }).y!, expected);
    },
  );

  test('refuses no channels', () => {
    expect(() => importOnnx(single('LRN', [2, 5, 4, 6]))).toThrow('LRN with no channels');
  });
});

describe('LpPool', () => {
  test.each([1, 2, 3])('is the norm of each window, p = %i', (p) => {
    const graph = single('LpPool', [2, 5, 4, 6], { p, kernel_shape: [2, 3], strides: [2, 2], pads: [1, 0, 1, 1] });
    const expected: number[] = [];
    for (let image = 0; image < 10; image++) {
      for (const top of [-1, 1, 3]) {
        for (const left of [0, 2, 4]) {
          let sum = 0;
          for (const row of [top, top + 1]) {
            for (const column of [left, left + 1, left + 2]) {
              if (row >= 0 && row < 4 && column < 6) sum += Math.abs(x[image * 24 + row * 6 + column]!) ** p;
            }
          }
          expected.push(sum ** (1 / p));
        }
      }
    }
    expectClose(runOnnx(graph, { x }).y!, expected);
  });

  test('is global', () => {
    const expected = [0, 1, 2].map((i) => Math.hypot(...x.slice(i * 4, i * 4 + 4)));
    expectClose(runOnnx(single('GlobalLpPool', [1, 3, 2, 2]), { x: x.slice(0, 12) }).y!, expected);
  });
});

describe('integers', () => {
  /** `op` of x cast to whole numbers or truth values. */
  const whole = (op: string, attributes: OnnxNode['attributes'] = {}, to: number = onnxTypes.int32): OnnxGraph => ({
    nodes: [{ op: 'Cast', inputs: ['x'], outputs: ['n'], attributes: { to } }, {
      op,
      inputs: ['n'],
      outputs: ['y'],
      attributes,
    }],
    inputs: [{ name: 'x', shape: [2, 3] }],
    outputs: [{ name: 'y' }],
  });
  const values = [7, -3, 4, -8, 2, -4];
  const axes = { axes: [1], keepdims: 0 };

  test.each([['ReduceSum', [8, -10]], ['ReduceMean', [2, -3]], ['ReduceMax', [7, 2]], ['ReduceMin', [-3, -8]], [
    'ReduceProd',
    [-84, 64],
  ]])('%s', (op, expected) => {
    // the axes of ReduceSum are an attribute before version 13
    for (const to of [onnxTypes.int32, onnxTypes.int64]) {
      expect(runOnnx(whole(op, axes, to), { x: values }, 12).y).toEqual(expected);
    }
  });

  test.each([['ReduceMax', [1, 0]], ['ReduceMin', [0, 0]]])('%s of truth values', (op, expected) => {
    expect(runOnnx(whole(op, axes, onnxTypes.bool), { x: [1, 0, 2, 0, 0, 0] }, 12).y).toEqual(expected);
  });

  test.each([['ArgMax', {}, [0, 1]], ['ArgMin', {}, [1, 0]], ['ArgMax', { select_last_index: 1 }, [2, 1]]])(
    '%s %j',
    (op, options, expected) => {
      const graph = importOnnx(whole(op, { axis: 1, keepdims: 0, ...options }));
      expect(graph.outputs[0]!.shape).toEqual([2]);
      expect(runGraph(graph, { x: [7, -3, 7, -8, 2, -4] }).y).toEqual(expected);
    },
  );
});
