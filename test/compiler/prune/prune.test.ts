import { describe, expect, test } from 'vitest';
import { compile, GraphBuilder, importTflite, prune, quantize, readKlet, sensitivity, type AnyNode, type Graph,
  type PruneOptions, type Tensor } from '../../../src/compiler/index';
import { loadSync } from '../../../src/index';
import { flavors } from '../../helpers/flavors';
import { Random } from '../../helpers/random';
import { hasShared, sharedBytes } from '../../helpers/shared';

// The inputs of this network have low rank, so the remaining weights can replace pruned ones.

const SIDE = 6;
const CHANNELS = 32;
const LATENT = 6;
const random = new Random(5);
const normal = (): number => random.next() + random.next() + random.next() - 1.5;
const mixing = Float32Array.from({ length: LATENT * CHANNELS }, normal);

function sample(): Float32Array {
  const x = new Float32Array(SIDE * SIDE * CHANNELS);
  for (let pixel = 0; pixel < SIDE * SIDE; pixel++) {
    const latent = Array.from({ length: LATENT }, normal);
    for (let c = 0; c < CHANNELS; c++) {
      x[pixel * CHANNELS + c] = latent.reduce((sum, l, i) => sum + l * mixing[i * CHANNELS + c]!, 0.02 * normal());
    }
  }
  return x;
}
const samples = Array.from({ length: 24 }, sample);
const unseen = Array.from({ length: 8 }, sample);

function network(): Graph {
  const b = new GraphBuilder('net');
  const x = b.input('x', [1, SIDE, SIDE, CHANNELS]);
  const weights = (...shape: number[]): Tensor =>
    b.constant(Float32Array.from({ length: shape.reduce((p, q) => p * q) }, normal), shape);
  const conv = { stride: [1, 1] as [number, number], dilation: [1, 1] as [number, number], groups: 1 };
  const a = b.node('conv2d', [x, weights(48, 1, 1, CHANNELS), weights(48)], {
    ...conv,
    padding: [0, 0, 0, 0],
    activation: 'relu',
  }, { name: 'wide' });
  const c = b.node('conv2d', [a, weights(16, 3, 3, 48), null], { ...conv, padding: [1, 1, 1, 1], activation: 'none' }, {
    name: 'deep',
  });
  const flat = b.node(
    'reshape',
    [b.node('averagePool2d', [c], { kernel: [SIDE, SIDE], stride: [1, 1], padding: [0, 0, 0, 0], activation: 'none' })],
    {},
    { shape: [1, 16] },
  );
  return b.finish([
    b.node('fullyConnected', [flat, weights(16, 16), weights(16)], { activation: 'none' }, { name: 'last' }),
  ]);
}
const float = network();
const int8 = quantize(float, { samples, floatIo: true });

const weightsOf = (graph: Graph, name: string): Tensor => graph.nodes.find((node) => node.name === name)!.inputs[1]!;
const zeros = (tensor: Tensor): number =>
  tensor.data!.filter((w) => w === (tensor.quantization?.zeroPoint[0] ?? 0)).length / tensor.data!.length;

/** The error of the outputs relative to the variation of the float network's outputs. */
function distance(graph: Graph): number {
  const [a, b] = [loadSync(compile(float)), loadSync(compile(graph))];
  const pairs = unseen.flatMap((x) => {
    const p = Array.from(a.predict(x));
    const q = b.predict(x);
    return p.map((v, i) => [v, q[i]!] as const);
  });
  const mean = Array.from(
    { length: 16 },
    (_, i) => pairs.filter((_pair, j) => j % 16 === i).reduce((sum, [v]) => sum + v, 0) / unseen.length,
  );
  return Math
    .sqrt(pairs.reduce((sum, [v, w]) => sum + (v - w) ** 2, 0) /
      pairs.reduce((sum, [v], j) => sum + (v - mean[j % 16]!) ** 2, 0));
}

describe('prune', () => {
  for (const [title, graph] of [['float32', float], ['int8', int8]] as const) {
    test(`removes the requested share and does not change the given network (${title})`, () => {
      const before = [...weightsOf(graph, 'deep').data!];
      const result = prune(graph, { sparsity: 0.75 });
      expect([...weightsOf(graph, 'deep').data!]).toEqual(before);
      expect(result.layers.map(({ name, pattern }) => [name, pattern])).toEqual([['wide', 'pairs'], ['deep', 'pairs'], [
        'last',
        'blocks',
      ]]);
      for (const { name, sparsity } of result.layers) {
        expect(sparsity, name).toBeCloseTo(0.75, 1);
        expect(zeros(weightsOf(result.graph, name)), name).toBeGreaterThanOrEqual(sparsity);
      }
    });

    test(`stays closer to the original network with samples than without (${title})`, () => {
      const [plain, fitted] = [{}, { samples }].map((options) =>
        distance(prune(graph, { sparsity: 0.6, pattern: 'pairs', ...options }).graph)
      ) as [number, number];
      expect(fitted).toBeLessThan(0.5 * plain);
    });
  }

  test('removes the smallest weights first', () => {
    const { graph } = prune(float, { sparsity: 0.5, pattern: 'weights' });
    const before = weightsOf(float, 'wide').data!;
    const after = weightsOf(graph, 'wide').data!;
    const gone = [...before].filter((_, i) => after[i] === 0);
    const left = [...before].filter((_, i) => after[i] !== 0);
    expect(Math.max(...gone.map(Math.abs))).toBeLessThanOrEqual(Math.min(...left.map(Math.abs)));
    expect(left).toEqual([...after].filter((w) => w !== 0));
  });

  test('keeps four pairs of an output with any of the largest pairs of the layer, and none of the others', () => {
    const b = new GraphBuilder('few inputs');
    const x = b.input('x', [1, 4, 4, 16]);
    const N = 24;
    const weights = Float32Array.from({ length: N * 16 }, (_, i) => (i < 32 ? 1e-3 : 1) * normal());
    const y = b.node('conv2d', [x, b.constant(weights, [N, 1, 1, 16]), null], {
      stride: [1, 1],
      dilation: [1, 1],
      padding: [0, 0, 0, 0],
      groups: 1,
      activation: 'none',
    }, { name: 'narrow' });
    const { graph, layers } = prune(b.finish([y]), { sparsity: 0.8, pattern: 'pairs' });
    const left = weightsOf(graph, 'narrow').data as Float32Array;
    const pairs = Array.from(
      { length: N },
      (_, n) =>
        Array.from({ length: 8 }, (_pair, p) => left.subarray(n * 16 + 2 * p, n * 16 + 2 * p + 2).some((w) => w !== 0))
          .filter(Boolean).length,
    );
    expect(pairs.slice(0, 2)).toEqual([0, 0]);
    // some of the other 22 outputs have no pair among the largest fifth
    expect(pairs.slice(2).filter((count) => count === 0).length).toBeLessThan(6);
    expect(new Set(pairs)).toEqual(new Set([0, 4]));
    expect(layers[0]!.sparsity).toBeCloseTo(zeros(weightsOf(graph, 'narrow')), 10);
  });

  test('keeps pairs in groups of four, and blocks of 8 by 4', () => {
    const pairs = weightsOf(prune(float, { sparsity: 0.7, pattern: 'pairs' }).graph, 'wide').data!;
    const blocks = weightsOf(prune(float, { sparsity: 0.7, pattern: 'blocks' }).graph, 'wide').data!;
    for (let n = 0; n < 48; n++) {
      const kept = Array.from({ length: CHANNELS / 2 }, (_, p) =>
        pairs[n * CHANNELS + 2 * p] !== 0 || pairs[n * CHANNELS + 2 * p + 1] !== 0).filter(Boolean).length;
      expect(kept % 4).toBe(0);
      for (let k = 0; k < CHANNELS; k++) {
        expect(blocks[n * CHANNELS + k] === 0).toBe(blocks[(n & ~7) * CHANNELS + (k & ~3)] === 0);
      }
    }
  });

  test('prunes layers by name, and keeps others', () => {
    const named = prune(float, { sparsity: { deep: 0.5 } });
    const kept = prune(float, { sparsity: 0.5, keep: ['last', 'wide'] });
    for (const { graph, layers } of [named, kept]) {
      expect(layers.map(({ name }) => name)).toEqual(['deep']);
      expect(weightsOf(graph, 'wide').data).toEqual(weightsOf(float, 'wide').data);
    }
  });

  test('prunes unimportant layers more with the scope "global", and the same share in total', () => {
    const b = cloneWith(float, 'wide', (w, i) => (i % 3 === 0 ? w : w / 1000));
    const { layers } = prune(b, { sparsity: 0.5, scope: 'global', pattern: 'weights', keep: ['last'] });
    const [wide, deep] = layers as [typeof layers[0], typeof layers[0]];
    const all = wide.weights + deep.weights;
    expect(wide.sparsity).toBeGreaterThan(deep.sparsity + 0.1);
    expect((wide.sparsity * wide.weights + deep.sparsity * deep.weights) / all).toBeCloseTo(0.5, 2);
  });

  test('makes smaller files, in which weights are lists', () => {
    const { graph } = prune(int8, { sparsity: 0.9 });
    const dense = readKlet(compile(int8));
    const listed = readKlet(compile(graph));
    expect(listed.debugInfo!.records.filter(({ layout }) => layout === 'pairs').map(({ name }) => name))
      .toContain('deep');
    expect(listed.weights.length).toBeLessThan(0.4 * dense.weights.length);
    expect(loadSync(compile(graph, { golden: [{ x: unseen[0]! }] })).selfTest()).toBe(1);
  });

  test('gives the same outputs with dense weights and lists, entropy-coded or not', () => {
    for (const pattern of ['weights', 'pairs', 'blocks'] as const) {
      const { graph } = prune(int8, { sparsity: 0.8, pattern });
      const golden = unseen.map((x) => ({ x }));
      const files = ([undefined, 'dense', 'pairs', 'blocks'] as const).flatMap((weightLayout) =>
        [false, true].map((compact) => compile(graph, { golden, compact, ...(weightLayout && { weightLayout }) }))
      );
      const [first, ...others] = files.map((file) => readKlet(file).golden!);
      for (const answers of others) expect(Buffer.compare(answers, first!)).toBe(0);
      for (const file of files) {
        for (const flavor of flavors) expect(loadSync(file, { flavor }).selfTest()).toBe(golden.length);
      }
      // the compiler's choice, and all layers as lists
      for (const i of [1, 3]) expect(readKlet(files[i]!).coded, pattern).toBe(true);
    }
  });

  test('makes lists that entropy coding compresses to their information content', () => {
    const b = new GraphBuilder('large');
    const x = b.input('x', [1, 8, 8, 256]);
    const large = b.finish([
      b.node('conv2d', [x, b.constant(Float32Array.from({ length: 512 * 256 }, normal), [512, 1, 1, 256]), null], {
        stride: [1, 1],
        dilation: [1, 1],
        groups: 1,
        padding: [0, 0, 0, 0],
        activation: 'none',
      }),
    ]);
    const image = (): Float32Array => Float32Array.from({ length: 8 * 8 * 256 }, normal);
    const { graph } = prune(quantize(large, { samples: [image(), image()], floatIo: true }), { sparsity: 0.8 });
    const listed = readKlet(compile(graph));
    const coded = readKlet(compile(graph, { compact: true })).weights.length;
    expect(listed.debugInfo!.records.find(({ op }) => op === 'conv2d')!.layout).toBe('pairs');
    // one pair in five: two weights and a position
    const place = (0.2 * Math.log2(1 / 0.2) + 0.8 * Math.log2(1 / 0.8)) / 0.2;
    const { data } = weightsOf(graph, graph.nodes.find(({ op }) => op === 'conv2d')!.name);
    const left = [...data!].filter((w) => w !== 0);
    const counts = new Map<number, number>();
    for (const w of left) counts.set(w, (counts.get(w) ?? 0) + 1);
    const entropy =
      ([...counts.values()].reduce((bits, n) => bits - n * Math.log2(n / left.length), 0) + place * left.length / 2) /
      8;
    const tables = 512 * 8;
    expect(coded).toBeLessThan(1.03 * entropy + tables + 600);
  });

  test.runIf(hasShared)(
    'stores MobileNet v2 with 80 % of its weights pruned in less than a quarter of its .tflite',
    () => {
      const tflite = sharedBytes('models/mobilenet_v2_100_224_uint8.tflite');
      const { graph } = prune(importTflite(tflite), { sparsity: 0.8 });
      const image = Uint8Array.from({ length: 224 * 224 * 3 }, () => random.int(0, 255));
      const file = compile(graph, { compact: true, golden: [{ [graph.inputs[0]!.name]: image }] });
      expect(file.length - readKlet(file).golden!.length).toBeLessThan(tflite.length / 4);
      const dense = compile(graph, { weightLayout: 'dense', golden: [{ [graph.inputs[0]!.name]: image }] });
      expect(Buffer.compare(readKlet(file).golden!, readKlet(dense).golden!)).toBe(0);
      for (const flavor of flavors) expect(loadSync(file, { flavor }).selfTest(), flavor).toBe(1);
    },
  );

  test.each<[string, PruneOptions, RegExp]>([['a part of 1', { sparsity: 1 }, /at least 0 and less than 1; it is 1/], [
    'a negative part',
    { sparsity: { deep: -0.1 } },
    /it is -0.1/,
  ], ['a layer that there is not', { sparsity: { none: 0.5 } },
    /no layer "none" to prune; there are "wide", "deep", "last"/], ['no samples', { sparsity: 0.5, samples: [] },
    /needs at least one sample/]])(
      'refuses %s',
      (_, options, message) => expect(() => prune(float, options)).toThrow(message),
    );
});

describe('sensitivity', () => {
  test('is the error of the outputs if only that layer is pruned', () => {
    // two thirds of the weights are almost zero, so removing them has little effect
    const found = sensitivity(cloneWith(float, 'wide', (w, i) => (i % 3 === 0 ? w : w / 1000)), {
      sparsity: 0.6,
      pattern: 'weights',
      samples: unseen,
    });
    expect(found.map(({ name, weights }) => [name, weights])).toEqual([['wide', 48 * CHANNELS], ['deep', 16 * 9 * 48], [
      'last',
      256,
    ]]);
    const [wide, deep, last] = found.map(({ error }) => error) as [number, number, number];
    expect(wide).toBeLessThan(0.01);
    expect(Math.min(deep, last)).toBeGreaterThan(0.05);
    expect(() => sensitivity(float, { sparsity: 0.5, samples: [] })).toThrow(/needs samples/);
  });
});

/** The network with different weights in one layer. */
function cloneWith(graph: Graph, name: string, change: (w: number, i: number) => number): Graph {
  const changed = (tensor: Tensor): Tensor => ({ ...tensor, data: Float32Array.from(tensor.data!, change) });
  return {
    ...graph,
    nodes: graph.nodes.map((node): AnyNode => (node.name === name
      ? { ...node, inputs: node.inputs.map((t, i) => (i === 1 ? changed(t!) : t)) }
      : node)
    ),
  };
}
