import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as L from '../../assembly/layout';
import { compile, readKlet } from '../../src/compiler/index';
import type { DType, Graph } from '../../src/graph/graph';
import type { Attributes } from '../../src/graph/operators';
import { faults, refused } from '../robustness/malformed';
import { recordOf } from '../robustness/plan';
import { checkGraph, exact, property, quantizations, seeds, single, tensor, type Quantization } from './suite';

type Options = Attributes['resample'];

const coordinates = ['halfPixel', 'halfPixelSymmetric', 'pytorchHalfPixel', 'alignCorners', 'asymmetric',
  'cropAndResize'] as const;
const roundings = ['preferFloor', 'preferCeil', 'floor', 'ceil'] as const;

interface Spec {
  type: DType;
  /** Sizes of the input, and the scale of each resampled axis. */
  sizes: [size: number, scale: number | null][];
  options: Pick<Options,
    'coordinates' | 'rounding' | 'cubicCoefficient' | 'excludeOutside' | 'antialias' | 'extrapolation'>;
  mode: Options['mode'];
  roi: [number, number];
  x: Quantization;
  /** The output's quantization; null if it is the input's. */
  y: Quantization | null;
  seed: number;
}

function graphOf({ type, sizes, options, mode, roi, x, y }: Spec): Graph {
  const axes = sizes.flatMap(([, scale], axis) => (scale === null ? [] : [axis]));
  const to = sizes.map(([size, scale]) => Math.max(1, Math.floor(size * (scale ?? 1))));
  const scales = axes.map((axis) => sizes[axis]![1]!);
  const crop = options.coordinates === 'cropAndResize' ? { roi: axes.flatMap(() => roi) } : {};
  return single('resample', [tensor('x', sizes.map(([size]) => size), type, x)], {
    axes,
    scales,
    mode,
    ...options,
    ...crop,
  }, tensor('y', to, type, y ?? x));
}

/** int8 results may be rounded the other way if they are almost halfway between two values. */
function check(spec: Spec): number {
  const isExact = spec.mode === 'nearest' && spec.options.coordinates !== 'cropAndResize';
  return checkGraph(graphOf(spec), spec.seed, isExact ? exact : { relative: 1e-6, absolute: 4e-6, units: 1 });
}

const scale = fc.oneof(
  fc.constantFrom(0.25, 0.5, 0.6, 0.8, 1.5, 2, 3, 4),
  fc.double({ min: 0.2, max: 3.5, noNaN: true }).map(Math.fround),
);
const options = fc.record({
  coordinates: fc.constantFrom(...coordinates),
  rounding: fc.constantFrom(...roundings),
  cubicCoefficient: fc.constantFrom(-0.75, -0.5),
  excludeOutside: fc.boolean(),
  antialias: fc.boolean(),
  extrapolation: fc.constantFrom(0, 1.5, -100),
});
const specs = fc.record<Spec>({
  type: fc.constantFrom<DType>('int8', 'uint8', 'float32'),
  sizes: fc.array(fc.tuple(fc.integer({ min: 1, max: 7 }), fc.option(scale, { freq: 2 })), {
    minLength: 1,
    maxLength: 4,
  }),
  options,
  mode: fc.constantFrom('linear', 'linear', 'cubic'),
  roi: fc.constantFrom([0, 1], [0.4, 0.6], [0.2, 1.3], [-0.4, 0.5], [0.9, 0.1]),
  x: quantizations,
  y: fc.option(quantizations, { freq: 5 }),
  seed: seeds,
});

describe('resample', () => {
  test('weighs elements as the reference, in every mode and along any axes', () => {
    let values = 0;
    let different = 0;
    property(specs, 400, (spec) => {
      const [y] = graphOf(spec).outputs;
      const count = check(spec);
      if (spec.type === 'float32') return;
      values += y!.shape.reduce((product, size) => product * size, 1);
      different += count;
    });
    expect(different / values).toBeLessThan(0.001);
  });

  test('selects the nearest elements of any type', () => {
    const types = fc.constantFrom<DType>('int8', 'uint8', 'float32', 'int32', 'bool');
    property(fc.tuple(specs, types), 200, ([spec, type]) => {
      const isNumber = ['int8', 'uint8', 'float32'].includes(type);
      const isCrop = spec.options.coordinates === 'cropAndResize';
      if (isCrop && !isNumber) return;
      check({ ...spec, mode: 'nearest', type, y: isNumber ? spec.y : null });
    });
  });

  test('interpolates images of all numbers of channels', () => {
    for (const type of ['int8', 'float32'] as const) {
      for (const channels of [1, 3, 7, 8, 9, 17]) {
        for (const mode of ['linear', 'cubic'] as const) {
          check({
            type,
            sizes: [[2, null], [3, 2], [4, 1.7], [channels, null]],
            options: { coordinates: 'halfPixel' },
            mode,
            roi: [0, 1],
            x: { scale: 0.5, zeroPoint: 3 },
            y: null,
            seed: channels,
          });
        }
      }
    }
  });

  test('needs the extra module only where gather and resize2d do not suffice', () => {
    const opcodes = (changes: Partial<Spec>): number[] => {
      const spec: Spec = {
        type: 'float32',
        sizes: [[1, null], [4, 2], [6, 2], [3, null]],
        options: { coordinates: 'halfPixel' },
        mode: 'linear',
        roi: [0, 1],
        x: { scale: 0.5, zeroPoint: 3 },
        y: null,
        seed: 1,
      };
      const { plan } = readKlet(compile(graphOf({ ...spec, ...changes })));
      const view = new DataView(plan.buffer, plan.byteOffset);
      const found: number[] = [];
      for (let at = 0; at < plan.length; at += view.getUint32(at + L.RECORD_SIZE, true)) found.push(plan[at]!);
      return found;
    };
    expect(opcodes({})).toEqual([L.OP_RESIZE2D]);
    expect(opcodes({ type: 'int8' })).toEqual([L.OP_RESIZE2D]);
    expect(opcodes({ sizes: [[2, 2], [4, 2], [6, 2]] })).toEqual([L.OP_RESIZE2D, L.OP_RESIZE2D]);
    expect(opcodes({ mode: 'nearest' })).toEqual([L.OP_GATHER, L.OP_GATHER]);
    expect(opcodes({ mode: 'cubic' })).toEqual([L.OP_RESAMPLE, L.OP_RESAMPLE]);
    expect(opcodes({ type: 'int8', sizes: [[4, 1.7]] })).toEqual([L.OP_RESAMPLE]);
    expect(opcodes({ sizes: [[4, 1]] })).toEqual([L.OP_COPY]);
  });

  test('refuses attributes that contradict themselves', () => {
    const compiled = (changes: Partial<Options>, to = [4, 6]) => () =>
      compile(single('resample', [tensor('x', [2, 3], 'float32')], {
        axes: [0, 1],
        scales: [2, 2],
        mode: 'linear',
        coordinates: 'halfPixel',
        ...changes,
      }, tensor('y', to, 'float32')));
    expect(compiled({}, [4, 5, 1])).toThrow('its output "y" is declared as [4, 5, 1]');
    expect(compiled({ axes: [0, 2] })).toThrow('there is no axis 2 in [2, 3]');
    expect(compiled({ axes: [1, 1] })).toThrow('an axis is listed twice in [1, 1]');
    expect(compiled({ scales: [2] })).toThrow('its scales [2] must be one number from 0.000001 on for each of 2 axes');
    expect(compiled({ scales: [2, 0] })).toThrow('its scales [2, 0] must be');
    expect(compiled({ mode: 'area' as 'cubic' })).toThrow('its mode is area, not nearest, linear, cubic');
    expect(compiled({ coordinates: 'cropAndResize' })).toThrow('it crops to [], which must be a start and an end');
    expect(compiled({ rounding: 'up' as 'ceil' })).toThrow('its rounding is up, not');
  });
});

describe('its record is refused for', () => {
  const record = recordOf(L.OP_RESAMPLE);
  refused('a source beyond the arena', record, faults.arena, [L.RESAMPLE_SOURCE, 1 << 20]);
  refused('a misaligned target of floats', record, faults.misaligned, [L.RESAMPLE_TARGET_DTYPE, L.DTYPE_F32], [
    L.RESAMPLE_TARGET,
    2,
  ]);
  refused('a target beyond the arena', record, faults.arena, [L.RESAMPLE_TARGET, 1 << 20]);
  refused('starts beyond the weights', record, faults.weights, [L.RESAMPLE_STARTS, 1 << 20]);
  refused('weights beyond their section', record, faults.weights, [L.RESAMPLE_WEIGHTS, 1 << 20]);
  refused('offsets beyond the weights', record, faults.weights, [L.RESAMPLE_OFFSETS, 1 << 20]);
  refused('more rows than the arena has', record, faults.arena, [L.RESAMPLE_OUTER, 1 << 20]);
  refused('a source of no elements', record, faults.attribute, [L.RESAMPLE_IN, 0]);
  refused('a source shorter than the taps', record, faults.attribute, [L.RESAMPLE_IN, 1]);
  refused('a target of no elements', record, faults.attribute, [L.RESAMPLE_OUT, 0]);
  refused('rows of no elements', record, faults.attribute, [L.RESAMPLE_INNER, 0]);
  refused('no taps', record, faults.attribute, [L.RESAMPLE_TAPS, 0]);
  refused('a zero point of the source of 128', record, faults.attribute, [L.RESAMPLE_SOURCE_ZERO, 128]);
  refused('a zero point of the target of −129', record, faults.attribute, [L.RESAMPLE_TARGET_ZERO, -129]);
  refused('a target of integers', record, faults.attribute, [L.RESAMPLE_TARGET_DTYPE, L.DTYPE_I32]);
  refused('a source of integers', record, faults.attribute, [L.RECORD_DTYPE, L.DTYPE_I32, 'byte']);
});
