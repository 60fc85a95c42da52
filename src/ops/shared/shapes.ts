import * as L from '../../../assembly/layout';
import type { AnyNode } from '../../graph/graph';
import { unsupported } from './refuse';

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

/** Strides of `shape` when broadcast to `as`: 0 in broadcast dimensions. */
export function broadcastStrides(shape: readonly number[], as: readonly number[]): number[] {
  const strides = stridesOf(shape);
  const lead = as.length - shape.length;
  return as.map((dimension, i) => (i < lead || (shape[i - lead] === 1 && dimension !== 1) ? 0 : strides[i - lead]!));
}

/**
 * Drops dimensions of size 1, merges adjacent dimensions that are contiguous in every operand, and
 * pads at the front to MAX_RANK.
 */
export function mergeDimensions(
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
