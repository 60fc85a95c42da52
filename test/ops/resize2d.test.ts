import fc from 'fast-check';
import { describe, test } from 'vitest';
import type { Attributes, Pair } from '../../src/graph/operators';
import { channels, checkGraph, property, seeds, single, size, quantizations, tensor, types, type NumberType,
  type Quantization } from './suite';

interface Spec {
  type: NumberType;
  batch: number;
  from: Pair;
  to: Pair;
  channels: number;
  attributes: Attributes['resize2d'];
  x: Quantization;
  /** The output's quantization; null if it is the input's. */
  y: Quantization | null;
  seed: number;
}

/** The valid combinations: aligned corners exclude half-pixel centers. */
const conventions = (['nearest', 'bilinear'] as const).flatMap((mode) =>
  [[false, false], [true, false], [false, true]].map(([alignCorners, halfPixelCenters]) => ({
    mode,
    alignCorners: alignCorners!,
    halfPixelCenters: halfPixelCenters!,
  }))
);

function check({ type, batch, from, to, channels: c, attributes, x, y, seed }: Spec): void {
  checkGraph(
    single(
      'resize2d',
      [tensor('x', [batch, ...from, c], type, x)],
      attributes,
      tensor('y', [batch, ...to, c], type, y ?? x),
    ),
    seed,
  );
}

describe('resize2d', () => {
  test('equals the reference for random shapes, conventions and quantizations', () => {
    property(
      fc.record<Spec>({
        type: types,
        batch: size(2),
        from: fc.tuple(size(9), size(9)),
        to: fc.tuple(size(17), size(17)),
        channels,
        attributes: fc.constantFrom(...conventions),
        x: quantizations,
        y: fc.option(quantizations, { freq: 5 }),
        seed: seeds,
      }),
      250,
      check,
    );
  });

  for (const type of ['int8', 'uint8', 'float32'] as const) {
    test(`enlarges and shrinks by integer and fractional factors, to and from one pixel (${type})`, () => {
      for (const attributes of conventions) {
        const resize = (from: Pair, to: Pair): void =>
          check({
            type,
            batch: 1,
            from,
            to,
            channels: 3,
            attributes,
            x: { scale: 0.5, zeroPoint: 3 },
            y: null,
            seed: from[0],
          });
        resize([4, 4], [8, 8]);
        resize([8, 8], [4, 4]);
        resize([5, 7], [13, 3]);
        resize([1, 1], [5, 4]);
        resize([6, 5], [1, 1]);
        resize([3, 3], [3, 3]);
        resize([2, 9], [9, 2]);
      }
    });

    test(`takes any number of channels (${type})`, () => {
      for (const attributes of conventions) {
        for (const n of [1, 3, 4, 5, 7, 8, 9, 15, 16, 17]) {
          check({
            type,
            batch: 2,
            from: [3, 4],
            to: [5, 7],
            channels: n,
            attributes,
            x: { scale: 0.5, zeroPoint: 3 },
            y: null,
            seed: n,
          });
        }
      }
    });
  }
});
