import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CONV2D_BLOCK_ROWS, OP_CONV2D, RECORD_SIZE } from '../../assembly/layout';
import { compile, readKlet } from '../../src/compiler/index';
import { SECTION_PLAN } from '../../src/format/klet';
import type { Graph } from '../../src/graph/graph';
import type { FusedActivation, HybridMode, Padding, Pair } from '../../src/graph/operators';
import { loadSync } from '../../src/index';
import { dotVariants } from '../helpers/dotEngines';
import { flavors } from '../helpers/flavors';
import { viewOf, withSection } from '../robustness/seal';
import { activations, channels, checkFile, exact, property, Random, randomInputs, seeds, single, size, quantizations,
  tensor, types, type NumberType, type Quantization } from './suite';
import { hybridModes, hybridOf, outputQuantization, spans, weightsAndBias, weightSpecs,
  type WeightSpec } from './weighted';

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
  /** BLOCK_ROWS of the record, in place of what the compiler chooses. */
  rows?: number;
  /** All inputs, which are random otherwise. */
  value?: number | undefined;
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
  const graph = single('conv2d', [x, w, bias], {
    stride,
    dilation,
    padding: spec.padding,
    groups,
    activation: spec.activation,
    ...hybridOf(x, spec.hybrid),
  }, y);
  const inputs = randomInputs(graph, spec.seed);
  if (spec.value !== undefined) inputs.x!.fill(spec.value);
  const { rows } = spec;
  const file = rows === undefined ? compile(graph) : withRows(compile(graph, { weightLayout: 'dense' }), rows);
  checkFile(graph, file, spec.seed, exact, inputs);
}

/** The offset of the convolution in a plan. */
function convolutionAt(plan: Uint8Array): number {
  let at = 0;
  while (plan[at] !== OP_CONV2D) at += viewOf(plan).getUint32(at + RECORD_SIZE, true);
  return at;
}

/** A file whose convolution has other BLOCK_ROWS. */
function withRows(file: Uint8Array, rows: number): Uint8Array {
  return withSection(file, SECTION_PLAN, (plan) => {
    viewOf(plan).setInt32(convolutionAt(plan) + CONV2D_BLOCK_ROWS, rows, true);
    return plan;
  });
}

function rowsOf(file: Uint8Array): number {
  const { plan } = readKlet(file);
  return viewOf(plan).getInt32(convolutionAt(plan) + CONV2D_BLOCK_ROWS, true);
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

  // as from 80 BLOCK_ROWS on, for 3×3 with 4×4 outputs if they are a multiple of 64
  describe.each<{ kernel: Pair; tile: Pair; rows: number[] }>([{ kernel: [3, 3], tile: [2, 2], rows: [80, 96, 160] }, {
    kernel: [3, 3],
    tile: [4, 4],
    rows: [128, 192, 256],
  }, { kernel: [3, 1], tile: [4, 1], rows: [80, 96, 128, 192] }, {
    kernel: [1, 3],
    tile: [1, 4],
    rows: [80, 96, 128, 192],
  }])('of $kernel by tiles of $tile outputs', ({ kernel, tile, rows }) => {
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

  describe('of 3×3, 3×1 or 1×3', () => {
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

    test.each<{ kernel: Pair; shape: Pair }>([{ kernel: [3, 1], shape: [128, 1] }, { kernel: [1, 3], shape: [1, 128] },
      { kernel: [3, 1], shape: [16, 16] }, { kernel: [1, 3], shape: [16, 16] }])(
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
});
