import * as L from '../../../assembly/layout';
import { elementCount, input, output, type AnyNode, type Node, type Tensor, type TensorData } from '../../graph/graph';
import type { ScatterReduction } from '../../graph/operators';
import type { Emitter } from '../emitter';
import type { QuantizationRule } from '../operator';
import { emitCopy, inQuantizationOf } from './emit';
import { requireTypes, unsupported } from './refuse';
import { mergeDimensions, stridesOf } from './shapes';

const reductions: Record<ScatterReduction, number> = {
  none: L.SCATTER_NONE,
  add: L.SCATTER_ADD,
  mul: L.SCATTER_MUL,
  max: L.SCATTER_MAX,
  min: L.SCATTER_MIN,
};

/** Sums and products are computed in float32. */
export function quantizationOf({ attributes }: Node<'scatterNd' | 'scatterElements'>): QuantizationRule {
  return attributes.reduction === 'add' || attributes.reduction === 'mul' ? 'float' : 'free';
}

/** Where the rows of the updates go. All strides are in elements. */
export interface Places {
  reduction: ScatterReduction;
  /** The positions of the rows, and the distance of neighboring ones in each dimension. */
  dimensions: number[];
  strides: number[];
  /** For each index of a row, the number of its values and the distance of neighboring ones. */
  sizes: number[];
  indexStrides: number[];
  /** Elements of a row. */
  row: number;
  /** Whether all rows have the same indices. */
  isShared: boolean;
  /** Whether indices out of range are clamped. Otherwise negative ones count from the end. */
  isClamped: boolean;
}

/** Emits data (operand 0) with updates at the places that the indices name. */
export function emitScatter(node: AnyNode, emit: Emitter, indices: Tensor, updates: Tensor, places: Places): void {
  const data = input(node, 0);
  const y = output(node);
  const { reduction } = places;
  requireTypes(node, indices, 'int32', 'int64');
  if (data.dtype !== updates.dtype || data.dtype !== y.dtype) {
    throw unsupported(node, `${updates.dtype} into ${data.dtype} to ${y.dtype}; all three must be of one type`);
  }
  if (reduction === 'add' || reduction === 'mul') requireTypes(node, data, 'float32', 'int32', 'int64');
  else requireTypes(node, data, 'int8', 'float32', 'int32', 'int64', 'uint8', 'bool');
  const [from, rows] = [inQuantizationOf(node, emit, data, y), inQuantizationOf(node, emit, updates, y)];
  // of distinct places, zeros with a sum are the updates themselves
  const isReplaced = reduction === 'none' || (reduction === 'add' && from.data?.every((value) => value === 0));
  const strides = isReplaced && indices.data ? regularStrides(indices.data as Int32Array, places) : undefined;
  if (strides) return emitCopies(node, emit, from, rows, places, strides);
  const { dimensions, sizes, row, isShared, isClamped } = places;
  const packed = mergeDimensions(node, dimensions, places.strides);
  if (sizes.length > L.MAX_RANK) {
    throw unsupported(node, `${sizes.length} indices for an element; ${L.MAX_RANK} are possible`);
  }
  const padded = (values: number[], fill: number): number[] =>
    Array.from({ length: L.MAX_RANK }, (_, i) => values[i] ?? fill);
  const isFilled = Boolean(from.data?.every((value) => Object.is(value, from.data![0])));
  const r = emit.record(L.OP_SCATTER, L.SCATTER_BYTES, y.dtype, node, node.op);
  r.source(L.SCATTER_SOURCE, isFilled ? { ...from, shape: [1], data: from.data!.slice(0, 1) } : from);
  r.source(L.SCATTER_INDICES, indices);
  r.source(L.SCATTER_UPDATES, rows);
  r.target(L.SCATTER_TARGET, y);
  r.ints(L.SCATTER_COUNT, [elementCount(y.shape), row]);
  r.int(L.SCATTER_REDUCTION, reductions[reduction]);
  r.ints(L.SCATTER_FILLED, [Number(isFilled), Number(isShared), Number(isClamped), sizes.length]);
  r.ints(L.SCATTER_DIMENSIONS, packed.dimensions);
  r.ints(L.SCATTER_STRIDES, packed.strides[0]!);
  r.ints(L.SCATTER_SIZES, padded(sizes, 1));
  r.ints(L.SCATTER_INDEX_STRIDES, padded(places.indexStrides, 0));
  if (!isFilled) emit.mayReuse(y, from, rows, indices);
}

/** Regular places: the first one, and the distance of neighboring rows in each dimension. */
interface Regular {
  first: number;
  strides: number[];
}

/** The places of rows with constant indices, if they are regular, valid and distinct. */
function regularStrides(indices: TensorData, places: Places): Regular | undefined {
  const { dimensions, sizes, indexStrides, isShared, isClamped } = places;
  const depth = sizes.length;
  const rowStrides = stridesOf(dimensions);
  const placeOf = (row: number): number => {
    let place = 0;
    sizes.forEach((size, k) => {
      let index = indices[(isShared ? 0 : row * depth) + k]!;
      if (isClamped) index = Math.max(0, Math.min(size - 1, index));
      else if (index < 0) index += size;
      place += index >= 0 && index < size ? index * indexStrides[k]! : NaN;
    });
    dimensions.forEach((size, d) => (place += (Math.floor(row / rowStrides[d]!) % size) * places.strides[d]!));
    return place;
  };
  const count = elementCount(dimensions);
  const first = placeOf(0);
  const strides = dimensions.map((size, d) => (size === 1 ? 1 : placeOf(rowStrides[d]!) - first));
  if (!strides.every((stride) => stride > 0)) return undefined;
  const seen = new Set<number>();
  for (let row = 0; row < count; row++) {
    const expected = dimensions.reduce(
      (place, size, d) => place + (Math.floor(row / rowStrides[d]!) % size) * strides[d]!,
      first,
    );
    if (placeOf(row) !== expected) return undefined;
    seen.add(expected);
  }
  return seen.size === count ? { first, strides } : undefined;
}

/** Copies the data, and the rows over it. */
function emitCopies(
  node: AnyNode,
  emit: Emitter,
  data: Tensor,
  updates: Tensor,
  { dimensions, row }: Places,
  { first, strides }: Regular,
): void {
  const y = output(node);
  const count = elementCount(y.shape);
  emitCopy(node, emit, data, y, [count], [1], [1]);
  const shape = [...dimensions, row];
  emitCopy(node, emit, updates, y, shape, stridesOf(shape), [...strides, 1], 0, first);
}
