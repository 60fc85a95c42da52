import { describe, expect, test } from 'vitest';
import { runGraph, importOnnx, runOnnx } from './run';
import { onnxTypes, type OnnxConstant, type OnnxGraph, type OnnxNode } from './writer';

const { int64 } = onnxTypes;

/** A node of an input x, further inputs of integers, and constants; y is its first output. */
function single(
  op: string,
  shape: number[],
  others: Record<string, number[] | OnnxConstant>,
  attributes: OnnxNode['attributes'] = {},
): OnnxGraph {
  const names = Object.keys(others);
  const constants = names.map((name) => others[name]!).filter((other) => !Array.isArray(other)) as OnnxConstant[];
  const open = names.filter((name) => Array.isArray(others[name]));
  return {
    nodes: [{ op, inputs: ['x', ...names], outputs: ['y'], attributes }],
    inputs: [{ name: 'x', shape }, ...open.map((name) => ({ name, shape: others[name] as number[] }))],
    outputs: [{ name: 'y' }],
    constants,
  };
}

const whole = (name: string, shape: number[], data: number[]): OnnxConstant => ({ name, shape, data, type: int64 });
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

describe('GatherElements', () => {
  // x[2 − i][i of the row][…] along each axis, with fewer indices than elements
  const x = range(24).map((i) => 100 + i);

  test.each([0, 1, 2, -1])('takes an element of its own along axis %i', (axis) => {
    const shape = [2, 3, 4];
    const at = axis === -1 ? 2 : axis;
    const size = [2, 2, 3];
    const indices = range(12).map((i) => (i * 7 + 1) % shape[at]! - (i % 3 === 0 ? shape[at]! : 0));
    const graph = single('GatherElements', shape, { at: whole('at', size, indices) }, { axis });
    const { y } = runOnnx(graph, { x });
    const expected = indices.map((index, i) => {
      const position = [Math.floor(i / 6), Math.floor(i / 3) % 2, i % 3].with(
        at,
        index < 0 ? index + shape[at]! : index,
      );
      return 100 + position[0]! * 12 + position[1]! * 4 + position[2]!;
    });
    expect(y).toEqual(expected);
  });

  test('takes indices that are computed', () => {
    const graph = single('GatherElements', [2, 3], { index: [2, 2] }, { axis: 1 });
    graph.nodes[0]!.inputs[1] = 'whole';
    graph.nodes.unshift({ op: 'Cast', inputs: ['index'], outputs: ['whole'], attributes: { to: int64 } });
    expect(runOnnx(graph, { x: [1, 2, 3, 4, 5, 6], index: [-1, 0, 1, -3] }).y).toEqual([3, 1, 5, 4]);
  });

  test('refuses indices of another rank', () => {
    expect(() => importOnnx(single('GatherElements', [2, 3], { at: whole('at', [2], [0, 0]) })))
      .toThrow('GatherElements with indices [2] into [2, 3]');
  });
});

describe('GatherND', () => {
  test('counts negative indices from the end of their own dimension', () => {
    const graph = single('GatherND', [2, 3, 2], { at: whole('at', [2, 2], [-1, -3, 0, -1]) });
    expect(runOnnx(graph, { x: range(12) }).y).toEqual([6, 7, 4, 5]);
  });

  test('selects within the items of a batch', () => {
    const graph = single('GatherND', [2, 3, 2], { at: whole('at', [2, 1], [-1, 1]) }, { batch_dims: 1 });
    expect(runOnnx(graph, { x: range(12) }).y).toEqual([4, 5, 8, 9]);
  });
});

describe('scatters', () => {
  test.each([['none', [9, 2, 7]], ['add', [9 + 1 + 8, 2, 7 + 3]], ['mul', [9 * 8, 2, 21]], ['max', [9, 2, 7]], ['min', [
    1,
    2,
    3,
  ]]])('combine elements by %s', (reduction, expected) => {
    const graph = single('ScatterElements', [1, 3], { at: whole('at', [1, 3], [0, -1, 0]), updates: [1, 3] }, {
      axis: 1,
      reduction,
    });
    expect(runOnnx(graph, { x: [1, 2, 3], updates: [8, 7, 9] }, 18).y).toEqual(expected);
  });

  test('write rows', () => {
    const graph = single('ScatterND', [3, 2], { at: whole('at', [2, 1], [-1, 0]), updates: [2, 2] }, {
      reduction: 'add',
    });
    expect(runOnnx(graph, { x: range(6), updates: [10, 20, 30, 40] }, 18).y).toEqual([30, 41, 2, 3, 14, 25]);
  });

  test('refuse other reductions', () => {
    const graph = single('ScatterND', [3], { at: whole('at', [1, 1], [0]), updates: [1] }, { reduction: 'mean' });
    expect(() => importOnnx(graph)).toThrow('ScatterND with the reduction mean');
  });
});

describe('TopK', () => {
  const x = [3, 1, 2, 5, 5, 4];

  test('takes the number of elements as an attribute in old versions', () => {
    expect(runOnnx(single('TopK', [2, 3], {}, { k: 2 }), { x }, 9).y).toEqual([3, 2, 5, 5]);
  });

  test('finds the smallest, and their indices', () => {
    const graph = single('TopK', [2, 3], { k: whole('k', [1], [1]) }, { axis: 0, largest: 0 });
    graph.nodes[0]!.outputs.push('at');
    graph.outputs.push({ name: 'at' });
    expect(runOnnx(graph, { x })).toEqual({ y: [3, 1, 2], at: [0, 0, 0] });
  });
});

describe('OneHot', () => {
  const graph = (axis: number): OnnxGraph => ({
    nodes: [{ op: 'OneHot', inputs: ['x', 'depth', 'values'], outputs: ['y'], attributes: { axis } }],
    inputs: [{ name: 'x', shape: [3] }],
    outputs: [{ name: 'y' }],
    constants: [whole('depth', [1], [2]), { name: 'values', shape: [2], data: [-1, 5] }],
  });

  test('has a class for each index; those out of range have none', () => {
    expect(runOnnx(graph(-1), { x: [0, -1, 2] }).y).toEqual([5, -1, -1, 5, -1, -1]);
    expect(runOnnx(graph(0), { x: [0, -1, 2] }).y).toEqual([5, -1, -1, -1, 5, -1]);
  });
});

describe('Hardmax', () => {
  const x = [1, 4, 4, 0, 9, 2, 8, 8];

  test('marks the first maximum along an axis', () => {
    expect(runOnnx(single('Hardmax', [2, 2, 2], {}, { axis: 1 }), { x }).y).toEqual([0, 1, 1, 0, 1, 0, 0, 1]);
    expect(runOnnx(single('Hardmax', [2, 2, 2], {}), { x }).y).toEqual([0, 1, 1, 0, 1, 0, 1, 0]);
  });

  test('marks that of all later axes before version 13', () => {
    expect(runOnnx(single('Hardmax', [2, 2, 2], {}), { x }, 12).y).toEqual([0, 1, 0, 0, 1, 0, 0, 0]);
  });
});

describe('ReverseSequence', () => {
  const x = range(12);
  const attributes = { batch_axis: 0, time_axis: 1 };

  test.each([[attributes, [4, 5, 2, 3, 0, 1, 6, 7, 8, 9, 10, 11]], [{}, [6, 7, 2, 3, 4, 5, 0, 1, 8, 9, 10, 11]]])(
    'reverses the first steps of each item, axes %j',
    (axes, expected) => {
      const isBatchFirst = 'batch_axis' in axes;
      const lengths = isBatchFirst ? [3, 1] : [2, 1, 0];
      const graph = single('ReverseSequence', [2, 3, 2], { n: whole('n', [lengths.length], lengths) }, axes);
      const imported = importOnnx(graph);
      // constant lengths become constant indices
      expect(imported.nodes.filter(({ op }) => op === 'gather' || op === 'select').map(({ op }) => op)).toEqual([
        'gather',
      ]);
      expect(runGraph(imported, { x }).y).toEqual(expected);
    },
  );

  test('takes lengths that are computed', () => {
    const graph = single('ReverseSequence', [2, 3], { lengths: [2] }, attributes);
    graph.nodes[0]!.inputs[1] = 'whole';
    graph.nodes.unshift({ op: 'Cast', inputs: ['lengths'], outputs: ['whole'], attributes: { to: int64 } });
    expect(runOnnx(graph, { x: range(6), lengths: [2, 3] }).y).toEqual([1, 0, 2, 5, 4, 3]);
  });

  test('refuses other axes', () => {
    const graph = single('ReverseSequence', [2, 3, 2], { n: whole('n', [2], [1, 1]) }, { batch_axis: 0, time_axis: 2 });
    expect(() => importOnnx(graph)).toThrow('ReverseSequence with axes other than 0 and 1');
  });
});
