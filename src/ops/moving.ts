import type { Emitter } from '../compiler/emitter';
import type { AnyNode, Tensor } from '../graph/graph';
import { emitCopy, emitTable, requantizer, sameQuantization } from './support';

/** Copies, through a requantization where the scales differ. */
export function moveAs(node: AnyNode, emit: Emitter, x: Tensor, y: Tensor, dimensions: number[], from: number[], to: number[], offset = 0): void {
  if (x.dtype !== 'int8' || sameQuantization(x, y)) {
    emitCopy(node, emit, x, y, dimensions, from, to, offset);
    return;
  }
  const moved: Tensor = { ...emit.temporary(`${y.name} (before requantization)`, y.shape, 'int8'), ...(x.quantization && { quantization: x.quantization }) };
  emitCopy(node, emit, x, moved, dimensions, from, to, offset);
  emitTable(node, emit, moved, y, requantizer(moved, y));
}
