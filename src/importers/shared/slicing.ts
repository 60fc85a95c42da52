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
  operator.check(
    begins.length === ends.length && ends.length === strides.length && begins.length < 32,
    'begins, ends and strides of different lengths',
  );
  const is = (mask: number, i: number) => ((mask >> i) & 1) === 1;
  // an ellipsis, or the end of the list, covers all dimensions without an entry
  const named = begins.filter((_, i) => !is(masks.ellipsisMask, i) && !is(masks.newAxisMask, i)).length;
  const begin: number[] = [];
  const stride: number[] = [];
  const shape: number[] = [];
  const whole = (count: number) => {
    for (let n = 0; n < count; n++) {
      shape.push(x.shape[shape.length] ?? 0);
      begin.push(0);
      stride.push(1);
    }
  };
  begins.forEach((_, i) => {
    if (is(masks.ellipsisMask, i)) return whole(x.shape.length - named);
    if (is(masks.newAxisMask, i)) return;
    const isIndex = is(masks.shrinkAxisMask, i);
    const step = isIndex ? 1 : strides[i]!;
    const size = x.shape[shape.length] ?? 0;
    operator.check(step !== 0, 'a stride of 0');
    operator.check(!isIndex || (begins[i]! >= -size && begins[i]! < size), `index ${begins[i]} of ${size}`);
    const range = isIndex ?
      { begin: (begins[i]! + size) % size, count: 1 }
      : sliceRange(size, is(masks.beginMask, i) ? null : begins[i]!, is(masks.endMask, i) ? null : ends[i]!, step);
    begin.push(range.begin);
    stride.push(step);
    shape.push(range.count);
  });
  whole(x.shape.length - shape.length);
  operator.check(
    shape.length === x.shape.length && shape.every((size) => size > 0),
    `a result of shape [${shape.join(', ')}]`,
  );
  emitSlice(operator, x, begin, stride, shape);
}
