import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compare, compile, GraphBuilder, quantize, type CalibrationMethod,
  type Graph } from '../../../src/compiler/index';
import { calibratedRange } from '../../../src/compiler/quantize/calibration';
import { Histogram } from '../../../src/compiler/quantize/histogram';
import { TensorStatistics, withProbes } from '../../../src/compiler/quantize/observe';
import { activationQuantization, intoSteps } from '../../../src/compiler/quantize/steps';
import { loadSync } from '../../../src/index';
import { Random } from '../../helpers/random';
import { ConstantMaker, smoothImages } from './networks';

const finite = fc.float({ min: -1e6, max: 1e6, noNaN: true, noDefaultInfinity: true });

/** Sum of squared errors of values in int8. */
function noiseOf(values: readonly number[], range: [number, number]): number {
  const quantization = activationQuantization(range);
  return intoSteps(Float32Array.from(values), quantization).reduce((sum, q, i) => {
    const real = quantization.scale[0]! * (q - quantization.zeroPoint[0]!);
    return sum + (real - values[i]!) ** 2;
  }, 0);
}

describe('a histogram', () => {
  test('has the values that are added after it was read', () => {
    const histogram = new Histogram();
    histogram.add([0.5, 1.5]);
    expect([...histogram.resample([0, 4], 4)]).toEqual([1, 1, 0, 0]);
    histogram.add([1.5, 2.5, 3.5]);
    expect([...histogram.resample([0, 4], 4)]).toEqual([1, 2, 1, 1]);
  });

  test('keeps every value within a bin, however the range grows', () => {
    fc.assert(fc.property(fc.array(finite, { minLength: 1, maxLength: 60 }), (values) => {
      const histogram = new Histogram();
      for (const value of values) histogram.add([value]);
      const sorted = [...values].sort((a, b) => a - b);
      const width = Math.max(2 ** -149, Math.max(...values.map(Math.abs)) / 2000);
      const found: number[] = [];
      histogram.forEach((center, count) => found.push(...new Array<number>(count).fill(center)));
      found.sort((a, b) => a - b);
      expect(found).toHaveLength(values.length);
      found.forEach((center, i) => expect(Math.abs(center - sorted[i]!)).toBeLessThanOrEqual(width));
    }));
  });

  test('estimates the error of quantized values', () => {
    const random = new Random(3);
    const values = Array.from({ length: 20000 }, () => random.between(-1, 1) ** 3 * 7);
    const histogram = new Histogram();
    histogram.add(values);
    for (const range of [[-7, 7], [-5, 7], [-1, 2], [0, 3]] as [number, number][]) {
      const noise = noiseOf(values, range);
      expect(histogram.noise(range) / noise).toBeGreaterThan(0.9);
      expect(histogram.noise(range) / noise).toBeLessThan(1.1);
    }
  });

  test('finds the percentiles of a sorted list', () => {
    const histogram = new Histogram();
    histogram.add(Array.from({ length: 1000 }, (_, i) => i - 200));
    const [low, high] = histogram.percentiles(0.01);
    expect(low).toBeCloseTo(-190, -0.5);
    expect(high).toBeCloseTo(789, -0.5);
    expect(new Histogram().percentiles(0.01)).toEqual([0, 0]);
  });
});

/** x [1][8] → relu(x·w): the range of x decides the precision. */
function layer(): Graph {
  const b = new GraphBuilder('layer');
  const random = new Random(1);
  const w = Float32Array.from({ length: 64 }, () => random.between(-1, 1));
  return b.finish([
    b.node('fullyConnected', [b.input('x', [1, 8]), b.constant(w, [8, 8]), null], { activation: 'relu' }, {
      name: 'y',
    }),
  ]);
}

function inputs(seed: number, count: number): Float32Array[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => Float32Array.from({ length: 8 }, () => random.between(-1, 1)));
}

/** Ratio of the signal to the error of the int8 network, in decibels. */
function sqnr(graph: Graph, int8: Graph, samples: Float32Array[]): number {
  const [float, found] = [loadSync(compile(graph)), loadSync(compile(int8))];
  let signal = 0;
  let noise = 0;
  for (const sample of samples) {
    const after = found.predict(sample);
    float.predict(sample).forEach((value, i) => {
      signal += value ** 2;
      noise += (value - after[i]!) ** 2;
    });
  }
  return 10 * Math.log10(signal / noise);
}

describe('calibration', () => {
  test.each<CalibrationMethod>(['percentile', 'entropy'])(
    '%s spends few steps on a value that is far from all others',
    (calibration) => {
      const samples = inputs(2, 3000);
      samples[7]![3] = 40;
      const others = inputs(3, 200);
      const plain = sqnr(layer(), quantize(layer(), { samples, calibration: 'minMax' }), others);
      expect(sqnr(layer(), quantize(layer(), { samples, calibration }), others)).toBeGreaterThan(plain + 5);
    },
  );

  test('mse cuts off what costs less than finer steps save', () => {
    const random = new Random(6);
    const statistics = new TensorStatistics({ name: 't', shape: [1], dtype: 'float32' });
    const values = Float32Array.from({ length: 1e6 }, () => random.between(-1, 1));
    values[17] = 5;
    statistics.add({ low: -1, high: 5, total: 0 }, values, 0);
    const [low, high] = calibratedRange(statistics, 'mse');
    expect(low).toBeLessThan(-0.98);
    expect(high).toBeLessThan(2);
    expect(statistics.histogram.noise([low, high])).toBeLessThan(statistics.histogram.noise([-1, 5]) / 2);
  });

  test.each<CalibrationMethod>(['percentile', 'mse', 'entropy'])(
    '%s keeps the precision of even values',
    (calibration) => {
      const samples = inputs(4, 300);
      const plain = sqnr(layer(), quantize(layer(), { samples, calibration: 'minMax' }), inputs(5, 200));
      expect(sqnr(layer(), quantize(layer(), { samples, calibration }), inputs(5, 200))).toBeGreaterThan(plain - 2);
    },
  );

  test('sees the extremes of large tensors exactly, whichever element has them', () => {
    const shape = [1, 91, 67, 5];
    const b = new GraphBuilder('large');
    const graph = b.finish([b.node('unary', [b.input('x', shape)], { kind: 'relu' })]);
    const samples = [1234, 30484].map((at) => new Float32Array(91 * 67 * 5).fill(0.5).fill(at, at, at + 1));
    const { quantization } = quantize(graph, { samples, calibration: 'minMax' }).outputs[0]!;
    expect(quantization!.scale[0]! * 255).toBeCloseTo(30484, 1);
  });

  test('needs little more memory than a prediction', () => {
    const b = new GraphBuilder('deep');
    let x = b.input('x', [1, 256, 256, 8]);
    for (let i = 0; i < 100; i++) x = b.node('unary', [x], { kind: i % 2 ? 'tanh' : 'elu' });
    const graph = b.finish([x]);
    const observed = graph.nodes.flatMap((node) => node.outputs);
    const bytes = (each: Graph): number => loadSync(compile(each)).memory.total;
    expect(bytes(withProbes(graph, observed, new Set()).probed)).toBeLessThan(2 * bytes(graph));
  });
});

describe('options', () => {
  test('weights of fewer bits lie within their range', () => {
    for (const [bits, most] of [[8, 127], [7, 63], [4, 7]] as const) {
      const graph = quantize(layer(), { samples: inputs(6, 20), weightBits: bits });
      expect(Math.max(...graph.nodes[0]!.inputs[1]!.data!.map(Math.abs))).toBe(most);
      const named = quantize(layer(), { samples: inputs(6, 20), weightBits: { y: bits } });
      expect(named.nodes[0]!.inputs[1]!.data).toEqual(graph.nodes[0]!.inputs[1]!.data);
    }
  });

  test('a kept layer computes in float32, with the inputs and outputs that only it has', () => {
    const graph = quantize(layer(), { samples: inputs(7, 20), keep: ['y'] });
    expect(graph.nodes.map(({ op }) => op)).toEqual(['fullyConnected']);
    expect([...graph.inputs, ...graph.outputs].map(({ dtype }) => dtype)).toEqual(['float32', 'float32']);
    expect(sqnr(layer(), graph, inputs(8, 10))).toBe(Infinity);
  });

  test('nodes that only move values between kept layers stay in float32 too', () => {
    const b = new GraphBuilder('between');
    const x = b.node('unary', [b.input('x', [1, 8])], { kind: 'tanh' }, { name: 'first' });
    const tanh = b.node('unary', [x], { kind: 'tanh' }, { name: 'kept' });
    const moved = b.node('reshape', [tanh], {}, { shape: [2, 4] });
    const y = b.node('unary', [moved], { kind: 'tanh' }, { name: 'kept too' });
    const graph = quantize(b.finish([b.node('unary', [y], { kind: 'relu' })]), {
      samples: inputs(9, 20),
      keep: ['kept', 'kept too'],
    });
    expect(graph.nodes.map(({ op }) => op)).toEqual(['unary', 'dequantize', 'unary', 'reshape', 'unary', 'quantize',
      'unary']);
  });

  test.each([[{ calibration: 'best' }, /"calibration" of quantize\(\) is one of .*"best"/], [{ weightBits: 5 },
    /"weightBits" of quantize\(\) is 8, 7 or 4, not 5/], [{ weightBits: { y: 3 } }, /not 3 for "y"/], [{
    weightBits: { z: 4 },
  }, /names "z", but "layer" has no such layer/], [{ keep: ['z'] }, /cannot keep "z" in float32/], [{ keep: 'y' },
    /"keep" of quantize\(\) takes/]])('refuses %j', (options, message) => {
      const wrong = options as unknown as Omit<Parameters<typeof quantize>[1], 'samples'>;
      expect(() => quantize(layer(), { samples: inputs(1, 2), ...wrong })).toThrow(message);
    });
});

describe('auto calibration', () => {
  test('does not cut off values where the outputs are worse for it', () => {
    // errors of rounding cancel out in a mean over pixels, but values that were cut off do not
    for (const seed of [1, 4]) {
      const graph = pooled(seed);
      const sqnrOf = (calibration: 'auto' | 'minMax', samples: Float32Array[]): number => {
        const int8 = quantize(graph, { samples, calibration, equalize: false, rounding: 'nearest' });
        return compare(graph, int8, smoothImages(seed + 1000, 60)).outputs[0]!.sqnr!;
      };
      const samples = smoothImages(seed, 100);
      expect(sqnrOf('auto', samples)).toBeGreaterThan(sqnrOf('minMax', samples) - 0.5);
    }
  });
});

/** Pairs of depthwise and pointwise layers before a mean. */
function pooled(seed: number): Graph {
  const b = new GraphBuilder('pooled');
  const make = new ConstantMaker(b, seed, 0.7);
  const common = {
    stride: [1, 1] as [number, number],
    dilation: [1, 1] as [number, number],
    activation: 'relu' as const,
  };
  const [around, none] = [[1, 1, 1, 1], [0, 0, 0, 0]] as [number, number, number, number][];
  let x = b.node('conv2d', [b.input('x', [1, 10, 10, 3]), make.weights([16, 3, 3, 3], 0), make.bias(16)], {
    ...common,
    padding: around!,
    groups: 1,
  });
  for (let i = 0; i < 3; i++) {
    const y = b.node('depthwiseConv2d', [x, make.weights([1, 3, 3, 16], 3), make.bias(16)], {
      ...common,
      padding: around!,
    });
    x = b.node('conv2d', [y, make.weights([16, 1, 1, 16], 0), make.bias(16)], { ...common, padding: none!, groups: 1 });
  }
  const mean = b.node('reduce', [x], { kind: 'mean', axes: [1, 2] }, { shape: [1, 16] });
  return b.finish([b.node('fullyConnected', [mean, make.weights([6, 16], 0), null], { activation: 'none' })]);
}
