import '@tensorflow/tfjs-backend-cpu';
import * as original from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as tf from '../../src/tfjs/index';

// Every operation against TensorFlow.js, on random shapes and values.

type Library = Pick<typeof original, keyof typeof tf & keyof typeof original>;

const ours = tf as unknown as Library;
const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
const countOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
/** Values with equal ones among them. */
const numbers = (count: number) =>
  fc.array(fc.oneof(fc.integer({ min: -3, max: 3 }), fc.float({ min: -10, max: 10, noNaN: true })), {
    minLength: count,
    maxLength: count,
  });
const dtypes = fc.constantFrom<'float32' | 'int32'>('float32', 'int32');

interface Values {
  shape: number[];
  list: number[];
  dtype: 'float32' | 'int32';
}
const valuesOf = (shapes: fc.Arbitrary<number[]>): fc.Arbitrary<Values> =>
  fc.tuple(shapes, dtypes).chain(([shape, dtype]) => numbers(countOf(shape)).map((list) => ({ shape, list, dtype })));
const values = valuesOf(sizes);

interface Result {
  shape: number[];
  dtype: string;
  values: number[];
}

function resultOf(tensor: original.Tensor): Result {
  return { shape: tensor.shape, dtype: tensor.dtype, values: Array.from(tensor.dataSync()) };
}

/** Runs an operation in both libraries and expects the same shape, type and values. */
function expectSame(operation: (library: Library, make: (of: Values) => original.Tensor) => original.Tensor): void {
  const [found, wanted] = [ours, original].map((library) =>
    resultOf(operation(library, ({ list, shape, dtype }) => library.tensor(list, shape, dtype)))
  ) as [Result, Result];
  expect({ ...found, values: [] }).toEqual({ ...wanted, values: [] });
  wanted.values.forEach((value, i) => {
    if (Number.isFinite(value)) expect(found.values[i]).toBeCloseTo(value, 4);
    else expect(found.values[i]).toBe(value);
  });
}

describe('as in TensorFlow.js:', () => {
  const anyAxis = values.chain((one) =>
    fc.tuple(fc.constant(one), fc.integer({ min: -one.shape.length, max: one.shape.length - 1 }))
  );

  test.each(['add', 'sub', 'mul', 'div'] as const)('%s of shapes that broadcast', (name) => {
    const pair = fc.tuple(sizes, fc.nat(3), fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }))
      .chain(([shape, drop, ones]) => {
        const other = shape.slice(Math.min(drop, shape.length - 1)).map((size, i) => (ones[i] ? 1 : size));
        return fc.tuple(valuesOf(fc.constant(shape)), valuesOf(fc.constant(other)), fc.boolean());
      });
    fc.assert(fc.property(pair, ([a, b, isSwapped]) => {
      if (name === 'div') b.list = b.list.map((x) => (Math.abs(x) < 1 ? 2 : x));
      expectSame((
        library,
        make,
      ) => (isSwapped && name !== 'div' ? library[name](make(b), make(a)) : library[name](make(a), make(b))));
    }));
  });

  test('arithmetic with plain numbers', () => {
    fc.assert(fc.property(values, (one) => {
      expectSame((library, make) => library.div(make(one), 255));
      expectSame((library, make) => library.sub(1, make(one)));
      expectSame((library, make) => library.mul(make(one), [2]));
    }));
  });

  test.each(['max', 'min', 'sum', 'mean'] as const)('%s along axes', (name) => {
    const axes = values.chain((one) =>
      fc.tuple(fc.constant(one), fc.subarray(one.shape.map((_, i) => i), { minLength: 1 }), fc.boolean())
    );
    fc.assert(fc.property(axes, ([one, axis, keepDims]) => {
      expectSame((library, make) => library[name](make(one), axis, keepDims));
      expectSame((library, make) => library[name](make(one)));
    }));
  });

  test.each(['argMax', 'argMin'] as const)('%s along an axis, the first of equal values', (name) => {
    fc.assert(fc.property(anyAxis, ([one, axis]) => expectSame((library, make) => library[name](make(one), axis))));
  });

  test('expandDims, squeeze and reshape', () => {
    fc.assert(fc.property(anyAxis, ([one, axis]) => {
      expectSame((library, make) => library.expandDims(make(one), axis));
      expectSame((library, make) => library.squeeze(make(one)));
      expectSame((library, make) => library.reshape(make(one), [one.shape[0]!, -1]));
      expectSame((library, make) =>
        library.squeeze(library.expandDims(make(one), axis), [axis < 0 ? axis + one.shape.length + 1 : axis])
      );
    }));
  });

  test('transpose and reverse', () => {
    const orders = values.chain((one) =>
      fc.tuple(
        fc.constant(one),
        fc.shuffledSubarray(one.shape.map((_, i) => i), { minLength: one.shape.length }),
        fc.subarray(one.shape.map((_, i) => i), { minLength: 1 }),
      )
    );
    fc.assert(fc.property(orders, ([one, order, axes]) => {
      expectSame((library, make) => library.transpose(make(one), order));
      expectSame((library, make) => library.transpose(make(one)));
      expectSame((library, make) => library.reverse(make(one), axes));
      expectSame((library, make) => library.reverse(make(one)));
    }));
  });

  test('slice', () => {
    const parts = values.chain((one) =>
      fc.tuple(
        fc.constant(one),
        fc.tuple(...one.shape.map((size) =>
          fc.nat(size - 1).chain((begin) => fc.tuple(fc.constant(begin), fc.integer({ min: 1, max: size - begin })))
        )),
        fc.integer({ min: 1, max: one.shape.length }),
        fc.boolean(),
      )
    );
    fc.assert(fc.property(parts, ([one, part, count, isOpen]) => {
      const begin = part.slice(0, count).map(([start]) => start);
      const size = part.slice(0, count).map(([, length]) => (isOpen ? -1 : length));
      expectSame((library, make) => library.slice(make(one), begin, size));
      expectSame((library, make) => library.slice(make(one), begin));
      expectSame((library, make) => library.slice(make(one), begin[0]!));
    }));
  });

  test('concat and stack', () => {
    const joined = anyAxis.chain(([one, axis]) =>
      fc.tuple(fc.constant(one), fc.constant(axis), numbers(one.list.length), fc.integer({ min: 1, max: 3 }))
    );
    fc.assert(fc.property(joined, ([one, axis, list, more]) => {
      const at = axis < 0 ? axis + one.shape.length : axis;
      const shape = one.shape.map((size, i) => (i === at ? size * more : size));
      const longer = { ...one, shape, list: Array.from({ length: more }, () => list).flat() };
      expectSame((library, make) => library.concat([make(one), make(longer)], axis));
      expectSame((library, make) => library.stack([make(one), make({ ...one, list })], at));
    }));
  });

  test('topk of a scalar is refused, and of no values is empty', () => {
    expect(() => tf.topk(tf.scalar(3))).toThrow(/not a scalar/);
    expect(tf.topk(tf.tensor([], [2, 0]), 0).values.shape).toEqual([2, 0]);
  });

  test('cast, softmax, sigmoid and topk', () => {
    fc.assert(fc.property(values, (one) => {
      for (const dtype of ['int32', 'float32', 'bool'] as const) {
        expectSame((library, make) => library.cast(make({ ...one, dtype: 'float32' }), dtype));
      }
      expectSame((library, make) => library.softmax(make({ ...one, dtype: 'float32' })));
      expectSame((library, make) => library.sigmoid(make({ ...one, dtype: 'float32' })));
      expectSame((library, make) => library.topk(make(one), one.shape.at(-1)).values);
      expectSame((library, make) => library.topk(make(one), 1).indices);
    }));
  });

  const resizing = fc.tuple(
    valuesOf(fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 3, maxLength: 4 })),
    fc.integer({ min: 1, max: 9 }),
    fc.integer({ min: 1, max: 9 }),
    fc.constantFrom<[boolean, boolean]>([false, false], [true, false], [false, true]),
  );
  test.each(['resizeBilinear', 'resizeNearestNeighbor'] as const)('%s', (name) => {
    fc.assert(fc.property(resizing, ([one, height, width, [align, half]]) => {
      expectSame((library, make) => library.image[name](make(one) as original.Tensor3D, [height, width], align, half));
    }));
  });

  test('pixels of an image', () => {
    const image = { width: 3, height: 2, data: Uint8Array.from({ length: 24 }, (_, i) => 9 * i) };
    for (const channels of [1, 3, 4]) {
      expectSame((library) => library.browser.fromPixels(image, channels));
    }
  });

  test('tensors of nested arrays, typed arrays, numbers and booleans', () => {
    const given = [3, true, [1, 2], [[1, 2], [3, 4]], [[[true], [false]]], [], [[], []], Int32Array.of(1, -2),
      Uint8Array.of(7), Float32Array.of(1.5), [Float32Array.of(1, 2), Float32Array.of(3, 4)]];
    for (const one of given) {
      expectSame((library) => library.tensor(one));
      for (const dtype of ['float32', 'int32', 'bool'] as const) {
        expectSame((library) => library.tensor(one, undefined, dtype));
      }
    }
    expectSame((library) => library.tensor4d([1, 2, 3, 4], [1, 2, 2, 1]));
    expectSame((library) => library.fill([2, 2], 7, 'int32'));
    expectSame((library) => library.zeros([2, 0]));
    expectSame((library) => library.ones([3], 'bool'));
    expectSame((library) => library.scalar(2.5, 'int32'));
  });
});
