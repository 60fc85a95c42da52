import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile } from '../../src/compiler/index';
import { elementCount, type Graph, type TensorData } from '../../src/graph/graph';
import { loadSync } from '../../src/index';
import type { Constant } from '../../src/importers/shared/constants';
import { emitConvolution, emitTransposedConvolution } from '../../src/importers/shared/convolutions';
import { emitPad } from '../../src/importers/shared/pads';
import { emitPool } from '../../src/importers/shared/pools';
import { autoPadded, windowCounts, withPartialWindows, type SpatialWindows } from '../../src/importers/shared/windows';
import { property, Random } from '../ops/suite';
import { productScale, requantize } from '../reference/requantize';
import { operatorOn } from './operators';
import { convolve, convolveTransposed, pool } from './spatial';

const unit = { scale: [1], zeroPoint: [0], axis: 0 };

function run(graph: Graph, x: TensorData): number[] {
  const model = loadSync(compile(graph, { debugInfo: false }));
  const values = Array.from(model.predict({ x }, { output: 'raw' }) as Int8Array);
  model.dispose();
  return values;
}

function near(found: number[], expected: ArrayLike<number>, tolerance: number): void {
  expect(found.length).toBe(expected.length);
  found.forEach((value, i) => {
    const difference = Math.abs(value - expected[i]!);
    if (!(difference <= tolerance)) expect.fail(`element ${i}: expected ${expected[i]}, found ${value}`);
  });
}

const small = (max: number, min = 1) => fc.integer({ min, max });

/** Windows over one to three dimensions, each of which has at least one window. */
const dimension = fc.record({
  size: small(6),
  kernel: small(3),
  stride: small(3),
  dilation: fc.constantFrom(1, 1, 2),
  before: small(2, 0),
  after: small(2, 0),
});
type Dimension = typeof dimension extends fc.Arbitrary<infer D> ? D : never;
const dimensions = fc.array(dimension, { minLength: 1, maxLength: 3 });

function windowsOf(list: Dimension[]): { sizes: number[]; windows: SpatialWindows } {
  const of = (key: keyof Dimension): number[] => list.map((d) => d[key]);
  const windows = {
    kernel: of('kernel'),
    stride: of('stride'),
    dilation: of('dilation'),
    before: of('before'),
    after: of('after'),
  };
  const extents = list.map((d) => (d.kernel - 1) * d.dilation + 1);
  const sizes = list.map((d, i) => Math.max(d.size, extents[i]! - d.before - d.after, 1));
  return { sizes, windows };
}

const real = (random: Random, shape: number[]): Constant => ({
  name: 'w',
  shape,
  dtype: 'float32',
  data: Float32Array.from({ length: elementCount(shape) }, () => random.between(-1, 1)),
});

describe('convolutions over one to three dimensions', () => {
  const specs = fc.record({
    list: dimensions,
    groups: fc.constantFrom(1, 1, 2, 3),
    ci: small(3),
    co: small(3),
    batch: small(2),
    seed: fc.nat(),
  });

  test('equal the definition', () => {
    property(specs, 120, ({ list, groups, ci, co, batch, seed }) => {
      const random = new Random(seed);
      const { sizes, windows } = windowsOf(list);
      const [x, w] = [real(random, [batch, ...sizes, ci * groups]), real(random, [co * groups, ...windows.kernel, ci])];
      const bias = real(random, [co * groups]);
      const expected = convolve(x, w, windows, groups);
      const { operator, x: from, graph } = operatorOn(x.shape, expected.shape);
      emitConvolution(operator, { x: from, w, bias, windows, groups, activation: 'relu' });
      const withBias = Array.from(expected.data, (v, i) => Math.max(0, v + bias.data[i % (co * groups)]!));
      near(run(graph(), x.data as Float32Array), withBias, 2e-5);
    });
  });

  test('equal the definition transposed, with room at the end', () => {
    property(fc.tuple(specs, small(2, 0)), 120, ([{ list, groups, ci, co, batch, seed }, more]) => {
      const random = new Random(seed);
      const { windows } = windowsOf(list);
      const counts = list.map((d) => Math.min(d.size, 4));
      const sizes = counts.map((n, d) =>
        Math.max(
          1,
          (n - 1) * windows.stride[d]! + (windows.kernel[d]! - 1) * windows.dilation[d]! + 1 - windows.before[d]!
            - windows.after[d]! + more,
        )
      );
      const [x, w] = [real(random, [batch, ...counts, ci * groups]),
        real(random, [co * groups, ...windows.kernel, ci])];
      const expected = convolveTransposed(x, w, windows, groups, sizes);
      const { operator, x: from, graph } = operatorOn(x.shape, expected.shape);
      emitTransposedConvolution(operator, { x: from, w, bias: null, windows, groups });
      near(run(graph(), x.data as Float32Array), expected.data, 2e-5);
    });
  });

  test('round once in int8', () => {
    property(specs, 60, ({ list, groups, ci, co, batch, seed }) => {
      const random = new Random(seed);
      const { sizes, windows } = windowsOf(list);
      const [from, weights] = [[batch, ...sizes, ci * groups], [co * groups, ...windows.kernel, ci]];
      const x = Int8Array.from({ length: elementCount(from) }, () => random.int(-128, 127));
      const scales = Array.from({ length: co * groups }, () => Math.fround(random.between(0.01, 0.02)));
      const w: Constant = {
        name: 'w',
        shape: weights,
        dtype: 'int8',
        quantization: { scale: scales, zeroPoint: scales.map(() => 0), axis: 0 },
        data: Int8Array.from({ length: elementCount(weights) }, () => random.int(-127, 127)),
      };
      const quantization = { scale: [0.5], zeroPoint: [7], axis: 0 };
      const centered = { shape: from, data: Array.from(x, (q) => q - 7) };
      const expected = convolve(centered, { shape: weights, data: w.data }, windows, groups);
      const { operator, x: image, graph } = operatorOn(from, expected.shape, 'int8', quantization);
      emitConvolution(operator, { x: image, w, bias: null, windows, groups });
      const rounded = Array.from(
        expected.data,
        (acc, i) => requantize(acc, productScale(0.5, scales[i % scales.length]!, 0.5), 7, [-128, 127]),
      );
      expect(run(graph(), x)).toEqual(rounded);
    });
  });
});

describe('pools over one to three dimensions', () => {
  const specs = fc.record({
    list: dimensions,
    isPartial: fc.boolean(),
    countsPadding: fc.boolean(),
    op: fc.constantFrom('maxPool2d', 'averagePool2d'),
    type: fc.constantFrom('float32', 'int8'),
    channels: small(3),
    seed: fc.nat(),
  });

  test('equal the definition', () => {
    property(specs, 250, ({ list, isPartial, countsPadding, op, type, channels, seed }) => {
      const random = new Random(seed);
      // no window covers only padding
      const { sizes, windows } =
        windowsOf(list.map((d) => ({
          ...d,
          size: Math.max(d.size, 3),
          before: Math.min(d.before, d.kernel - 1),
          after: Math.min(d.after, d.kernel - 1),
        })));
      const partial = isPartial ? withPartialWindows(sizes, windows) : windows;
      const shape = [2, ...sizes, channels];
      const data = type === 'int8'
        ? Int8Array.from({ length: elementCount(shape) }, () => random.int(-128, 127))
        : real(random, shape).data as Float32Array;
      const zeroPoint = type === 'int8' ? -3 : 0;
      const counted = countsPadding && op === 'averagePool2d' ? windows : undefined;
      const x = { shape, data: Array.from(data, (q) => q - zeroPoint) };
      const expected = pool(x, partial, op === 'maxPool2d' ? 'maximum' : 'average', counted);
      if (expected.data.length === 0 || !Array.from(expected.data).every(Number.isFinite)) return;
      const quantization = { ...unit, zeroPoint: [zeroPoint] };
      const { operator, x: from, graph } = operatorOn(
        shape,
        expected.shape,
        type,
        type === 'int8' ? quantization : undefined,
      );
      emitPool(operator, { op: op, countsPadding }, from, windows, partial);
      const found = run(graph(), data).map((q) => q - zeroPoint);
      const tolerance = op === 'maxPool2d' ? 0 : 1e-5;
      near(found, expected.data, tolerance + (type === 'int8' && op !== 'maxPool2d' ? 0.5 : 0));
    });
  });
});

describe('padding', () => {
  test('of negative amounts removes elements', () => {
    const { operator, x, graph } = operatorOn([2, 5], [3, 6]);
    emitPad(operator, x, [0, -2], [1, 3], 'constant', 9);
    expect(operator.nodes.map(({ op }) => op)).toEqual(['slice', 'pad']);
    expect(run(graph(), Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10))).toEqual([3, 4, 5, 9, 9, 9, 8, 9, 10, 9, 9, 9,
      9, 9, 9, 9, 9, 9]);
    const cropped = operatorOn([5], [2]);
    emitPad(cropped.operator, cropped.x, [-1], [-2], 'edge', 0);
    expect(run(cropped.graph(), Float32Array.of(1, 2, 3, 4, 5))).toEqual([2, 3]);
    const unchanged = operatorOn([5], [5]);
    emitPad(unchanged.operator, unchanged.x, [0], [0], 'edge', 0);
    expect(unchanged.operator.nodes.map(({ op }) => op)).toEqual(['reshape']);
    const { operator: empty, x: short } = operatorOn([5], [1]);
    expect(() => emitPad(empty, short, [-2], [-3], 'edge', 0)).toThrow('padding that leaves the shape [0]');
  });

  test('by rule puts an odd element after or before', () => {
    const windows = { kernel: [3, 2], stride: [2, 1], dilation: [1, 1] };
    const padding = (rule: 'SAME_UPPER' | 'SAME_LOWER' | 'VALID') => {
      const { before, after } = autoPadded([4, 5], rule, windows);
      return [before, after];
    };
    expect(padding('SAME_UPPER')).toEqual([[0, 0], [1, 1]]);
    expect(padding('SAME_LOWER')).toEqual([[1, 1], [0, 0]]);
    expect(padding('VALID')).toEqual([[0, 0], [0, 0]]);
  });

  test('of partial windows ends with the last window that begins inside', () => {
    const count = (size: number, kernel: number, stride: number, before: number, after: number) => {
      const windows = { kernel: [kernel], stride: [stride], dilation: [1], before: [before], after: [after] };
      const partial = withPartialWindows([size], windows);
      return [windowCounts([size], partial)[0], partial.after[0]];
    };
    expect(count(4, 3, 2, 0, 0)).toEqual([2, 1]);
    expect(count(5, 3, 2, 0, 0)).toEqual([2, 0]);
    // the third window would begin at element 4, which is padding
    expect(count(4, 1, 2, 0, 1)).toEqual([2, 0]);
    expect(count(2, 2, 3, 1, 1)).toEqual([1, 0]);
  });
});
