import * as L from '../../assembly/layout';
import type { Emitter } from '../compiler/emitter';
import { KletError } from '../errors';
import { elementCount, elementSize, perTensor, type AnyNode, type Tensor } from '../graph/graph';
import type { FusedActivation } from '../graph/operators';

export const f32 = Math.fround;

/** Round half to even, as the core rounds. */
export function roundEven(x: number): number {
  const down = Math.floor(x);
  const rest = x - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 !== 0) ? down + 1 : down;
}

/** Round half away from zero, as C's round(). */
export function roundAway(x: number): number {
  return Math.sign(x) * Math.floor(Math.abs(x) + 0.5);
}

export function clampInt8(q: number): number {
  return Math.max(-128, Math.min(127, q));
}

/** Refuses a node that contradicts itself. */
export function demand(node: AnyNode, holds: boolean, why: string): void {
  if (!holds) throw new KletError('INVALID_GRAPH', `${node.op} "${node.name}": ${why}`);
}

export function shapeText(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

/** A picture [N, H, W, C], or convolution weights. */
export function fourDimensions(node: AnyNode, tensor: Tensor): [number, number, number, number] {
  demand(
    node,
    tensor.shape.length === 4,
    `"${tensor.name}" must have four dimensions, it is ${shapeText(tensor.shape)}`,
  );
  return tensor.shape as [number, number, number, number];
}

/** Strides and the like: whole numbers from `least` on. */
export function demandWhole(node: AnyNode, what: string, values: readonly number[], least: number): void {
  demand(
    node,
    values.every((v) => Number.isInteger(v) && v >= least),
    `its ${what} ${shapeText(values)} must be whole numbers from ${least} on`,
  );
}

/** An axis of a shape. */
export function demandAxis(node: AnyNode, axis: number, shape: readonly number[]): void {
  demand(
    node,
    Number.isInteger(axis) && axis >= 0 && axis < shape.length,
    `there is no axis ${axis} in ${shapeText(shape)}`,
  );
}

/** An operator in a form that kinglet does not have. */
export function unsupported(node: AnyNode, why: string): KletError {
  return new KletError('UNSUPPORTED_OP', `${node.op} "${node.name}": ${why}`);
}

const realRanges: Record<FusedActivation, [number, number]> = {
  none: [-Infinity, Infinity],
  relu: [0, Infinity],
  relu6: [0, 6],
  reluN1To1: [-1, 1],
  relu0To1: [0, 1],
};

/** Real bounds of a fused activation. */
export function activationRange(activation: FusedActivation): [number, number] {
  return realRanges[activation];
}

/** Bounds of a fused activation as int8 steps of the output's quantization. */
export function quantizedRange(activation: FusedActivation, output: Tensor): [number, number] {
  const { scale, zeroPoint } = perTensor(output);
  const [low, high] = realRanges[activation];
  const step = (bound: number): number => clampInt8(roundAway(f32(bound / f32(scale))) + zeroPoint);
  return [low === -Infinity ? -128 : step(low), high === Infinity ? 127 : step(high)];
}

export function sameQuantization(a: Tensor, b: Tensor): boolean {
  const p = a.quantization;
  const q = b.quantization;
  if (!p || !q) return p === q;
  return p.scale.length === q.scale.length && p.scale.every((s, i) => f32(s) === f32(q.scale[i]!)) &&
    p.zeroPoint.every((z, i) => z === q.zeroPoint[i]);
}

/** Row-major strides in elements. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i]!;
  }
  return strides;
}

/** numpy broadcasting of two shapes; undefined when they do not fit. */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] | undefined {
  const rank = Math.max(a.length, b.length);
  const shape: number[] = [];
  for (let i = 0; i < rank; i++) {
    const p = a[a.length - rank + i] ?? 1;
    const q = b[b.length - rank + i] ?? 1;
    if (p !== q && p !== 1 && q !== 1) return undefined;
    shape.push(p === 1 ? q : p);
  }
  return shape;
}

/** Strides of `shape` seen as `as`: 0 where it is broadcast. */
export function broadcastStrides(shape: readonly number[], as: readonly number[]): number[] {
  const strides = stridesOf(shape);
  const lead = as.length - shape.length;
  return as.map((dimension, i) => (i < lead || (shape[i - lead] === 1 && dimension !== 1) ? 0 : strides[i - lead]!));
}

/**
 * Drops dimensions of 1 and joins neighbours that every operand walks evenly, then pads at the
 * front to MAX_RANK.
 */
export function collapse(
  node: AnyNode,
  dimensions: readonly number[],
  ...strides: readonly number[][]
): { dimensions: number[]; strides: number[][] } {
  const joined: { size: number; strides: number[] }[] = [];
  dimensions.forEach((size, i) => {
    if (size === 1) return;
    const mine = strides.map((s) => s[i]!);
    const last = joined[joined.length - 1];
    if (last && last.strides.every((s, k) => s === mine[k]! * size)) {
      last.size *= size;
      last.strides = mine;
    } else {
      joined.push({ size, strides: mine });
    }
  });
  if (joined.length > L.MAX_RANK) {
    throw unsupported(node, `it walks ${joined.length} dimensions, at most ${L.MAX_RANK} are possible`);
  }
  while (joined.length < L.MAX_RANK) joined.unshift({ size: 1, strides: strides.map(() => 0) });
  return { dimensions: joined.map((d) => d.size), strides: strides.map((_, k) => joined.map((d) => d.strides[k]!)) };
}

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
  const size = elementSize(target.dtype);
  const packed = collapse(node, dimensions, [...sourceStrides], [...targetStrides]);
  // a dimension of 1 still needs a positive stride in the target
  const targets = packed.strides[1]!.map((s, i) => (packed.dimensions[i] === 1 ? 1 : s));
  emit.record(L.OP_COPY, L.COPY_BYTES, target.dtype, node, 'copy').source(L.COPY_SOURCE, source, sourceOffset * size)
    .target(L.COPY_TARGET, target, targetOffset * size).int(L.COPY_ELEMENT_BYTES, size).ints(
      L.COPY_DIMENSIONS,
      packed.dimensions,
    ).ints(L.COPY_SOURCE_STRIDES, packed.strides[0]!).ints(L.COPY_TARGET_STRIDES, targets);
}

/**
 * Emits an int8 → int8 function as a table; `steps` maps a step of the source to one of the target.
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
  emit.record(L.OP_UNARY, L.UNARY_BYTES, 'int8', node, 'unary').source(L.UNARY_SOURCE, source).target(
    L.UNARY_TARGET,
    target,
  ).table(L.UNARY_TABLE, table).int(L.UNARY_COUNT, elementCount(target.shape));
}

/** Steps of `to` for a step of `from`: the requantization rule for one int8 value. */
export function requantizer(from: Tensor, to: Tensor): (q: number) => number {
  const a = perTensor(from);
  const b = perTensor(to);
  const ratio = f32(f32(a.scale) / f32(b.scale));
  return (q) => roundEven(f32((q - a.zeroPoint) * ratio)) + b.zeroPoint;
}

/**
 * Emits an operator that keeps the steps of `x`: straight into `y`, or where `y` has others, into a
 * temporary that a table takes there, clamped to `range`.
 */
export function emitInStepsOf(
  node: AnyNode,
  emit: Emitter,
  x: Tensor,
  y: Tensor,
  write: (target: Tensor) => void,
  [low, high] = [-128, 127],
): void {
  if (x.dtype !== 'int8' || sameQuantization(x, y)) {
    write(y);
    return;
  }
  const target: Tensor = {
    name: `${y.name} (before requantization)`,
    shape: y.shape,
    dtype: 'int8',
    ...(x.quantization && { quantization: x.quantization }),
  };
  write(target);
  const steps = requantizer(target, y);
  emitTable(node, emit, target, y, (q) => Math.max(low, Math.min(high, steps(q))));
}

/** The tensor itself, or a temporary requantized to the quantization of `like`. */
export function inQuantizationOf(node: AnyNode, emit: Emitter, tensor: Tensor, like: Tensor): Tensor {
  if (tensor.dtype !== 'int8' || sameQuantization(tensor, like)) return tensor;
  const temporary: Tensor = {
    name: `${tensor.name} (requantized for ${node.name})`,
    shape: tensor.shape,
    dtype: 'int8',
    ...(like.quantization && { quantization: like.quantization }),
  };
  emitTable(node, emit, tensor, temporary, requantizer(tensor, temporary));
  return temporary;
}

export function requireTypes(node: AnyNode, tensor: Tensor, ...dtypes: Tensor['dtype'][]): void {
  if (!dtypes.includes(tensor.dtype)) {
    throw unsupported(node, `its input "${tensor.name}" is ${tensor.dtype}; ${dtypes.join(' or ')} is possible`);
  }
}
