import { describe, expect, test } from 'vitest';
import { compare, compile, GraphBuilder, quantize, type Graph, type Tensor } from '../../../src/compiler/index';
import { loadSync } from '../../../src/index';
import { Random } from '../../helpers/random';

// What has ruined quantized networks without a word: each is right, or refused by name.

type Inputs = Record<string, Float32Array>;

function values(random: Random, count: number, low = -1, high = 1): Float32Array {
  return Float32Array.from({ length: count }, () => random.between(low, high));
}

function dense(b: GraphBuilder, random: Random, x: Tensor, outputs: number, size = 0.5): Tensor {
  const inputs = x.shape.at(-1);
  const w = b.constant(values(random, outputs * inputs, -size, size), [outputs, inputs]);
  return b.node('fullyConnected', [x, w, b.constant(values(random, outputs), [outputs])], { activation: 'none' });
}

/** SQNR of each output of the int8 network in dB, on other samples. */
function quality(graph: Graph, samples: Inputs[], others: Inputs[]): number[] {
  return compare(graph, quantize(graph, { samples }), others).outputs.map(({ sqnr }) => sqnr!);
}

function many(count: number, make: (i: number) => Inputs): Inputs[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

test('boxes of 0 … 640 and scores of 0 … 1 in one output', () => {
  const random = new Random(1);
  const b = new GraphBuilder('detector');
  const x = b.input('x', [50, 16]);
  const boxes = b.node('binary', [b.node('unary', [dense(b, random, x, 4)], { kind: 'logistic' }),
    b.constant(Float32Array.of(640), [1])], { kind: 'mul', activation: 'none' });
  const scores = b.node('unary', [dense(b, random, x, 10)], { kind: 'logistic' });
  const joined = b.node('concat', [boxes, scores], { axis: 1, activation: 'none' });
  const graph = b.finish([b.node('transpose', [joined], { perm: [1, 0] }, { shape: [14, 50] })]);
  const samples = many(20, () => ({ x: values(random, 800) }));
  const [int8, float] = [loadSync(compile(quantize(graph, { samples }))), loadSync(compile(graph))];
  const [after, before] = [int8.predict(samples[3]!), float.predict(samples[3]!)];
  for (let i = 4 * 50; i < 14 * 50; i++) expect(Math.abs(after[i]! - before[i]!)).toBeLessThan(0.03);
});

/** Attention with a mask: softmax(x·yᵀ + mask)·y. */
function attention(mask: (b: GraphBuilder, scores: Tensor) => Tensor): Graph {
  const b = new GraphBuilder('attention');
  const random = new Random(2);
  const x = b.input('x', [12, 16]);
  const keys = dense(b, random, x, 16);
  const scores = b.node('batchMatmul', [x, keys], { transposeA: false, transposeB: true });
  const shares = b.node('softmax', [mask(b, scores)], { beta: 1 });
  return b.finish([b.node('batchMatmul', [shares, keys], { transposeA: false, transposeB: false })]);
}

const triangle = (low: number): Float32Array =>
  Float32Array.from({ length: 144 }, (_, i) => (i % 12 > Math.floor(i / 12) ? low : 0));

test.each([-20, -1e4, -1e9, -Infinity])('a constant mask of %s before a softmax', (low) => {
  const graph = attention((b, scores) =>
    b.node('binary', [scores, b.constant(triangle(low), [12, 12])], { kind: 'add', activation: 'none' })
  );
  const random = new Random(3);
  const [samples, others] = [20, 10].map((count) => many(count, () => ({ x: values(random, 192) })));
  expect(quality(graph, samples!, others!)[0]).toBeGreaterThan(24);
});

test.each([-1e4, -1e9])('a mask of %s that is an input', (low) => {
  const graph = attention((b, scores) =>
    b.node('binary', [scores, b.input('mask', [12, 12])], { kind: 'add', activation: 'none' })
  );
  const random = new Random(4);
  const [samples, others] = [20, 10].map((count) =>
    many(count, () => ({ x: values(random, 192), mask: triangle(low) }))
  );
  expect(quality(graph, samples!, others!)[0]).toBeGreaterThan(25);
});

test('sensors of 0 … 1 and 95,000 … 105,000 in one input', () => {
  const b = new GraphBuilder('sensors');
  const random = new Random(5);
  const x = b.input('x', [1, 2]);
  const hidden = b.node('fullyConnected', [x, b.constant(Float32Array.of(3, 0, 0, 1e-4, -2, 1e-4), [3, 2]),
    b.constant(Float32Array.of(-1, -10, -9), [3])], { activation: 'none' });
  const graph = b.finish([dense(b, random, hidden, 4)]);
  const make = (): Inputs => ({ x: Float32Array.of(random.between(0, 1), random.between(95000, 105000)) });
  const [samples, others] = [many(100, make), many(50, make)];
  expect(quality(graph, samples, others)[0]).toBeGreaterThan(25);
  const model = loadSync(compile(quantize(graph, { samples })));
  expect(new Set(others.map((each) => model.predict(each).join())).size).toBeGreaterThan(20);
});

describe('samples', () => {
  const graph = (() => {
    const b = new GraphBuilder('layer');
    return b.finish([dense(b, new Random(6), b.input('x', [1, 8]), 4)]);
  })();

  test.each([[0, 'zero'], [1e-12, 'almost zero']])('of nothing but %s are refused', (value, text) => {
    const samples = many(5, () => ({ x: new Float32Array(8).fill(value) }));
    expect(() => quantize(graph, { samples }))
      .toThrow(`the samples say nothing: in all 5 of them every value of "x" is ${text}`);
  });

  test('with one outlier among 301 keep the precision of the others', () => {
    const random = new Random(7);
    const make = (i: number): Inputs => ({ x: values(random, 8).map((v) => (i === 300 ? 60 * v : v)) });
    const [samples, others] = [many(301, make), many(100, make)];
    const [clean] = quality(graph, samples.slice(0, 300), others);
    expect(quality(graph, samples, others)[0]).toBeGreaterThan(clean! - 2);
  });
});

describe('values that are not finite', () => {
  const of = (kind: 'log' | 'exp', scale: number): Graph => {
    const b = new GraphBuilder('functions');
    const x = b.node('binary', [b.input('x', [1, 4]), b.constant(Float32Array.of(scale), [1])], {
      kind: 'mul',
      activation: 'none',
    });
    const y = b.node('unary', [x], { kind }, { name: kind });
    return b.finish([b.node('binary', [y, y], { kind: 'add', activation: 'none' }, { name: 'sum' })]);
  };
  const samples = [{ x: Float32Array.of(1, 2, 3, 4) }, { x: Float32Array.of(1, 2, 0, 4) }];

  test.each([['log', 1], ['exp', 200], ['log', -1]] as const)('from %s × %s stay in float32', (kind, scale) => {
    const graph = of(kind, scale);
    const [float, int8] = [loadSync(compile(graph)), loadSync(compile(quantize(graph, { samples })))];
    for (const { x } of samples) {
      const before = float.predict(x);
      int8.predict(x).forEach((value, i) => {
        if (Number.isFinite(before[i])) expect(Math.abs(value - before[i]!)).toBeLessThan(0.1);
        else expect(value).toBe(before[i]);
      });
    }
  });

  test('in a sample are refused by name', () => {
    const infinite = [...samples, { x: Float32Array.of(1, Infinity, 0, 4) }];
    expect(() => quantize(of('log', 1), { samples: infinite })).toThrow(/sample 3 makes a value of "x" infinite/);
  });
});

test('the best of 1,000 flat classes stays the best as often as without a softmax', () => {
  const random = new Random(8);
  const [withSoftmax, without] = [true, false].map((isSoftmax) => {
    const b = new GraphBuilder('classes');
    const scores = dense(b, new Random(9), b.input('x', [1, 32]), 1000, 0.1);
    return b.finish([isSoftmax ? b.node('softmax', [scores], { beta: 1 }) : scores]);
  });
  const [samples, others] = [100, 200].map((count) => many(count, () => ({ x: values(random, 32) })));
  const agreement = (graph: Graph): number =>
    compare(graph, quantize(graph, { samples: samples! }), others!).outputs[0]!.agreement!;
  expect(agreement(withSoftmax!)).toBeGreaterThanOrEqual(agreement(without!) - 0.01);
});

test('a softmax of clear classes stays int8', () => {
  const b = new GraphBuilder('classes');
  const random = new Random(10);
  const graph = b.finish([b.node('softmax', [dense(b, random, b.input('x', [1, 32]), 10, 2)], { beta: 1 })]);
  const int8 = quantize(graph, { samples: many(50, () => ({ x: values(random, 32) })) });
  expect(int8.outputs[0]).toMatchObject({ dtype: 'int8' });
});

test('a logSoftmax of large logits', () => {
  const b = new GraphBuilder('classes');
  const random = new Random(11);
  const graph = b.finish([b.node('logSoftmax', [dense(b, random, b.input('x', [1, 16]), 10, 10)], {})]);
  const [samples, others] = [50, 30].map((count) => many(count, () => ({ x: values(random, 16) })));
  expect(quality(graph, samples!, others!)[0]).toBeGreaterThan(25);
});
