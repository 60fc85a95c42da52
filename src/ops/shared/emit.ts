import * as L from '../../../assembly/layout';
import { elementCount, elementSize, type AnyNode, type Tensor } from '../../graph/graph';
import type { Emitter } from '../emitter';
import { integerRange, isInteger, requantizer, sameQuantization } from './quantized';
import { unsupported } from './refuse';
import { clampInt8 } from './rounding';
import { mergeDimensions } from './shapes';
import { emitWideConvert } from './wide';

/** Emits a strided copy; strides and offsets in elements. */
export function emitCopy(
  node: AnyNode,
  emit: Emitter,
  source: Tensor,
  target: Tensor,
  dimensions: readonly number[],
  sourceStrides: readonly number[],
  targetStrides: readonly number[],
  sourceOffset = 0,
  targetOffset = 0,
): void {
  if (elementCount(dimensions) === 0) return;
  // the record has elements of 1 or 4 bytes; one of 2 bytes is a row of two
  const [dtype, perElement] = target.dtype === 'int16' ? ['int8' as const, 2] : [target.dtype, 1];
  const strides = [sourceStrides, targetStrides].map((list) => [...list.map((s) => s * perElement), 1]);
  const size = elementSize(dtype);
  const packed = mergeDimensions(node, [...dimensions, perElement], strides[0]!, strides[1]!);
  // a dimension of 1 still needs a positive stride in the target
  const targets = packed.strides[1]!.map((s, i) => (packed.dimensions[i] === 1 ? 1 : s));
  const r = emit.record(L.OP_COPY, L.COPY_BYTES, dtype, node, 'copy');
  r.source(L.COPY_SOURCE, source, sourceOffset * perElement * size);
  r.target(L.COPY_TARGET, target, targetOffset * perElement * size);
  r.int(L.COPY_ELEMENT_BYTES, size);
  r.ints(L.COPY_DIMENSIONS, packed.dimensions);
  r.ints(L.COPY_SOURCE_STRIDES, packed.strides[0]!);
  r.ints(L.COPY_TARGET_STRIDES, targets);
}

/**
 * Emits an int8 → int8 function as a table. `steps` maps a quantized source value to a quantized
 * target value.
 */
export function emitTable(
  node: AnyNode,
  emit: Emitter,
  source: Tensor,
  target: Tensor,
  steps: (q: number) => number,
): void {
  const table = new Int8Array(256);
  for (let q = -128; q < 128; q++) table[q & 255] = clampInt8(steps(q));
  emit.mayReuse(target, source);
  const r = emit.record(L.OP_UNARY, L.UNARY_BYTES, 'int8', node, 'unary');
  r.source(L.UNARY_SOURCE, source);
  r.target(L.UNARY_TARGET, target);
  r.table(L.UNARY_TABLE, table);
  r.int(L.UNARY_COUNT, elementCount(target.shape));
}

/**
 * Emits an operator whose output must have the quantization of `x`. If `y` has another one, the
 * operator writes a temporary tensor, and a table converts the temporary to `y`, clamped to
 * `range`.
 */
export function emitRescaled(
  node: AnyNode,
  emit: Emitter,
  x: Tensor,
  y: Tensor,
  write: (target: Tensor) => void,
  range = integerRange(y.dtype),
): void {
  if (!isInteger(x) || sameQuantization(x, y)) {
    write(y);
    return;
  }
  const target: Tensor = {
    name: `${y.name} (before requantization)`,
    shape: y.shape,
    dtype: x.dtype,
    ...(x.quantization && { quantization: x.quantization }),
  };
  write(target);
  emitRequantized(node, emit, target, y, range);
}

/** Emits y = x in the quantization of y, clamped to `range`. Both are int8, or both int16. */
export function emitRequantized(
  node: AnyNode,
  emit: Emitter,
  x: Tensor,
  y: Tensor,
  [low, high] = integerRange(y.dtype),
): void {
  if (x.dtype !== y.dtype) throw unsupported(node, `${x.dtype} to ${y.dtype}; both must be of one type`);
  if (x.dtype === 'int16') return emitWideConvert(node, emit, x, y, [low, high]);
  const steps = requantizer(x, y);
  emitTable(node, emit, x, y, (q) => Math.max(low, Math.min(high, steps(q))));
}

/** Returns the tensor itself, or a temporary that is requantized to the quantization of `like`. */
export function inQuantizationOf(node: AnyNode, emit: Emitter, tensor: Tensor, like: Tensor): Tensor {
  if (!isInteger(tensor) || sameQuantization(tensor, like)) return tensor;
  const temporary: Tensor = {
    name: `${tensor.name} (requantized for ${node.name})`,
    shape: tensor.shape,
    dtype: like.dtype,
    ...(like.quantization && { quantization: like.quantization }),
  };
  emitRequantized(node, emit, tensor, temporary);
  return temporary;
}

/** Emits a copy, with a requantization if the scales differ. */
export function emitStridedCopy(
  node: AnyNode,
  emit: Emitter,
  x: Tensor,
  y: Tensor,
  dimensions: number[],
  from: number[],
  to: number[],
  offset = 0,
): void {
  emitRescaled(node, emit, x, y, (target) => emitCopy(node, emit, x, target, dimensions, from, to, offset));
}
