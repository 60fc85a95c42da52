import type { Tensor } from '../../graph/graph';
import type { OperatorImport } from './operatorImport';

/** Emits a slice, or a reshape if it covers the whole input. */
export function emitSlice(
  operator: OperatorImport,
  x: Tensor,
  begin: number[],
  stride: number[],
  shape: number[],
): void {
  const { output } = operator;
  if (shape.every((size, i) => size === x.shape[i] && stride[i] === 1)) return operator.emit('reshape', [x], {});
  const isSameShape = output.shape.length === shape.length && output.shape.every((size, i) => size === shape[i]);
  const result = isSameShape ? output : operator.temporary(x, shape, 'slice');
  operator.emit('slice', [x], { begin, stride }, [result]);
  if (!isSameShape) operator.emit('reshape', [result], {});
}

/** Emits a split into `parts`, or a reshape if there is only one. */
export function emitSplit(operator: OperatorImport, x: Tensor, axis: number, parts: Tensor[]): void {
  if (parts.length === 1) return operator.emit('reshape', [x], {}, parts);
  operator.emit('split', [x], { axis }, parts);
}

/** Emits the concatenation of `parts` along a new axis. */
export function emitStack(operator: OperatorImport, parts: Tensor[], axis: number): void {
  if (parts.length === 1) return operator.emit('reshape', parts, {});
  const widened = parts.map((x, i) => operator.reshaped(x, x.shape.toSpliced(axis, 0, 1), `part_${i}`));
  operator.emit('concat', widened, { axis, activation: 'none' });
}

/** Emits the split of `x` into parts of one index of `axis` each, without that axis. */
export function emitUnstack(operator: OperatorImport, x: Tensor, axis: number): void {
  const { outputs } = operator;
  operator.check(outputs.length === x.shape[axis], `${outputs.length} outputs of ${x.shape[axis]}`);
  const parts = outputs.map((part, i) => operator.temporary(part, x.shape.with(axis, 1), `part_${i}`));
  emitSplit(operator, x, axis, parts);
  outputs.forEach((part, i) => operator.emit('reshape', [parts[i]!], {}, [part]));
}

/**
 * Applies Python's slicing rules to one dimension: negative indices count from the end, indices
 * outside are clamped, and null stands for an absent index.
 */
export function sliceRange(
  size: number,
  begin: number | null,
  end: number | null,
  stride: number,
): { begin: number; count: number } {
  const [lowest, highest] = stride > 0 ? [0, size] : [-1, size - 1];
  const clamp = (index: number) => Math.min(Math.max(index < 0 ? index + size : index, lowest), highest);
  const [first, last] = stride > 0 ? [0, size] : [size - 1, -1];
  const from = begin === null ? first : clamp(begin);
  const to = end === null ? last : clamp(end);
  return { begin: from, count: Math.max(Math.ceil((to - from) / stride), 0) };
}

/** Masks of a strided slice, as in TensorFlow's StridedSlice. Bit i of a mask concerns entry i. */
export interface SliceMasks {
  /** The begin is absent. */
  beginMask: number;
  /** The end is absent. */
  endMask: number;
  /** The entry covers all dimensions that have no entry of their own. */
  ellipsisMask: number;
  /** The entry inserts a dimension of 1. */
  newAxisMask: number;
  /** The entry is an index, whose dimension is removed. */
  shrinkAxisMask: number;
}

/** A strided slice with all entries resolved. */
export interface ResolvedSlice {
  /** For each dimension of the input: the first index, the step, and the number of elements. */
  begin: number[];
  stride: number[];
  shape: number[];
  /** The shape of the result, with the dimensions that are inserted and without those removed. */
  result: number[];
}

/**
 * Resolves the entries of TensorFlow's StridedSlice on an input of this shape.
 *
 * @returns what cannot be computed, as text, if an entry is invalid
 */
export function resolveSlice(
  input: readonly number[],
  begins: readonly number[],
  ends: readonly number[],
  strides: readonly number[],
  masks: SliceMasks,
): ResolvedSlice | string {
  if (begins.length !== ends.length || ends.length !== strides.length || begins.length >= 32) {
    return 'begins, ends and strides of different lengths';
  }
  const is = (mask: number, i: number) => ((mask >> i) & 1) === 1;
  // an ellipsis, or the end of the list, covers all dimensions without an entry
  const named = begins.filter((_, i) => !is(masks.ellipsisMask, i) && !is(masks.newAxisMask, i)).length;
  const slice: ResolvedSlice = { begin: [], stride: [], shape: [], result: [] };
  const add = (begin: number, stride: number, count: number) => {
    slice.begin.push(begin);
    slice.stride.push(stride);
    slice.shape.push(count);
  };
  const whole = (count: number) => {
    for (let n = 0; n < count; n++) {
      const size = input[slice.shape.length] ?? 0;
      add(0, 1, size);
      slice.result.push(size);
    }
  };
  for (let i = 0; i < begins.length; i++) {
    if (is(masks.ellipsisMask, i)) whole(input.length - named);
    else if (is(masks.newAxisMask, i)) slice.result.push(1);
    else {
      const size = input[slice.shape.length] ?? 0;
      if (is(masks.shrinkAxisMask, i)) {
        if (!(begins[i]! >= -size && begins[i]! < size)) return `index ${begins[i]} of ${size}`;
        add((begins[i]! + size) % size, 1, 1);
        continue;
      }
      if (strides[i] === 0) return 'a stride of 0';
      const begin = is(masks.beginMask, i) ? null : begins[i]!;
      const range = sliceRange(size, begin, is(masks.endMask, i) ? null : ends[i]!, strides[i]!);
      add(range.begin, strides[i]!, range.count);
      slice.result.push(range.count);
    }
  }
  whole(input.length - slice.shape.length);
  const isWhole = slice.shape.length === input.length && slice.shape.every((size) => size > 0);
  return isWhole ? slice : `a result of shape [${slice.shape.join(', ')}]`;
}

/**
 * Emits TensorFlow's StridedSlice. The output's shape gives the dimensions that are inserted or
 * removed.
 */
export function emitStridedSlice(
  operator: OperatorImport,
  x: Tensor,
  begins: readonly number[],
  ends: readonly number[],
  strides: readonly number[],
  masks: SliceMasks,
): void {
  const slice = resolveSlice(x.shape, begins, ends, strides, masks);
  if (typeof slice === 'string') return operator.check(false, slice);
  emitSlice(operator, x, slice.begin, slice.stride, slice.shape);
}
