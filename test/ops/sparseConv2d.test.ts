import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile, readKlet, type Graph, type WeightLayout } from '../../src/compiler/index';
import type { Padding, Pair } from '../../src/graph/operators';
import { loadSync } from '../../src/index';
import * as L from '../../assembly/layout';
import { flavors, threadedFlavors } from '../helpers/flavors';
import { loadInShares } from '../helpers/shares';
import { activations, channels, compare, exact, opcodesOf, predictAll, property, randomInputs, seeds, single, size,
  quantizations, tensor, Random } from './suite';
import { outputQuantization, weightsAndBias, weightSpecs } from './weighted';
import { plainConvolution, slide, type ConvolutionSpec } from './windows';

// Records with pruned weights equal the dense record bit for bit. conv2d.test.ts compares the dense
// record with the reference.

interface Spec extends ConvolutionSpec {
  type: 'int8' | 'uint8';
  ci: number;
  co: number;
  padding: Padding;
  density: number;
}

const plain: Spec = {
  ...plainConvolution,
  height: 4,
  width: 4,
  ci: 12,
  co: 8,
  kernel: [1, 1],
  padding: [0, 0, 0, 0],
  density: 0.25,
};
const layouts = ['pairs', 'blocks'] as const;

function graphOf(spec: Spec, activation: 'none' | 'relu6' = 'none'): Graph {
  const { type, batch, ci, co, kernel, stride, dilation, padding, density, weights, seed } = spec;
  const random = new Random(seed);
  const { image, output } = slide(spec, padding);
  const x = tensor('x', [batch, ...image, ci], type, spec.x);
  const { w: filter, bias } = weightsAndBias(random, x, [co, ...kernel, ci], 0, weights);
  const zeroPoint = filter.quantization!.zeroPoint[0]!;
  filter.data!.forEach((_, i, data) => {
    if (random.next() >= density) data[i] = zeroPoint;
  });
  const scaled = outputQuantization(x, filter, kernel[0] * kernel[1] * ci * density + 1, weights);
  const y = tensor('y', [batch, ...output, co], type, scaled);
  return single('conv2d', [x, filter, bias], { stride, dilation, padding, groups: 1, activation }, y);
}

/** Compares both sparse layouts, in all flavors, with the dense layout in one flavor. */
function check(spec: Spec, graph = graphOf(spec), wanted: readonly WeightLayout[] = layouts): void {
  const inputs = randomInputs(graph, spec.seed);
  const [t] = graph.outputs;
  const run = (klet: Uint8Array, flavor: (typeof flavors)[number]) => {
    const model = loadSync(klet, { flavor });
    const [values] = predictAll(model, graph, inputs);
    model.dispose();
    return values!;
  };
  const expected = run(compile(graph, { debugInfo: false, weightLayout: 'dense' }), 'scalar');
  for (const weightLayout of wanted) {
    const klet = compile(graph, { debugInfo: false, weightLayout });
    for (const flavor of flavors) {
      compare(`${weightLayout} in ${flavor}`, t!.shape, expected, run(klet, flavor), exact);
      if (!threadedFlavors.includes(flavor)) continue;
      const shared = loadInShares(klet, flavor, [2, 0, 1]);
      const [values] = predictAll(shared, graph, inputs);
      shared.dispose();
      compare(`${weightLayout} in ${flavor}, in shares`, t!.shape, expected, values!, exact);
    }
  }
}

const pair = (max: number): fc.Arbitrary<Pair> => fc.tuple(size(max), size(max));
const paddings = fc.tuple(fc.nat(4), fc.nat(4), fc.nat(4), fc.nat(4));

describe('pruned conv2d', () => {
  test('equals the dense layer for random shapes, strides, dilations, paddings, densities and quantizations', () => {
    property(
      fc.record({
        type: fc.constantFrom('int8' as const, 'uint8' as const),
        batch: size(2),
        height: size(7),
        width: size(7),
        ci: size(20),
        co: channels,
        kernel: pair(3),
        stride: pair(3),
        dilation: pair(2),
        padding: paddings,
        density: fc.constantFrom(0, 0.02, 0.1, 0.3, 1),
        x: quantizations,
        weights: weightSpecs,
        seed: seeds,
        activation: activations,
      }),
      200,
      (spec) => check(spec, graphOf(spec, spec.activation === 'none' ? 'none' : 'relu6')),
    );
  });

  test('computes tiles of every number of pixels and channels', () => {
    for (const width of [1, 2, 3, 15, 16, 17, 27, 28, 29, 31, 32, 33, 49, 63, 64, 65]) {
      for (const co of [1, 7, 8, 9, 17]) check({ ...plain, height: 1, width, co, seed: width * 100 + co });
    }
  });

  test('accumulates any number of products', () => {
    for (const ci of [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33]) {
      for (const density of [0.05, 0.5, 1]) check({ ...plain, ci, density, seed: ci });
    }
    for (const ci of [2, 4, 6, 8, 10, 14]) check({ ...plain, ci, kernel: [2, 3], padding: [1, 0, 0, 2], seed: ci });
  });

  test('skips gaps that do not fit into one delta byte, up to the last of 65,536 inputs', () => {
    for (const [width, density] of [[1, 0.0003], [5, 0.0003], [20, 0.0001]] as const) {
      check({ ...plain, height: 1, width, ci: 65536, co: 9, density, seed: width });
    }
    const graph = graphOf({ ...plain, ci: 4099, density: 0 });
    const { data } = graph.nodes[0]!.inputs[1]!;
    data![4098] = 1;
    check(plain, graph);
  });

  test('takes the largest values and the zero points of uint8 weights', () => {
    for (const zeroPoint of [-128, 1, 127]) {
      check({
        ...plain,
        type: 'uint8',
        x: { scale: 0.5, zeroPoint: 127 },
        weights: { ...plain.weights, zeroPoint, perChannel: false },
        density: 1,
        seed: zeroPoint + 200,
      });
    }
  });

  test('is chosen by the compiler only if most weights are zero', () => {
    const layer = (density: number, changes: Partial<Spec> = {}): number =>
      opcodesOf(compile(graphOf({ ...plain, height: 14, width: 14, ci: 96, co: 96, density, ...changes })))[0]!;
    expect(layer(1)).toBe(L.OP_CONV2D);
    expect(layer(0.8)).toBe(L.OP_CONV2D);
    expect(layer(0.1)).toBe(L.OP_SPARSE_CONV2D);
    expect(layer(0.003, { height: 1, width: 1 })).toBe(L.OP_SPARSE_CONV2D);
    // with so few products per output, lists are not faster
    expect(layer(0.2, { ci: 4 })).toBe(L.OP_CONV2D);
  });

  test('needs less than 0.36 of the memory of dense weights if 80 % of the pairs are pruned', () => {
    const graph = graphOf({ ...plain, height: 7, width: 7, ci: 320, co: 1280 });
    const random = new Random(1);
    const { data } = graph.nodes[0]!.inputs[1]!;
    for (let k = 0; k < data!.length; k += 2) data!.fill(random.next() < 0.2 ? random.int(1, 127) : 0, k, k + 2);
    const bytes = (weightLayout: WeightLayout): number => readKlet(compile(graph, { weightLayout })).weights.length;
    expect(bytes('pairs') / bytes('dense')).toBeLessThan(0.36);
  });

  test('records its layout and density in the debug info', () => {
    const record = (weightLayout: WeightLayout) =>
      readKlet(compile(graphOf({ ...plain, ci: 64, density: 0.1 }), { weightLayout })).debugInfo!.records[0]!;
    expect(record('pairs')).toMatchObject({ op: 'conv2d', layout: 'pairs', density: expect.closeTo(0.1, 1) as number });
    expect(record('blocks').layout).toBe('blocks');
    expect(record('dense')).not.toHaveProperty('layout');
  });
});
