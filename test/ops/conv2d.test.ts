import fc from 'fast-check';
import { describe, test } from 'vitest';
import type { FusedActivation, HybridMode, Padding, Pair } from '../../src/graph/operators';
import { activations, channels, checkGraph, property, seeds, single, size, quantizations, tensor, types,
  type NumberType, type Quantization, Random } from './suite';
import { hybridModes, hybridOf, outputQuantization, weightsAndBias, weightSpecs, type WeightSpec } from './weighted';

interface Spec {
  type: NumberType;
  batch: number;
  height: number;
  width: number;
  /** Input channels of one group; `co` is its output channels. */
  ci: number;
  co: number;
  groups: number;
  kernel: Pair;
  stride: Pair;
  dilation: Pair;
  padding: Padding;
  activation: FusedActivation;
  x: Quantization;
  weights: WeightSpec;
  seed: number;
  /** Set for float activations with int8 weights. */
  hybrid?: HybridMode | undefined;
}

const plain: Spec = {
  type: 'int8',
  batch: 1,
  height: 4,
  width: 4,
  ci: 3,
  co: 8,
  groups: 1,
  kernel: [1, 1],
  stride: [1, 1],
  dilation: [1, 1],
  padding: [0, 0, 0, 0],
  activation: 'none',
  x: { scale: 0.5, zeroPoint: -3 },
  weights: { scale: 0.25, zeroPoint: 0, perChannel: true, bias: true, ties: true, outputZeroPoint: 5 },
  seed: 1,
};

function check(spec: Spec): void {
  const { type, batch, ci, co, groups, kernel, stride, dilation, padding: [top, left, bottom, right] } = spec;
  const random = new Random(spec.seed);
  const reachY = (kernel[0] - 1) * dilation[0] + 1;
  const reachX = (kernel[1] - 1) * dilation[1] + 1;
  const height = Math.max(spec.height, reachY - top - bottom);
  const width = Math.max(spec.width, reachX - left - right);
  const shape = [batch, Math.floor((height + top + bottom - reachY) / stride[0]) + 1,
    Math.floor((width + left + right - reachX) / stride[1]) + 1, co * groups];
  const x = tensor('x', [batch, height, width, ci * groups], type, spec.x);
  const { w, bias } = weightsAndBias(random, x, [co * groups, ...kernel, ci], 0, spec.weights, spec.hybrid);
  const y = tensor('y', shape, type, outputQuantization(x, w, kernel[0] * kernel[1] * ci, spec.weights));
  checkGraph(
    single('conv2d', [x, w, bias], {
      stride,
      dilation,
      padding: spec.padding,
      groups,
      activation: spec.activation,
      ...hybridOf(x, spec.hybrid),
    }, y),
    spec.seed,
  );
}

const pair = (max: number): fc.Arbitrary<Pair> => fc.tuple(size(max), size(max));
const paddings = fc.tuple(fc.nat(4), fc.nat(4), fc.nat(4), fc.nat(4));

describe('conv2d', () => {
  test('matches the reference for random shapes, strides, dilations, paddings, groups and quantizations', () => {
    property(
      fc.record<Spec>({
        type: types,
        batch: size(2),
        height: size(7),
        width: size(7),
        ci: size(9),
        co: channels,
        groups: fc.constantFrom(1, 1, 1, 2, 3),
        kernel: pair(4),
        stride: pair(3),
        dilation: pair(2),
        padding: paddings,
        activation: activations,
        x: quantizations,
        weights: weightSpecs,
        hybrid: hybridModes,
        seed: seeds,
      }),
      300,
      check,
    );
  });

  for (const type of ['int8', 'uint8', 'int16', 'float32'] as const) {
    const base: Spec = { ...plain, type, weights: { ...plain.weights, zeroPoint: type === 'uint8' ? 17 : 0 } };

    test(`computes tiles of every width and height (${type})`, () => {
      for (const co of [1, 7, 8, 9, 15, 16, 17, 33]) {
        for (const width of [1, 3, 4, 5]) check({ ...base, co, height: 1, width, seed: co * 10 + width });
      }
    });

    test(`accumulates odd and even numbers of products (${type})`, () => {
      for (const ci of [1, 2, 7, 8, 9, 15, 16, 17]) {
        for (const kernel of [[1, 1], [1, 2], [3, 3]] as Pair[]) check({ ...base, ci, co: 9, kernel, seed: ci });
      }
    });

    test(`gathers one row less than a block, a block, one row more, and several blocks (${type})`, () => {
      for (const width of [63, 64, 65, 127, 128, 129, 131]) {
        check({ ...base, height: 1, width, co: 5, kernel: [1, 2], padding: [0, 0, 0, 1], seed: width });
      }
      // with this many products per output, a block has four rows
      for (const width of [3, 4, 5, 8, 9]) {
        check({ ...base, height: 3, width, ci: 512, kernel: [3, 3], padding: [1, 1, 1, 1], co: 3, seed: width });
      }
    });

    test(`takes padding that is uneven or larger than the kernel (${type})`, () => {
      for (const padding of [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 3, 5, 1], [4, 4, 4, 4], [7, 0,
        0, 9]] as Padding[])
      {
        for (const kernel of [[1, 1], [2, 3], [3, 3]] as Pair[]) {
          check({ ...base, height: 3, width: 2, kernel, padding, seed: padding[1] });
        }
      }
    });

    test(`takes strides smaller and larger than the kernel (${type})`, () => {
      for (const stride of [[1, 1], [2, 2], [3, 3], [1, 3], [5, 2]] as Pair[]) {
        for (const kernel of [[1, 1], [1, 3], [2, 2]] as Pair[]) {
          check({ ...base, height: 9, width: 8, stride, kernel, padding: [0, 1, 1, 0], seed: stride[0] });
        }
      }
    });

    test(`reads windows inside the image, across its edges and outside of it, for many row lengths (${type})`, () => {
      for (const width of [1, 2, 3, 4, 5, 6, 7, 8, 9, 13]) {
        for (const [stride, kernel] of [[1, 3], [2, 3], [3, 2], [1, 5]] as Pair[]) {
          for (const groups of [1, 2]) {
            check({
              ...base,
              batch: 2,
              height: 3,
              width,
              ci: 2,
              co: 9,
              groups,
              kernel: [kernel, kernel],
              stride: [stride, stride],
              padding: [1, 2, 2, 1],
              seed: width,
            });
          }
        }
      }
    });

    test(`takes dilated kernels (${type})`, () => {
      for (const dilation of [[2, 1], [1, 2], [3, 3], [5, 4]] as Pair[]) {
        check({ ...base, height: 8, width: 9, kernel: [3, 2], dilation, padding: [2, 1, 0, 2], seed: 5 });
      }
    });

    test(`keeps groups of one and of several channels apart (${type})`, () => {
      for (const [groups, ci, co] of [[2, 1, 1], [3, 2, 5], [4, 8, 8], [2, 9, 9], [16, 1, 2]] as const) {
        check({ ...base, groups, ci, co, batch: 2, kernel: [3, 2], padding: [1, 1, 1, 1], seed: groups });
      }
    });
  }

  test('multiplies floats by int8 weights, with each image quantized by its own range', () => {
    for (const hybrid of ['symmetric', 'asymmetric'] as const) {
      for (const co of [1, 7, 8, 9, 17]) {
        for (const width of [1, 3, 15, 16, 17]) {
          check({
            ...plain,
            type: 'float32',
            hybrid,
            batch: 2,
            height: 2,
            width,
            co,
            groups: 1 + co % 2,
            kernel: [2, 3],
            padding: [1, 1, 0, 1],
            seed: co + width,
          });
        }
      }
    }
  });

  test('takes any zero point, and reads padding as the zero point', () => {
    for (const zeroPoint of [-128, -1, 0, 1, 127]) {
      for (const out of [-128, 0, 127]) {
        check({
          ...plain,
          kernel: [3, 3],
          padding: [1, 1, 1, 1],
          x: { scale: 0.125, zeroPoint },
          weights: { ...plain.weights, outputZeroPoint: out },
          seed: zeroPoint + out,
        });
      }
    }
  });

  test('subtracts the zero point of uint8 weights', () => {
    for (const zeroPoint of [-128, -100, 1, 127]) {
      for (const width of [1, 2, 6]) {
        check({
          ...plain,
          type: 'uint8',
          height: 1,
          width,
          kernel: [1, 3],
          padding: [0, 1, 0, 1],
          weights: { ...plain.weights, zeroPoint },
          seed: zeroPoint,
        });
      }
    }
  });

  test('adds 65,536 products of the largest values without overflow', () => {
    check({
      ...plain,
      height: 1,
      width: 2,
      ci: 65536,
      co: 2,
      x: { scale: 1, zeroPoint: 127 },
      weights: { ...plain.weights, bias: false },
      seed: 3,
    });
  });
});
