import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as L from '../../assembly/layout';
import { compile, readKlet, type CompileOptions, type Graph } from '../../src/compiler/index';
import type { FusedActivation } from '../../src/graph/operators';
import { loadSync } from '../../src/index';
import { flavors, threadedFlavors } from '../helpers/flavors';
import { loadInShares } from '../helpers/shares';
import { withSmallWeights } from '../helpers/smallWeights';
import { activations, channels, checkGraph, compare, exact, opcodesOf, predictAll, property, quantizations, Random,
  randomInputs, seeds, single, size, tensor, type Quantization } from './suite';
import { outputQuantization, weightsAndBias, weightSpecs, type WeightSpec } from './weighted';

// Products with packed weights of four bits equal those with unpacked weights bit for bit.
// fullyConnected.test.ts and conv2d.test.ts compare the latter with the reference.

interface Spec {
  type: 'int8' | 'uint8';
  rows: number;
  depth: number;
  columns: number;
  activation: FusedActivation;
  x: Quantization;
  weights: WeightSpec;
  seed: number;
}

const plain: Spec = {
  type: 'int8',
  rows: 1,
  depth: 10,
  columns: 10,
  activation: 'none',
  x: { scale: 0.5, zeroPoint: -3 },
  weights: { scale: 0.25, zeroPoint: 0, perChannel: true, bias: true, ties: true, outputZeroPoint: 5 },
  seed: 1,
};

function layer({ type, rows, depth, columns, activation, x: xQuantization, weights, seed }: Spec): Graph {
  const x = tensor('x', [rows, depth], type, xQuantization);
  const { w, bias } = weightsAndBias(new Random(seed), x, [columns, depth], 0, weights);
  const y = tensor('y', [rows, columns], type, outputQuantization(x, w, depth, weights));
  return withSmallWeights(single('fullyConnected', [x, w, bias], { activation }, y));
}

/** A convolution of an image of `side` by `side` pixels. */
function convolution(side: number, kernel: number, out: number, padding = 0): Graph {
  const x = tensor('x', [2, side, side, 6], 'int8', plain.x);
  const { w, bias } = weightsAndBias(new Random(3), x, [9, kernel, kernel, 6], 0, plain.weights);
  const y = tensor('y', [2, out, out, 9], 'int8', outputQuantization(x, w, kernel * kernel * 6, plain.weights));
  return withSmallWeights(single('conv2d', [x, w, bias], {
    stride: [1, 1],
    dilation: [1, 1],
    padding: [padding, padding, padding, padding],
    groups: 1,
    activation: 'none',
  }, y));
}

/** Compares packed weights, in all flavors and in shares, with unpacked ones in one flavor. */
function check(graph: Graph, seed: number): void {
  const inputs = randomInputs(graph, seed);
  const [t] = graph.outputs;
  const dense = loadSync(compile(graph, { debugInfo: false, weightLayout: 'dense' }), { flavor: 'scalar' });
  const [expected] = predictAll(dense, graph, inputs);
  const klet = compile(graph, { debugInfo: false, weightLayout: 'nibbles' });
  expect(opcodesOf(klet)).toContain(L.OP_NIBBLE_PRODUCT);
  for (const flavor of flavors) {
    const shared = threadedFlavors.includes(flavor) ? [loadInShares(klet, flavor, [2, 0, 1])] : [];
    for (const model of [loadSync(klet, { flavor }), ...shared]) {
      compare(
        `${flavor} on ${model.info.threads} threads`,
        t!.shape,
        expected!,
        predictAll(model, graph, inputs)[0]!,
        exact,
      );
      model.dispose();
    }
  }
  dense.dispose();
}

describe('a product with weights of four bits', () => {
  test('equals that with unpacked weights for random shapes and quantizations', () => {
    property(
      fc.record<Spec>({
        type: fc.constantFrom('int8', 'uint8'),
        rows: size(5),
        depth: fc.oneof(channels, size(300)),
        columns: channels,
        activation: activations,
        x: quantizations,
        weights: weightSpecs,
        seed: seeds,
      }),
      100,
      (spec) => check(layer(spec), spec.seed),
    );
  });

  test('matches the reference in the layout that the compiler chooses', () => {
    for (const depth of [1, 7, 8, 9, 1000]) checkGraph(layer({ ...plain, depth }), 1);
  });

  test('holds the extreme weights and activations of the longest row', () => {
    for (const [value, zeroPoint] of [[-128, 127], [127, -128]] as const) {
      const depth = 65536;
      const graph = layer({ ...plain, depth, columns: 17, x: { scale: 0.5, zeroPoint } });
      const [, w] = graph.nodes[0]!.inputs;
      (w!.data as Int8Array).fill(-8).fill(7, 8 * depth);
      const models = (['dense', 'nibbles'] as const).flatMap((weightLayout) =>
        flavors.map((flavor) => loadSync(compile(graph, { weightLayout }), { flavor }))
      );
      const [first, ...others] = models.map((model) =>
        model.predict(new Int8Array(depth).fill(value), { output: 'raw' })
      );
      for (const other of others) expect(other).toEqual(first);
    }
  });

  test('is chosen for few rows of a layer or of a pointwise convolution, and for a filter of the whole image', () => {
    const chosen = (graph: Graph): boolean => opcodesOf(compile(graph)).includes(L.OP_NIBBLE_PRODUCT);
    expect(chosen(layer({ ...plain, depth: 64 }))).toBe(true);
    expect(chosen(layer({ ...plain, depth: 64, rows: 8 }))).toBe(true);
    expect(chosen(layer({ ...plain, depth: 64, rows: 9 }))).toBe(false);
    expect(chosen(convolution(2, 1, 2))).toBe(true);
    expect(chosen(convolution(3, 3, 1))).toBe(true);
    expect(chosen(convolution(3, 3, 3, 1)), 'with padding').toBe(false);
    expect(chosen(convolution(4, 3, 2)), 'windows that overlap').toBe(false);
    for (const graph of [convolution(2, 1, 2), convolution(3, 3, 1)]) check(graph, 5);
  });

  test('is pruned to lists only if they take no more of the file than packed weights', () => {
    const pruned = (every: number): Graph => {
      const graph = layer({ ...plain, depth: 256, columns: 64, rows: 64 });
      const [, w] = graph.nodes[0]!.inputs;
      w!.data!.forEach((_, i, data) => {
        if (i % 2 === 0) data[i] = data[i + 1] = i / 2 % every === 0 ? 5 : 0;
      });
      return graph;
    };
    const stored = (graph: Graph, options: CompileOptions = {}): number =>
      compile(graph, { debugInfo: false, ...options }).length;
    for (const every of [2, 3, 20]) {
      expect(stored(pruned(every))).toBeLessThan(1.02 * stored(pruned(every), { weightLayout: 'dense' }));
    }
    expect(opcodesOf(compile(pruned(20)))).toContain(L.OP_SPARSE_CONV2D);
  });

  test('halves the weights in memory, and the debug information names it', () => {
    const graph = layer({ ...plain, depth: 512, columns: 64 });
    const files = (['dense', 'nibbles'] as const).map((weightLayout) => readKlet(compile(graph, { weightLayout })));
    expect(files[1]!.weights.length).toBeLessThan(0.52 * files[0]!.weights.length);
    expect(files[1]!.debugInfo!.records[0]).toMatchObject({ layout: 'nibbles', op: 'fullyConnected' });
  });
});
