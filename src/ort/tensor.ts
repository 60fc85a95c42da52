import { isArrayOf, show } from '../arguments';
import { describeValue, KletError } from '../errors';
import { countOf } from '../switching/values';
import { unsupported } from './unsupported';

// A namespace of types, as in onnxruntime-web, so that programs in TypeScript keep compiling.
// eslint-disable-next-line @typescript-eslint/no-namespace
export declare namespace Tensor {
  interface DataTypeMap {
    float32: Float32Array;
    uint8: Uint8Array;
    int8: Int8Array;
    uint16: Uint16Array;
    int16: Int16Array;
    int32: Int32Array;
    int64: BigInt64Array;
    string: string[];
    bool: Uint8Array;
    float16: Uint16Array;
    float64: Float64Array;
    uint32: Uint32Array;
    uint64: BigUint64Array;
    uint4: Uint8Array;
    int4: Int8Array;
  }
  interface ElementTypeMap {
    float32: number;
    uint8: number;
    int8: number;
    uint16: number;
    int16: number;
    int32: number;
    int64: bigint;
    string: string;
    bool: boolean;
    float16: number;
    float64: number;
    uint32: number;
    uint64: bigint;
    uint4: number;
    int4: number;
  }
  type Type = keyof DataTypeMap;
  type DataType = DataTypeMap[Type];
  type ElementType = ElementTypeMap[Type];
  type DataLocation = 'none' | 'cpu' | 'cpu-pinned' | 'texture' | 'gpu-buffer' | 'ml-tensor';
}

/** A tensor: its values, dimensions and element type. */
export interface TypedTensor<T extends Tensor.Type> {
  readonly dims: readonly number[];
  readonly type: T;
  /** Number of values. */
  readonly size: number;
  /** The values. @throws KletError `DISPOSED` */
  readonly data: Tensor.DataTypeMap[T];
  /** `cpu`, or `none` after `dispose`. */
  readonly location: Tensor.DataLocation;
  /** The values, as `data`. */
  getData(releaseData?: boolean): Promise<Tensor.DataTypeMap[T]>;
  /** Forgets the values. */
  dispose(): void;
  /** A tensor of the same values with other dimensions. */
  reshape(dims: readonly number[]): TypedTensor<T>;
}

export type Tensor = TypedTensor<Tensor.Type>;

export interface TensorConstructor {
  /**
   * @param type the element type; values of arrays are converted to it
   * @param dims default: one dimension
   * @throws KletError `TYPE_MISMATCH` or `SHAPE_MISMATCH`
   */
  new(type: 'string', data: readonly string[], dims?: readonly number[]): TypedTensor<'string'>;
  new(type: 'bool', data: Uint8Array | readonly boolean[], dims?: readonly number[]): TypedTensor<'bool'>;
  new(type: 'uint8', data: Uint8ClampedArray, dims?: readonly number[]): TypedTensor<'uint8'>;
  new<T extends 'uint64' | 'int64'>(
    type: T,
    data: Tensor.DataTypeMap[T] | readonly bigint[] | readonly number[],
    dims?: readonly number[],
  ): TypedTensor<T>;
  new<T extends Exclude<Tensor.Type, 'string' | 'bool' | 'uint64' | 'int64'>>(
    type: T,
    data: Tensor.DataTypeMap[T] | readonly number[],
    dims?: readonly number[],
  ): TypedTensor<T>;
  new(data: Float32Array, dims?: readonly number[]): TypedTensor<'float32'>;
  new(data: Int8Array, dims?: readonly number[]): TypedTensor<'int8'>;
  new(data: Uint8Array | Uint8ClampedArray, dims?: readonly number[]): TypedTensor<'uint8'>;
  new(data: Uint16Array, dims?: readonly number[]): TypedTensor<'uint16'>;
  new(data: Int16Array, dims?: readonly number[]): TypedTensor<'int16'>;
  new(data: Int32Array, dims?: readonly number[]): TypedTensor<'int32'>;
  new(data: BigInt64Array, dims?: readonly number[]): TypedTensor<'int64'>;
  new(data: readonly boolean[], dims?: readonly number[]): TypedTensor<'bool'>;
  new(data: Float64Array, dims?: readonly number[]): TypedTensor<'float64'>;
  new(data: Uint32Array, dims?: readonly number[]): TypedTensor<'uint32'>;
  new(data: BigUint64Array, dims?: readonly number[]): TypedTensor<'uint64'>;
  new(
    type: Tensor.Type,
    data: Tensor.DataType | readonly number[] | readonly string[] | readonly bigint[] | readonly boolean[],
    dims?: readonly number[],
  ): Tensor;
  new(data: Tensor.DataType, dims?: readonly number[]): Tensor;
}

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
} as const;
type ArrayType = keyof typeof arrays;
type Data = Tensor.DataTypeMap[ArrayType];

const types = Object.keys(arrays).join(', ');

class TensorOfValues {
  readonly type: ArrayType;
  readonly dims: readonly number[];
  readonly size: number;
  private values: Data | undefined;

  constructor(typeOrData: unknown, dataOrDims: unknown, maybeDims?: unknown) {
    const isTyped = typeof typeOrData === 'string';
    const [type, data] = isTyped ? typed(typeOrData, dataOrDims) : untyped(typeOrData);
    const dims = isTyped ? maybeDims : dataOrDims;
    this.type = type;
    this.dims = dims === undefined ? [data.length] : checkDims(dims, data.length);
    this.size = data.length;
    this.values = data;
  }

  get data(): Data {
    if (this.values) return this.values;
    throw new KletError('DISPOSED', 'the tensor was disposed; read its data before dispose()');
  }

  get location(): Tensor.DataLocation {
    return this.values ? 'cpu' : 'none';
  }

  getData(_releaseData?: boolean): Promise<Data> {
    return new Promise((resolve) => resolve(this.data));
  }

  dispose(): void {
    this.values = undefined;
  }

  reshape(dims: readonly number[]): TensorOfValues {
    return new TensorOfValues(this.type, this.data, dims);
  }

  get texture(): never {
    throw unsupported('tensor.texture', 'values are in tensor.data');
  }

  get gpuBuffer(): never {
    throw unsupported('tensor.gpuBuffer', 'values are in tensor.data');
  }

  get mlTensor(): never {
    throw unsupported('tensor.mlTensor', 'values are in tensor.data');
  }

  toDataURL(): never {
    throw unsupported('tensor.toDataURL()', 'fill an ImageData from tensor.data');
  }

  toImageData(): never {
    throw unsupported('tensor.toImageData()', 'fill an ImageData from tensor.data');
  }

  static fromImage(): never {
    throw unsupported('Tensor.fromImage()', 'imageToInput of kinglet/tasks fills the input of a network from an image');
  }

  static fromTexture(): never {
    throw unsupported('Tensor.fromTexture()', 'kinglet does not use the GPU');
  }

  static fromGpuBuffer(): never {
    throw unsupported('Tensor.fromGpuBuffer()', 'kinglet does not use the GPU');
  }

  static fromMLTensor(): never {
    throw unsupported('Tensor.fromMLTensor()', 'kinglet does not use WebNN');
  }

  static fromPinnedBuffer(): never {
    throw unsupported('Tensor.fromPinnedBuffer()', 'pass the array to new Tensor(type, data, dims)');
  }
}
Object.defineProperty(TensorOfValues, 'name', { value: 'Tensor' });

function isWord(value: unknown): boolean {
  return ['number', 'bigint', 'boolean'].includes(typeof value);
}

/** The values as an array of the type. @throws KletError `TYPE_MISMATCH` */
function typed(type: string, data: unknown): [ArrayType, Data] {
  if (!Object.hasOwn(arrays, type)) {
    throw new KletError('TYPE_MISMATCH', `a tensor of the type ${show(type)} is not supported; the types are ${types}`);
  }
  const known = type as ArrayType;
  const Type = arrays[known];
  if (data instanceof Type) return [known, data];
  if (known === 'uint8' && data instanceof Uint8ClampedArray) return [known, Uint8Array.from(data)];
  if (isArrayOf(data, isWord)) return [known, fromList(known, data as (number | bigint | boolean)[])];
  throw new KletError(
    'TYPE_MISMATCH',
    `a tensor of the type ${type} takes a ${Type.name} or an array of numbers, not ${describeValue(data)}`,
  );
}

function fromList(type: ArrayType, values: readonly (number | bigint | boolean)[]): Data {
  const Type = arrays[type];
  if (Type !== BigInt64Array && Type !== BigUint64Array) return (Type as typeof Float32Array).from(values, Number);
  const wrong = values.find((value) => typeof value === 'number' && !Number.isInteger(value));
  if (wrong === undefined) return Type.from(values.map(BigInt));
  throw new KletError('TYPE_MISMATCH', `a tensor of the type ${type} takes whole numbers, not ${String(wrong)}`);
}

/** The type of values that come without one. @throws KletError `TYPE_MISMATCH` */
function untyped(data: unknown): [ArrayType, Data] {
  if (data instanceof Uint8ClampedArray) return typed('uint8', data);
  if (isArrayOf(data, (value) => typeof value === 'boolean') && data.length > 0) return typed('bool', data);
  const found = (Object.keys(arrays) as ArrayType[]).find((type) => type !== 'bool' && data instanceof arrays[type]);
  if (found) return [found, data as Data];
  throw new KletError(
    'TYPE_MISMATCH',
    `a tensor takes its type and its values, such as new Tensor('float32', data, dims), not ${describeValue(data)}`,
  );
}

function checkDims(dims: unknown, count: number): number[] {
  if (!isArrayOf(dims, (size) => Number.isSafeInteger(size) && (size as number) >= 0)) {
    throw new KletError('SHAPE_MISMATCH', `the dims of a tensor are an array of whole numbers, not ${show(dims)}`);
  }
  const sizes = dims as number[];
  if (countOf(sizes) === count) return [...sizes];
  throw new KletError(
    'SHAPE_MISMATCH',
    `a tensor of the dims [${sizes.join(', ')}] has ${countOf(sizes)} values; the array has ${count}`,
  );
}

/**
 * A tensor as in onnxruntime-web: `new Tensor(type, data, dims)` or `new Tensor(data, dims)`. It
 * keeps the array that it is given. Types of 4 and 16 bits and texts are not supported.
 *
 * @example
 * ```js
 * import { Tensor } from 'kinglet/ort';
 *
 * const tensor = new Tensor('float32', new Float32Array(6), [2, 3]);
 * console.log(tensor.size, tensor.dims); // 6 [ 2, 3 ]
 * ```
 */
export const Tensor = TensorOfValues as unknown as TensorConstructor;

export function isTensor(value: unknown): value is Tensor {
  return value instanceof TensorOfValues;
}
