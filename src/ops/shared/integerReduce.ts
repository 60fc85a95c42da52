import * as L from '../../../assembly/layout';
import { elementCount, input, output, type Node, type Tensor } from '../../graph/graph';
import type { ReduceKind } from '../../graph/operators';
import type { Emitter } from '../emitter';
import { unsupported } from './refuse';
import { mergeDimensions, stridesOf } from './shapes';

/** How elements are combined, and the element that changes nothing, a byte or an int32. */
const kinds: Partial<Record<ReduceKind, { reduction: number; byte?: number; whole: number }>> = {
  sum: { reduction: L.SCATTER_ADD, whole: 0 },
  prod: { reduction: L.SCATTER_MUL, whole: 1 },
  max: { reduction: L.SCATTER_MAX, byte: 0, whole: -(2 ** 31) },
  min: { reduction: L.SCATTER_MIN, byte: 255, whole: 2 ** 31 - 1 },
};

/**
 * Reduces integers or truth values: a scatter whose places do not depend on the reduced dimensions,
 * into a tensor of neutral elements.
 */
export function emitIntegerReduce(node: Node<'reduce'>, emit: Emitter): void {
  const [x, y] = [input(node, 0), output(node)];
  const { kind, axes } = node.attributes;
  const { reduction, byte, whole } = kinds[kind] ?? {};
  const isByte = x.dtype === 'uint8' || x.dtype === 'bool';
  const neutral = isByte ? byte : whole;
  if (reduction === undefined || neutral === undefined) throw unsupported(node, `the ${kind} of ${x.dtype}`);
  if (x.dtype !== y.dtype) throw unsupported(node, `a result of ${y.dtype} of a source of ${x.dtype}`);
  const strides = stridesOf(x.shape.map((size, d) => (axes.includes(d) ? 1 : size)));
  // the dimensions after the last one that is reduced are a row
  const last = Math.max(-1, ...axes) + 1;
  const row = elementCount(x.shape.slice(last));
  const packed = mergeDimensions(
    node,
    x.shape.slice(0, last),
    strides.slice(0, last).map((stride, d) => (axes.includes(d) ? 0 : stride)),
  );
  const first: Tensor = {
    name: `${y.name} (first)`,
    shape: [1],
    dtype: x.dtype,
    data: isByte ? Uint8Array.of(neutral) : Int32Array.of(neutral),
  };
  const place: Tensor = { name: `${y.name} (place)`, shape: [1], dtype: 'int32', data: Int32Array.of(0) };
  const r = emit.record(L.OP_SCATTER, L.SCATTER_BYTES, x.dtype, node, node.op);
  r.source(L.SCATTER_SOURCE, first);
  r.source(L.SCATTER_INDICES, place);
  r.source(L.SCATTER_UPDATES, x);
  r.target(L.SCATTER_TARGET, y);
  r.ints(L.SCATTER_COUNT, [elementCount(y.shape), row]);
  r.int(L.SCATTER_REDUCTION, reduction);
  // filled with the neutral element; all rows share one index, which is 0
  r.ints(L.SCATTER_FILLED, [1, 1, 0, 1]);
  r.ints(L.SCATTER_DIMENSIONS, packed.dimensions);
  r.ints(L.SCATTER_STRIDES, packed.strides[0]!);
  r.ints(L.SCATTER_SIZES, [1, 1, 1, 1, 1, 1]);
  r.ints(L.SCATTER_INDEX_STRIDES, [0, 0, 0, 0, 0, 0]);
}
