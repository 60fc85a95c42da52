import { describe, expect, test } from 'vitest';
import type { KletError } from '../../src/compiler/index';
import { compile, GraphBuilder, quantize, type Graph, type Tensor } from '../../src/compiler/index';
import { loadSync } from '../../src/index';
import { Random } from '../helpers/random';
import { checkGraph } from '../ops/suite';

/** A small network with most of what quantization must get right: convolutions, a residual sum, pools, joins, tables, a softmax. */
function network(seed: number): Graph {
  const random = new Random(seed), b = new GraphBuilder('small');
  const floats = (shape: number[], size: number): Tensor => b.constant(Float32Array.from({ length: shape.reduce((a, c) => a * c, 1) }, () => random.between(-size, size)), shape);
  const conv = (x: Tensor, out: number, kernel: number, activation: 'none' | 'relu6'): Tensor => {
    const half = kernel >> 1;
    return b.node('conv2d', [x, floats([out, kernel, kernel, x.shape[3]!], 1 / kernel), floats([out], 0.3)], {
      stride: [1, 1], dilation: [1, 1], padding: [half, half, half, half], groups: 1, activation,
    });
  };
  const x = b.input('x', [1, 8, 8, 3]), first = conv(x, 8, 3, 'relu6');
  const depthwise = b.node('depthwiseConv2d', [first, floats([1, 3, 3, 8], 0.4), floats([8], 0.2)], { stride: [1, 1], dilation: [1, 1], padding: [1, 1, 1, 1], activation: 'none' });
  const sum = b.node('binary', [first, conv(b.node('unary', [depthwise], { kind: 'relu' }), 8, 1, 'none')], { kind: 'add', activation: 'none' });
  const pooled = b.node('maxPool2d', [b.node('unary', [sum], { kind: 'hardSwish' })], { kernel: [2, 2], stride: [2, 2], padding: [0, 0, 0, 0], activation: 'none' });
  const joined = b.node('concat', [pooled, b.node('unary', [pooled], { kind: 'tanh' })], { axis: 3, activation: 'none' });
  const mean = b.node('reduce', [joined], { kind: 'mean', axes: [1, 2] }, { shape: [1, 16] });
  const scores = b.node('fullyConnected', [mean, floats([5, 16], 0.7), floats([5], 0.5)], { activation: 'none' }, { name: 'scores' });
  return b.finish([scores, b.node('softmax', [scores], { beta: 1 }, { name: 'shares' })]);
}

function pictures(seed: number, count: number): Float32Array[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => Float32Array.from({ length: 8 * 8 * 3 }, () => random.between(-1, 1)));
}

function failure(action: () => unknown): KletError {
  try {
    action();
  } catch (error) {
    return error as KletError;
  }
  throw new Error('nothing was thrown');
}

describe('quantize', () => {
  test('stays within a few steps of the float network', () => {
    for (const seed of [1, 2, 3, 4]) {
      const graph = network(seed), float = loadSync(compile(graph)), int8 = loadSync(compile(quantize(graph, { samples: pictures(seed, 60) })));
      const differences: number[] = [];
      for (const picture of pictures(seed + 100, 40)) {
        const a = float.predict(picture), b = int8.predict(picture);
        int8.outputs.forEach(({ name, scale }) => {
          a[name]!.forEach((v, i) => differences.push(Math.abs(v - b[name]![i]!) / scale!));
        });
      }
      expect(Math.max(...differences)).toBeLessThan(12);
      expect(Math.sqrt(differences.reduce((sum, d) => sum + d * d, 0) / differences.length)).toBeLessThan(3);
    }
  });

  test('gives int8 networks that every flavor runs as the reference does', () => {
    for (const seed of [5, 6]) for (const floatBorder of [false, true]) checkGraph(quantize(network(seed), { samples: pictures(seed, 10), floatBorder }), seed);
  });

  test('makes activations int8 by range, weights int8 per output channel and symmetric, biases int32', () => {
    const graph = quantize(network(7), { samples: pictures(7, 10) });
    expect(graph.inputs[0]).toMatchObject({ dtype: 'int8' });
    for (const node of graph.nodes.filter((n) => n.op === 'conv2d' || n.op === 'depthwiseConv2d' || n.op === 'fullyConnected')) {
      const [, w, bias] = node.inputs, axis = node.op === 'depthwiseConv2d' ? 3 : 0;
      expect(w).toMatchObject({ dtype: 'int8', quantization: { axis } });
      expect(w!.quantization!.scale).toHaveLength(w!.shape[axis]!);
      expect(w!.quantization!.zeroPoint.every((z) => z === 0)).toBe(true);
      expect(Math.min(...(w!.data as Int8Array))).toBeGreaterThanOrEqual(-127);
      expect(bias).toMatchObject({ dtype: 'int32' });
    }
    expect(graph.outputs[1]!.quantization).toMatchObject({ scale: [1 / 256], zeroPoint: [-128] });
  });

  test('keeps zero exactly on a step, and a range that never moves usable', () => {
    const b = new GraphBuilder('still'), x = b.input('x', [4]), graph = b.finish([b.node('binary', [x, b.input('zero', [4])], { kind: 'mul', activation: 'none' })]);
    const model = loadSync(compile(quantize(graph, { samples: [{ x: Float32Array.of(3, 4, 5, 6), zero: new Float32Array(4) }] })));
    expect(model.predict({ x: Float32Array.of(3, 4, 5, 6), zero: new Float32Array(4) })).toEqual(new Float32Array(4));
    expect(model.predict({ x: new Float32Array(4), zero: new Float32Array(4) })).toEqual(new Float32Array(4));
  });

  test('keeps the bias of an output whose weights are all gone', () => {
    const b = new GraphBuilder('gone'), x = b.input('x', [1, 4]);
    const y = b.node('fullyConnected', [x, b.constant(Float32Array.of(0, 0, 0, 0, 1, -1, 0.5, 0), [2, 4]), b.constant(Float32Array.of(3, -1), [2])], { activation: 'none' });
    const samples = [Float32Array.of(1, 0, 1, 0), Float32Array.of(0, 1, 0, 1)], [first] = loadSync(compile(quantize(b.finish([y]), { samples }))).predict(samples[0]!) as Float32Array;
    expect(Math.abs(first! - 3)).toBeLessThan(0.05);
  });

  test('leaves inputs and outputs float when asked, and the given graph as it was', () => {
    const graph = network(8), before = JSON.stringify(graph), result = quantize(graph, { samples: pictures(8, 5), floatBorder: true });
    expect(JSON.stringify(graph)).toBe(before);
    expect([...result.inputs, ...result.outputs].map((t) => [t.name, t.dtype])).toEqual([['x', 'float32'], ['scores', 'float32'], ['shares', 'float32']]);
  });

  test('keeps what is not float: an index stays int32', () => {
    const b = new GraphBuilder('index'), x = b.input('x', [3, 4]), graph = b.finish([b.node('argmax', [b.node('unary', [x], { kind: 'relu' })], { axis: 1, kind: 'max' }, { shape: [3], dtype: 'int32' })]);
    const sample = new Random(3).fill(new Float32Array(12)), model = loadSync(compile(quantize(graph, { samples: [sample] })));
    expect(model.predict(sample, { output: 'raw' })).toEqual(loadSync(compile(graph)).predict(sample, { output: 'raw' }));
  });

  test('puts conversions around what stays in float32', () => {
    const b = new GraphBuilder('mixed'), x = b.input('x', [3, 4]), relu = b.node('unary', [x], { kind: 'relu' });
    const whole = b.node('cast', [b.node('cast', [relu], {}, { dtype: 'int32' })], {}, { dtype: 'float32' });
    const graph = b.finish([b.node('binary', [whole, relu], { kind: 'add', activation: 'none' }, { name: 'sum' })]);
    const sample = Float32Array.from({ length: 12 }, (_, i) => i * 0.4 - 1), int8 = quantize(graph, { samples: [sample] });
    expect(int8.nodes.map((n) => n.op)).toEqual(['unary', 'dequantize', 'cast', 'cast', 'quantize', 'binary']);
    const found = loadSync(compile(int8)).predict(sample);
    loadSync(compile(graph)).predict(sample).forEach((v, i) => expect(Math.abs(v - found[i]!)).toBeLessThan(0.1));
  });

  test('needs samples, and a network that is not quantized yet', () => {
    expect(failure(() => quantize(network(9), { samples: [] }))).toMatchObject({ code: 'BAD_ARGUMENT', message: expect.stringMatching(/samples/) as string });
    const error = failure(() => quantize(quantize(network(9), { samples: pictures(9, 3) }), { samples: pictures(9, 3) }));
    expect(error).toMatchObject({ code: 'UNSUPPORTED_TYPE', message: expect.stringMatching(/is quantized already/) as string });
  });
});
