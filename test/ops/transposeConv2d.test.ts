import fc from 'fast-check';
import { describe, test } from 'vitest';
import type { FusedActivation, Pair } from '../../src/graph/operators';
import { activations, channels, checkGraph, property, Random, seeds, single, size, quantizations, tensor,
  types } from './suite';
import { outputQuantization, weightsAndBias, weightSpecs } from './weighted';
import { plainConvolution, type ConvolutionSpec } from './windows';

interface Spec extends ConvolutionSpec {
  /** Channels of one group. */
  ci: number;
  co: number;
  groups: number;
  /**
   * Rows and columns cropped at the top and left, and (`end`) at the bottom and right. Negative
   * values add rows that no tap reaches.
   */
  crop: Pair;
  end: Pair;
  activation: FusedActivation;
}

const plain: Spec = {
  ...plainConvolution,
  height: 3,
  width: 4,
  ci: 5,
  co: 9,
  groups: 1,
  kernel: [3, 3],
  stride: [2, 2],
  crop: [0, 0],
  end: [0, 0],
  activation: 'none',
};

function check(spec: Spec): void {
  const { type, batch, height, width, ci, co, groups, kernel, stride, dilation, crop, end } = spec;
  const random = new Random(spec.seed);
  const length = (size: number, d: 0 | 1): number =>
    Math.max(1, (size - 1) * stride[d] + (kernel[d] - 1) * dilation[d] + 1 - crop[d] - end[d]);
  const x = tensor('x', [batch, height, width, ci * groups], type, spec.x);
  const { w, bias } = weightsAndBias(random, x, [co * groups, ...kernel, ci], 0, spec.weights);
  const taps = Math.ceil(kernel[0] / stride[0]) * Math.ceil(kernel[1] / stride[1]);
  const y = tensor(
    'y',
    [batch, length(height, 0), length(width, 1), co * groups],
    type,
    outputQuantization(x, w, taps * ci, spec.weights),
  );
  checkGraph(
    single('transposeConv2d', [x, w, bias], {
      stride,
      dilation,
      groups,
      padding: [...crop, ...end],
      activation: spec.activation,
    }, y),
    spec.seed,
  );
}

const pair = (max: number): fc.Arbitrary<Pair> => fc.tuple(size(max), size(max));

describe('transposeConv2d', () => {
  test('equals the reference for random shapes, strides, crops and quantizations', () => {
    property(
      fc.record<Spec>({
        type: types,
        batch: size(2),
        height: size(5),
        width: size(5),
        ci: size(9),
        co: channels,
        groups: fc.constantFrom(1, 1, 2, 3),
        kernel: pair(5),
        stride: pair(4),
        dilation: fc.oneof(fc.constant<Pair>([1, 1]), pair(4)),
        crop: fc.tuple(fc.nat(3), fc.nat(3)),
        end: fc.tuple(fc.integer({ min: -3, max: 3 }), fc.integer({ min: -3, max: 3 })),
        activation: activations,
        x: quantizations,
        weights: weightSpecs,
        seed: seeds,
      }),
      200,
      check,
    );
  });

  for (const type of ['int8', 'uint8', 'int16', 'float32'] as const) {
    const base: Spec = { ...plain, type, weights: { ...plain.weights, zeroPoint: type === 'uint8' ? 33 : 0 } };

    test(`writes only the bias to pixels that no tap reaches (${type})`, () => {
      for (const stride of [[2, 2], [3, 1], [1, 4], [5, 5]] as Pair[]) {
        for (const kernel of [[1, 1], [2, 1], [1, 3]] as Pair[]) check({ ...base, stride, kernel, seed: stride[0] });
      }
    });

    test(`crops like SAME padding, and beyond the reach of the kernel (${type})`, () => {
      for (const crop of [[0, 0], [1, 0], [0, 1], [1, 1], [3, 3]] as Pair[]) {
        for (const end of [[0, 0], [1, 1], [-1, -2]] as Pair[]) check({ ...base, crop, end, seed: crop[0] });
      }
    });

    test(`puts the taps of a dilated kernel apart, with and without common factors of the stride (${type})`, () => {
      for (const stride of [[1, 1], [2, 3], [4, 2], [6, 1]] as Pair[]) {
        for (const dilation of [[1, 2], [2, 3], [3, 4], [6, 4]] as Pair[]) {
          check({ ...base, stride, dilation, crop: [1, 0], seed: dilation[0] });
        }
      }
    });

    test(`keeps groups apart, down to one channel each (${type})`, () => {
      for (const [groups, ci, co] of [[2, 3, 4], [3, 1, 2], [1, 1, 1], [5, 1, 1], [17, 1, 1]] as const) {
        for (const stride of [[1, 1], [2, 2], [3, 1], [4, 5]] as Pair[]) {
          for (const crop of [[0, 0], [1, 2], [3, 0]] as Pair[]) {
            const end: Pair = [-1, 1];
            check({ ...base, groups, ci, co, batch: 2, stride, dilation: [1, 2], crop, end, seed: groups });
          }
        }
      }
    });

    test(`computes tiles of every width (${type})`, () => {
      for (const co of [1, 7, 8, 9, 16, 17]) {
        for (const ci of [1, 2, 8, 9]) check({ ...base, ci, co, batch: 2, seed: co });
      }
    });
  }
});
