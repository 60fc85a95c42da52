import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile } from '../../src/compiler/index';
import type { Graph } from '../../src/graph/graph';
import type { Padding, Pair } from '../../src/graph/operators';
import { loadSync } from '../../src/index';
import { flavors } from '../helpers/flavors';
import { check, paddings, plain, rowsOf, withRows, type Spec } from './convolutions';
import { activations, channels, checkFile, exact, property, quantizations, Random, seeds, single, size, tensor,
  type Quantization } from './suite';
import { outputQuantization, weightsAndBias, weightSpecs, type WeightSpec } from './weighted';

// Convolutions in tiles of outputs (assembly/ops/winograd.ts) equal the reference, too.

// as from 80 BLOCK_ROWS on, for 3×3 with 4×4 outputs if they are a multiple of 64
describe.each<{ kernel: Pair; tile: Pair; rows: number[] }>([{ kernel: [3, 3], tile: [2, 2], rows: [80, 96, 160] }, {
  kernel: [3, 3],
  tile: [4, 4],
  rows: [128, 192, 256],
}, { kernel: [3, 1], tile: [4, 1], rows: [80, 96, 128, 192] }, {
  kernel: [1, 3],
  tile: [1, 4],
  rows: [80, 96, 128, 192],
}])('conv2d of $kernel by tiles of $tile outputs', ({ kernel, tile, rows }) => {
  const [tileH, tileW] = tile;
  const pads: Pair = [(kernel[0] - 1) / 2, (kernel[1] - 1) / 2];
  const padding: Padding = [...pads, ...pads];
  const tiled: Spec = { ...plain, ci: 8, kernel, padding, rows: rows[0]! };
  const multipleOf8 = fc.constantFrom(8, 8, 16, 24);

  test('matches the reference for random shapes, paddings, groups and quantizations', () => {
    property(
      fc.record<Spec>({
        type: fc.constantFrom('int8', 'uint8'),
        batch: size(2),
        height: size(13),
        width: size(13),
        ci: multipleOf8,
        co: channels,
        groups: fc.constantFrom(1, 1, 1, 2, 3),
        kernel: fc.constant(kernel),
        stride: fc.constant([1, 1]),
        dilation: fc.constant([1, 1]),
        padding: paddings,
        activation: activations,
        x: quantizations,
        weights: weightSpecs,
        seed: seeds,
        rows: fc.constantFrom(...rows),
      }),
      200,
      check,
    );
  });

  test('computes images of every size, one tile less than a block, a block, and one more', () => {
    const tiles = rows[0]! / (tileH * tileW);
    const side = Math.max(...tile);
    const lengths = [1, side, side * (tiles - 1), side * tiles - 1, side * tiles, side * tiles + 1, 7, 8];
    for (const short of [1, 2, 3, 4, 5]) {
      for (const long of lengths) {
        const [height, width] = tileW === 1 ? [long, short] : [short, long];
        check({ ...tiled, height, width, seed: height * 100 + width });
      }
    }
  });

  test('computes 1 to 9 outputs along each axis, with any padding', () => {
    for (let length = 1; length <= 9; length++) {
      for (const before of [0, 1, 2, 5]) {
        const after = (length + before) % 4;
        const height = Math.max(1, length + (tileH > 1 ? 2 - before - after : 0));
        const width = Math.max(1, length + (tileW > 1 ? 2 - before - after : 0));
        const padded: Padding = [tileH > 1 ? before : 0, tileW > 1 ? before : 0, tileH > 1 ? after : 0,
          tileW > 1 ? after : 0];
        for (const zeroPoint of [-128, 127]) {
          const weights: WeightSpec = { ...plain.weights, perChannel: false, zeroPoint: -1 - zeroPoint };
          const x = { scale: 0.5, zeroPoint };
          check({ ...tiled, height, width, padding: padded, x, weights, seed: length * 10 + before });
        }
      }
    }
  });

  test('computes directly where a block is no whole number of tiles, or the form is another', () => {
    const others = [{ rows: rows[0]! + 4 }, { rows: 64 }, { ci: 12 }, { stride: [2, 1] }, { stride: [1, 2] }, {
      dilation: [1, 2],
    }, { dilation: [2, 1] }, { kernel: [3, 2] }, { kernel: [2, 1] }, { kernel: [1, 1] }, { kernel: [1, 5] }];
    for (const changed of others) check({ ...tiled, height: 9, width: 9, ...changed } as Spec);
  });

  test('sums the most products of the smallest and largest values exactly, and leaves more to another form', () => {
    // |64·sum| < 2^31 for 4×4 outputs, |4·sum| < 2^31 for 2×2, |8·sum| < 2^31 for 4×1 and 1×4
    const limits: Record<number, Pair[]> = {
      16: [[224, 0], [232, 0], [112, 127], [120, 127], [112, -128], [120, -128]],
      4: kernel[0] === kernel[1]
        ? [[1816, 127], [1824, 127]]
        : [[5456, 0], [5464, 0], [2736, 127], [2744, 127], [2728, -128], [2736, -128]],
    };
    for (const [ci, zeroPoint] of limits[tileH * tileW]!) {
      // without padding, so that all outputs of a tile have all products
      const size: Pair = [tileH, tileW === 1 ? 2 : 5];
      const field: Pair = [size[0] + kernel[0] - 1, size[1] + kernel[1] - 1];
      const x = tensor('x', [1, ...field, ci], 'int8', { scale: 1, zeroPoint: 0 });
      const weights: WeightSpec = { ...plain.weights, perChannel: false, zeroPoint, bias: false };
      const { w } = weightsAndBias(new Random(ci), x, [8, ...kernel, ci], 0, weights);
      const random = new Random(ci + zeroPoint);
      const constant = zeroPoint < 0 ? 127 : -128;
      // half of the channels have the largest sums, the others the largest transformed values
      const values = w.data!;
      for (let i = 0; i < values.length; i++) {
        values[i] = i < values.length / 2 ? constant : random.pick([-128, 127]);
      }
      const K = kernel[0] * kernel[1] * ci;
      const y = tensor('y', [1, ...size, 8], 'int8', outputQuantization(x, w, K, weights));
      const graph = single('conv2d', [x, w, null], {
        stride: [1, 1],
        dilation: [1, 1],
        padding: [0, 0, 0, 0],
        groups: 1,
        activation: 'none',
      }, y);
      const file = withRows(compile(graph, { weightLayout: 'dense' }), rows[0]!);
      const length = field[0] * field[1] * ci;
      const noise = (): Int8Array => Int8Array.from({ length }, () => random.pick([-128, 127]));
      for (const input of [noise(), new Int8Array(length).fill(-128)]) {
        checkFile(graph, file, ci, exact, { x: input });
      }
    }
  });
});

describe('conv2d of 3×3, 3×1 or 1×3', () => {
  const layer = (shape: Pair, channels: number, kernel: Pair = [3, 3], zeroPoint = 0): Graph => {
    const quantization: Quantization = { scale: 0.5, zeroPoint: 3 };
    const x = tensor('x', [1, ...shape, channels], 'int8', quantization);
    const weights: WeightSpec = zeroPoint === 0 ? plain.weights : { ...plain.weights, perChannel: false, zeroPoint };
    const { w, bias } = weightsAndBias(new Random(1), x, [channels, ...kernel, channels], 0, weights);
    const y = tensor('y', [1, ...shape, channels], 'int8', quantization);
    const pads: Pair = [(kernel[0] - 1) / 2, (kernel[1] - 1) / 2];
    return single('conv2d', [x, w, bias], {
      stride: [1, 1],
      dilation: [1, 1],
      padding: [...pads, ...pads],
      groups: 1,
      activation: 'none',
    }, y);
  };

  test('runs in tiles where they are faster, unless it may not or memory is too small', () => {
    const file = compile(layer([16, 16], 64));
    expect(rowsOf(file)).toBe(256);
    expect(rowsOf(compile(layer([16, 16], 64), { winograd: false }))).toBeLessThanOrEqual(64);
    const { total } = loadSync(compile(layer([16, 16], 64), { winograd: false })).memory;
    expect(loadSync(file).memory.total).toBeGreaterThan(total);
    const small = compile(layer([16, 16], 64), { maxMemory: total });
    expect(rowsOf(small)).toBeLessThanOrEqual(64);
    expect(() => compile(layer([16, 16], 64), { maxMemory: total, winograd: true }))
      .toThrow(expect.objectContaining({ code: 'OUT_OF_MEMORY' }) as Error);
    // 2×2 outputs where less of 4×4 would be inside the image, or sums may be too large
    expect(rowsOf(compile(layer([6, 6], 64)))).toBe(80);
    expect(rowsOf(compile(layer([16, 16], 256)))).toBe(96);
    // half of the outputs of 2×2 would be beyond the image
    expect(rowsOf(compile(layer([3, 3], 32)))).toBeLessThanOrEqual(64);
  });

  test.each<{ kernel: Pair; shape: Pair }>([{ kernel: [3, 1], shape: [128, 1] }, { kernel: [1, 3], shape: [1, 128] }, {
    kernel: [3, 1],
    shape: [16, 16],
  }, { kernel: [1, 3], shape: [16, 16] }])(
    'a kernel of $kernel.0×$kernel.1 runs in tiles along one axis of an image of $shape.0×$shape.1',
    ({ kernel, shape }) => {
      const [height, width] = shape;
      const file = compile(layer(shape, 64, kernel));
      const rows = rowsOf(file);
      expect(rows).toBe(128);
      // each core has room for them, which says that it knows the form
      for (const flavor of flavors.filter((flavor) => flavor !== 'js')) {
        expect(loadSync(file, { flavor }).memory.scratch).toBe(rows * (3 * 64 + 52) + 102 * 64 + 64 + 1280);
      }
      expect(rowsOf(compile(layer(shape, 64, kernel), { winograd: false }))).toBeLessThanOrEqual(64);
      // two tiles would not save what their weights cost
      const few: Pair = [Math.min(height, 8), Math.min(width, 8)];
      if (height === 1 || width === 1) expect(rowsOf(compile(layer(few, 64, kernel)))).toBeLessThanOrEqual(64);
      expect(rowsOf(compile(layer(shape, 8, kernel)))).toBeLessThanOrEqual(64);
      expect(rowsOf(compile(layer(shape, 12, kernel)))).toBeLessThanOrEqual(64);
    },
  );

  test('a kernel of 3×1 runs in tiles up to the channels whose sums fit', () => {
    const few: Pair = [40, 1];
    expect(rowsOf(compile(layer(few, 2728, [3, 1], -128), { weightLayout: 'dense' }))).toBe(80);
    expect(rowsOf(compile(layer(few, 2736, [3, 1], -128), { weightLayout: 'dense' }))).toBe(24);
  });
});
