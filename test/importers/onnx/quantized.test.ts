import { describe, expect, test } from 'vitest';
import type { OnnxConstant, OnnxGraph, OnnxNode } from './writer';
import { onnxTypes } from './writer';
import { runOnnx } from './run';

// Numbers of the ONNX specification (operators and their backend tests), and edge cases.

const { uint8, int8, int32, float } = onnxTypes;
const uint16 = 4;
const int16 = 5;
const uint4 = 21;
const int4 = 22;

function constant(name: string, data: number[], type: number = float, shape?: number[]): OnnxConstant {
  return { name, shape: shape ?? (data.length === 1 ? [] : [data.length]), data, type };
}

/** A graph of one node with the inputs x (and the types given), constants, and outputs. */
function single(
  node: OnnxNode,
  x: { shape: number[]; type?: number },
  constants: OnnxConstant[],
  outputs: number[] = [float],
): OnnxGraph {
  return {
    nodes: [node],
    inputs: [{ name: 'x', ...x }],
    outputs: node.outputs.map((name, i) => ({ name, type: outputs[i] ?? float })),
    constants,
  };
}

function linear(op: string, constants: OnnxConstant[], attributes: OnnxNode['attributes'] = {}): OnnxNode {
  return { op, inputs: ['x', ...constants.map(({ name }) => name)], outputs: ['y'], attributes };
}

describe('QuantizeLinear', () => {
  test('rounds halves to even and saturates', () => {
    const constants = [constant('s', [2]), constant('z', [128], uint8)];
    const graph = single(linear('QuantizeLinear', constants), { shape: [8] }, constants, [uint8]);
    expect(runOnnx(graph, { x: [0, 2, 3, 1000, -254, -1000, 1, 5] }).y).toEqual([128, 129, 130, 255, 1, 0, 128, 130]);
  });

  test('has a scale for each index of an axis', () => {
    const constants = [constant('s', [2, 4, 5]), constant('z', [84, 24, 196], uint8)];
    const x = [-162, 10, -100, 232, -20, -50, -76, 0, 0, 252, 32, -44, 245, -485, -960, -270, -375, -470];
    const graph = single(linear('QuantizeLinear', constants), { shape: [1, 3, 3, 2] }, constants, [uint8]);
    expect(runOnnx(graph, { x }).y).toEqual([3, 89, 34, 200, 74, 59, 5, 24, 24, 87, 32, 13, 245, 99, 4, 142, 121, 102]);
  });

  test.each([['int16', int16, [-32768, 32767, -1, 2]], ['uint16', uint16, [0, 65535, 0, 2]], ['int4', int4, [-8, 7, -1,
    2]], ['uint4', uint4, [0, 15, 0, 2]]])('saturates to %s', (_, type, y) => {
      const constants = [constant('s', [0.5]), constant('z', [0], type)];
      const nodes = [linear('QuantizeLinear', constants), {
        op: 'Cast',
        inputs: ['y'],
        outputs: ['f'],
        attributes: { to: float },
      }];
      const graph = { nodes, inputs: [{ name: 'x', shape: [4] }], outputs: [{ name: 'f' }], constants };
      expect(runOnnx(graph, { x: [-1e6, 1e6, -0.5, 0.9] }, 21).f).toEqual(y);
    });

  test('takes its type from output_dtype without a zero point', () => {
    const constants = [constant('s', [1])];
    const graph = single(linear('QuantizeLinear', constants, { output_dtype: int8 }), { shape: [3] }, constants, [
      int8,
    ]);
    expect(runOnnx(graph, { x: [-200, -1.5, 200] }, 21).y).toEqual([-128, -2, 127]);
  });

  test('has a scale for each block', () => {
    const constants = [constant('s', [2, 4, 1, 0.5], float, [2, 2])];
    const graph = single(
      linear('QuantizeLinear', constants, { axis: 1, block_size: 2 }),
      { shape: [2, 3] },
      constants,
      [uint8],
    );
    expect(runOnnx(graph, { x: [2, 4, 8, 3, 4, 5] }, 21).y).toEqual([1, 2, 2, 3, 4, 10]);
  });
});

describe('DequantizeLinear', () => {
  test('subtracts the zero point', () => {
    const constants = [constant('s', [2]), constant('z', [128], uint8)];
    const graph = single(linear('DequantizeLinear', constants), { shape: [4], type: uint8 }, constants);
    expect(runOnnx(graph, { x: [0, 3, 128, 255] }).y).toEqual([-256, -250, 0, 254]);
  });

  test('has a scale for each index of an axis', () => {
    const constants = [constant('s', [2, 4, 5]), constant('z', [84, 24, 196], uint8)];
    const graph = single(linear('DequantizeLinear', constants), { shape: [1, 3, 1, 2], type: uint8 }, constants);
    expect(runOnnx(graph, { x: [3, 89, 5, 24, 245, 99] }).y).toEqual([-162, 10, -76, 0, 245, -485]);
  });

  test.each([['int4', int4, [-8, 7, 0, 1]], ['uint4', uint4, [0, 15, 8, 1]], ['int16', int16, [-300, 300, 0, 1]]])(
    'reads constants of %s',
    (_, type, q) => {
      const packed = type === int4 || type === uint4
        ? [q[0]! & 15 | (q[1]! & 15) << 4, q[2]! & 15 | (q[3]! & 15) << 4]
        : q;
      const graph: OnnxGraph = {
        nodes: [{ op: 'DequantizeLinear', inputs: ['w', 's'], outputs: ['r'] }, {
          op: 'Add',
          inputs: ['x', 'r'],
          outputs: ['y'],
        }],
        inputs: [{ name: 'x', shape: [4] }],
        outputs: [{ name: 'y' }],
        constants: [{ name: 'w', shape: [4], data: packed, type }, constant('s', [0.5])],
      };
      expect(runOnnx(graph, { x: [0, 0, 0, 100] }, 21).y).toEqual(q.map((v, i) => v / 2 + (i === 3 ? 100 : 0)));
    },
  );

  test('gives stored integers another meaning', () => {
    const graph: OnnxGraph = {
      nodes: [{ op: 'QuantizeLinear', inputs: ['x', 'a', 'z'], outputs: ['q'] }, {
        op: 'DequantizeLinear',
        inputs: ['q', 'b', 'z'],
        outputs: ['y'],
      }],
      inputs: [{ name: 'x', shape: [3] }],
      outputs: [{ name: 'y' }],
      constants: [constant('a', [0.5]), constant('b', [2]), constant('z', [3], uint8)],
    };
    expect(runOnnx(graph, { x: [-1, 0, 4] }).y).toEqual([-4, 0, 16]);
  });
});

describe('DynamicQuantizeLinear', () => {
  const graph = (count: number): OnnxGraph =>
    single({ op: 'DynamicQuantizeLinear', inputs: ['x'], outputs: ['y', 's', 'z'] }, { shape: [count] }, [], [uint8,
      float, uint8]);

  test.each([[[0, 2, -3, -2.5, 1.34, 0.5], [153, 255, 0, 26, 221, 179], 0.0196078438, 153], [[-1, -2.1, -1.3, -2.5,
    -3.34, -4], [191, 121, 172, 96, 42, 0], 0.0156862754, 255], [[1, 2.1, 1.3, 2.5, 3.34, 4], [64, 134, 83, 159, 213,
    255], 0.0156862754, 0], [[0, 0, 0], [0, 0, 0], 1, 0]])('%j by its own range', (x, y, scale, zero) => {
      const result = runOnnx(graph(x.length), { x });
      expect(result.y).toEqual(y);
      expect(result.s![0]).toBeCloseTo(scale, 9);
      expect(result.z).toEqual([zero]);
    });
});

describe('QOperators', () => {
  test('QLinearConv', () => {
    const x = [255, 174, 162, 25, 203, 168, 58, 15, 59, 237, 95, 129, 0, 64, 56, 242, 153, 221, 168, 12, 166, 232, 178,
      186, 195, 237, 162, 237, 188, 39, 124, 77, 80, 102, 43, 127, 230, 21, 83, 41, 40, 134, 255, 154, 92, 141, 42, 148,
      247];
    const y = [0, 81, 93, 230, 52, 87, 197, 240, 196, 18, 160, 126, 255, 191, 199, 13, 102, 34, 87, 243, 89, 23, 77, 69,
      60, 18, 93, 18, 67, 216, 131, 178, 175, 153, 212, 128, 25, 234, 172, 214, 215, 121, 0, 101, 163, 114, 213, 107,
      8];
    const constants = [constant('xs', [0.00369204697]), constant('xz', [132], uint8),
      constant('w', [0], uint8, [1, 1, 1, 1]), constant('ws', [0.00172794575], float, [1]),
      constant('wz', [255], uint8, [1]), constant('ys', [0.00162681262]), constant('yz', [123], uint8)];
    const node = { op: 'QLinearConv', inputs: ['x', 'xs', 'xz', 'w', 'ws', 'wz', 'ys', 'yz'], outputs: ['y'] };
    expect(runOnnx(single(node, { shape: [1, 1, 7, 7], type: uint8 }, constants, [uint8]), { x }).y).toEqual(y);
  });

  test('QLinearMatMul', () => {
    const constants = [constant('as', [0.0066]), constant('az', [113], uint8),
      constant('b', [152, 51, 244, 60, 26, 255, 0, 127, 246, 127, 254, 247], uint8, [4, 3]), constant('bs', [0.00705]),
      constant('bz', [114], uint8), constant('ys', [0.0107]), constant('yz', [118], uint8)];
    const node = { op: 'QLinearMatMul', inputs: ['x', 'as', 'az', 'b', 'bs', 'bz', 'ys', 'yz'], outputs: ['y'] };
    const graph = single(node, { shape: [2, 4], type: uint8 }, constants, [uint8]);
    expect(runOnnx(graph, { x: [208, 236, 0, 238, 3, 214, 255, 29] }).y).toEqual([168, 115, 255, 1, 66, 151]);
  });

  test('ConvInteger with padding', () => {
    const constants = [constant('w', [1, 1, 1, 1], uint8, [1, 1, 2, 2]), constant('xz', [1], uint8)];
    const node = { op: 'ConvInteger', inputs: ['x', 'w', 'xz'], outputs: ['y'], attributes: { pads: [1, 1, 1, 1] } };
    const graph = single(node, { shape: [1, 1, 3, 3], type: uint8 }, constants, [int32]);
    const y = [1, 3, 5, 3, 5, 12, 16, 9, 11, 24, 28, 15, 7, 15, 17, 9];
    expect(runOnnx(graph, { x: [2, 3, 4, 5, 6, 7, 8, 9, 10] }).y).toEqual(y);
  });

  test('MatMulInteger', () => {
    const constants = [constant('b', [1, 4, 2, 5, 3, 6], uint8, [3, 2]), constant('az', [12], uint8),
      constant('bz', [0], uint8)];
    const node = { op: 'MatMulInteger', inputs: ['x', 'b', 'az', 'bz'], outputs: ['y'] };
    const graph = single(node, { shape: [4, 3], type: uint8 }, constants, [int32]);
    const x = [11, 7, 3, 10, 6, 2, 9, 5, 1, 8, 4, 0];
    expect(runOnnx(graph, { x }).y).toEqual([-38, -83, -44, -98, -50, -113, -56, -128]);
  });
});
