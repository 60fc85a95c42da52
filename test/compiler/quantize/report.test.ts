import { describe, expect, it } from 'vitest';
import { compile, GraphBuilder, quantizationReport, quantize, type Graph } from '../../../src/compiler';
import { Random } from '../../helpers/random';

/** Boxes of 0 to 640 and scores of 0 to 1 in one concatenation, as object detectors have them. */
function detector(): Graph {
  const random = new Random(3);
  const b = new GraphBuilder('detector');
  const x = b.input('x', [1, 16]);
  const weights = (rows: number): Float32Array => Float32Array.from({ length: rows * 16 }, () => random.between(-1, 1));
  const layer = (rows: number, name: string) =>
    b.node('fullyConnected', [x, b.constant(weights(rows), [rows, 16]), null], { activation: 'none' }, { name });
  const boxes = b.node('binary', [layer(8, 'boxes'), b.constant(Float32Array.of(60), [1])], {
    kind: 'mul',
    activation: 'none',
  }, { name: 'pixels' });
  const scores = b.node('unary', [layer(8, 'logits')], { kind: 'logistic' }, { name: 'scores' });
  const all = b.node('concat', [boxes, scores], { axis: 1, activation: 'none' }, { name: 'head/concat' });
  // the scores by themselves, so that their error is seen
  const part = b.node('slice', [all], { begin: [0, 8], stride: [1, 1] }, { name: 'found', shape: [1, 8] });
  return b.finish([part]);
}

const inputs = (count: number, seed: number): Float32Array[] => {
  const random = new Random(seed);
  return Array.from({ length: count }, () => Float32Array.from({ length: 16 }, () => random.between(-1, 1)));
};

describe('quantizationReport', () => {
  const options = {
    samples: inputs(40, 1),
    test: inputs(20, 2),
    weightBits: { logits: 4 as const },
    rounding: 'nearest' as const,
  };
  const graph = detector();
  const report = quantizationReport(graph, options);

  it('returns the network of quantize()', () => {
    expect(compile(report.graph))
      .toEqual(compile(quantize(graph, { samples: options.samples, weightBits: { logits: 4 }, rounding: 'nearest' })));
  });

  it('compares the outputs on the test samples', () => {
    expect(report.comparison.samples).toBe(20);
    expect(report.comparison.outputs[0]).toMatchObject({ name: 'found' });
    expect(report.measured).toBe(20);
  });

  it('sorts the layers by the error that each adds by itself', () => {
    const sqnrs = report.layers.map(({ sqnr }) => sqnr);
    expect(sqnrs).toEqual([...sqnrs].sort((a, b) => a - b));
    expect(report.layers[0]).toMatchObject({ name: 'logits', weightBits: 4 });
  });

  it('names what stays float32, and why', () => {
    const concat = report.floatLayers.find(({ name }) => name === 'head/concat')!;
    expect(concat).toMatchObject({ op: 'concat', reason: 'kept' });
    expect(concat.why).toMatch(/\w/);
  });

  it('advises to keep the culprit, with what that gives', () => {
    const [best] = report.advice;
    expect(best!.keep).toBe('logits');
    const kept = quantizationReport(graph, {
      samples: options.samples,
      test: options.test,
      rounding: 'nearest',
      keep: ['logits'],
    });
    expect(kept.comparison.outputs[0]!.sqnr! - report.comparison.outputs[0]!.sqnr!).toBeCloseTo(best!.gain, 0);
    expect(kept.floatLayers).toContainEqual({ name: 'logits', op: 'fullyConnected', reason: 'kept' });
    const sizeOf = (network: Graph): number =>
      compile(network, { debugInfo: false, meta: { reference: undefined } }).length;
    expect(sizeOf(kept.graph) - sizeOf(report.graph)).toBe(best!.bytes);
  });

  it('measures each tensor in the order of the network', () => {
    const names = report.tensors.map(({ name }) => name);
    expect(names.slice(0, 1)).toEqual(['x']);
    expect(names.at(-1)).toBe('found');
    const at = (name: string) => report.tensors.find((tensor) => tensor.name === name)!;
    expect(at('x').sqnr).toBeGreaterThan(40);
    expect(at('logits').sqnr).toBeLessThan(30);
    expect(at('scores').histogram.reduce((a, b) => a + b, 0)).toBe(40 * 8);
  });

  it('counts what lies beyond the covered range', () => {
    const loud = inputs(20, 5).map((sample) => sample.map((value) => 3 * value));
    const { tensors } = quantizationReport(graph, { samples: options.samples, test: loud, calibration: 'minMax' });
    const input = tensors.find(({ name }) => name === 'x')!;
    // two thirds of the numbers from −3 to 3 are outside of −1 to 1
    expect(input.clipped).toBeGreaterThan(0.6);
    expect(input.clipped).toBeLessThan(0.72);
    expect(input.covered![1] - input.covered![0]).toBeCloseTo(input.observed[1] - input.observed[0], 1);
  });

  it('takes samples from a generator, and reports its stages', () => {
    function* generated(): Generator<Float32Array> {
      yield* inputs(8, 1);
    }
    const stages: string[] = [];
    const { comparison } = quantizationReport(graph, {
      samples: generated(),
      onProgress: (stage, done, total) => stages.push(total === undefined ? stage : `${stage} ${done} of ${total}`),
    });
    expect(comparison.samples).toBe(8);
    expect(stages)
      .toEqual(expect.arrayContaining(['calibrating 8 of 8', 'comparing',
        expect.stringMatching(/^measuring layers 1 of \d$/), 'measuring tensors']));
  });

  it('sees some elements of large tensors, spread over them', () => {
    const b = new GraphBuilder('large');
    const x = b.input('x', [1, 100, 100, 1]);
    const large = b.finish([b.node('unary', [x], { kind: 'tanh' }, { name: 'y' })]);
    const random = new Random(8);
    const samples = [Float32Array.from({ length: 10_000 }, () => random.between(-2, 2))];
    const { tensors } = quantizationReport(large, { samples });
    expect(tensors.map(({ name, sqnr }) => [name, sqnr > 30])).toEqual([['x', true], ['y', true]]);
  });
});
