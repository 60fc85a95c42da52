import fc from 'fast-check';
import { describe, test } from 'vitest';
import type { FusedActivation, HybridMode, Padding, Pair } from '../../src/graph/operators';
import { activations, channels, checkGraph, exact, property, Random, seeds, single, size, quantizations, tensor, types,
  type Tolerance } from './suite';
import { dotVariants } from '../helpers/dotEngines';
import { hybridModes, hybridOf, outputQuantization, weightsAndBias, weightSpecs } from './weighted';
import { plainConvolution, slide, type ConvolutionSpec } from './windows';

interface Spec extends ConvolutionSpec {
  channels: number;
  multiplier: number;
  padding: Padding;
  activation: FusedActivation;
  /** Set for float activations with int8 weights. */
  hybrid?: HybridMode | undefined;
}

/**
 * With a channel multiplier above 1 the compiler emits a grouped conv2d, which adds floats in
 * another order.
 */
const anyOrder: Tolerance = { relative: 1e-6, absolute: 5e-6 };

const plain: Spec = {
  ...plainConvolution,
  height: 6,
  width: 7,
  channels: 9,
  multiplier: 1,
  kernel: [3, 3],
  padding: [1, 1, 1, 1],
  activation: 'none',
};

function check(spec: Spec): void {
  const { type, batch, multiplier, kernel, stride, dilation } = spec;
  const random = new Random(spec.seed);
  const outC = spec.channels * multiplier;
  const { image, output } = slide(spec, spec.padding);
  const x = tensor('x', [batch, ...image, spec.channels], type, spec.x);
  const { w, bias } = weightsAndBias(random, x, [1, ...kernel, outC], 3, spec.weights, spec.hybrid);
  const scaled = outputQuantization(x, w, kernel[0] * kernel[1], spec.weights);
  const y = tensor('y', [batch, ...output, outC], type, scaled);
  checkGraph(
    single('depthwiseConv2d', [x, w, bias], {
      stride,
      dilation,
      padding: spec.padding,
      activation: spec.activation,
      ...hybridOf(x, spec.hybrid),
    }, y),
    spec.seed,
    multiplier === 1 ? exact : anyOrder,
  );
}

const pair = (max: number): fc.Arbitrary<Pair> => fc.tuple(size(max), size(max));

describe('depthwiseConv2d', () => {
  test('matches the reference for random shapes, multipliers, strides, dilations, paddings and quantizations', () => {
    property(
      fc.record<Spec>({
        type: types,
        batch: size(2),
        height: size(8),
        width: size(8),
        channels,
        multiplier: fc.constantFrom(1, 1, 1, 2, 3),
        kernel: fc.oneof(fc.constant<Pair>([3, 3]), pair(5)),
        stride: pair(3),
        dilation: pair(2),
        padding: fc.tuple(fc.nat(4), fc.nat(4), fc.nat(4), fc.nat(4)),
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
    const base: Spec = { ...plain, type, weights: { ...plain.weights, zeroPoint: type === 'uint8' ? -40 : 0 } };

    test(`takes any number of channels and any channel multiplier (${type})`, () => {
      for (const n of [1, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 33]) {
        for (const multiplier of [1, 2, 3]) {
          for (const kernel of [[3, 3], [2, 3]] as Pair[]) {
            check({ ...base, channels: n, multiplier, kernel, seed: n });
          }
        }
      }
    });

    test(`takes odd and even numbers of taps, including nine, which have their own path (${type})`, () => {
      for (const kernel of [[1, 1], [1, 2], [2, 2], [1, 9], [9, 1], [3, 3], [3, 5], [5, 5], [7, 1]] as Pair[]) {
        check({ ...base, height: 9, width: 10, kernel, padding: [0, 0, 0, 0], seed: kernel[0] });
      }
    });

    test(`pads every side of the image, and images smaller than the kernel (${type})`, () => {
      for (const padding of [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [2, 2, 2, 2], [5, 4, 4,
        6]] as Padding[])
      {
        for (const [height, width] of [[1, 1], [2, 6], [6, 2], [5, 9]] as Pair[]) {
          check({ ...base, height, width, padding, seed: height });
        }
      }
    });

    test(`computes images whose rows fill the scratch, and images of one column (${type})`, () => {
      const images: { size: Pair; kernel: Pair; stride?: Pair; dilation?: Pair }[] = [
        { size: [13, 100], kernel: [5, 5] }, // several rows of outputs share scratch
        { size: [13, 100], kernel: [4, 7], stride: [2, 2] },
        { size: [9, 90], kernel: [3, 3], dilation: [3, 5] },
        { size: [5, 300], kernel: [5, 3] }, // one row of outputs at a time
        { size: [13, 60], kernel: [2, 2], dilation: [9, 9] },
        { size: [40, 1], kernel: [5, 1] },
        { size: [40, 1], kernel: [3, 1], stride: [2, 1], dilation: [3, 1] },
        { size: [3, 1], kernel: [2, 1] },
      ];
      for (const { size: [height, width], kernel, stride, dilation } of images) {
        const padding: Padding = width === 1 ? [2, 0, 1, 0] : [1, 2, 2, 1];
        const steps = { stride: stride ?? base.stride, dilation: dilation ?? base.dilation };
        check({ ...base, ...steps, height, width, kernel, padding, batch: 2, seed: height });
      }
    });

    test(`computes rows of every length, of which the last outputs may be computed twice (${type})`, () => {
      for (let width = 1; width <= 11; width++) {
        for (const kernel of [[2, 2], [5, 5]] as Pair[]) {
          check({ ...base, height: 5, width, kernel, padding: [2, 2, 2, 2], channels: 8 + (width % 3), seed: width });
        }
      }
    });

    test(`takes strides and dilations (${type})`, () => {
      for (const stride of [[1, 1], [2, 2], [3, 1], [1, 4], [5, 5]] as Pair[]) {
        for (const dilation of [[1, 1], [2, 3], [4, 2]] as Pair[]) {
          check({ ...base, height: 11, width: 12, stride, dilation, batch: 2, padding: [1, 2, 2, 1], seed: stride[1] });
        }
      }
    });
  }

  test('multiplies floats by int8 weights, with each image quantized by its own range', () => {
    for (const hybrid of ['symmetric', 'asymmetric'] as const) {
      for (const n of [1, 7, 8, 9, 17]) {
        for (const multiplier of [1, 2]) {
          check({ ...plain, type: 'float32', hybrid, batch: 2, channels: n, multiplier, seed: n });
        }
      }
    }
  });

  test('takes any zero point, and reads padding as the zero point', () => {
    for (const zeroPoint of [-128, 0, 127]) {
      for (const out of [-128, 127]) {
        for (const multiplier of [1, 2]) {
          check({
            ...plain,
            multiplier,
            x: { scale: 0.125, zeroPoint },
            weights: { ...plain.weights, outputZeroPoint: out },
            seed: zeroPoint + out,
          });
        }
      }
    }
  });

  test('subtracts the zero point of uint8 weights', () => {
    for (const zeroPoint of [-128, -100, 1, 127]) {
      for (const multiplier of [1, 2]) {
        check({ ...plain, type: 'uint8', multiplier, weights: { ...plain.weights, zeroPoint }, seed: zeroPoint });
      }
    }
  });

  test('computes 3×3 kernels over many sizes, with equal and unequal strides', () => {
    for (const stride of [[1, 1], [2, 2], [2, 1], [1, 2], [3, 1]] as Pair[]) {
      for (const [height, width] of [[3, 3], [4, 5], [5, 4], [7, 7], [8, 6]] as Pair[]) {
        for (const n of [8, 11]) {
          check({
            ...plain,
            batch: 2,
            channels: n,
            height,
            width,
            stride,
            padding: [1, 0, 1, 1],
            seed: height * width,
          });
        }
      }
    }
  });

  /** A 3×3 layer of the largest inputs and weights. Outputs are sums divided by `scale`. */
  function checkLargest(
    stride: Pair,
    zeroPoint: number,
    bias: number,
    scale: number,
    seed: number,
    values = [-128, -127, 127],
  ): void {
    const random = new Random(zeroPoint + 200);
    const pick = (): number => random.pick(values);
    const channels = 9;
    const x = tensor('x', [1, 5, 6, channels], 'int8', { scale: 1, zeroPoint: 0 });
    const y = tensor('y', [1, stride[0] === 1 ? 5 : 3, stride[0] === 1 ? 6 : 3, channels], 'int8', {
      scale,
      zeroPoint: 3,
    });
    const w = {
      ...tensor('w', [1, 3, 3, channels], 'int8', { scale: 1, zeroPoint }),
      data: Int8Array.from({ length: 9 * channels }, pick),
    };
    const graph = single(
      'depthwiseConv2d',
      [x, w, { name: 'bias', shape: [channels], dtype: 'int32', data: new Int32Array(channels).fill(bias) }],
      { stride, dilation: [1, 1], padding: [1, 1, 1, 1], activation: 'none' },
      y,
    );
    checkGraph(graph, seed, exact, { x: Int8Array.from({ length: 30 * channels }, pick) });
  }

  /** Seeds that choose every engine of `checkGraph`. */
  const engines = dotVariants.map((_, i) => dotVariants.length + i);

  test('adds products of −128 and −128 exactly', () => {
    for (const value of [-128, 127]) for (const seed of engines) checkLargest([1, 1], 0, 0, 2 ** -10, seed, [value]);
  });

  test('accumulates the largest values and biases exactly, for any zero point of the weights', () => {
    for (const stride of [[1, 1], [2, 2]] as Pair[]) {
      for (const zeroPoint of [-128, -1, 0, 1, 127]) {
        for (const bias of [0, 2 ** 31 - 600000, 600000 - 2 ** 31]) {
          for (const seed of engines) checkLargest(stride, zeroPoint, bias, bias === 0 ? 1024 : 2 ** 24, seed);
        }
      }
    }
  });

  test('clamps sums that are far beyond the outputs, up to the largest floats', () => {
    for (const stride of [[1, 1], [2, 2]] as Pair[]) {
      for (const bias of [0, -(2 ** 20), 2 ** 31 - 600000, 600000 - 2 ** 31]) {
        for (const scale of [2 ** 7, 8, 0.5, 2 ** -4, 2 ** -6, 2 ** -8, 2 ** -30, 2 ** -100]) {
          checkLargest(stride, 1, bias, scale, engines[Math.abs(Math.log2(scale)) % engines.length]!);
        }
      }
    }
  });
});
