import { show } from '../arguments';
import { KletError } from '../errors';
import { countOf } from '../switching/values';
import { count, leave } from './scopes';

// The tensors of kinglet/tfjs: typed arrays with a shape, and the types by which TensorFlow.js
// calls them.

export enum Rank {
  R0 = 'R0',
  R1 = 'R1',
  R2 = 'R2',
  R3 = 'R3',
  R4 = 'R4',
  R5 = 'R5',
  R6 = 'R6',
}

export interface ShapeMap {
  R0: number[];
  R1: [number];
  R2: [number, number];
  R3: [number, number, number];
  R4: [number, number, number, number];
  R5: [number, number, number, number, number];
  R6: [number, number, number, number, number, number];
}

export interface ArrayMap {
  R0: number;
  R1: number[];
  R2: number[][];
  R3: number[][][];
  R4: number[][][][];
  R5: number[][][][][];
  R6: number[][][][][][];
}

export interface DataTypeMap {
  float32: Float32Array;
  int32: Int32Array;
  bool: Uint8Array;
}
export type DataType = keyof DataTypeMap;
export type NumericDataType = DataType;
export type TypedArray = Float32Array | Int32Array | Uint8Array | Uint8ClampedArray;

interface RecursiveArray<T> {
  [index: number]: T | RecursiveArray<T>;
}
export type TensorLike = TypedArray | number | boolean | RecursiveArray<number | boolean | TypedArray>;

/** The operations that are methods of tensors too; `methods.ts` adds them to the class. */
export interface Operations {
  add<T extends Tensor>(b: Tensor | TensorLike): T;
  sub<T extends Tensor>(b: Tensor | TensorLike): T;
  mul<T extends Tensor>(b: Tensor | TensorLike): T;
  div<T extends Tensor>(b: Tensor | TensorLike): T;
  cast<T extends this>(dtype: DataType): T;
  asType<T extends this>(dtype: DataType): T;
  toFloat<T extends this>(): T;
  toInt<T extends this>(): T;
  toBool<T extends this>(): T;
  reshape<R extends Rank>(shape: ShapeMap[R]): Tensor<R>;
  flatten(): Tensor1D;
  as1D(): Tensor1D;
  as2D(rows: number, columns: number): Tensor2D;
  as3D(rows: number, columns: number, depth: number): Tensor3D;
  as4D(rows: number, columns: number, depth: number, depth2: number): Tensor4D;
  asScalar(): Scalar;
  expandDims<R2 extends Rank>(axis?: number): Tensor<R2>;
  squeeze<T extends Tensor>(axis?: number[]): T;
  slice<T extends Tensor<Rank>>(begin: number | number[], size?: number | number[]): T;
  concat<T extends Tensor>(tensors: T | T[], axis?: number): T;
  stack<T extends Tensor>(tensors: T | T[], axis?: number): T;
  transpose<T extends Tensor>(perm?: number[]): T;
  reverse<T extends Tensor>(axis?: number | number[]): T;
  argMax<T extends Tensor>(axis?: number): T;
  argMin<T extends Tensor>(axis?: number): T;
  max<T extends Tensor>(axis?: number | number[], keepDims?: boolean): T;
  min<T extends Tensor>(axis?: number | number[], keepDims?: boolean): T;
  sum<T extends Tensor>(axis?: number | number[], keepDims?: boolean): T;
  mean<T extends Tensor>(axis?: number | number[], keepDims?: boolean): T;
  softmax<T extends Tensor>(dim?: number): T;
  sigmoid<T extends Tensor>(): T;
  topk<T extends Tensor>(k?: number, sorted?: boolean): { values: T; indices: T };
  resizeBilinear<T extends Tensor3D | Tensor4D>(
    newShape2D: [number, number],
    alignCorners?: boolean,
    halfPixelCenters?: boolean,
  ): T;
  resizeNearestNeighbor<T extends Tensor3D | Tensor4D>(
    newShape2D: [number, number],
    alignCorners?: boolean,
    halfPixelCenters?: boolean,
  ): T;
}

const bytesOf = { float32: 4, int32: 4, bool: 1 } as const;

/**
 * An array of numbers with a shape. Its methods are the operations that feed and read a network;
 * others throw a `KletError` that names them.
 */
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging
export class Tensor<R extends Rank = Rank> {
  readonly shape: ShapeMap[R];
  readonly dtype: DataType;
  /** Number of values. */
  readonly size: number;
  readonly rankType: R;
  /** @internal */
  kept = false;
  private values: DataTypeMap[DataType] | undefined;

  /** @internal */
  constructor(values: DataTypeMap[DataType], shape: readonly number[], dtype: DataType) {
    this.values = values;
    this.shape = [...shape] as ShapeMap[R];
    this.dtype = dtype;
    this.size = values.length;
    this.rankType = `R${shape.length}` as R;
    count(this, bytesOf[dtype] * this.size);
  }

  get rank(): number {
    return this.shape.length;
  }

  get isDisposed(): boolean {
    return this.values === undefined;
  }

  /**
   * @returns the values, not a copy
   * @throws KletError `DISPOSED`
   */
  dataSync<D extends DataType = NumericDataType>(): DataTypeMap[D] {
    if (this.values) return this.values as DataTypeMap[D];
    throw new KletError(
      'DISPOSED',
      `the tensor [${this.shape.join(', ')}] was disposed, by dispose() or at the end of a tidy(); read it before`,
    );
  }

  /** The values, as `dataSync`. */
  data<D extends DataType = NumericDataType>(): Promise<DataTypeMap[D]> {
    return new Promise((resolve) => resolve(this.dataSync<D>()));
  }

  /** The values in nested arrays; a number for a scalar. */
  arraySync(): ArrayMap[R] {
    return nested(this.dataSync(), this.shape) as ArrayMap[R];
  }

  /** The values, as `arraySync`. */
  array(): Promise<ArrayMap[R]> {
    return new Promise((resolve) => resolve(this.arraySync()));
  }

  /** A tensor of the same values, which is disposed separately. */
  clone<T extends Tensor<R>>(this: T): T {
    return new Tensor(this.dataSync(), this.shape, this.dtype) as T;
  }

  /** Forgets the values. A second call does nothing. */
  dispose(): void {
    if (!this.values) return;
    this.values = undefined;
    leave(bytesOf[this.dtype] * this.size);
  }

  /** Prints the values. */
  print(_verbose?: boolean): void {
    console.log(this.toString());
  }

  toString(): string {
    return `Tensor\n    ${JSON.stringify(this.arraySync())}`;
  }
}

// the methods that operations.ts adds

export interface Tensor<R extends Rank = Rank> extends Operations {
  /** Only for the type. */
  readonly rankType: R;
}

export type Scalar = Tensor<Rank.R0>;
export type Tensor1D = Tensor<Rank.R1>;
export type Tensor2D = Tensor<Rank.R2>;
export type Tensor3D = Tensor<Rank.R3>;
export type Tensor4D = Tensor<Rank.R4>;
export type Tensor5D = Tensor<Rank.R5>;
export type NamedTensorMap = Record<string, Tensor>;
export type TensorContainer = void | Tensor | string | number | boolean | TensorContainerObject | TensorContainerArray
  | Float32Array | Int32Array | Uint8Array;
export interface TensorContainerObject {
  [name: string]: TensorContainer;
}
// a type of this form would refer to itself
// eslint-disable-next-line @typescript-eslint/no-empty-object-type
export interface TensorContainerArray extends Array<TensorContainer> {}

function nested(values: ArrayLike<number>, shape: readonly number[]): unknown {
  let at = 0;
  const level = (axis: number): unknown => {
    if (axis === shape.length) return values[at++];
    return Array.from({ length: shape[axis]! }, () => level(axis + 1));
  };
  return level(0);
}

const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

export function isDataType(dtype: unknown): dtype is DataType {
  return typeof dtype === 'string' && Object.hasOwn(arrays, dtype);
}

/** @throws KletError `TYPE_MISMATCH` */
export function checkDataType(dtype: unknown): asserts dtype is DataType {
  if (isDataType(dtype)) return;
  throw new KletError('TYPE_MISMATCH', `a tensor is float32, int32 or bool, not ${show(dtype)}`);
}

/** The values as an array of a type, which is the given one if it is of that type already. */
export function valuesAs(values: ArrayLike<number>, dtype: DataType): DataTypeMap[DataType] {
  const Type = arrays[dtype];
  if (values instanceof Type) return values;
  const result = new Type(values.length);
  for (let i = 0; i < result.length; i++) {
    result[i] = dtype === 'bool' ? Number(Math.round(values[i]!) !== 0) : values[i]!;
  }
  return result;
}

/** A tensor of zeros for an operation to fill. */
export function empty(shape: readonly number[], dtype: DataType): Tensor {
  return new Tensor(new arrays[dtype](countOf(shape)), shape, dtype);
}
