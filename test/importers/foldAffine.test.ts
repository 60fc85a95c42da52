import { describe, expect, test } from 'vitest';
import { compile, GraphBuilder, type Graph, type Padding, type Pair, type Tensor } from '../../src/compiler/index';
import { foldAffine } from '../../src/importers/shared/foldAffine';
import { loadSync } from '../../src/index';

const wave = (count: number, from = 1): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(from + i));

const sliding = {
  stride: [1, 1] as Pair,
  dilation: [1, 1] as Pair,
  padding: [0, 0, 0, 0] as Padding,
  activation: 'none',
} as const;
const dense = { activation: 'none' } as const;

type Layer = (b: GraphBuilder, bias: Tensor | null, x: Tensor) => Tensor;

const image: [name: string, Layer][] = [['conv2d',
  (b, bias, x) => b.node('conv2d', [x, b.constant(wave(24), [4, 1, 1, 6]), bias], { ...sliding, groups: 1 })], [
  'depthwiseConv2d',
  (b, bias, x) => {
    const narrow = b.node('slice', [x], { begin: [0, 0, 0, 0], stride: [1, 1, 1, 1] }, { shape: [1, 3, 5, 4] });
    return b.node('depthwiseConv2d', [narrow, b.constant(wave(8), [1, 2, 1, 4]), bias], { ...sliding });
  },
], ['transposeConv2d',
  (b, bias, x) =>
    b.node('transposeConv2d', [x, b.constant(wave(24), [4, 1, 1, 6]), bias], { ...sliding, groups: 1 }, {
      shape: [1, 3, 5, 4],
    })], ['fullyConnected', (b, bias, x) => {
  const rows = b.node('reshape', [x], {}, { shape: [15, 6] });
  const y = b.node('fullyConnected', [rows, b.constant(wave(24), [4, 6]), bias], dense);
  return b.node('reshape', [y], {}, { shape: [1, 3, 5, 4] });
}]];

const of = (kind: 'add' | 'sub' | 'mul' | 'div') => ({ kind, activation: 'none' }) as const;

/** The operators of a graph before and after, whose results must agree. */
function folded(graph: Graph): string[] {
  const run = (): Float32Array => loadSync(compile(graph)).predict(wave(90), { output: 'raw' }) as Float32Array;
  const before = run();
  foldAffine(graph);
  const after = run();
  before.forEach((value, i) => expect(after[i]).toBeCloseTo(value, 5));
  return graph.nodes.map((node) => (node.op === 'binary' ? node.attributes.kind : node.op));
}

describe.each(image)('after %s', (name, layer) => {
  test.each([true, false])('factors and offsets become weights and bias (bias of its own: %s)', (hasBias) => {
    const b = new GraphBuilder('net');
    const x = b.input('x', [1, 3, 5, 6]);
    let y = layer(b, hasBias ? b.constant(wave(4, 9), [4]) : null, x);
    y = b.node('binary', [y, b.constant(wave(4, 2), [4])], of('mul'));
    y = b.node('binary', [b.constant(wave(4, 3), [1, 1, 1, 4]), y], of('add'));
    y = b.node('binary', [y, b.constant(Float32Array.of(0.3), [])], of('sub'));
    y = b.node('binary', [y, b.constant(Float32Array.of(-3), [1])], of('div'), { name: 'last' });
    const graph = b.finish([y]);
    const operators = folded(graph);
    expect(operators).toContain(name);
    expect(operators.filter((op) => ['add', 'sub', 'mul', 'div'].includes(op))).toEqual([]);
    expect(graph.outputs.map((tensor) => tensor.name)).toEqual(['last']);
  });
});

describe('what stays a node', () => {
  const conv = image[0]![1];
  const cases: [name: string, (b: GraphBuilder, y: Tensor) => Tensor[]][] = [['a factor of each pixel',
    (b, y) => [b.node('binary', [y, b.constant(wave(15), [3, 5, 1])], of('mul'))]], [
    'a factor of a result that is read twice',
    (b, y) => [b.node('binary', [y, b.constant(wave(4), [4])], of('mul')), y],
  ], ['a factor after an activation',
    (b, y) => [b.node('binary', [b.node('unary', [y], { kind: 'relu' }), b.constant(wave(4), [4])], of('mul'))]], [
    'a constant minus the result',
    (b, y) => [b.node('binary', [b.constant(wave(4), [4]), y], of('sub'))],
  ], ['a constant that broadcasts the result',
    (b, y) => [b.node('binary', [y, b.constant(wave(8), [2, 1, 1, 4])], of('add'))]]];
  test.each(cases)('%s', (_, build) => {
    const b = new GraphBuilder('net');
    const y = conv(b, null, b.input('x', [1, 3, 5, 6]));
    const graph = b.finish(build(b, y));
    const before = graph.nodes.length;
    foldAffine(graph);
    expect(graph.nodes.length).toBe(before);
  });

  test('a factor of int8 weights', () => {
    const b = new GraphBuilder('net');
    const x = b.input('x', [2, 3]);
    const w = b.constant(Int8Array.of(1, 2, 3, 4, 5, 6), [2, 3], { scale: [0.5], zeroPoint: [0], axis: 0 });
    const y = b.node('fullyConnected', [x, w, null], { activation: 'none', hybrid: 'asymmetric' });
    const graph = b.finish([b.node('binary', [y, b.constant(Float32Array.of(2), [])], of('mul'))]);
    foldAffine(graph);
    expect(graph.nodes.map(({ op }) => op)).toEqual(['fullyConnected', 'binary']);
  });
});
