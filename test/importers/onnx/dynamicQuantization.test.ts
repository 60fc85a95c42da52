import { describe, expect, test } from 'vitest';
import { roundEven } from '../../../src/ops/shared/rounding';
import { Random } from '../../helpers/random';
import { importOnnx, runGraph } from './run';
import { onnxTypes, type OnnxConstant, type OnnxGraph, type OnnxNode } from './writer';

// Activations that are quantized by their own range, products of integers, and their scales.

const f32 = Math.fround;

/** The real values after DynamicQuantizeLinear of the ONNX specification, which is in float32. */
function dynamicallyRounded(x: readonly number[]): number[] {
  const low = Math.min(0, ...x);
  const high = Math.max(0, ...x);
  const scale = f32(f32(high - low) / 255);
  const zero = roundEven(Math.max(0, Math.min(255, f32(-low / scale))));
  return x.map((v) => (Math.max(0, Math.min(255, roundEven(f32(v / scale)) + zero)) - zero) * scale);
}

interface Product {
  node: OnnxNode;
  shape: number[];
  weights: OnnxConstant;
  zeroPoint: OnnxConstant;
  scale: OnnxConstant;
  bias: OnnxConstant;
}

/** The nodes that ONNX Runtime's dynamic quantization writes. */
function dynamicGraph({ node, shape, weights, zeroPoint, scale, bias }: Product): OnnxGraph {
  return {
    nodes: [{ op: 'DynamicQuantizeLinear', inputs: ['x'], outputs: ['q', 's', 'z'] }, node, {
      op: 'Cast',
      inputs: ['i'],
      outputs: ['f'],
      attributes: { to: 1 },
    }, { op: 'Mul', inputs: ['s', 'ws'], outputs: ['sw'] }, { op: 'Mul', inputs: ['f', 'sw'], outputs: ['m'] }, {
      op: 'Add',
      inputs: ['m', 'b'],
      outputs: ['y'],
    }],
    inputs: [{ name: 'x', shape }],
    outputs: [{ name: 'y' }],
    constants: [weights, zeroPoint, scale, bias],
  };
}

const { int8, uint8 } = onnxTypes;

function filled(random: Random, name: string, shape: number[], low: number, high: number, type?: number): OnnxConstant {
  const count = shape.reduce((a, b) => a * b, 1);
  const data = Array.from(
    { length: count },
    () => type === undefined ? f32(random.between(low, high)) : random.int(low, high),
  );
  return { name, shape, data, ...(type !== undefined && { type }) };
}

describe('MatMulInteger', () => {
  test.each([['one row, int8', 1, int8], ['one row, uint8', 1, uint8], ['several rows', 3, int8]] as const)(
    '%s',
    (_, rows, type) => {
      const random = new Random(7);
      const [K, N] = [20, 6];
      const middle = type === uint8 ? 128 : 0;
      const weights = filled(random, 'w', [K, N], middle - 100, middle + 100, type);
      const scale = filled(random, 'ws', [N], 0.01, 0.02);
      const bias = filled(random, 'b', [N], -1, 1);
      const graph =
        importOnnx(dynamicGraph({
          node: { op: 'MatMulInteger', inputs: ['q', 'w', 'z', 'wz'], outputs: ['i'] },
          shape: [rows, K],
          weights,
          zeroPoint: { name: 'wz', shape: [N], data: new Array<number>(N).fill(middle), type },
          scale,
          bias,
        }));
      const layer = graph.nodes.find(({ op }) => op === 'fullyConnected')!;
      expect(layer.inputs.map((tensor) => tensor?.dtype))
        .toEqual(rows === 1 ? ['float32', 'int8', 'float32'] : ['float32', 'float32', undefined]);
      expect(graph.nodes.length === 1).toBe(rows === 1);
      const x = Array.from({ length: rows * K }, () => f32(random.between(-2, 3)));
      const real = dynamicallyRounded(x);
      const { y } = runGraph(graph, { x });
      for (let r = 0; r < rows; r++) {
        for (let n = 0; n < N; n++) {
          let sum = bias.data[n]!;
          for (let k = 0; k < K; k++) sum += real[r * K + k]! * scale.data[n]! * (weights.data[k * N + n]! - middle);
          expect(y![r * N + n]).toBeCloseTo(sum, 4);
        }
      }
    },
  );
});

describe('ConvInteger', () => {
  test.each([['a batch of one', 1, 128], ['weights with a zero point', 1, 120], ['a batch of two', 2, 128]])(
    '%s',
    (_, batch, middle) => {
      const random = new Random(3);
      const [C, H, W, N] = [2, 5, 4, 3];
      const weights = filled(random, 'w', [N, C, 2, 2], 20, 240, uint8);
      const bias = filled(random, 'b', [1, N, 1, 1], -1, 1);
      const graph =
        importOnnx(dynamicGraph({
          node: { op: 'ConvInteger', inputs: ['q', 'w', 'z', 'wz'], outputs: ['i'] },
          shape: [batch, C, H, W],
          weights,
          zeroPoint: { name: 'wz', shape: [], data: [middle], type: uint8 },
          scale: { name: 'ws', shape: [], data: [f32(0.013)] },
          bias,
        }));
      const layer = graph.nodes.find(({ op }) => op === 'conv2d')!;
      const isHybrid = batch === 1 && middle === 128;
      expect(layer.inputs[1]!.dtype).toBe(isHybrid ? 'int8' : 'float32');
      expect('hybrid' in layer.attributes).toBe(isHybrid);
      const x = Array.from({ length: batch * C * H * W }, () => f32(random.between(-1, 2)));
      const real = dynamicallyRounded(x);
      const { y } = runGraph(graph, { x });
      let at = 0;
      for (let b = 0; b < batch; b++) {
        for (let n = 0; n < N; n++) {
          for (let i = 0; i < H - 1; i++) {
            for (let j = 0; j < W - 1; j++) {
              let sum = bias.data[n]!;
              for (let c = 0; c < C; c++) {
                for (let k = 0; k < 4; k++) {
                  const v = real[((b * C + c) * H + i + (k >> 1)) * W + j + (k & 1)]!;
                  sum += v * f32(0.013) * (weights.data[(n * C + c) * 4 + k]! - middle);
                }
              }
              expect(y![at++]).toBeCloseTo(sum, 4);
            }
          }
        }
      }
    },
  );

  test('with a constant scale and without zero points is an int8 layer', () => {
    const random = new Random(5);
    const graph = importOnnx({
      nodes: [{ op: 'QuantizeLinear', inputs: ['x', 's'], outputs: ['q'] }, {
        op: 'ConvInteger',
        inputs: ['q', 'w'],
        outputs: ['i'],
      }, { op: 'Cast', inputs: ['i'], outputs: ['f'], attributes: { to: 1 } }, {
        op: 'Mul',
        inputs: ['sw', 'f'],
        outputs: ['m'],
      }, { op: 'QuantizeLinear', inputs: ['m', 's'], outputs: ['y'] }],
      inputs: [{ name: 'x', shape: [1, 2, 5, 5] }],
      outputs: [{ name: 'y', type: uint8 }],
      constants: [filled(random, 'w', [3, 2, 3, 3], -100, 100, int8), { name: 's', shape: [], data: [f32(0.05)] },
        filled(random, 'sw', [1, 3, 1, 1], 0.0002, 0.0004)],
    });
    const layer = graph.nodes.find(({ op }) => op === 'conv2d')!;
    expect(layer.inputs.map((tensor) => tensor?.dtype)).toEqual(['uint8', 'int8', undefined]);
    expect(layer.inputs[1]!.quantization!.scale).toHaveLength(3);
  });

  test('with a constant scale is an int8 layer between quantize nodes', () => {
    const random = new Random(5);
    const graph = importOnnx({
      nodes: [{ op: 'QuantizeLinear', inputs: ['x', 's', 'z'], outputs: ['q'] }, {
        op: 'ConvInteger',
        inputs: ['q', 'w', 'z', 'wz'],
        outputs: ['i'],
      }, { op: 'Cast', inputs: ['i'], outputs: ['f'], attributes: { to: 1 } }, {
        op: 'Mul',
        inputs: ['f', 'sw'],
        outputs: ['m'],
      }, { op: 'Add', inputs: ['m', 'b'], outputs: ['a'] }, { op: 'Relu', inputs: ['a'], outputs: ['r'] }, {
        op: 'QuantizeLinear',
        inputs: ['r', 's', 'z'],
        outputs: ['y'],
      }],
      inputs: [{ name: 'x', shape: [1, 2, 5, 5] }],
      outputs: [{ name: 'y', type: uint8 }],
      constants: [filled(random, 'w', [3, 2, 3, 3], 20, 240, uint8), {
        name: 'wz',
        shape: [],
        data: [125],
        type: uint8,
      }, { name: 's', shape: [], data: [f32(0.05)] }, { name: 'z', shape: [], data: [113], type: uint8 }, {
        name: 'sw',
        shape: [],
        data: [f32(0.0004)],
      }, filled(random, 'b', [3, 1, 1], -1, 1)],
    });
    const layer = graph.nodes.find(({ op }) => op === 'conv2d')!;
    expect(layer.inputs.map((tensor) => tensor!.dtype)).toEqual(['uint8', 'int8', 'int32']);
    expect(layer.inputs[1]!.quantization!.scale[0]).toBeCloseTo(0.008, 8);
  });
});

describe('weights', () => {
  /** x · w with activations and results quantized; w is made from constants by `nodes`. */
  const product = (nodes: OnnxNode[], constants: OnnxConstant[], version?: number) =>
    importOnnx({
      nodes: [{ op: 'QuantizeLinear', inputs: ['x', 's', 'z'], outputs: ['q'] }, {
        op: 'DequantizeLinear',
        inputs: ['q', 's', 'z'],
        outputs: ['r'],
      }, ...nodes, { op: 'Gemm', inputs: ['r', 'w', 'b'], outputs: ['g'] }, {
        op: 'QuantizeLinear',
        inputs: ['g', 's', 'z'],
        outputs: ['y'],
      }],
      inputs: [{ name: 'x', shape: [1, 2] }],
      outputs: [{ name: 'y', type: int8 }],
      constants: [{ name: 's', shape: [], data: [f32(0.1)] }, { name: 'z', shape: [], data: [0], type: int8 },
        ...constants],
    }, version);
  const bias = { name: 'b', shape: [2], data: [0.5, -1] };
  const scale = { name: 'ws', shape: [], data: [0.25] };

  test('that are quantized in the file are integers', () => {
    const graph = product([{ op: 'QuantizeLinear', inputs: ['f', 'ws', 'wz'], outputs: ['wq'] }, {
      op: 'DequantizeLinear',
      inputs: ['wq', 'ws', 'wz'],
      outputs: ['w'],
    }], [{ name: 'f', shape: [2, 2], data: [0.3, -0.6, 1, 100] }, scale, {
      name: 'wz',
      shape: [],
      data: [0],
      type: int8,
    }, bias]);
    const layer = graph.nodes.find(({ op }) => op === 'fullyConnected')!;
    expect(Array.from(layer.inputs[1]!.data!)).toEqual([1, 4, -2, 127]);
  });

  test('of four bits are int8', () => {
    const graph = product([{ op: 'DequantizeLinear', inputs: ['wq', 'ws'], outputs: ['w'] }], [{
      name: 'wq',
      shape: [2, 2],
      data: [0x7f, 0x81],
      type: 22,
    }, scale, bias], 21);
    const layer = graph.nodes.find(({ op }) => op === 'fullyConnected')!;
    expect(layer.inputs[1]!.dtype).toBe('int8');
    expect(Array.from(layer.inputs[1]!.data!)).toEqual([-1, 1, 7, -8]);
  });

  test('too small for their bias get a larger scale', () => {
    const graph = product([{
      op: 'DequantizeLinear',
      inputs: ['wq', 'ws', 'wz'],
      outputs: ['w'],
      attributes: { axis: 1 },
    }], [{ name: 'wq', shape: [2, 2], data: [100, 1, -3, 50], type: int8 }, {
      name: 'ws',
      shape: [2],
      data: [0.01, 1e-12],
    }, { name: 'wz', shape: [2], data: [0, 0], type: int8 }, bias]);
    const layer = graph.nodes.find(({ op }) => op === 'fullyConnected')!;
    expect(layer.inputs.map((tensor) => tensor!.dtype)).toEqual(['int8', 'int8', 'int32']);
    expect(runGraph(graph, { x: [2, 0] }).y).toEqual([25, -10]);
  });

  test('with a bias in integers keep it', () => {
    const graph = product([{ op: 'DequantizeLinear', inputs: ['wq', 'ws'], outputs: ['w'] }, {
      op: 'DequantizeLinear',
      inputs: ['bq', 'bs'],
      outputs: ['b'],
    }], [{ name: 'wq', shape: [2, 2], data: [1, 2, 3, 4], type: int8 }, scale, {
      name: 'bq',
      shape: [2],
      data: [123456789, -7],
      type: onnxTypes.int32,
    }, { name: 'bs', shape: [], data: [f32(0.025)] }]);
    const layer = graph.nodes.find(({ op }) => op === 'fullyConnected')!;
    expect(Array.from(layer.inputs[2]!.data!)).toEqual([123456789, -7]);
  });
});
