import { describe, expect, test } from 'vitest';
import type { Graph } from '../../../src/graph/graph';
import { roundEven } from '../../../src/ops/shared/rounding';
import { Random } from '../../helpers/random';
import { importOnnx, runGraph, runOnnx } from './run';
import { onnxTypes, type OnnxConstant, type OnnxGraph, type OnnxNode } from './writer';

// Operators between dequantize and quantize nodes become int8 operators. Their results are compared
// with the float operator on the same real values.

interface Weights {
  shape: number[];
  /** The dimension with a scale for each index. */
  axis?: number;
  type?: 'int8' | 'uint8';
  /** Zero points other than the middle of the type. */
  zeroPoints?: boolean;
}

interface Case {
  nodes: OnnxNode[];
  /** The inputs x and, if it has one, b. */
  x: number[];
  b?: number[];
  /** Weights w, which are integers in the file, and constants that are float. */
  w?: Weights;
  constants?: OnnxConstant[];
  /** Scale of the result y. */
  scale?: number;
  version?: number;
}

interface Quantized {
  scale: number;
  zero: number;
  type: 'int8' | 'uint8';
}

const ranges = { int8: [-128, 127], uint8: [0, 255] } as const;

function quantizeValue(v: number, { scale, zero, type }: Quantized): number {
  const [low, high] = ranges[type];
  return Math.max(low, Math.min(high, roundEven(v / scale) + zero));
}

function node(op: string, inputs: string[], attributes?: OnnxNode['attributes'], output = 'y'): OnnxNode {
  return { op, inputs, outputs: [output], ...(attributes && { attributes }) };
}

function number(name: string, value: number, type: number = onnxTypes.float): OnnxConstant {
  return { name, shape: [], data: [value], type };
}

/** Quantizes and dequantizes `from`; the constants that this needs are added. */
function rounded(from: string, to: string, q: Quantized, constants: OnnxConstant[]): OnnxNode[] {
  constants.push(number(`${to}_scale`, q.scale), number(`${to}_zero`, q.zero, onnxTypes[q.type]));
  const parameters = [`${to}_scale`, `${to}_zero`];
  return [node('QuantizeLinear', [from, ...parameters], undefined, `${to}_q`),
    node('DequantizeLinear', [`${to}_q`, ...parameters], undefined, to)];
}

/** Integers, their parameters and their real values. */
function makeWeights(random: Random, { shape, axis, type = 'int8', zeroPoints = false }: Weights) {
  const channels = axis === undefined ? 1 : shape[axis]!;
  const middle = type === 'uint8' ? 128 : 0;
  const scales = Array.from({ length: channels }, () => Math.fround(random.between(0.002, 0.02)));
  const zeros = scales.map(() => middle + (zeroPoints ? random.int(-7, 7) : 0));
  const inner = shape.slice((axis ?? -1) + 1).reduce((a, b) => a * b, 1);
  const count = shape.reduce((a, b) => a * b, 1);
  const data = Array.from({ length: count }, () => middle + random.int(-118, 118));
  const channel = (i: number): number => (axis === undefined ? 0 : Math.floor(i / inner) % channels);
  const real = data.map((q, i) => scales[channel(i)]! * (q - zeros[channel(i)]!));
  const parameters = axis === undefined ? [] : [channels];
  const code = onnxTypes[type];
  const constants: OnnxConstant[] = [{ name: 'w_q', shape, data, type: code }, {
    name: 'w_scale',
    shape: parameters,
    data: scales,
  }, { name: 'w_zero', shape: parameters, data: zeros, type: code }];
  const dequantize = node('DequantizeLinear', ['w_q', 'w_scale', 'w_zero'], axis === undefined ? {} : { axis }, 'w');
  return { real: { name: 'w', shape, data: real }, constants, dequantize };
}

function floatOperators(graph: Graph): string[] {
  return graph.nodes.filter(({ op, inputs }) =>
    op !== 'quantize' && op !== 'dequantize' && inputs.some((tensor) => tensor?.dtype === 'float32')
  ).map(({ op }) => op);
}

function check(example: Case, seed: number): void {
  const random = new Random(seed);
  const type = random.int(0, 1) === 1 ? 'int8' : 'uint8';
  const quantization = (scale: number): Quantized => ({
    scale: Math.fround(scale * random.between(0.93, 1.07)),
    zero: (type === 'uint8' ? 128 : 0) + random.int(-20, 20),
    type,
  });
  const shapes = { x: example.x, ...(example.b && { b: example.b }) };
  const inputs = Object.entries(shapes).map(([name, shape]) => {
    const q = quantization(0.025);
    const values = Array.from({ length: shape.reduce((a, c) => a * c, 1) }, () => Math.fround(random.between(-3, 3)));
    return { name, shape, q, values, real: values.map((v) => Math.fround(q.scale * (quantizeValue(v, q) - q.zero))) };
  });
  const weights = example.w && makeWeights(random, example.w);
  const result = quantization(example.scale ?? 0.03);
  const plain: OnnxGraph = {
    nodes: example.nodes,
    inputs: inputs.map(({ name, shape }) => ({ name, shape })),
    outputs: [{ name: 'y' }],
    constants: [...(example.constants ?? []), ...(weights ? [weights.real] : [])],
  };
  const constants = [...(example.constants ?? []), ...(weights?.constants ?? [])];
  const names = Object.fromEntries(inputs.map(({ name }) => [name, `${name}_real`]));
  const quantized: OnnxGraph = {
    ...plain,
    constants,
    nodes: [...inputs.flatMap(({ name, q }) => rounded(name, `${name}_real`, q, constants)),
      ...(weights ? [weights.dequantize] : []),
      ...example.nodes.map((n) => ({ ...n, inputs: n.inputs.map((name) => names[name] ?? name) })),
      ...rounded('y', 'z', result, constants)],
    outputs: [{ name: 'z' }],
  };
  const version = example.version ?? 17;
  const wanted = runOnnx(plain, Object.fromEntries(inputs.map(({ name, real }) => [name, real])), version).y!.map((v) =>
    quantizeValue(v, result)
  );
  const graph = importOnnx(quantized, version);
  expect(floatOperators(graph)).toEqual([]);
  const found = runGraph(graph, Object.fromEntries(inputs.map(({ name, values }) => [name, values]))).z!.map((v) =>
    Math.round(v / result.scale) + result.zero
  );
  const differences = found.map((q, i) => Math.abs(q - wanted[i]!));
  expect(Math.max(...differences)).toBeLessThanOrEqual(1);
  expect(differences.filter((d) => d > 0).length).toBeLessThanOrEqual(Math.ceil(0.01 * found.length));
}

function checkAll(cases: Record<string, Case>): void {
  test.each(Object.keys(cases))('%s', (name) => {
    for (const seed of [1, 2, 3]) check(cases[name]!, seed);
  });
}

const image = [2, 4, 7, 6];
const bias: OnnxConstant = { name: 'c', shape: [6], data: [1, -0.5, 0.25, 2, 0, -1] };

describe('layers', () => {
  const conv = node('Conv', ['x', 'w', 'c'], { pads: [1, 1, 1, 1] });
  const convolution = { x: image, constants: [bias], scale: 0.06 };
  checkAll({
    'Conv with one scale': { ...convolution, nodes: [conv], w: { shape: [6, 4, 3, 3] } },
    'Conv with a scale for each channel': { ...convolution, nodes: [conv], w: { shape: [6, 4, 3, 3], axis: 0 } },
    'Conv with unsigned weights': {
      ...convolution,
      nodes: [conv],
      w: { shape: [6, 4, 3, 3], type: 'uint8', zeroPoints: true },
    },
    'Conv with a zero point for each channel': {
      ...convolution,
      nodes: [conv],
      w: { shape: [6, 4, 3, 3], axis: 0, zeroPoints: true },
    },
    'Conv and Relu': {
      ...convolution,
      nodes: [node('Conv', ['x', 'w'], {}, 't'), node('Relu', ['t'])],
      w: { shape: [6, 4, 3, 3] },
    },
    'Conv and Clip': {
      ...convolution,
      nodes: [node('Conv', ['x', 'w'], {}, 't'), node('Clip', ['t', 'low', 'high'])],
      w: { shape: [6, 4, 3, 3] },
      constants: [number('low', -1.3), number('high', 2.1)],
    },
    'Conv and BatchNormalization': {
      ...convolution,
      nodes: [node('Conv', ['x', 'w'], {}, 't'), node('BatchNormalization', ['t', 'g', 'c', 'c', 'g'])],
      w: { shape: [6, 4, 3, 3], axis: 0 },
      constants: [bias, { ...bias, name: 'g', data: [1, 0.5, 0.25, 2, 1.5, 0.7] }],
    },
    'Conv, a sum with constants, and MaxPool': {
      ...convolution,
      nodes: [node('Conv', ['x', 'w'], {}, 's'), node('Add', ['s', 'k'], {}, 't'),
        node('MaxPool', ['t'], { kernel_shape: [2, 2] })],
      w: { shape: [6, 4, 3, 3] },
      constants: [{ ...bias, name: 'k', shape: [6, 1, 1] }],
    },
    'depthwise Conv': {
      nodes: [node('Conv', ['x', 'w'], { group: 4 })],
      x: image,
      w: { shape: [4, 1, 3, 3], axis: 0 },
    },
    'grouped Conv': {
      nodes: [node('Conv', ['x', 'w', 'c'], { group: 2 })],
      ...convolution,
      w: { shape: [6, 2, 3, 3], axis: 0 },
    },
    'Conv over one dimension': {
      nodes: [node('Conv', ['x', 'w', 'c'], { dilations: [2] })],
      x: [1, 4, 12],
      constants: [bias],
      scale: 0.06,
      w: { shape: [6, 4, 3], axis: 0 },
    },
    ConvTranspose: {
      nodes: [node('ConvTranspose', ['x', 'w', 'c'], { strides: [2, 2] })],
      ...convolution,
      w: { shape: [4, 6, 3, 3], axis: 1 },
    },
    'MatMul with weights and a bias': {
      nodes: [node('MatMul', ['x', 'w'], {}, 't'), node('Add', ['t', 'c'])],
      x: [2, 3, 8],
      constants: [bias],
      w: { shape: [8, 6], axis: 1 },
    },
    Gemm: {
      nodes: [node('Gemm', ['x', 'w', 'c'], { transB: 1, alpha: { float: 0.5 } })],
      x: [3, 8],
      constants: [bias],
      w: { shape: [6, 8], axis: 0 },
    },
    'Flatten and Gemm': {
      nodes: [node('Flatten', ['x'], {}, 't'), node('Gemm', ['t', 'w', 'c'])],
      x: [1, 2, 3, 4],
      constants: [bias],
      scale: 0.06,
      w: { shape: [24, 6] },
    },
    'MatMul of two inputs': {
      nodes: [node('Transpose', ['b'], { perm: [0, 2, 1] }, 't'), node('MatMul', ['x', 't'])],
      x: [2, 3, 8],
      b: [2, 5, 8],
      scale: 0.2,
    },
  });
});

describe('functions of elements', () => {
  const kinds = ['Add', 'Sub', 'Mul', 'Min', 'Max'];
  const functions = ['Sigmoid', 'Tanh', 'Elu', 'LeakyRelu', 'Exp', 'Abs', 'Neg', 'Relu', 'HardSigmoid', 'Erf'];
  checkAll({
    ...Object.fromEntries(kinds.map((op) => [op, { nodes: [node(op, ['x', 'b'])], x: image, b: [4, 1, 6] }])),
    ...Object
      .fromEntries(kinds.map((
        op,
      ) => [`${op} with a number`, { nodes: [node(op, ['x', 'k'])], x: image, constants: [number('k', 0.7)] }])),
    ...Object
      .fromEntries(kinds.map((
        op,
      ) => [`${op} with weights`, { nodes: [node(op, ['x', 'w'])], x: image, w: { shape: [4, 1, 1] } }])),
    ...Object.fromEntries(functions.map((op) => [op, { nodes: [node(op, ['x'])], x: image, scale: 0.02 }])),
    'PRelu with weights': { nodes: [node('PRelu', ['x', 'w'])], x: image, w: { shape: [4, 1, 1] } },
    'Softmax along channels': { nodes: [node('Softmax', ['x'], { axis: 1 })], x: image, scale: 1 / 256 },
  });
});

describe('pools and reductions', () => {
  const pool = { kernel_shape: [2, 3], strides: [2, 1] };
  checkAll({
    AveragePool: { nodes: [node('AveragePool', ['x'], pool)], x: image },
    'AveragePool that counts its padding': {
      nodes: [node('AveragePool', ['x'], { ...pool, pads: [1, 1, 1, 1], count_include_pad: 1 })],
      x: image,
    },
    MaxPool: { nodes: [node('MaxPool', ['x'], { ...pool, pads: [1, 1, 1, 1] })], x: image },
    GlobalAveragePool: { nodes: [node('GlobalAveragePool', ['x'])], x: image, scale: 0.01 },
    'ReduceMean over channels': { nodes: [node('ReduceMean', ['x'], { axes: [1], keepdims: 0 })], x: image },
    'ReduceMean over time': { nodes: [node('ReduceMean', ['x'], { axes: [2] })], x: [2, 3, 9], scale: 0.01 },
    'ReduceSum over the first and last dimension': {
      nodes: [node('ReduceSum', ['x', 'axes'])],
      x: [2, 3, 4],
      constants: [{ name: 'axes', shape: [2], data: [0, 2], type: onnxTypes.int64 }],
      scale: 0.1,
    },
    'ReduceMax over channels': { nodes: [node('ReduceMax', ['x'], { axes: [1] })], x: image },
  });
});

describe('movements', () => {
  const list = (name: string, data: number[]): OnnxConstant => ({
    name,
    shape: [data.length],
    data,
    type: onnxTypes.int64,
  });
  checkAll({
    'Concat of different scales': { nodes: [node('Concat', ['x', 'b'], { axis: 1 })], x: image, b: image },
    'Concat with weights': { nodes: [node('Concat', ['x', 'w'], { axis: 1 })], x: [1, 2, 5], w: { shape: [1, 3, 5] } },
    'Pad with zeros': {
      nodes: [node('Pad', ['x', 'pads'])],
      x: image,
      constants: [list('pads', [0, 0, 1, 2, 0, 0, 0, 1])],
    },
    'Slice and Transpose': {
      nodes: [node('Slice', ['x', 'begin', 'end'], {}, 't'), node('Transpose', ['t'], { perm: [0, 2, 3, 1] })],
      x: image,
      constants: [list('begin', [0, 1, 2]), list('end', [2, 3, 6])],
    },
    'Split, with a function of each part': {
      nodes: [{ op: 'Split', inputs: ['x'], outputs: ['t', 'u'], attributes: { axis: 1 } },
        node('Concat', ['u', 't'], { axis: 1 })],
      x: image,
    },
    'the shuffle of channels': {
      nodes: [node('Reshape', ['x', 'apart'], {}, 't'), node('Transpose', ['t'], { perm: [0, 2, 1, 3, 4] }, 'u'),
        node('Reshape', ['u', 'joined'])],
      x: image,
      constants: [list('apart', [2, 2, 2, 7, 6]), list('joined', image)],
    },
    'Resize to the nearest': {
      nodes: [
        node('Resize', ['x', '', 'scales'], {
          mode: 'nearest',
          nearest_mode: 'floor',
          coordinate_transformation_mode: 'asymmetric',
        }),
      ],
      x: image,
      constants: [{ name: 'scales', shape: [4], data: [1, 1, 2, 2] }],
    },
    'linear Resize': {
      nodes: [node('Resize', ['x', '', 'scales'], { mode: 'linear' })],
      x: image,
      constants: [{ name: 'scales', shape: [4], data: [1, 1, 2, 2] }],
    },
  });

  test('integers move before they are dequantized, without a quantize node behind', () => {
    const constants: OnnxConstant[] = [];
    const graph = importOnnx({
      nodes: [...rounded('x', 'r', { scale: 0.5, zero: 3, type: 'uint8' }, constants),
        node('Transpose', ['r'], { perm: [1, 0] }, 't'), node('MaxPool', ['t3'], { kernel_shape: [2] }),
        node('Reshape', ['t', 'shape'], {}, 't3')].sort((a, b) =>
          Number(a.op === 'MaxPool') - Number(b.op === 'MaxPool')
        ),
      inputs: [{ name: 'x', shape: [4, 6] }],
      outputs: [{ name: 'y' }],
      constants: [...constants, list('shape', [1, 6, 4])],
    });
    expect(floatOperators(graph)).toEqual([]);
    expect(graph.nodes.at(-1).op).toBe('dequantize');
  });

  test('a layer whose result has two readers stays float', () => {
    const constants: OnnxConstant[] = [];
    const weights = makeWeights(new Random(1), { shape: [3, 2] });
    const graph = importOnnx({
      nodes: [...rounded('x', 'r', { scale: 0.5, zero: 3, type: 'uint8' }, constants), weights.dequantize,
        node('MatMul', ['r', 'w'], {}, 'm'), ...rounded('m', 'n', { scale: 0.1, zero: 0, type: 'int8' }, constants),
        node('Add', ['m', 'n'])],
      inputs: [{ name: 'x', shape: [4, 3] }],
      outputs: [{ name: 'y' }],
      constants: [...constants, ...weights.constants],
    });
    expect(floatOperators(graph)).toEqual(['fullyConnected', 'binary']);
  });
});
