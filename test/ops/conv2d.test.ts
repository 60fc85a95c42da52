import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile } from '../../src/compiler/index';
import type { Padding, Pair } from '../../src/graph/operators';
import { dotVariants } from '../helpers/dotEngines';
import { check, pair, paddings, plain, rowsOf, type Spec } from './convolutions';
import { activations, channels, property, quantizations, Random, seeds, single, size, tensor, types,
  type NumberType } from './suite';
import { hybridModes, spans, weightsAndBias, weightSpecs } from './weighted';

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
          check({ ...base, height: 3, width: 2, kernel, padding, seed: 1 + padding[1] });
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

  test('computes any span of weights in tiles, the rows of incomplete tiles, and few rows', () => {
    for (const span of spans) {
      for (const width of [1, 2, 3, 4, 5, 6, 7, 12, 13, 65]) {
        for (const [ci, groups, type, zeroPoint] of [[3, 1, 'int8', 0], [4, 1, 'int8', 0], [17, 2, 'uint8', -128], [20,
          1, 'uint8', 100]] as const)
        {
          const weights = { ...plain.weights, zeroPoint, span, perChannel: zeroPoint === 0 };
          check({ ...plain, type, ci, groups, height: 1, width, co: 9, weights, seed: width + ci });
        }
      }
    }
  });

  test('multiplies weights of the whole span, few of them −128 or 127 or many, in all panels and blocks', () => {
    for (const [type, zeroPoint] of [['int8', 0], ['uint8', -20], ['uint8', 40]] as const) {
      for (const outliers of [1, 5, 60]) {
        // one row, few rows, a tile, and more than the 60 of a block
        for (const [width, kernel] of [[1, [1, 1]], [2, [1, 1]], [6, [1, 1]], [70, [1, 1]], [354, [1, 1]], [9, [1, 3]],
          [131, [1, 3]]] as const)
        {
          const span = [zeroPoint - 64, zeroPoint + 63] as const;
          const weights = { ...plain.weights, zeroPoint, span, outliers, perChannel: type === 'int8' };
          const stride = [1, width % 2 + 1] as const;
          check({
            ...plain,
            type,
            ci: 36,
            co: 19,
            height: 1,
            width,
            kernel: [...kernel],
            stride: [...stride],
            weights,
            seed: 7 * outliers + width,
          });
        }
      }
    }
  });

  test('does so in float networks with int8 weights', () => {
    for (const outliers of [0, 2, 60]) {
      // K = 36 has blocks of 72 rows, K = 324 of 48
      for (const [width, kernel] of [[3, [1, 1]], [150, [1, 1]], [58, [1, 9]]] as const) {
        for (const hybrid of ['symmetric', 'asymmetric'] as const) {
          check({
            ...plain,
            type: 'float32',
            hybrid,
            ci: 36,
            co: 11,
            height: 1,
            width,
            kernel: [...kernel],
            weights: { ...plain.weights, span: [-64, 63], outliers },
            seed: outliers + width,
          });
        }
      }
    }
  });

  test('leaves groups apart whose products together would be more than a record takes', () => {
    for (const [type, hybrid] of [['int8', undefined], ['float32', 'symmetric']] as const) {
      check({ ...plain, type, hybrid, height: 1, width: 2, ci: 30_000, co: 1, groups: 4, seed: 4 });
    }
  });

  test('adds the largest products without saturation', () => {
    for (const span of [[-64, 63], [-128, -1], [-128, -128], [127, 127]] as const) {
      for (const [zeroPoint, value] of [[127, undefined], [0, -128], [0, 127]] as const) {
        const x = { scale: 1, zeroPoint };
        const weights = { ...plain.weights, bias: false, span };
        for (const width of [1, 7]) {
          for (const engine of dotVariants.keys()) {
            check({ ...plain, height: 1, width, ci: 400, co: 2, x, weights, seed: engine + 8, value });
          }
        }
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

  test('gathers rows in blocks of at most 60 and of few bytes, but of 24 if they fit 1 MiB', () => {
    const rowsFor = (type: NumberType, ci: number): number => {
      const x = tensor('x', [1, 1, 70, ci], type, plain.x);
      const { w } = weightsAndBias(new Random(1), x, [2, 1, 1, ci], 0, { ...plain.weights, bias: false });
      const y = tensor('y', [1, 1, 70, 2], type, plain.x);
      const { stride, dilation, padding, groups, activation } = plain;
      return rowsOf(compile(single('conv2d', [x, w, null], { stride, dilation, padding, groups, activation }, y)));
    };
    expect([64, 576, 1152, 4608, 32768, 65536].map((ci) => rowsFor('int8', ci))).toEqual([60, 48, 24, 24, 16, 8]);
    expect([64, 576, 1152].map((ci) => rowsFor('int16', ci))).toEqual([64, 28, 12]);
    expect([64, 576, 1152].map((ci) => rowsFor('float32', ci))).toEqual([64, 12, 4]);
  });
});
