import { describe, expect, test } from 'vitest';
import { compare, compile, GraphBuilder, quantize, type Graph, type Tensor } from '../../../src/compiler/index';
import { fitMatrix } from '../../../src/compiler/quantize/fitMatrix';
import { loadSync } from '../../../src/index';
import { Random } from '../../helpers/random';
import { ConstantMaker, normal, smoothImages as images } from './networks';

/** A network of convolutions, whose channels have scales that differ by e^±spread. */
function convolutions(seed: number, spread: number): Graph {
  const b = new GraphBuilder('convolutions');
  const make = new ConstantMaker(b, seed, spread);
  const pair = [1, 1] as [number, number];
  const padding = [1, 1, 1, 1] as [number, number, number, number];
  const common = { stride: pair, dilation: pair, padding, activation: 'relu' as const };
  const x = b.input('x', [1, 10, 10, 3]);
  const a = b.node('conv2d', [x, make.weights([12, 3, 3, 3], 0), make.bias(12)], { ...common, groups: 1 });
  const c = b.node('depthwiseConv2d', [a, make.weights([1, 3, 3, 12], 3), make.bias(12)], common);
  const d = b.node('conv2d', [c, make.weights([12, 3, 3, 6], 0), make.bias(12)], { ...common, groups: 2 });
  const sum = b.node('binary', [a, d], { kind: 'add', activation: 'none' });
  const mean = b.node('reduce', [sum], { kind: 'mean', axes: [1, 2] }, { shape: [1, 12] });
  return b.finish([b.node('fullyConnected', [mean, make.weights([5, 12], 0), null], { activation: 'none' })]);
}

function sqnr(before: Graph, after: Graph, samples: Float32Array[]): number {
  return compare(before, after, samples).outputs[0]!.sqnr!;
}

describe('weights fitted to samples', () => {
  test('of 4 bits are several decibels better than the nearest ones, of 8 bits never much worse', () => {
    for (const [bits, least, average] of [[4, 1, 5], [8, -0.5, 0]] as const) {
      const gains = [1, 2, 3].map((seed) => {
        const graph = convolutions(seed, 0.7);
        const options = { samples: images(seed, 60), weightBits: bits };
        const nearest = sqnr(graph, quantize(graph, { ...options, rounding: 'nearest' }), images(seed + 100, 40));
        return sqnr(graph, quantize(graph, options), images(seed + 100, 40)) - nearest;
      });
      expect(Math.min(...gains)).toBeGreaterThan(least);
      expect(gains.reduce((sum, gain) => sum + gain, 0) / gains.length).toBeGreaterThan(average);
    }
  });

  test('lie on the grid of their bits', () => {
    const graph = convolutions(7, 0.5);
    for (const [weightBits, low, high] of [[8, -127, 127], [7, -63, 63], [4, -8, 7]] as const) {
      const { nodes } = quantize(graph, { samples: images(7, 20), weightBits });
      for (const { inputs: [, w] } of nodes) {
        if (w?.dtype !== 'int8' || !w.data) continue;
        expect(Math.min(...w.data as Int8Array)).toBeGreaterThanOrEqual(low);
        expect(Math.max(...w.data as Int8Array)).toBeLessThanOrEqual(high);
      }
    }
  });

  test('compensate for errors of earlier layers, and keep the means of the outputs', () => {
    const graph = convolutions(8, 0.5);
    const samples = images(8, 100);
    const means = ['nearest', 'fitted'].map((rounding) => {
      const int8 = quantize(graph, { samples, weightBits: 4, rounding: rounding as 'fitted', floatIo: true });
      const [before, after] = [graph, int8].map((network) => loadSync(compile(network)));
      const sums = new Float64Array(5);
      for (const sample of samples) {
        const [y, found] = [before!.predict(sample) as Float32Array, after!.predict(sample) as Float32Array];
        sums.forEach((_, i) => (sums[i]! += (found[i]! - y[i]!) / samples.length));
      }
      return Math.hypot(...sums);
    });
    expect(means[1]).toBeLessThan(means[0]! / 4);
  });

  test('of recurrent layers are at least as good as the nearest ones', () => {
    for (const op of ['lstm', 'gru', 'rnn'] as const) {
      const random = new Random(9);
      const b = new GraphBuilder(op);
      const constant = (...shape: number[]): Tensor =>
        b.constant(Float32Array.from({ length: shape.reduce((p, q) => p * q) }, () => 0.5 * normal(random)), shape);
      const x = b.input('x', [1, 12, 6]);
      const gates = { lstm: 4, gru: 3, rnn: 1 }[op];
      const operands = [x, constant(gates * 8, 6), constant(gates * 8, 8), constant(gates * 8)];
      const along = { timeMajor: false, reverse: false };
      const y = {
        lstm: () => b.node('lstm', operands, { ...along, activation: 'tanh', cellClip: 0, projectionClip: 0 }),
        gru: () => b.node('gru', [...operands, constant(24)], { ...along, resetAfter: true }),
        rnn: () => b.node('rnn', operands, { ...along, activation: 'tanh' }),
      }[op]();
      const graph = b.finish([y]);
      const sequences = (): Float32Array[] =>
        Array.from({ length: 40 }, () => Float32Array.from({ length: 72 }, () => normal(random)));
      const [samples, others] = [sequences(), sequences()];
      const nearest = sqnr(graph, quantize(graph, { samples, rounding: 'nearest' }), others);
      expect(sqnr(graph, quantize(graph, { samples }), others)).toBeGreaterThan(nearest - 0.3);
    }
  });

  test('take known numbers of layers and samples, which progress reports', () => {
    const seen = new Map<string, [done: number, total: number | undefined][]>();
    const onProgress = (stage: string, done: number, total?: number): void => {
      seen.set(stage, [...seen.get(stage) ?? [], [done, total]]);
    };
    quantize(convolutions(14, 0.5), { samples: images(14, 8), equalize: false, onProgress });
    expect(seen.get('calibrating')).toEqual(Array.from({ length: 8 }, (_, i) => [i + 1, 8]));
    // four layers, and the comparison of the outputs
    expect(seen.get('fitting')).toEqual([0, 1, 2, 3, 4].map((done) => [done, 5]));
  });

  test('are shared by the layers that shared them', () => {
    const random = new Random(10);
    const b = new GraphBuilder('twins');
    const w = b.constant(Float32Array.from({ length: 64 }, () => normal(random)), [8, 8]);
    const first = b.node('fullyConnected', [b.input('x', [1, 8]), w, null], { activation: 'relu' });
    const graph = b.finish([b.node('fullyConnected', [first, w, null], { activation: 'none' })]);
    const samples = Array.from({ length: 20 }, () => Float32Array.from({ length: 8 }, () => normal(random)));
    const { nodes: [one, other] } = quantize(graph, { samples, weightBits: 4 });
    expect(one!.inputs[1]!.data).toEqual(other!.inputs[1]!.data);
  });

  test('of a network with a single sample, or with constant inputs, are no worse than the nearest ones', () => {
    const graph = convolutions(11, 0.5);
    for (const samples of [images(11, 1), [new Float32Array(300).fill(0.5), new Float32Array(300).fill(0.5)]]) {
      const nearest = sqnr(graph, quantize(graph, { samples, weightBits: 4, rounding: 'nearest' }), samples);
      expect(sqnr(graph, quantize(graph, { samples, weightBits: 4 }), samples)).toBeGreaterThanOrEqual(nearest);
    }
  });

  test('of many inputs are fitted in blocks', () => {
    const random = new Random(12);
    const [rows, K, N] = [300, 1400, 3];
    const basis = Array.from({ length: 20 }, () => Array.from({ length: K }, () => normal(random)));
    const inputs = { rows, columns: K, values: new Float32Array(rows * K) };
    for (let r = 0; r < rows; r++) {
      const mix = basis.map(() => normal(random));
      for (let k = 0; k < K; k++) inputs.values[r * K + k] = basis.reduce((sum, v, i) => sum + mix[i]! * v[k]!, 0);
    }
    const weights = Float32Array.from({ length: N * K }, () => normal(random) / 40);
    const product = (w: ArrayLike<number>, r: number, n: number): number => {
      let sum = 0;
      for (let k = 0; k < K; k++) sum += w[n * K + k]! * inputs.values[r * K + k]!;
      return sum;
    };
    const each = (of: (r: number, n: number) => number): Float32Array =>
      Float32Array.from({ length: rows * N }, (_, i) => of(Math.floor(i / N), i % N));
    const targets = { rows, columns: N, values: each((r, n) => product(weights, r, n)) };
    const grid = { low: -8, high: 7 };
    const { integers, scale } = fitMatrix({
      inputs,
      targets,
      weights,
      grid,
      leastScale: [0, 0, 0],
      sharing: 1,
      damping: 0.1,
    });
    const errorOf = (w: ArrayLike<number>): number =>
      each((r, n) => product(w, r, n) - targets.values[r * N + n]!).reduce((sum, e) => sum + e * e, 0);
    const fitted = integers.map((q, i) => q * scale[Math.floor(i / K)]!);
    const nearest = weights.map((v, i) => Math.round(v / scale[Math.floor(i / K)]!) * scale[Math.floor(i / K)]!);
    expect(errorOf(fitted)).toBeLessThan(errorOf(nearest) / 100);
  });
});
