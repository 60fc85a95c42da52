import { describe, expect, test } from 'vitest';
import { compile, GraphBuilder, lowRank, quantize, type Graph } from '../../../src/compiler/index';
import { loadSync } from '../../../src/index';
import { Random } from '../../helpers/random';

const random = new Random(9);
const numbers = (count: number): Float32Array => Float32Array.from({ length: count }, () => random.between(-1, 1));

/** A random matrix [N][K] of the given rank. */
function product(N: number, K: number, rank: number): Float32Array {
  const a = numbers(N * rank);
  const b = numbers(rank * K);
  return Float32Array.from(
    { length: N * K },
    (_, i) =>
      Array.from({ length: rank }, (_r, r) => a[Math.floor(i / K) * rank + r]! * b[r * K + (i % K)]!).reduce((sum, v) =>
        sum + v
      ),
  );
}

function network(): Graph {
  const b = new GraphBuilder('net');
  const x = b.input('x', [1, 5, 5, 24]);
  const conv = { dilation: [1, 1] as [number, number], groups: 1, activation: 'relu' as const };
  const a = b.node('conv2d', [x, b.constant(product(32, 24, 4), [32, 1, 1, 24]), b.constant(numbers(32), [32])], {
    ...conv,
    stride: [2, 2],
    padding: [1, 0, 0, 1],
  }, { name: 'thin' });
  const c = b.node('conv2d', [a, b.constant(product(16, 32, 16), [16, 1, 1, 32]), null], {
    ...conv,
    stride: [1, 1],
    padding: [0, 0, 0, 0],
  }, { name: 'full' });
  const flat = b.node('reshape', [c], {}, { shape: [1, 144] });
  return b.finish([
    b.node('fullyConnected', [flat, b.constant(product(40, 144, 3), [40, 144]), b.constant(numbers(40), [40])], {
      activation: 'none',
    }, { name: 'last' }),
  ]);
}

describe('lowRank', () => {
  const graph = network();
  const x = numbers(600);
  const predict = (net: Graph): Float32Array => loadSync(compile(net)).predict(x).slice();

  test('finds the rank of the weights, and gives the same outputs', () => {
    const { graph: thin, layers } = lowRank(graph, 1e-4);
    const [expected, found] = [predict(graph), predict(thin)];
    expect(layers).toEqual([{ name: 'thin', rank: 4, before: 768, after: 4 * 56 }, {
      name: 'last',
      rank: 3,
      before: 5760,
      after: 3 * 184,
    }]);
    const size = Math.max(...expected.map(Math.abs));
    found.forEach((value, i) => expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-4 * size));
  });

  test('uses the lowest rank within the error, and keeps layers that would not get smaller', () => {
    expect(lowRank(graph, 0.5).layers.find(({ name }) => name === 'thin')!.rank).toBeLessThan(4);
    expect(lowRank(graph, 1e-4).graph.nodes.filter(({ name }) => name.startsWith('full'))).toHaveLength(1);
  });

  test('refuses an invalid error, and quantized networks', () => {
    expect(() => lowRank(graph, 1)).toThrow(/at least 0 and less than 1; it is 1/);
    expect(() => lowRank(quantize(graph, { samples: [x] }), 0.1))
      .toThrow(/are int8; lowRank\(\) takes float32 networks/);
  });
});
