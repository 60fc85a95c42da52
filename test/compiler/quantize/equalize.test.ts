import { describe, expect, test } from 'vitest';
import { compare, compile, GraphBuilder, quantize, type Graph, type Tensor } from '../../../src/compiler/index';
import { equalize } from '../../../src/compiler/quantize/equalize';
import { equalizableGroups } from '../../../src/compiler/quantize/equalizable';
import { cloneGraph } from '../../../src/graph/edit';
import type { FusedActivation } from '../../../src/graph/operators';
import { loadSync } from '../../../src/index';
import { Random } from '../../helpers/random';
import { ConstantMaker, normal, smoothImages } from './networks';

type Pair = [number, number];
const pixel = {
  stride: [1, 1] as Pair,
  dilation: [1, 1] as Pair,
  padding: [0, 0, 0, 0] as [number, number, number, number],
};
const around = { ...pixel, padding: [1, 1, 1, 1] as [number, number, number, number] };

/** Inverted residuals as in MobileNet v2, whose channels have scales that differ by e^±spread. */
function mobile(seed: number, spread: number, activation: FusedActivation): Graph {
  const b = new GraphBuilder('mobile');
  const make = new ConstantMaker(b, seed, spread);
  let x = b.node('conv2d', [b.input('x', [1, 10, 10, 3]), make.weights([8, 3, 3, 3], 0), make.bias(8)], {
    ...around,
    activation,
    groups: 1,
  });
  for (let i = 0; i < 2; i++) {
    const wide = b.node('conv2d', [x, make.weights([24, 1, 1, 8], 0), make.bias(24)], {
      ...pixel,
      activation,
      groups: 1,
    });
    const deep = b.node('depthwiseConv2d', [wide, make.weights([1, 3, 3, 24], 3), make.bias(24)], {
      ...around,
      activation,
    });
    const thin = b.node('conv2d', [deep, make.weights([8, 1, 1, 24], 0), make.bias(8)], {
      ...pixel,
      activation: 'none',
      groups: 1,
    });
    x = b.node('binary', [x, thin], { kind: 'add', activation: 'none' });
  }
  const mean = b.node('reduce', [x], { kind: 'mean', axes: [1, 2] }, { shape: [1, 8] });
  return b.finish([b.node('fullyConnected', [mean, make.weights([5, 8], 0), null], { activation: 'none' })]);
}

const largest = (): number => 127;

function sqnr(before: Graph, after: Graph, samples: Float32Array[]): number {
  return compare(before, after, samples).outputs[0]!.sqnr!;
}

/** The largest difference of the outputs, relative to the largest output. */
function difference(a: Graph, b: Graph, samples: Float32Array[]): number {
  const [one, other] = [a, b].map((graph) => loadSync(compile(graph)));
  let [error, size] = [0, 0];
  for (const sample of samples) {
    const y = one!.predict(sample) as Float32Array;
    const found = other!.predict(sample) as Float32Array;
    y.forEach((v, i) => {
      error = Math.max(error, Math.abs(v - found[i]!));
      size = Math.max(size, Math.abs(v));
    });
  }
  return error / size;
}

describe('equalization', () => {
  test.each(['relu', 'relu6', 'none'] as const)(
    'changes weights, but not what the network computes (%s)',
    (activation) => {
      for (const seed of [1, 2, 3]) {
        const graph = mobile(seed, 1, activation);
        const samples = smoothImages(seed, 30);
        const before = graph.nodes.map(({ inputs }) => inputs[1]?.data?.slice());
        const changed = equalize(graph, samples.map((x) => [{ x }]), largest);
        expect(changed).not.toBe(graph);
        graph.nodes.forEach(({ inputs }, i) => expect(inputs[1]?.data).toEqual(before[i]));
        expect(difference(graph, changed, samples)).toBeLessThan(1e-5);
        // for values that no sample had, bounds may have an effect in other places
        if (activation !== 'relu6') expect(difference(graph, changed, smoothImages(seed + 9, 10))).toBeLessThan(1e-5);
      }
    },
  );

  test('makes int8 networks with very different channels more exact, and no network much less', () => {
    const gains = [[1, 0], [2, 0.7], [3, 0.7], [4, 1.2], [5, 1.2]].map(([seed, spread]) => {
      const graph = mobile(seed!, spread!, 'relu');
      const options = {
        samples: smoothImages(seed!, 40),
        calibration: 'minMax' as const,
        rounding: 'nearest' as const,
      };
      const others = smoothImages(seed! + 50, 40);
      return sqnr(graph, quantize(graph, options), others) -
        sqnr(graph, quantize(graph, { ...options, equalize: false }), others);
    });
    expect(Math.min(...gains)).toBeGreaterThan(-0.5);
    expect(Math.max(...gains)).toBeGreaterThan(3);
    expect(gains.reduce((sum, gain) => sum + gain, 0) / gains.length).toBeGreaterThan(1);
  });

  test('gives a channel no factor that would move the effect of its bound', () => {
    const b = new GraphBuilder('bounded');
    const w = b.constant(Float32Array.of(10, 1, 0.001), [3, 1]);
    const a = b.node('fullyConnected', [b.input('x', [1, 1]), w, null], { activation: 'relu6' });
    const graph = b.finish([
      b.node('fullyConnected', [a, b.constant(Float32Array.of(1, 1, 500), [1, 3]), null], { activation: 'none' }),
    ]);
    const samples = Array.from({ length: 20 }, (_, i) => Float32Array.of(i / 20));
    const changed = equalize(graph, samples.map((x) => [{ x }]), largest);
    const factors = changed.nodes[0]!.inputs[1]!.data!.map((v, n) => Number(v) / w.data![n]!);
    expect(factors[0]).toBe(1);
    expect(factors[2]).toBeGreaterThan(50);
    factors.forEach((factor, n) => expect(factor * Math.min(6, w.data![n]! * 0.95)).toBeLessThanOrEqual(6));
  });
});

describe('equalizable groups', () => {
  /** x → layer → something → layer */
  function between(through: (b: GraphBuilder, x: Tensor) => Tensor): number {
    const b = new GraphBuilder('between');
    const make = new ConstantMaker(b, 1, 0);
    const x = b.node('conv2d', [b.input('x', [1, 4, 4, 2]), make.weights([6, 1, 1, 2], 0), null], {
      ...pixel,
      activation: 'none',
      groups: 1,
    });
    const y = through(b, x);
    const size = y.shape.length === 2 ? y.shape[1]! : y.shape[3]!;
    const last = y.shape.length === 2
      ? b.node('fullyConnected', [y, make.weights([3, size], 0), null], { activation: 'none' })
      : b.node('conv2d', [y, make.weights([3, 1, 1, size], 0), null], { ...pixel, activation: 'none', groups: 1 });
    const graph = b.finish([last]);
    const samples = Array.from({ length: 10 }, (_, i) => {
      const random = new Random(i);
      return Float32Array.from({ length: 32 }, () => normal(random));
    });
    // the factors of whatever is found must leave the function as it is
    const groups = equalizableGroups(cloneGraph(graph));
    const changed = equalize(graph, samples.map((sample) => [{ x: sample }]), largest);
    expect(difference(graph, changed, samples)).toBeLessThan(1e-5);
    return groups.length;
  }

  test('reach through operators that keep factors', () => {
    const pool = {
      kernel: [2, 2] as Pair,
      stride: [2, 2] as Pair,
      padding: pixel.padding,
      activation: 'none' as const,
    };
    expect(between((_, x) => x)).toBe(1);
    expect(between((b, x) => b.node('unary', [x], { kind: 'relu' }))).toBe(1);
    expect(between((b, x) => b.node('unary', [x], { kind: 'leakyRelu', alpha: 0.1 }))).toBe(1);
    expect(between((b, x) => b.node('unary', [x], { kind: 'relu6' }))).toBe(1);
    expect(between((b, x) => b.node('maxPool2d', [x], pool))).toBe(1);
    expect(between((b, x) => b.node('averagePool2d', [x], pool))).toBe(1);
    expect(between((b, x) => b.node('reduce', [x], { kind: 'mean', axes: [1, 2] }, { shape: [1, 6] }))).toBe(1);
    expect(between((b, x) => b.node('reshape', [x], {}, { shape: [1, 96] }))).toBe(1);
    expect(between((b, x) =>
      b.node('pad', [x], { before: [0, 1, 0, 0], after: [0, 0, 0, 0], mode: 'constant', value: 0 })
    )).toBe(1);
    expect(between((b, x) => b.node('binary', [x, x], { kind: 'add', activation: 'relu' }))).toBe(1);
    expect(between((b, x) =>
      b.node('binary', [x, b.constant(Float32Array.of(1, 2, 3, 4, 5, 6), [6])], { kind: 'mul', activation: 'none' })
    )).toBe(1);
    expect(between((b, x) => b.node('prelu', [x, b.constant(Float32Array.of(1, 2, 3, 4, 5, 6), [6])], {}))).toBe(1);
  });

  test('end at operators that do not keep factors, and at outputs', () => {
    expect(between((b, x) => b.node('unary', [x], { kind: 'tanh' }))).toBe(0);
    expect(between((b, x) => b.node('binary', [x, x], { kind: 'mul', activation: 'none' }))).toBe(0);
    expect(between((b, x) =>
      b.node('binary', [x, b.constant(Float32Array.of(1), [1])], { kind: 'add', activation: 'none' })
    )).toBe(0);
    expect(between((b, x) => b.node('transpose', [x], { perm: [0, 3, 1, 2] }))).toBe(0);
    expect(between((b, x) => b.node('reshape', [x], {}, { shape: [1, 3, 8, 4] }))).toBe(0);
    expect(between((b, x) => b.node('softmax', [x], { beta: 1 }))).toBe(0);
    expect(between((b, x) =>
      b.node('pad', [x], { before: [0, 1, 0, 0], after: [0, 0, 0, 0], mode: 'constant', value: 1 })
    )).toBe(0);
    const b = new GraphBuilder('output');
    const make = new ConstantMaker(b, 2, 0);
    const first = b.node('fullyConnected', [b.input('x', [1, 4]), make.weights([6, 4], 0), null], {
      activation: 'relu',
    });
    const second = b.node('fullyConnected', [first, make.weights([3, 6], 0), null], { activation: 'none' });
    expect(equalizableGroups(b.finish([second, first]))).toEqual([]);
  });

  test('contain all tensors that are added to each other', () => {
    const [group] = equalizableGroups(mobile(1, 0, 'none')).filter(({ channels }) => channels === 8);
    expect(group!.producers).toHaveLength(3);
    expect(group!.consumers).toHaveLength(3);
  });
});
