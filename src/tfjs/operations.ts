import { checkWhole, isArrayOf, show } from '../arguments';
import { KletError } from '../errors';
import { countOf } from '../switching/values';
import { checkTensorShape, toTensor } from './creation';
import { checkDataType, empty, Tensor, valuesAs, type DataType, type Rank, type ShapeMap, type Tensor1D,
  type TensorLike } from './tensor';

// The operations between an array and a network, in plain loops. They follow TensorFlow.js; tests
// compare them.

type Given = Tensor | TensorLike;

/** An axis, counted from the end if it is negative. @throws KletError `BAD_ARGUMENT` */
function axisOf(axis: unknown, rank: number, of: string): number {
  checkWhole(axis, `the axis of ${of}() for a tensor of ${rank} dimensions`, -rank, rank - 1);
  return (axis as number) < 0 ? (axis as number) + rank : (axis as number);
}

function axesOf(axis: unknown, rank: number, of: string): number[] {
  if (axis === undefined || axis === null) return Array.from({ length: rank }, (_, i) => i);
  return Array.from(Array.isArray(axis) ? axis : [axis], (one) => axisOf(one, rank, of));
}

/** A shape with another size along an axis. */
function replaced(shape: readonly number[], axis: number, size: number): number[] {
  return shape.map((old, i) => (i === axis ? size : old));
}

/** Row-major strides. */
function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = strides[i + 1]! * shape[i + 1]!;
  return strides;
}

/**
 * Calls `visit` for each element of a shape in order, with the positions that the strides of
 * several tensors give.
 */
function walk(
  shape: readonly number[],
  strides: readonly (readonly number[])[],
  visit: (...at: number[]) => void,
): void {
  const at = strides.map(() => 0);
  const index = shape.map(() => 0);
  for (let left = countOf(shape); left > 0; left--) {
    visit(...at);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      const isLast = index[axis] === shape[axis];
      strides.forEach((stride, i) => at[i]! += isLast ? -stride[axis]! * (shape[axis]! - 1) : stride[axis]!);
      if (!isLast) break;
      index[axis] = 0;
    }
  }
}

function broadcastShape(a: readonly number[], b: readonly number[], of: string): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const [x, y] = [a[i - rank + a.length] ?? 1, b[i - rank + b.length] ?? 1];
    if (x === y || y === 1) return x;
    if (x === 1) return y;
    throw new KletError(
      'SHAPE_MISMATCH',
      `${of}() of tensors of the shapes [${a.join(', ')}] and [${b.join(', ')}], which do not broadcast`,
    );
  });
}

/** Strides with which a tensor is read as one of a larger shape. */
function broadcastStrides(shape: readonly number[], to: readonly number[]): number[] {
  const strides = stridesOf(shape);
  const before = to.length - shape.length;
  return to.map((_, i) => (i < before || shape[i - before] === 1 ? 0 : strides[i - before]!));
}

function binary(of: string, a: Given, b: Given, compute: (x: number, y: number) => number): Tensor {
  const [left, right] = [toTensor(a, of), toTensor(b, of)];
  const shape = broadcastShape(left.shape, right.shape, of);
  const dtype = left.dtype === 'float32' || right.dtype === 'float32' ? 'float32' : 'int32';
  const result = empty(shape, dtype);
  const [out, x, y] = [result.dataSync(), left.dataSync(), right.dataSync()];
  if (right.size === 1 && left.size === out.length) {
    const value = y[0]!;
    for (let i = 0; i < out.length; i++) out[i] = compute(x[i]!, value);
  } else if (left.size === out.length && right.size === out.length) {
    for (let i = 0; i < out.length; i++) out[i] = compute(x[i]!, y[i]!);
  } else {
    let i = 0;
    walk(shape, [broadcastStrides(left.shape, shape), broadcastStrides(right.shape, shape)], (p, q) => {
      out[i++] = compute(x[p]!, y[q]!);
    });
  }
  return result;
}

/** a + b, with broadcasting. @throws KletError `SHAPE_MISMATCH` or `TYPE_MISMATCH` */
export function add<T extends Tensor>(a: Given, b: Given): T {
  return binary('add', a, b, (x, y) => x + y) as T;
}

/** a − b, with broadcasting. @throws KletError as `add` */
export function sub<T extends Tensor>(a: Given, b: Given): T {
  return binary('sub', a, b, (x, y) => x - y) as T;
}

/** a · b, with broadcasting. @throws KletError as `add` */
export function mul<T extends Tensor>(a: Given, b: Given): T {
  return binary('mul', a, b, (x, y) => x * y) as T;
}

/** a / b, with broadcasting; rounded down if both are int32. @throws KletError as `add` */
export function div<T extends Tensor>(a: Given, b: Given): T {
  const [left, right] = [toTensor(a, 'div'), toTensor(b, 'div')];
  const isWhole = left.dtype !== 'float32' && right.dtype !== 'float32';
  return binary('div', left, right, isWhole ? (x, y) => Math.floor(x / y) : (x, y) => x / y) as T;
}

function isNotZero(values: ArrayLike<number>): Uint8Array {
  const result = new Uint8Array(values.length);
  for (let i = 0; i < result.length; i++) result[i] = Number(values[i] !== 0);
  return result;
}

/** Converts the values. int32 cuts off fractions; bool is whether a value is not 0. */
export function cast<T extends Tensor>(x: Given, dtype: DataType): T {
  const from = toTensor(x, 'cast');
  checkDataType(dtype);
  const values = from.dataSync();
  const converted = dtype === 'bool' ? isNotZero(values) : valuesAs(values, dtype);
  return new Tensor(converted, from.shape, dtype) as T;
}

/** The same values in another shape; one size may be −1. @throws KletError `SHAPE_MISMATCH` */
export function reshape<R extends Rank>(x: Given, shape: ShapeMap[R]): Tensor<R> {
  const from = toTensor(x, 'reshape');
  const sizes: unknown = shape;
  const open = Array.isArray(sizes) ? sizes.indexOf(-1) : -1;
  const known = open < 0 ? sizes : replaced(sizes as number[], open, 1);
  checkTensorShape(known);
  const full = open < 0 ? known : replaced(known, open, from.size / countOf(known));
  if (countOf(full) === from.size && full.every(Number.isInteger)) {
    return new Tensor<R>(from.dataSync(), full, from.dtype);
  }
  throw new KletError(
    'SHAPE_MISMATCH',
    `a tensor of the shape [${from.shape.join(', ')}] has ${from.size} values, which do not fit [${
      (sizes as number[]).join(', ')
    }]`,
  );
}

/** Adds a dimension of size 1. @throws KletError `BAD_ARGUMENT` */
export function expandDims<T extends Tensor>(x: Given, axis = 0): T {
  const from = toTensor(x, 'expandDims');
  const at = axisOf(axis, from.rank + 1, 'expandDims');
  const shape = [...from.shape.slice(0, at), 1, ...from.shape.slice(at)];
  return new Tensor(from.dataSync(), shape, from.dtype) as T;
}

/** Removes dimensions of size 1. @throws KletError `BAD_ARGUMENT` or `SHAPE_MISMATCH` */
export function squeeze<T extends Tensor>(x: Given, axis?: number[]): T {
  const from = toTensor(x, 'squeeze');
  const all: number[] = from.shape;
  const axes = axesOf(axis, from.rank, 'squeeze');
  const wrong = axis && axes.find((one) => all[one] !== 1);
  if (wrong !== undefined) {
    throw new KletError(
      'SHAPE_MISMATCH',
      `squeeze() of axis ${wrong} of the shape [${all.join(', ')}], which is not 1`,
    );
  }
  return new Tensor(from.dataSync(), all.filter((size, i) => size !== 1 || !axes.includes(i)), from.dtype) as T;
}

/** Reads a tensor with other strides into a new one. */
function rearranged(from: Tensor, shape: readonly number[], strides: readonly number[], start: number): Tensor {
  const result = empty(shape, from.dtype);
  const [out, values] = [result.dataSync(), from.dataSync()];
  let i = 0;
  walk(shape, [strides], (at) => out[i++] = values[start + at]!);
  return result;
}

/**
 * A part of a tensor.
 *
 * @param begin the first index along each axis; later axes start at 0
 * @param size the size along each axis; −1 and later axes go to the end
 * @throws KletError `BAD_ARGUMENT`
 */
export function slice<T extends Tensor>(x: Given, begin: number | number[], size?: number | number[]): T {
  const from = toTensor(x, 'slice');
  const list = (given: unknown): unknown[] => (Array.isArray(given) ? given : [given]);
  const [starts, sizes] = [list(begin), size === undefined ? [] : list(size)];
  const all: number[] = from.shape;
  if (from.rank === 0 || starts.length > from.rank || sizes.length > from.rank) {
    throw new KletError(
      'BAD_ARGUMENT',
      `slice() of a tensor of ${from.rank} dimensions takes at most that many numbers`,
    );
  }
  const parts = all.map((whole, i) => {
    const start = starts[i] ?? 0;
    checkWhole(start, `the begin of slice() along axis ${i}`, 0, whole);
    const length = sizes[i] === undefined || sizes[i] === -1 ? whole - (start as number) : sizes[i];
    checkWhole(length, `the size of slice() along axis ${i}`, 0, whole - (start as number));
    return { start: start as number, length: length as number };
  });
  const strides = stridesOf(all);
  const start = parts.reduce((sum, part, i) => sum + part.start * strides[i]!, 0);
  return rearranged(from, parts.map(({ length }) => length), strides, start) as T;
}

/** Reorders the axes; by default reverses their order. @throws KletError `BAD_ARGUMENT` */
export function transpose<T extends Tensor>(x: Given, perm?: number[]): T {
  const from = toTensor(x, 'transpose');
  const order: unknown = perm ?? Array.from({ length: from.rank }, (_, i) => from.rank - 1 - i);
  const isOrder = isArrayOf(order, (axis) => Number.isInteger(axis)) && order.length === from.rank
    && from.shape.every((_, i) => order.includes(i));
  if (!isOrder) {
    throw new KletError(
      'BAD_ARGUMENT',
      `the order of transpose() for a tensor of ${from.rank} dimensions has each axis once, not ${
        Array.isArray(order) ? `[${order.map(show).join(', ')}]` : show(order)
      }`,
    );
  }
  const strides = stridesOf(from.shape);
  const axes = order as number[];
  return rearranged(from, axes.map((axis) => from.shape[axis]!), axes.map((axis) => strides[axis]!), 0) as T;
}

/** Reverses the order along axes, by default all. @throws KletError `BAD_ARGUMENT` */
export function reverse<T extends Tensor>(x: Given, axis?: number | number[]): T {
  const from = toTensor(x, 'reverse');
  const axes = axesOf(axis, from.rank, 'reverse');
  const strides = stridesOf(from.shape);
  const start = axes.reduce((sum, one) => sum + Math.max(0, from.shape[one]! - 1) * strides[one]!, 0);
  return rearranged(from, from.shape, strides.map((stride, i) => (axes.includes(i) ? -stride : stride)), start) as T;
}

/** Joins tensors along an axis. @throws KletError `BAD_ARGUMENT` or `SHAPE_MISMATCH` */
export function concat<T extends Tensor>(tensors: readonly Given[], axis = 0): T {
  if (!Array.isArray(tensors) || tensors.length === 0) {
    throw new KletError('BAD_ARGUMENT', `concat() takes an array of tensors, not ${show(tensors)}`);
  }
  const parts = Array.from(tensors as Given[], (part) => toTensor(part, 'concat'));
  const [{ shape, rank, dtype }] = parts as [Tensor];
  const at = axisOf(axis, rank, 'concat');
  const wrong = parts.find((part) => part.rank !== rank || part.shape.some((size, i) => i !== at && size !== shape[i]));
  if (wrong) {
    throw new KletError(
      'SHAPE_MISMATCH',
      `concat() along axis ${at} of the shapes [${shape.join(', ')}] and [${
        wrong.shape.join(', ')
      }], which differ elsewhere`,
    );
  }
  const type = parts.every((part) => part.dtype === dtype) ? dtype : 'float32';
  const sizes = parts.map((part) => countOf(part.shape.slice(at)));
  const row = sizes.reduce((a, b) => a + b, 0);
  const whole = replaced(shape, at, parts.reduce((sum, part) => sum + part.shape[at]!, 0));
  const result = empty(whole, type);
  const out = result.dataSync();
  let offset = 0;
  parts.forEach((part, i) => {
    const values = part.dataSync();
    for (let from = 0, to = offset; from < values.length; from += sizes[i]!, to += row) {
      out.set(values.subarray(from, from + sizes[i]!), to);
    }
    offset += sizes[i]!;
  });
  return result as T;
}

/**
 * Joins tensors of one shape along a new axis.
 *
 * @throws KletError `BAD_ARGUMENT` or `SHAPE_MISMATCH`
 */
export function stack<T extends Tensor>(tensors: readonly Given[], axis = 0): T {
  if (!Array.isArray(tensors) || tensors.length === 0) {
    throw new KletError('BAD_ARGUMENT', `stack() takes an array of tensors, not ${show(tensors)}`);
  }
  return concat(Array.from(tensors as Given[], (part) => expandDims(part, axis)), axis);
}

/** Computes one value of the values along axes. */
function reduce(
  from: Tensor,
  axes: readonly number[],
  keepDims: boolean,
  dtype: DataType,
  compute: (values: ArrayLike<number>) => number,
): Tensor {
  const kept = Array.from({ length: from.rank }, (_, i) => i).filter((i) => !axes.includes(i));
  const order = [...kept, ...axes];
  const values = transpose(from, order);
  const n = countOf(axes.map((axis) => from.shape[axis]!));
  const all: number[] = from.shape;
  const shape = keepDims ? all.map((size, i) => (axes.includes(i) ? 1 : size)) : kept.map((axis) => all[axis]!);
  const result = empty(shape, dtype);
  const [out, data] = [result.dataSync(), values.dataSync()];
  for (let i = 0; i < out.length; i++) out[i] = compute(data.subarray(i * n, (i + 1) * n));
  values.dispose();
  return result;
}

function indexOfBest(values: ArrayLike<number>, isBetter: (x: number, best: number) => boolean): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (isBetter(values[i]!, values[best]!)) best = i;
  return best;
}

function indexAlong(of: string, x: Given, axis: number, isBetter: (x: number, best: number) => boolean): Tensor {
  const from = toTensor(x, of);
  const axes = from.rank === 0 ? [] : [axisOf(axis, from.rank, of)];
  return reduce(from, axes, false, 'int32', (values) => indexOfBest(values, isBetter));
}

/** The index of the largest value along an axis, the first of equal ones. */
export function argMax<T extends Tensor>(x: Given, axis = 0): T {
  return indexAlong('argMax', x, axis, (value, best) => value > best) as T;
}

/** The index of the smallest value along an axis, the first of equal ones. */
export function argMin<T extends Tensor>(x: Given, axis = 0): T {
  return indexAlong('argMin', x, axis, (value, best) => value < best) as T;
}

type Axis = number | number[];

function reduction(
  of: string,
  x: Given,
  axis: Axis | undefined,
  keepDims: boolean | undefined,
  dtype: DataType | undefined,
  step: (sum: number, value: number) => number,
  initial: number,
  finish = (sum: number, _count: number): number => sum,
): Tensor {
  const from = toTensor(x, of);
  const axes = axesOf(axis, from.rank, of);
  return reduce(from, axes, keepDims === true, dtype ?? from.dtype, (values) => {
    let sum = initial;
    for (let i = 0; i < values.length; i++) sum = step(sum, values[i]!);
    return finish(sum, values.length);
  });
}

/** The largest value along axes, by default all. */
export function max<T extends Tensor>(x: Given, axis?: Axis, keepDims?: boolean): T {
  return reduction('max', x, axis, keepDims, undefined, Math.max, -Infinity) as T;
}

/** The smallest value along axes, by default all. */
export function min<T extends Tensor>(x: Given, axis?: Axis, keepDims?: boolean): T {
  return reduction('min', x, axis, keepDims, undefined, Math.min, Infinity) as T;
}

/** The sum along axes, by default all. */
export function sum<T extends Tensor>(x: Given, axis?: Axis, keepDims?: boolean): T {
  const from = toTensor(x, 'sum');
  const dtype = from.dtype === 'bool' ? 'int32' : from.dtype;
  return reduction('sum', from, axis, keepDims, dtype, (a, b) => a + b, 0) as T;
}

/** The mean along axes, by default all, as float32. */
export function mean<T extends Tensor>(x: Given, axis?: Axis, keepDims?: boolean): T {
  return reduction('mean', x, axis, keepDims, 'float32', (a, b) => a + b, 0, (total, n) => total / n) as T;
}

/** exp(x) divided by its sum along the last axis. @throws KletError `BAD_ARGUMENT` */
export function softmax<T extends Tensor>(logits: Given, dim = -1): T {
  const from = toTensor(logits, 'softmax');
  const length = from.shape[from.shape.length - 1] ?? 1;
  if (from.rank === 0 || axisOf(dim, from.rank, 'softmax') !== from.rank - 1) {
    throw new KletError('BAD_ARGUMENT', 'softmax() is along the last axis of a tensor');
  }
  const result = empty(from.shape, 'float32');
  const [out, x] = [result.dataSync(), from.dataSync()];
  for (let start = 0; start < out.length; start += length) {
    let [most, total] = [-Infinity, 0];
    for (let i = start; i < start + length; i++) most = Math.max(most, x[i]!);
    for (let i = start; i < start + length; i++) total += out[i] = Math.exp(x[i]! - most);
    for (let i = start; i < start + length; i++) out[i]! /= total;
  }
  return result as T;
}

/** 1 / (1 + exp(−x)). */
export function sigmoid<T extends Tensor>(x: Given): T {
  const from = toTensor(x, 'sigmoid');
  const result = empty(from.shape, 'float32');
  const [out, values] = [result.dataSync(), from.dataSync()];
  for (let i = 0; i < out.length; i++) out[i] = 1 / (1 + Math.exp(-values[i]!));
  return result as T;
}

/** The k largest values along the last axis, largest first, and their indices. */
export function topk<T extends Tensor>(x: Given, k = 1, _sorted = true): { values: T; indices: T } {
  const from = toTensor(x, 'topk');
  const length = from.shape[from.shape.length - 1];
  if (length === undefined) {
    throw new KletError('SHAPE_MISMATCH', 'topk() takes values along an axis, not a scalar; reshape it to [1]');
  }
  checkWhole(k, `k of topk() for ${length} values`, 0, length);
  const shape = [...from.shape.slice(0, -1), k];
  const [values, indices] = [empty(shape, from.dtype), empty(shape, 'int32')];
  const [out, at, data] = [values.dataSync(), indices.dataSync(), from.dataSync()];
  for (let row = 0; length > 0 && row * length < data.length; row++) {
    const part = data.subarray(row * length, (row + 1) * length);
    const order = Array.from(part.keys()).sort((a, b) => part[b]! - part[a]! || a - b);
    for (let i = 0; i < k; i++) {
      at[row * k + i] = order[i]!;
      out[row * k + i] = part[order[i]!]!;
    }
  }
  return { values, indices } as unknown as { values: T; indices: T };
}

/** The same values, disposed separately. */
export function clone<T extends Tensor>(x: T | TensorLike): T {
  return toTensor(x, 'clone').clone() as T;
}

/** Prints a tensor. */
export function print<T extends Tensor>(x: T, _verbose = false): void {
  toTensor(x, 'print').print();
}

/** The values in one dimension. */
export function flatten(x: Given): Tensor1D {
  const from = toTensor(x, 'flatten');
  return new Tensor<Rank.R1>(from.dataSync(), [from.size], from.dtype);
}
