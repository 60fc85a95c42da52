import type { Emitter } from '../compiler/emitter';
import type { AnyNode, Tensor } from '../graph/graph';
import { emitCopy, emitInStepsOf } from './support';

/** Copies, through a requantization where the scales differ. */
export function moveAs(
  node: AnyNode,
  emit: Emitter,
  x: Tensor,
  y: Tensor,
  dimensions: number[],
  from: number[],
  to: number[],
  offset = 0,
): void {
  emitInStepsOf(node, emit, x, y, (target) => emitCopy(node, emit, x, target, dimensions, from, to, offset));
}
