import { describe, expect, test } from 'vitest';
import { roundEven } from '../../../src/ops/shared/rounding';
import { Random } from '../../helpers/random';
import { runOnnx } from './run';
import { onnxTypes, type OnnxConstant, type OnnxNode } from './writer';

// Operators of the domain com.microsoft, against the same function in ONNX's own operators or in
// plain loops.

const domain = 'com.microsoft';
const { float, uint8, int32 } = onnxTypes;

const random = new Random(11);

function floats(name: string, shape: number[]): OnnxConstant {
  const count = shape.reduce((a, b) => a * b, 1);
  return { name, shape, data: Array.from({ length: count }, () => Math.fround(random.between(-1, 1))) };
}

function node(op: string, inputs: string[], attributes: OnnxNode['attributes'] = {}, output = 'y'): OnnxNode {
  return { op, inputs, outputs: [output], attributes };
}

const fused = (
  op: string,
  inputs: string[],
  attributes: OnnxNode['attributes'] = {},
): OnnxNode[] => [{ ...node(op, inputs, attributes), domain }];

interface Pair {
  x: number[];
  nodes: OnnxNode[];
  same: OnnxNode[];
  constants?: OnnxConstant[];
}

const w = floats('w', [3, 2, 2, 2]);
const b = floats('b', [3]);
const image = [1, 2, 4, 3];
const conv = node('Conv', ['x', 'w', 'b'], {}, 't');
const activation = (name: string, parameters?: number[]) =>
  fused('FusedConv', ['x', 'w', 'b'], {
    activation: name,
    ...(parameters && { activation_params: { floats: parameters } }),
  });

const pairs: Record<string, Pair> = {
  Gelu: { x: [2, 5], nodes: fused('Gelu', ['x']), same: [node('Gelu', ['x'])] },
  BiasGelu: {
    x: [2, 3],
    nodes: fused('BiasGelu', ['x', 'b']),
    constants: [b],
    same: [node('Add', ['x', 'b'], {}, 't'), node('Gelu', ['t'])],
  },
  FastGelu: {
    x: [2, 3],
    nodes: fused('FastGelu', ['x', 'b']),
    constants: [b],
    same: [node('Add', ['x', 'b'], {}, 't'), node('Gelu', ['t'], { approximate: 'tanh' })],
  },
  QuickGelu: {
    x: [2, 5],
    nodes: fused('QuickGelu', ['x']),
    same: [node('Mul', ['x', 'alpha'], {}, 't'), node('Sigmoid', ['t'], {}, 's'), node('Mul', ['x', 's'])],
    constants: [{ name: 'alpha', shape: [], data: [1.702] }],
  },
  'FusedConv and Relu': { x: image, nodes: activation('Relu'), same: [conv, node('Relu', ['t'])], constants: [w, b] },
  'FusedConv and LeakyRelu': {
    x: image,
    nodes: activation('LeakyRelu', [0.25]),
    same: [conv, node('LeakyRelu', ['t'], { alpha: 0.25 })],
    constants: [w, b],
  },
  'FusedConv and HardSigmoid': {
    x: image,
    nodes: activation('HardSigmoid', [0.25, 0.5]),
    same: [conv, node('HardSigmoid', ['t'], { alpha: 0.25, beta: 0.5 })],
    constants: [w, b],
  },
  'FusedConv and Clip': {
    x: image,
    nodes: activation('Clip', [-0.25, 0.5]),
    same: [conv, node('Clip', ['t', 'low', 'high'])],
    constants: [w, b, { name: 'low', shape: [], data: [-0.25] }, { name: 'high', shape: [], data: [0.5] }],
  },
  'FusedConv with a sum': {
    x: image,
    nodes: fused('FusedConv', ['x', 'w', 'b', 'z'], { activation: 'Tanh' }),
    same: [conv, node('Add', ['t', 'z'], {}, 'u'), node('Tanh', ['u'])],
    constants: [w, b, floats('z', [1, 3, 3, 2])],
  },
  FusedGemm: {
    x: [2, 4],
    nodes: fused('FusedGemm', ['x', 'k', 'b'], { activation: 'LeakyRelu', activation_alpha: 0.25 }),
    same: [node('Gemm', ['x', 'k', 'b'], {}, 't'), node('LeakyRelu', ['t'], { alpha: 0.25 })],
    constants: [floats('k', [4, 3]), b],
  },
  SkipLayerNormalization: {
    x: [2, 3],
    nodes: fused('SkipLayerNormalization', ['x', 'z', 'g', 'b', 'c'], { epsilon: 0.001 }),
    same: [node('Add', ['x', 'z'], {}, 't'), node('Add', ['t', 'c'], {}, 'u'),
      node('LayerNormalization', ['u', 'g', 'b'], { epsilon: 0.001 })],
    constants: [floats('z', [2, 3]), floats('g', [3]), b, floats('c', [3])],
  },
  'SkipLayerNormalization by default': {
    x: [2, 3],
    nodes: fused('SkipLayerNormalization', ['x', 'small', 'g']),
    same: [node('Add', ['x', 'small'], {}, 't'), node('LayerNormalization', ['t', 'g'], { epsilon: 1e-12 })],
    constants: [floats('small', [3]), floats('g', [3])],
  },
  SkipSimplifiedLayerNormalization: {
    x: [2, 3],
    nodes: fused('SkipSimplifiedLayerNormalization', ['x', 'z', 'g', 'c'], { epsilon: 0.001 }),
    same: [node('Add', ['x', 'z'], {}, 't'), node('Add', ['t', 'c'], {}, 'u'),
      node('RMSNormalization', ['u', 'g'], { epsilon: 0.001 })],
    constants: [floats('z', [2, 3]), floats('g', [3]), floats('c', [3])],
  },
  'the sum of SkipLayerNormalization': {
    x: [2, 3],
    nodes: [{ op: 'SkipLayerNormalization', domain, inputs: ['x', 'z', 'g'], outputs: ['n', '', '', 'y'] }],
    same: [node('Add', ['x', 'z'])],
    constants: [floats('z', [2, 3]), floats('g', [3])],
  },
  FusedMatMul: {
    x: [2, 4, 3],
    nodes: fused('FusedMatMul', ['x', 'k'], { transA: 1, transB: 1, alpha: 0.5 }),
    same: [node('Transpose', ['x'], { perm: [0, 2, 1] }, 't'), node('Transpose', ['k'], { perm: [1, 0] }, 'u'),
      node('MatMul', ['t', 'u'], {}, 'v'), node('Mul', ['v', 'half'])],
    constants: [floats('k', [5, 4]), { name: 'half', shape: [], data: [0.5] }],
  },
};

describe('fused operators', () => {
  test.each(Object.keys(pairs))('%s', (name) => {
    const { x, nodes, same, constants = [] } = pairs[name]!;
    const graph = { inputs: [{ name: 'x', shape: x }], outputs: [{ name: 'y' }], constants };
    const inputs = { x: floats('x', x).data };
    const wanted = runOnnx({ ...graph, nodes: same }, inputs, 20).y!;
    const { y } = runOnnx({ ...graph, nodes }, inputs, 20);
    y!.forEach((value, i) => expect(value).toBeCloseTo(wanted[i]!, 5));
  });
});

interface Quantized {
  nodes: OnnxNode[];
  x: number[];
  /** The real result for the real values of x. */
  real: (x: number[]) => number[];
  constants?: OnnxConstant[];
}

const xScale = Math.fround(0.021);
const yScale = Math.fround(0.0173);
const parameters: OnnxConstant[] = [{ name: 'xs', shape: [], data: [xScale] }, {
  name: 'xz',
  shape: [],
  data: [120],
  type: uint8,
}, { name: 'ys', shape: [], data: [yScale] }, { name: 'yz', shape: [], data: [90], type: uint8 }];
const [X, Y] = [['x', 'xs', 'xz'], ['ys', 'yz']];
const mean = (x: number[]): number => x.reduce((sum, v) => sum + v, 0) / x.length;
const k: OnnxConstant = { name: 'k', shape: [3, 2], data: [10, 200, 130, 90, 250, 128], type: uint8 };
const kParameters: OnnxConstant[] = [{ name: 'ks', shape: [], data: [Math.fround(0.013)] }, {
  name: 'kz',
  shape: [],
  data: [128],
  type: uint8,
}];
const rowTimesK = (x: number[]): number[] =>
  [0, 1].map((n) => x.reduce((sum, v, i) => sum + v * Math.fround(0.013) * (k.data[i * 2 + n]! - 128), 0));

const quantized: Record<string, Quantized> = {
  QLinearAdd: { nodes: fused('QLinearAdd', [...X, ...X, ...Y]), x: [6], real: (x) => x.map((v) => v + v) },
  QLinearMul: { nodes: fused('QLinearMul', [...X, ...X, ...Y]), x: [6], real: (x) => x.map((v) => v * v) },
  QLinearSigmoid: {
    nodes: fused('QLinearSigmoid', [...X, ...Y]),
    x: [6],
    real: (x) => x.map((v) => 1 / (1 + Math.exp(-v))),
  },
  QLinearLeakyRelu: {
    nodes: fused('QLinearLeakyRelu', [...X, ...Y], { alpha: 0.25 }),
    x: [6],
    real: (x) => x.map((v) => (v < 0 ? v / 4 : v)),
  },
  QLinearGlobalAveragePool: {
    nodes: fused('QLinearGlobalAveragePool', [...X, ...Y]),
    x: [1, 1, 2, 3],
    real: (x) => [mean(x)],
  },
  'QLinearGlobalAveragePool of channels last': {
    nodes: fused('QLinearGlobalAveragePool', [...X, ...Y], { channels_last: 1 }),
    x: [1, 3, 2, 1],
    real: (x) => [mean(x)],
  },
  QLinearAveragePool: {
    nodes: fused('QLinearAveragePool', [...X, ...Y], { kernel_shape: [1, 3], strides: [1, 3] }),
    x: [1, 1, 1, 6],
    real: (x) => [mean(x.slice(0, 3)), mean(x.slice(3))],
  },
  QLinearReduceMean: {
    nodes: fused('QLinearReduceMean', [...X, ...Y], { axes: [1], keepdims: 0 }),
    x: [2, 3],
    real: (x) => [mean(x.slice(0, 3)), mean(x.slice(3))],
  },
  QLinearSoftmax: {
    nodes: fused('QLinearSoftmax', [...X, ...Y], { axis: -1, opset: 13 }),
    x: [1, 6],
    real: (x) => {
      const powers = x.map((v) => Math.exp(v));
      return powers.map((p) => p / powers.reduce((sum, v) => sum + v, 0));
    },
  },
  QLinearConcat: { nodes: fused('QLinearConcat', [...Y, ...X, ...X], { axis: 0 }), x: [6], real: (x) => [...x, ...x] },
  QLinearWhere: {
    nodes: fused('QLinearWhere', ['condition', ...X, ...X, ...Y]),
    x: [6],
    real: (x) => x,
    constants: [{ name: 'condition', shape: [6], data: [1, 0, 1, 0, 1, 0], type: onnxTypes.bool }],
  },
  QGemm: {
    nodes: fused('QGemm', [...X, 'k', 'ks', 'kz', 'c', ...Y], { alpha: 0.5 }),
    x: [1, 3],
    real: (x) => rowTimesK(x).map((v, n) => 0.5 * (v + [1000, -2000][n]! * xScale * Math.fround(0.013))),
    constants: [k, ...kParameters, { name: 'c', shape: [2], data: [1000, -2000], type: int32 }],
  },
};

describe('quantized operators', () => {
  test.each(Object.keys(quantized))('%s', (name) => {
    const { nodes, x, real, constants = [] } = quantized[name]!;
    const q = Array.from({ length: x.reduce((a, c) => a * c, 1) }, () => random.int(60, 180));
    const wanted = real(q.map((v) => xScale * (v - 120))).map((v) =>
      Math.max(0, Math.min(255, roundEven(v / yScale) + 90))
    );
    const graph = {
      nodes,
      inputs: [{ name: 'x', shape: x, type: uint8 }],
      outputs: [{ name: 'y', type: uint8 }],
      constants: [...parameters, ...constants],
    };
    expect(runOnnx(graph, { x: q }).y).toEqual(wanted);
  });

  test('a QGemm without a scale of its result is float', () => {
    const graph = {
      nodes: fused('QGemm', [...X, 'k', 'ks', 'kz']),
      inputs: [{ name: 'x', shape: [1, 3], type: uint8 }],
      outputs: [{ name: 'y', type: float }],
      constants: [...parameters, k, ...kParameters],
    };
    const wanted = rowTimesK([-20, 0, 50].map((v) => v * xScale));
    runOnnx(graph, { x: [100, 120, 170] }).y!.forEach((v, i) => expect(v).toBeCloseTo(wanted[i]!, 5));
  });

  test('DynamicQuantizeMatMul and MatMulIntegerToFloat', () => {
    const inputs = [{ name: 'x', shape: [1, 3] }];
    const c = floats('c', [2]);
    const constants = [k, ...kParameters, c];
    // the values are steps of a range from −1 to 1.55
    const x = [-1, 1.55, 0.5];
    const wanted = rowTimesK(x).map((v, n) => v + c.data[n]!);
    const whole = {
      nodes: fused('DynamicQuantizeMatMul', ['x', 'k', 'ks', 'kz', 'c']),
      inputs,
      outputs: [{ name: 'y' }],
      constants,
    };
    const parts = {
      ...whole,
      nodes: [{ op: 'DynamicQuantizeLinear', inputs: ['x'], outputs: ['q', 's', 'z'] },
        ...fused('MatMulIntegerToFloat', ['q', 'k', 's', 'ks', 'z', 'kz', 'c'])],
    };
    for (const graph of [whole, parts]) {
      runOnnx(graph, { x }).y!.forEach((v, i) => expect(v).toBeCloseTo(wanted[i]!, 5));
    }
  });
});

describe('attention', () => {
  const [B, T, H, D] = [2, 3, 2, 4];
  const size = H * D;

  /** Rows [B][T][size] of queries, keys and values → what the heads mix. */
  function mixed(q: number[], keys: number[], values: number[], added: (b: number, t: number, s: number) => number) {
    const y: number[] = [];
    const at = (i: number, t: number, h: number, d: number): number => (i * T + t) * size + h * D + d;
    for (let i = 0; i < B; i++) {
      for (let t = 0; t < T; t++) {
        for (let h = 0; h < H; h++) {
          const powers = Array.from({ length: T }, (_, s) => {
            let score = 0;
            for (let d = 0; d < D; d++) score += q[at(i, t, h, d)]! * keys[at(i, s, h, d)]! / Math.sqrt(D);
            return Math.exp(score + added(i, t, s));
          });
          const sum = powers.reduce((a, v) => a + v, 0);
          for (let d = 0; d < D; d++) {
            y[at(i, t, h, d)] = powers.reduce((a, p, s) => a + p / sum * values[at(i, s, h, d)]!, 0);
          }
        }
      }
    }
    return y;
  }

  const x = floats('x', [B, T, size]);
  const weights = floats('w', [size, 3 * size]);
  const bias = floats('c', [3 * size]);
  const mask = [1, 1, 0, 1, 0, 1];

  /** Columns `part` of x · w + c. */
  function projected(part: number): number[] {
    return Array.from({ length: B * T * size }, (_, i) => {
      const column = part * size + i % size;
      const row = Math.floor(i / size);
      let sum = bias.data[column]!;
      for (let n = 0; n < size; n++) sum += x.data[row * size + n]! * weights.data[n * 3 * size + column]!;
      return sum;
    });
  }

  test.each([['all steps', {}, false], ['the steps before', { unidirectional: 1 }, false], ['a mask', {}, true]])(
    'Attention over %s',
    (_, attributes, isMasked) => {
      const nodes = fused('Attention', ['x', 'w', 'c', isMasked ? 'm' : ''], { num_heads: H, ...attributes });
      const graph = {
        nodes,
        inputs: [{ name: 'x', shape: [B, T, size] }],
        outputs: [{ name: 'y' }],
        constants: [weights, bias, { name: 'm', shape: [B, T], data: mask, type: int32 }],
      };
      const wanted = mixed(projected(0), projected(1), projected(2), (i, t, s) => {
        if (isMasked) return mask[i * T + s] === 1 ? 0 : -10000;
        return 'unidirectional' in attributes && s > t ? -Infinity : 0;
      });
      runOnnx(graph, { x: x.data }).y!.forEach((v, i) => expect(v).toBeCloseTo(wanted[i]!, 4));
    },
  );

  test('MultiHeadAttention with a bias of scores', () => {
    const [keys, values, scores] = [floats('k', [B, T, size]), floats('v', [B, T, size]), floats('s', [1, 1, T, T])];
    const graph = {
      nodes: fused('MultiHeadAttention', ['x', 'k', 'v', '', '', 's'], { num_heads: H }),
      inputs: [{ name: 'x', shape: [B, T, size] }],
      outputs: [{ name: 'y' }],
      constants: [keys, values, scores],
    };
    const wanted = mixed(x.data, keys.data, values.data, (_, t, s) => scores.data[t * T + s]!);
    runOnnx(graph, { x: x.data }).y!.forEach((v, i) => expect(v).toBeCloseTo(wanted[i]!, 4));
  });

  test('past states are refused', () => {
    const nodes = fused('MultiHeadAttention', ['x', 'x', 'x', '', '', '', 'x'], { num_heads: H });
    const graph = { nodes, inputs: [{ name: 'x', shape: [B, T, size] }], outputs: [{ name: 'y' }] };
    expect(() => runOnnx(graph, { x: x.data })).toThrow('MultiHeadAttention with past states');
  });
});
