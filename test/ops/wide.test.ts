import { describe, expect, test } from 'vitest';
import * as L from '../../assembly/layout';
import { compile, GraphBuilder, type Graph } from '../../src/compiler/index';
import type { BinaryKind, UnaryKind } from '../../src/graph/operators';
import { loadSync } from '../../src/index';
import { distances } from '../helpers/realNumbers';
import { faults, refused } from '../robustness/malformed';
import { recordOf } from '../robustness/plan';
import { checkGraph, exact, Random, single, tensor } from './suite';
import { weightsAndBias } from './weighted';

// Networks with int16 activations. The tests of the operators compare them with the reference too.

const int16 = (name: string, shape: number[], scale: number) => tensor(name, shape, 'int16', { scale, zeroPoint: 0 });

/** Distances in steps of an int16 node's results from the real numbers. */
function farthest(graph: Graph, seed: number): number {
  const random = new Random(seed);
  const inputs = Object.fromEntries(graph.inputs.map(({ name, shape }) => {
    const values = new Int16Array(shape.reduce((a, b) => a * b, 1));
    return [name, values.map(() => random.int(-32768, 32767))];
  }));
  const model = loadSync(compile(graph));
  const found = model.predict(inputs, { output: 'raw' });
  model.dispose();
  return distances(graph.nodes[0]!, inputs, found as Int16Array).reduce((a, b) => Math.max(a, b));
}

describe('int16 results are nearest to the real numbers', () => {
  /** Half a step, and the error of a float32 that counts 32,768 steps. */
  const nearest = 0.505;
  const image = [1, 6, 6, 8];
  const window = {
    kernel: [2, 2] as [number, number],
    stride: [1, 1] as [number, number],
    padding: [0, 0, 0, 0] as [number, number, number, number],
    activation: 'none' as const,
  };

  test.each([['int32', true, nearest], ['int64', false, 1.01]] as const)(
    'of products with a bias of %s',
    (_, ties, most) => {
      for (let seed = 0; seed < 20; seed++) {
        const random = new Random(seed);
        const x = int16('x', [4, 40], 0.01);
        const spec = { scale: 0.01, zeroPoint: 0, perChannel: true, bias: true, ties, outputZeroPoint: 0 };
        const { w, bias } = weightsAndBias(random, x, [9, 40], 0, spec);
        const graph = single('fullyConnected', [x, w, bias], { activation: 'none' }, int16('y', [4, 9], 0.013));
        expect(farthest(graph, seed)).toBeLessThanOrEqual(most);
      }
    },
  );

  test.each<BinaryKind>(['add', 'sub', 'mul', 'div', 'maximum', 'squaredDifference'])('of %s', (kind) => {
    for (const [a, b, y] of [[0.001, 0.002, 0.003], [0.5, 0.0004, 0.7], [0.25, 0.25, 0.25]] as const) {
      const inputs = [int16('a', [600], a), int16('b', [600], b)];
      const graph = single('binary', inputs, { kind, activation: 'none' }, int16('y', [600], y));
      // a sum is rounded at 30 bits before the last rounding, a smaller scale twice
      expect(farthest(graph, 3)).toBeLessThanOrEqual(kind === 'maximum' ? 0.75 : 0.51);
    }
  });

  test.each<UnaryKind>(['relu', 'relu6', 'leakyRelu', 'logistic', 'tanh', 'elu', 'gelu', 'exp', 'abs', 'hardSwish'])(
    'of %s',
    (kind) => {
      const attributes = kind === 'leakyRelu' ? { kind, alpha: 0.1 } : { kind };
      const graph = single('unary', [int16('x', [2000], 2 ** -12 * 1.1)], attributes, int16('y', [2000], 2 ** -12));
      expect(farthest(graph, 5)).toBeLessThanOrEqual(0.51);
    },
  );

  test('of softmax, pools, means and matrices', () => {
    const scale = 2 ** -12;
    const matrix = [int16('x', [5, 30], scale), int16('w', [30, 4], scale)];
    const graphs = [single('softmax', [int16('x', [3, 50], scale)], { beta: 1 }, int16('y', [3, 50], 2 ** -15)),
      single('averagePool2d', [int16('x', image, scale)], window, int16('y', [1, 5, 5, 8], scale)),
      single('maxPool2d', [int16('x', image, scale)], window, int16('y', [1, 5, 5, 8], scale)),
      single('reduce', [int16('x', image, scale)], { kind: 'mean', axes: [1, 2] }, int16('y', [1, 8], scale / 4)),
      single('reduce', [int16('x', image, scale)], { kind: 'sum', axes: [3] }, int16('y', [1, 6, 6], scale * 2)),
      single('batchMatmul', matrix, { transposeA: false, transposeB: false }, int16('y', [5, 4], 0.01))];
    for (const graph of graphs) expect(farthest(graph, 9), graph.name).toBeLessThanOrEqual(nearest);
  });
});

describe('sums of int16 activations', () => {
  test.each([512, 70_001])('are exact for %i products of the largest values', (depth) => {
    const x = int16('x', [3, depth], 0.5);
    const w = { ...tensor('w', [9, depth], 'int8', { scale: 0.25, zeroPoint: 0 }), data: new Int8Array(9 * depth) };
    w.data.fill(-128, 0, 4 * depth).fill(127, 4 * depth);
    const y = int16('y', [3, 9], 2 ** 8 * depth / 512);
    const random = new Random(depth);
    const values = Int16Array.from({ length: 3 * depth }, (_, i) => (i < depth ? -32768 : random.int(-32768, 32767)));
    const attributes = { activation: 'none' as const };
    for (const rows of [1, 3]) {
      const [from, to] = [{ ...x, shape: [rows, depth] }, { ...y, shape: [rows, 9] }];
      const graph = single('fullyConnected', [from, w, null], attributes, to);
      checkGraph(graph, rows, exact, { x: values.slice(0, rows * depth) });
    }
  });

  test('are exact for a depthwise filter whose products do not fit in 32 bits', () => {
    const x = int16('x', [1, 30, 30, 3], 0.5);
    const w = { ...tensor('w', [1, 24, 24, 3], 'int8', { scale: 0.25, zeroPoint: 0 }), data: new Int8Array(1728) };
    w.data.fill(-128);
    const y = int16('y', [1, 7, 7, 3], 2 ** 9);
    const attributes = {
      stride: [1, 1] as [number, number],
      dilation: [1, 1] as [number, number],
      padding: [0, 0, 0, 0] as [number, number, number, number],
      activation: 'none' as const,
    };
    checkGraph(single('depthwiseConv2d', [x, w, null], attributes, y), 1, exact, {
      x: new Int16Array(2700).fill(-32768),
    });
  });
});

describe('an int16 input', () => {
  const b = new GraphBuilder('ends');
  const x = b.input('x', [4], 'int16', { scale: [0.01], zeroPoint: [0], axis: 0 });
  const y = b.node('unary', [x], { kind: 'relu' }, { quantization: x.quantization! });
  const model = loadSync(compile(b.finish([y])));

  test('takes steps or real numbers, which are rounded to steps, and outputs both', () => {
    const steps = Int16Array.of(-5, 0, 300, 32767);
    expect(model.inputs[0]).toMatchObject({ dtype: 'int16', scale: 0.01, zeroPoint: 0 });
    expect(model.predict(steps, { output: 'raw' }) as unknown).toEqual(Int16Array.of(0, 0, 300, 32767));
    expect(model.predict([1.006, 1e9, -0.1, 3], { output: 'raw' }) as unknown)
      .toEqual(Int16Array.of(101, 32767, 0, 300));
    expect(model.predict(steps)[2]).toBeCloseTo(3, 6);
    const out = new Int16Array(4);
    model.predictInto(steps, out);
    expect(out[2]).toBe(300);
  });

  test('refuses NaN and arrays of other types', () => {
    expect(() => model.predict([1, NaN, 0, 0])).toThrow(/"x" holds NaN at index 1/);
    expect(() => model.predict(new Int8Array(4))).toThrow(/takes Int16Array \(raw values\) or Float32Array/);
  });
});

test('recurrent layers with int16 activations are refused by name', () => {
  const b = new GraphBuilder('sequence');
  const quantization = { scale: [0.01], zeroPoint: [0], axis: 0 };
  const x = b.input('x', [1, 5, 2], 'int16', quantization);
  const weights = (rows: number, columns: number) => b.constant(new Float32Array(rows * columns), [rows, columns]);
  const attributes = { timeMajor: false, reverse: false, activation: 'tanh' as const };
  const y = b.node('rnn', [x, weights(3, 2), weights(3, 3), null], attributes, { quantization, name: 'memory' });
  expect(() => compile(b.finish([y]))).toThrow(/rnn "memory": int16 activations; quantize it to int8/);
});

describe('a wide record is refused for', () => {
  const conv = recordOf(L.OP_WIDE_CONV2D);
  refused('another dtype', conv, faults.attribute, [L.RECORD_DTYPE, L.DTYPE_I8, 'byte']);
  refused('no products in a sum', conv, faults.attribute, [L.WIDE_CONV2D_CHUNK, 0]);
  refused('a bound outside int16', conv, faults.attribute, [L.CONV2D_MAX, 32768]);
  refused('bounds in the wrong order', conv, faults.attribute, [L.CONV2D_MIN, 5], [L.CONV2D_MAX, 4]);
  refused('weights beyond the section', conv, faults.weights, [L.CONV2D_WEIGHTS, 1 << 28]);
  refused('a bias beyond the section', conv, faults.weights, [L.CONV2D_BIAS, 1 << 28]);
  refused('misaligned scales', conv, faults.misaligned, [L.CONV2D_SCALE, 8]);
  refused('a misaligned source', conv, faults.misaligned, [L.CONV2D_SOURCE, 1]);
  refused('an image beyond the arena', conv, faults.arena, [L.CONV2D_IN_H, 1 << 20]);

  const depthwise = recordOf(L.OP_WIDE_DEPTHWISE_CONV2D);
  refused('a depthwise bound outside int16', depthwise, faults.attribute, [L.DEPTHWISE_MIN, -32769]);
  refused('depthwise scales beyond the section', depthwise, faults.weights, [L.DEPTHWISE_SCALE, 1 << 28]);
  refused('a depthwise target beyond the arena', depthwise, faults.arena, [L.DEPTHWISE_BATCH, 1 << 20]);

  const binary = recordOf(L.OP_WIDE_BINARY);
  refused('a quotient', binary, faults.attribute, [L.BINARY_KIND, L.BINARY_DIV]);
  refused('a negative factor', binary, faults.attribute, [L.WIDE_BINARY_A_MULTIPLIER, -1]);
  refused('an exponent out of range', binary, faults.attribute, [L.WIDE_BINARY_OUT_EXPONENT, 23]);
  refused('an operand with steps of 2', binary, faults.attribute, [L.BINARY_B_STRIDES + 20, 2]);
  refused('a sum beyond the arena', binary, faults.arena, [L.BINARY_DIMENSIONS, 1 << 20]);
  refused('a sum out of order', binary, faults.attribute, [L.BINARY_MIN, 9], [L.BINARY_MAX, 8]);

  const convert = recordOf(L.OP_WIDE_CONVERT, L.DTYPE_F32);
  refused('an unknown type', convert, faults.attribute, [L.WIDE_CONVERT_TO, L.DTYPE_U8]);
  refused('two types of which none is int16', convert, faults.attribute, [L.WIDE_CONVERT_TO, L.DTYPE_I8]);
  refused('a scale of 0', convert, faults.attribute, [L.WIDE_CONVERT_SCALE, 0, 'float']);
  refused('no elements', convert, faults.attribute, [L.WIDE_CONVERT_COUNT, 0]);
  refused('a misaligned target', convert, faults.misaligned, [L.WIDE_CONVERT_TARGET, 1]);
});
