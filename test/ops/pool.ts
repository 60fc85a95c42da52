import fc from 'fast-check';
import { describe, test } from 'vitest';
import type { FusedActivation, Padding, Pair } from '../../src/graph/operators';
import { activations, channels, checkGraph, property, seeds, single, size, quantizations, tensor, types,
  type NumberType, type Quantization } from './suite';
import { slide } from './windows';

interface Spec {
  type: NumberType;
  batch: number;
  height: number;
  width: number;
  channels: number;
  kernel: Pair;
  stride: Pair;
  /** `check` limits it to less than the kernel, so that every window overlaps the image. */
  padding: Padding;
  activation: FusedActivation;
  x: Quantization;
  /** The output's quantization; null if it is the input's. */
  y: Quantization | null;
  seed: number;
}

const plain: Spec = {
  type: 'int8',
  batch: 1,
  height: 5,
  width: 6,
  channels: 9,
  kernel: [2, 2],
  stride: [2, 2],
  padding: [0, 0, 0, 0],
  activation: 'none',
  x: { scale: 0.5, zeroPoint: -3 },
  y: null,
  seed: 1,
};

/** The test body of averagePool2d and maxPool2d. */
export function poolSuite(op: 'averagePool2d' | 'maxPool2d'): void {
  function check(spec: Spec): void {
    const { type, batch, kernel, stride, channels } = spec;
    const padding = spec.padding.map((p, i) => Math.min(p, kernel[i % 2]! - 1)) as Padding;
    const { image, output } = slide(spec, padding);
    const x = tensor('x', [batch, ...image, channels], type, spec.x);
    const y = tensor('y', [batch, ...output, channels], type, spec.y ?? spec.x);
    checkGraph(single(op, [x], { kernel, stride, padding, activation: spec.activation }, y), spec.seed);
  }

  describe(op, () => {
    test('equals the reference for random shapes, windows, strides, paddings and quantizations', () => {
      property(
        fc.record<Spec>({
          type: types,
          batch: size(2),
          height: size(8),
          width: size(8),
          channels,
          kernel: fc.tuple(size(5), size(5)),
          stride: fc.tuple(size(3), size(3)),
          padding: fc.tuple(fc.nat(4), fc.nat(4), fc.nat(4), fc.nat(4)),
          activation: activations,
          x: quantizations,
          y: fc.option(quantizations, { freq: 4 }),
          seed: seeds,
        }),
        250,
        check,
      );
    });

    for (const type of ['int8', 'uint8', 'float32'] as const) {
      test(`takes any number of channels (${type})`, () => {
        for (const n of [1, 7, 8, 9, 15, 16, 17, 31, 32, 33]) check({ ...plain, type, channels: n, seed: n });
      });

      test(`takes windows of the whole image, of one pixel, of a row and of a column (${type})`, () => {
        for (const kernel of [[5, 6], [1, 1], [1, 6], [5, 1]] as Pair[]) {
          for (const stride of [[1, 1], [3, 2]] as Pair[]) check({ ...plain, type, kernel, stride, seed: kernel[0] });
        }
      });

      test(`ignores the padding on every side (${type})`, () => {
        for (const padding of [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [3, 2, 1, 2]] as Padding[]) {
          for (const [height, width] of [[1, 1], [2, 5], [6, 4]] as Pair[]) {
            check({ ...plain, type, kernel: [4, 3], stride: [1, 1], height, width, padding, seed: height });
          }
        }
      });
    }

    test('takes windows of more than 256 columns and of 16,385 pixels', () => {
      for (const type of ['int8', 'uint8'] as const) {
        for (const [height, width] of [[1, 255], [1, 257], [2, 600], [129, 127], [129, 128]] as Pair[]) {
          check({ ...plain, type, height, width, channels: 3, kernel: [height, width], stride: [1, 1], seed: width });
        }
      }
    });
  });
}
