import { describe, expect, test } from 'vitest';
import { compile, GraphBuilder, importTflite, prune, quantize, readKlet, sensitivity, type AnyNode, type Graph,
  type PruneOptions, type Tensor } from '../../../src/compiler/index';
import { cloneGraph } from '../../../src/graph/edit';
import { loadSync } from '../../../src/index';
import { flavors } from '../../helpers/flavors';
import { Random } from '../../helpers/random';
import { hasShared, sharedBytes } from '../../helpers/shared';

const SIDE = 8;
const random = new Random(11);
const normal = (): number => random.next() + random.next() + random.next() - 1.5;

/** A network with every operator that passes channels on, a residual and a flattened image. */
function network(): Graph {
  const b = new GraphBuilder('net');
  const x = b.input('x', [1, SIDE, SIDE, 3]);
  const weights = (...shape: number[]): Tensor =>
    b.constant(Float32Array.from({ length: shape.reduce((p, q) => p * q) }, normal), shape);
  const common = { stride: [1, 1] as [number, number], dilation: [1, 1] as [number, number] };
  const same = [1, 1, 1, 1] as [number, number, number, number];
  const none = [0, 0, 0, 0] as typeof same;
  const conv = (name: string, from: Tensor, N: number, size: number, activation: 'none' | 'relu' = 'none'): Tensor =>
    b.node('conv2d', [from, weights(N, size, size, from.shape[3]!), weights(N)], {
      ...common,
      groups: 1,
      padding: size === 3 ? same : none,
      activation,
    }, { name });
  const dw = b.node('depthwiseConv2d', [conv('stem', x, 32, 3, 'relu'), weights(1, 3, 3, 32), weights(32)], {
    ...common,
    padding: same,
    activation: 'none',
  }, { name: 'dw' });
  const scaled = b.node('binary', [b.node('unary', [dw], { kind: 'hardSwish' }), weights(1, 1, 1, 32)], {
    kind: 'mul',
    activation: 'none',
  });
  const pooled = b.node('maxPool2d', [b.node('prelu', [scaled, weights(1, 1, 32)], {})], {
    kernel: [2, 2],
    stride: [2, 2],
    padding: none,
    activation: 'none',
  });
  const padding = { before: [0, 1, 0, 0], after: [0, 0, 1, 0], mode: 'constant' as const, value: 0 };
  const resized = b.node('resize2d', [b.node('pad', [pooled], padding)], {
    mode: 'bilinear',
    alignCorners: false,
    halfPixelCenters: true,
  }, { shape: [1, 4, 4, 32] });
  const smoothed = b.node('resample', [resized], {
    axes: [1, 2],
    scales: [1, 1],
    mode: 'cubic',
    coordinates: 'halfPixel',
  }, { shape: [1, 4, 4, 32] });
  const project = conv('project', smoothed, 16, 1);
  const back = conv('back', conv('expand', project, 24, 1, 'relu'), 16, 3);
  const sum = b.node('binary', [project, back], { kind: 'add', activation: 'none' }, { name: 'sum' });
  const tail = b.node('averagePool2d', [conv('tail', sum, 20, 1)], {
    kernel: [2, 2],
    stride: [2, 2],
    padding: none,
    activation: 'none',
  });
  const columns = b.node('reduce', [tail], { kind: 'mean', axes: [1] }, { shape: [1, 2, 20] });
  const flat = b.node('reshape', [columns], {}, { shape: [1, 2 * 20] });
  const hidden = b.node('fullyConnected', [flat, weights(40, 40), null], { activation: 'relu' }, { name: 'hidden' });
  return b.finish([
    b.node('fullyConnected', [hidden, weights(5, 40), weights(5)], { activation: 'none' }, { name: 'out' }),
  ]);
}
const float = network();
const samples = Array.from({ length: 16 }, () => Float32Array.from({ length: SIDE * SIDE * 3 }, normal));
const unseen = samples.slice(0, 6).map(() => Float32Array.from({ length: SIDE * SIDE * 3 }, normal));
const int8 = quantize(float, { samples, floatIo: true });

const nodeOf = (graph: Graph, name: string): AnyNode => graph.nodes.find((node) => node.name === name)!;
const zeroOf = (tensor: Tensor): number => tensor.quantization?.zeroPoint[0] ?? 0;

function answers(graph: Graph, flavor?: (typeof flavors)[number]): number[][] {
  const model = loadSync(compile(graph), flavor && { flavor });
  const all = unseen.map((x) => Array.from(model.predict(x)));
  model.dispose();
  return all;
}

/** The channels with the smallest weights, as real numbers. */
function smallest(graph: Graph, name: string, count: number): number[] {
  const weights = nodeOf(graph, name).inputs[1]!;
  const N = weights.shape[0]!;
  const K = weights.data!.length / N;
  const scale = weights.quantization?.scale ?? [1];
  const sizes = Array.from(
    { length: N },
    (_, n) =>
      [...weights.data!.subarray(n * K, (n + 1) * K)].reduce(
        (sum, w) => sum + ((w - zeroOf(weights)) * scale[scale.length === 1 ? 0 : n]!) ** 2,
        0,
      ),
  );
  return [...sizes.keys()].sort((a, b) => sizes[a]! - sizes[b]!).slice(0, count);
}

/** The network with some channels zeroed, of a layer and of the depthwise layer after it. */
function zeroed(graph: Graph, name: string, channels: number[]): Graph {
  const work = cloneGraph(graph);
  for (const node of [nodeOf(work, name), ...(name === 'stem' ? [nodeOf(work, 'dw')] : [])]) {
    for (const i of [1, 2]) {
      const tensor = node.inputs[i];
      if (!tensor) continue;
      const data = tensor.data!.slice();
      const N = nodeOf(work, name).outputs[0]!.shape.at(-1);
      const inner = tensor.shape[0] === N ? data.length / N : 1;
      data.forEach((_, at) => {
        if (channels.includes(Math.floor(at / inner) % N)) data[at] = zeroOf(tensor);
      });
      node.inputs[i] = { ...tensor, data };
    }
  }
  return work;
}

describe('prune, channels', () => {
  for (const [title, graph] of [['float32', float], ['int8', int8]] as const) {
    test.each([['stem', 32, 16], ['expand', 24, 8], ['tail', 20, 8], ['hidden', 40, 16]])(
      `of %s: equals the network with the smallest channels zeroed, with fewer weights (${title})`,
      (name, N, keeps) => {
        const { graph: small, layers, kept } = prune(graph, {
          sparsity: { [name]: 1 - keeps / N },
          pattern: 'channels',
        });
        expect([layers, kept]).toEqual([[{
          name,
          pattern: 'channels',
          weights: nodeOf(graph, name).inputs[1]!.data!.length,
          sparsity: (N - keeps) / N,
        }], []]);
        expect(nodeOf(small, name).outputs[0]!.shape.at(-1)).toBe(keeps);
        expect(nodeOf(small, name).inputs[1]!.shape[0]).toBe(keeps);
        expect(nodeOf(graph, name).outputs[0]!.shape.at(-1)).toBe(N);
        const reference = answers(zeroed(graph, name, smallest(graph, name, N - keeps)), 'scalar');
        expect(reference).not.toEqual(answers(graph, 'scalar'));
        for (const flavor of flavors) {
          answers(small, flavor).forEach((values, i) => {
            values.forEach((value, j) => {
              const wanted = reference[i]![j]!;
              if (graph === int8) expect(value).toBe(wanted);
              else expect(Math.abs(value - wanted)).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(wanted)));
            });
          });
        }
      },
    );

    test(`keeps channels that are added to others or are outputs, and reports it (${title})`, () => {
      const { graph: small, layers, kept } = prune(graph, { sparsity: 0.5, pattern: 'channels' });
      expect(layers.map(({ name }) => name)).toEqual(['stem', 'expand', 'tail', 'hidden']);
      expect(kept.map(({ name, reason }) => [name, reason])).toEqual([['project',
        'its outputs are combined with others in binary "sum"'], ['back',
        'its outputs are combined with others in binary "sum"'], ['out', 'its outputs are outputs of the network']]);
      expect(small.outputs.map(({ shape }) => shape)).toEqual(graph.outputs.map(({ shape }) => shape));
      // there are still as many biases and scales as channels
      expect(nodeOf(small, 'dw').inputs.slice(1).map((tensor) => tensor!.shape)).toEqual([[1, 3, 3, 16], [16]]);
      expect(nodeOf(small, 'hidden').inputs[1]!.shape).toEqual([24, 2 * 8]);
      const [before, after] = [graph, small].map((g) => readKlet(compile(g))) as [ReturnType<typeof readKlet>,
        ReturnType<typeof readKlet>];
      const macs = ({ debugInfo }: typeof before): number =>
        debugInfo!.records.reduce((sum, record) => sum + record.macs, 0);
      expect(macs(after)).toBeLessThan(0.6 * macs(before));
      expect(after.weights.length).toBeLessThan(0.6 * before.weights.length);
    });

    test(`stays closer to the original network with samples than without (${title})`, () => {
      const original = answers(float);
      const distance = (options: Partial<PruneOptions>): number =>
        answers(prune(graph, { sparsity: 0.5, pattern: 'channels', ...options }).graph).flat().reduce(
          (sum, value, i) => sum + (value - original.flat()[i]!) ** 2,
          0,
        );
      expect(distance({ samples })).toBeLessThan(0.6 * distance({}));
    });
  }

  test('replaces nearly constant channels by biases', () => {
    // half of the channels of "expand" are large but nearly constant
    const b = new GraphBuilder('constant');
    const x = b.input('x', [4, 6]);
    const w = Float32Array.from({ length: 16 * 6 }, (_, i) => (i < 8 * 6 ? 1e-4 : 1) * normal());
    const y = b.node(
      'fullyConnected',
      [x, b.constant(w, [16, 6]), b.constant(Float32Array.from({ length: 16 }, (_, i) => (i < 8 ? 10 : 0)), [16])],
      { activation: 'relu' },
      { name: 'first' },
    );
    const graph = b.finish([
      b.node('fullyConnected', [y, b.constant(Float32Array.from({ length: 3 * 16 }, normal), [3, 16]), null], {
        activation: 'none',
      }, { name: 'last' }),
    ]);
    const rows = Array.from({ length: 8 }, () => Float32Array.from({ length: 24 }, normal));
    const { graph: small } = prune(graph, { sparsity: { first: 0.5 }, pattern: 'channels', samples: rows });
    expect(nodeOf(small, 'first').inputs[1]!.shape).toEqual([8, 6]);
    expect([...nodeOf(small, 'first').inputs[1]!.data!]).toEqual([...w.subarray(8 * 6)]);
    const [wanted, values] = [graph, small].map((g) => Array.from(loadSync(compile(g)).predict(rows[0]!))) as [number[],
      number[]];
    values.forEach((value, i) => {
      expect(Math.abs(value - wanted[i]!)).toBeLessThan(2e-2);
    });
  });

  test('reports the sensitivity of each layer whose channels can be removed', () => {
    const found = sensitivity(float, { sparsity: 0.5, pattern: 'channels', samples: unseen });
    expect(found.map(({ name }) => name)).toEqual(['stem', 'expand', 'tail', 'hidden']);
    for (const { error } of found) expect(error).toBeGreaterThan(0.01);
  });

  test('removes channels of MobileNet v2 through its depthwise layers', { skip: !hasShared }, () => {
    const graph = importTflite(sharedBytes('models/mobilenet_v2_100_224_uint8.tflite'));
    const { graph: small, layers, kept } = prune(graph, { sparsity: 0.5, pattern: 'channels' });
    expect([layers.length, kept.length]).toEqual([20, 16]);
    const image = Uint8Array.from({ length: 224 * 224 * 3 }, () => random.int(0, 255));
    const file = compile(small, { golden: [{ [small.inputs[0]!.name]: image }] });
    expect(readKlet(file).weights.length).toBeLessThan(0.5 * readKlet(compile(graph)).weights.length);
    for (const flavor of flavors) expect(loadSync(file, { flavor }).selfTest(), flavor).toBe(1);
  });

  test.each<[string, PruneOptions, RegExp]>([['a global choice', { sparsity: 0.5, scope: 'global' },
    /channels need the scope "layer"/], ['a layer that there is not', { sparsity: { dw: 0.5 } },
    /no layer "dw" to prune; there are "stem", "project"/], ['a part of 1', { sparsity: 1 },
    /at least 0 and less than 1; it is 1/]])(
      'refuses %s',
      (_, options, message) => expect(() => prune(float, { ...options, pattern: 'channels' })).toThrow(message),
    );
});
