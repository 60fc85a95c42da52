import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compare, GraphBuilder, quantizationReport, quantize, type Graph, type QuantizationReport,
  type Tensor } from '../../../src/compiler/index';
import { Random } from '../../helpers/random';
import { normal } from './networks';

interface Layer {
  /** Output channels, and the factor of the second half of them. */
  size?: number;
  factor?: number;
  /** Reads only the first half of its inputs. */
  readsHalf?: boolean;
}

/** Layers one after the other, whose last output is a matrix, which has no classes. */
function chain(layers: Record<string, Layer>, seed = 1): Graph {
  const random = new Random(seed);
  const b = new GraphBuilder('chain');
  let x: Tensor = b.input('x', [1, 16]);
  for (const [name, { size = 16, factor = 1, readsHalf = false }] of Object.entries(layers)) {
    const columns = x.shape[1]!;
    const weights = Float32Array.from({ length: size * columns }, (_, i) => {
      const scale = Math.floor(i / columns) >= size / 2 ? factor : 1;
      return readsHalf && i % columns >= columns / 2 ? 0 : scale * normal(random) / Math.sqrt(columns);
    });
    const y = b.node('fullyConnected', [x, b.constant(weights, [size, columns]), null], { activation: 'none' }, {
      name: `${name}/product`,
    });
    x = b.node('unary', [y], { kind: 'elu' }, { name });
  }
  return b.finish([b.node('reshape', [x], {}, { shape: [1, 2, x.shape[1]! / 2], name: 'y' })]);
}

function inputs(count: number, seed: number): Float32Array[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => Float32Array.from({ length: 16 }, () => normal(random)));
}

const samples = inputs(80, 1);
const test = inputs(40, 2);
const auto = (graph: Graph, options: object = {}): QuantizationReport & { auto: object } =>
  quantizationReport(graph, { samples, test, keep: 'auto', ...options }) as QuantizationReport & { auto: object };
const namesOf = ({ auto: found }: QuantizationReport): string[] => found!.layers.map(({ name }) => name);

/** A tensor whose large half nobody reads leaves few steps for the other half. */
const hard = { first: {}, wide: { factor: 24 }, reader: { readsHalf: true }, last: {} };

describe('keep: auto', () => {
  it('keeps nothing where the outputs reach the goal without', () => {
    const report = auto(chain({ first: {}, second: {} }));
    expect(report.auto).toMatchObject({ reached: true, layers: [], isHeldOut: true });
    expect(report.auto.before).toEqual(report.auto.after);
    expect(report.auto.before.samples).toBe(20);
    expect(report.floatLayers).toEqual([]);
  });

  it('keeps the layers around a tensor that has too few steps, and no others', () => {
    const graph = chain(hard);
    const without = compare(graph, quantize(graph, { samples }), test).outputs[0]!.sqnr!;
    expect(without).toBeLessThan(28);
    const report = auto(graph);
    expect(report.auto.reached).toBe(true);
    expect(report.auto.layers.length).toBeGreaterThan(0);
    for (const name of namesOf(report)) expect(name).toMatch(/wide|reader/);
    expect(report.auto.after.outputs[0]!.sqnr).toBeGreaterThanOrEqual(30);
    expect(report.comparison.outputs[0]!.sqnr).toBeGreaterThan(without + 3);
  });

  it('says what int8 would leave', () => {
    const report = auto(chain(hard), { keep: ['auto', 'last'] });
    expect(report.floatLayers).toContainEqual({ name: 'last', op: 'unary', reason: 'kept' });
    expect(namesOf(report)).not.toContain('last');
    for (const { name, as, why } of report.auto.layers) {
      expect(why).toMatch(/^(int8|8 bits) would leave \d+\.\d dB at the outputs; goal 30 dB$/);
      expect(Number(/\d+\.\d/.exec(why)![0])).toBeLessThan(30);
      const float = report.floatLayers.find((layer) => layer.name === name);
      expect(float?.why).toBe(as === 'float32' ? why : undefined);
    }
  });

  it('gives 16-bit activations where they suffice, with int8 weights', () => {
    const { graph, auto: found } = auto(chain(hard));
    const wide = found.layers.filter(({ as }) => as === 'int16');
    expect(wide.length).toBeGreaterThan(0);
    for (const { name } of wide) {
      const node = graph.nodes.find((one) => one.name === name)!;
      expect(node.outputs[0]!.dtype).toBe('int16');
      if (node.op === 'fullyConnected') expect(node.inputs[1]!.dtype).toBe('int8');
    }
  });

  it('never keeps a layer that is not needed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.double({ min: 1, max: 40, noNaN: true }), (seed, factor) => {
        const graph = chain({ a: {}, b: { factor }, c: { readsHalf: true }, d: { factor: factor / 2 }, e: {} }, seed);
        const variants: number[] = [];
        const report = auto(graph, {
          rounding: 'nearest',
          onProgress: (stage: string, done: number) => stage.startsWith('choosing') && variants.push(done),
        });
        const { reached, layers, before, after } = report.auto;
        expect(variants.length).toBeLessThanOrEqual(100);
        expect(reached).toBe(true);
        expect(after.outputs[0]!.sqnr).toBeGreaterThanOrEqual(30);
        if (before.outputs[0]!.sqnr! >= 30) expect(layers).toEqual([]);
        for (const { why } of layers) expect(Number(/(\d+\.\d) dB at/.exec(why)![1])).toBeLessThanOrEqual(30);
      }),
      { numRuns: 8 },
    );
  });

  it('keeps an input of sensors with very different ranges as it is, also behind a reshape', () => {
    const random = new Random(4);
    const b = new GraphBuilder('sensors');
    const x = b.input('x', [1, 4, 4]);
    const flat = b.node('reshape', [x], {}, { shape: [1, 16], name: 'flat' });
    const weights = Float32Array.from({ length: 8 * 16 }, (_, i) => (i % 16 < 8 ? 1 : 0.002) * normal(random));
    const y = b.node('fullyConnected', [flat, b.constant(weights, [8, 16]), null], { activation: 'none' }, {
      name: 'first',
    });
    const graph = b.finish([b.node('reshape', [y], {}, { shape: [1, 2, 4], name: 'y' })]);
    const measured = (seed: number) =>
      inputs(64, seed).map((values) => values.map((value, i) => (i < 8 ? value : 25 * value)));
    const report = auto(graph, { samples: measured(1), test: measured(2) });
    expect(report.auto.before.outputs[0]!.sqnr).toBeLessThan(28);
    expect(report.auto).toMatchObject({ reached: true, layers: [{ name: 'first' }] });
    expect(report.graph.inputs[0]!.dtype).not.toBe('int8');
    expect(report.comparison.outputs[0]!.sqnr).toBeGreaterThan(30);
  });

  it('looks at the best class where outputs are scores', () => {
    const graph = chain({ ...hard, last: { size: 12 } });
    const scores = { ...graph, nodes: graph.nodes.slice(0, -1), outputs: [graph.nodes.at(-2).outputs[0]!] };
    const report = auto(scores, { samples: inputs(256, 3) });
    expect(report.auto.before.outputs[0]!.agreement).toBeLessThan(0.98);
    expect(report.auto.after.outputs[0]!.agreement).toBeGreaterThanOrEqual(63 / 64);
    expect(report.auto.reached).toBe(true);
    for (const { why } of report.auto.layers) {
      expect(why).toMatch(/would (change .* % of the best|leave .* goal 20 dB)/);
    }
  });

  it('decides on the given samples if they are few', () => {
    const report = auto(chain(hard), { samples: samples.slice(0, 10) });
    expect(report.auto).toMatchObject({ isHeldOut: false, after: { samples: 10 } });
  });

  it('refuses other values of keep', () => {
    const graph = chain({ first: {} });
    for (const keep of ['none', 5, { auto: true }]) {
      expect(() => quantize(graph, { samples, keep: keep as never }))
        .toThrow(/the option "keep" of quantize\(\) takes "auto" or an array of names of nodes, not /);
    }
    expect(() => quantize(graph, { samples, keep: ['auto', 'second'] })).toThrow(/cannot keep "second"/);
  });
});
