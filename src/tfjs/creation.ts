import { checkWhole, isArrayOf, show } from '../arguments';
import { describeValue, KletError } from '../errors';
import { pixelsOf, type Drawable } from '../tasks/source';
import { countOf } from '../switching/values';
import { checkDataType, empty, Tensor, valuesAs, type DataType, type Rank, type Scalar, type ShapeMap, type Tensor1D,
  type Tensor2D, type Tensor3D, type Tensor4D, type Tensor5D, type TensorLike } from './tensor';

// Tensors from arrays and images.

/** An image: the `ImageData` of a canvas, pixels in an array, or what a canvas can draw. */
export type PixelSource = Drawable | { width: number; height: number; data: Uint8Array | Uint8ClampedArray };

/** Number of values of the largest tensor. */
const MAX_VALUES = 2 ** 26;

/** @throws KletError `SHAPE_MISMATCH` */
export function checkTensorShape(shape: unknown): asserts shape is number[] {
  const isShape = isArrayOf(shape, (size) => Number.isSafeInteger(size) && (size as number) >= 0);
  if (isShape && countOf(shape as number[]) <= MAX_VALUES) return;
  throw new KletError(
    'SHAPE_MISMATCH',
    `the shape of a tensor is an array of whole numbers with a product of at most 2^26, not ${
      Array.isArray(shape) ? `[${shape.map(show).join(', ')}]` : show(shape)
    }`,
  );
}

function wrong(value: unknown): KletError {
  return new KletError(
    'TYPE_MISMATCH',
    `a tensor is made of numbers, booleans, nested arrays of them, a Float32Array, Int32Array or Uint8Array, not of ${
      describeValue(value)
    }`,
  );
}

/** The values of nested arrays in one list, and their shape. */
function flat(values: unknown): { list: ArrayLike<number>; shape: number[]; dtype: DataType } {
  if (values instanceof Float32Array) return { list: values, shape: [values.length], dtype: 'float32' };
  if (values instanceof Int32Array || values instanceof Uint8Array || values instanceof Uint8ClampedArray) {
    return { list: values, shape: [values.length], dtype: 'int32' };
  }
  const shape: number[] = [];
  for (let inner = values; isList(inner); inner = inner[0]) shape.push(inner.length);
  const list: number[] = [];
  let first: unknown;
  const visit = (value: unknown, axis: number): void => {
    if (isList(value)) {
      if (value.length !== shape[axis]) {
        throw new KletError(
          'SHAPE_MISMATCH',
          `nested arrays of a tensor have equal lengths; at depth ${axis + 1} one has ${value.length} elements, the `
            + `first ${shape[axis] ?? 'is a number'}`,
        );
      }
      for (let i = 0; i < value.length; i++) visit(value[i], axis + 1);
      return;
    }
    if (axis !== shape.length || (typeof value !== 'number' && typeof value !== 'boolean')) throw wrong(value);
    first ??= value;
    list.push(Number(value));
  };
  visit(values, 0);
  return { list, shape, dtype: typeof first === 'boolean' ? 'bool' : 'float32' };
}

function isList(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || value instanceof Float32Array || value instanceof Int32Array
    || value instanceof Uint8Array || value instanceof Uint8ClampedArray;
}

/**
 * A tensor of an array, of nested arrays, or of one number.
 *
 * @param shape default: that of the nested arrays
 * @param dtype default: by the values; numbers are float32
 * @throws KletError `TYPE_MISMATCH` or `SHAPE_MISMATCH`
 * @example
 * ```js
 * import * as tf from 'kinglet/tfjs';
 *
 * const tensor = tf.tensor([[1, 2, 3], [4, 5, 6]]);
 * console.log(tensor.shape, tensor.dtype, tensor.arraySync()[1][2]); // [ 2, 3 ] float32 6
 * ```
 */
export function tensor<R extends Rank>(values: TensorLike, shape?: ShapeMap[R], dtype?: DataType): Tensor<R> {
  const { list, shape: own, dtype: inferred } = flat(values);
  if (dtype !== undefined && dtype !== null) checkDataType(dtype);
  const type = dtype ?? inferred;
  const sizes: readonly number[] = shape ?? own;
  checkTensorShape(sizes);
  if (countOf(sizes) !== list.length) {
    throw new KletError(
      'SHAPE_MISMATCH',
      `a tensor of the shape [${sizes.join(', ')}] has ${countOf(sizes)} values, the array ${list.length}`,
    );
  }
  return new Tensor<R>(valuesAs(list, type), sizes, type);
}

/** A tensor of a certain rank: nested arrays of that depth, or flat values with a shape. */
function ranked<R extends Rank>(
  rank: number,
  values: TensorLike,
  shape: ShapeMap[R] | undefined,
  dtype: DataType | undefined,
): Tensor<R> {
  const found = tensor<R>(values, shape ?? undefined, dtype);
  if (found.rank === rank) return found;
  const { shape: wrongShape } = found;
  found.dispose();
  throw new KletError(
    'SHAPE_MISMATCH',
    `tensor${rank}d() makes a tensor of ${rank} dimensions, and the values have the shape [${
      wrongShape.join(', ')
    }]; for flat values pass the shape as the second argument`,
  );
}

/** A number as a tensor. */
export function scalar(value: number | boolean, dtype?: DataType): Scalar {
  if (typeof value !== 'number' && typeof value !== 'boolean') throw wrong(value);
  return tensor<Rank.R0>(value, [], dtype);
}

export function tensor1d(values: TensorLike, dtype?: DataType): Tensor1D {
  return ranked<Rank.R1>(1, values, undefined, dtype);
}

export function tensor2d(values: TensorLike, shape?: [number, number], dtype?: DataType): Tensor2D {
  return ranked<Rank.R2>(2, values, shape, dtype);
}

export function tensor3d(values: TensorLike, shape?: [number, number, number], dtype?: DataType): Tensor3D {
  return ranked<Rank.R3>(3, values, shape, dtype);
}

export function tensor4d(values: TensorLike, shape?: [number, number, number, number], dtype?: DataType): Tensor4D {
  return ranked<Rank.R4>(4, values, shape, dtype);
}

export function tensor5d(
  values: TensorLike,
  shape?: [number, number, number, number, number],
  dtype?: DataType,
): Tensor5D {
  return ranked<Rank.R5>(5, values, shape, dtype);
}

/** A tensor of equal values. */
export function fill<R extends Rank>(shape: ShapeMap[R], value: number, dtype: DataType = 'float32'): Tensor<R> {
  checkTensorShape(shape);
  checkDataType(dtype);
  if (typeof value !== 'number') throw wrong(value);
  const result = empty(shape, dtype);
  result.dataSync().fill(value);
  return result as Tensor<R>;
}

export function zeros<R extends Rank>(shape: ShapeMap[R], dtype?: DataType): Tensor<R> {
  return fill(shape, 0, dtype);
}

export function ones<R extends Rank>(shape: ShapeMap[R], dtype?: DataType): Tensor<R> {
  return fill(shape, 1, dtype);
}

/**
 * A tensor of an operation's argument: itself, or one of numbers. Tensors of TensorFlow.js are
 * copied.
 */
export function toTensor(value: Tensor | TensorLike, of: string): Tensor {
  if (value instanceof Tensor) return value;
  const foreign = foreignTensor(value);
  if (foreign) return new Tensor(valuesAs(foreign.dataSync(), foreign.dtype), foreign.shape, foreign.dtype);
  if (value === null || value === undefined) {
    throw new KletError('TYPE_MISMATCH', `${of}() takes a tensor or numbers, not ${describeValue(value)}`);
  }
  return tensor(value);
}

export interface ForeignTensor {
  shape: number[];
  dtype: DataType;
  dataSync(): ArrayLike<number>;
}

/** A tensor of TensorFlow.js itself. */
export function foreignTensor(value: unknown): ForeignTensor | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { dataSync, shape, dtype } = value as Partial<ForeignTensor>;
  if (typeof dataSync !== 'function' || !Array.isArray(shape)) return undefined;
  checkDataType(dtype);
  return value as ForeignTensor;
}

/**
 * The pixels of an image as int32 [height][width][channels], 0 to 255.
 *
 * @param numChannels 1 (the red one), 3 or 4
 * @throws KletError `TYPE_MISMATCH` if it is no image, `BAD_ARGUMENT` if it has not loaded or may
 *   not be read
 */
export function fromPixels(pixels: PixelSource, numChannels = 3): Tensor3D {
  checkWhole(numChannels, 'the number of channels of fromPixels()', 1, 4);
  const { videoWidth, videoHeight, width = 0, height = 0 } = (pixels ?? {}) as Drawable;
  const found = pixelsOf(pixels, videoWidth ?? width, videoHeight ?? height);
  const { data } = found;
  checkWhole(found.width, 'the width of the image', 1, 65536);
  checkWhole(found.height, 'the height of the image', 1, 65536);
  const count = found.width * found.height;
  const given = data.length / count;
  if (![3, 4].includes(given) || given < numChannels) {
    throw new KletError(
      'SHAPE_MISMATCH',
      `an image of ${show(found.width)}×${
        show(found.height)
      } pixels has three or four bytes a pixel, at least ${numChannels} ` + `here; it has ${data.length} bytes`,
    );
  }
  const values = new Int32Array(count * numChannels);
  for (let i = 0, at = 0; i < count; i++) {
    for (let channel = 0; channel < numChannels; channel++) values[at++] = data[i * given + channel]!;
  }
  return new Tensor<Rank.R3>(values, [found.height, found.width, numChannels], 'int32');
}
