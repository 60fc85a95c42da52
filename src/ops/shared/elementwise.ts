import * as L from '../../../assembly/layout';
import { broadcastShape } from '../../graph/broadcast';
import { type AnyNode, type Tensor } from '../../graph/graph';
import type { Emitter } from '../emitter';
import { demand, shapeText } from './refuse';
import { broadcastStrides, mergeDimensions } from './shapes';
import { broadcasting } from './stream';

/** The shape of operands after numpy broadcasting. */
function broadcastOf(node: AnyNode): number[] {
  const shapes = node.inputs.map((operand) => operand!.shape);
  return shapes.reduce((shape, other) => {
    const both = broadcastShape(shape, other);
    demand(node, both !== undefined, `the shapes ${shapeText(shape)} and ${shapeText(other)} do not broadcast`);
    return both!;
  });
}

/** Common properties of operators that compute each element from broadcast operands. */
export const elementwise = {
  stream: broadcasting,
  isChannelwise: true,
  infer: (node: AnyNode): number[][] => [broadcastOf(node)],
};

/**
 * Emits a record of the extra module, which is a function of two operands or a selection by a
 * condition.
 */
export function emitElementwise(
  node: AnyNode,
  emit: Emitter,
  kind: number,
  [a, b]: readonly [Tensor, Tensor],
  y: Tensor,
  condition?: Tensor,
): void {
  const operands = condition ? [a, b, condition] : [a, b];
  const strides = operands.map((operand) => broadcastStrides(operand.shape, y.shape));
  const packed = mergeDimensions(node, y.shape, ...strides);
  const r = emit.record(L.OP_ELEMENTWISE, L.ELEMENTWISE_BYTES, a.dtype, node, node.op);
  r.source(L.ELEMENTWISE_A, a);
  r.source(L.ELEMENTWISE_B, b);
  if (condition) r.source(L.ELEMENTWISE_C, condition);
  r.target(L.ELEMENTWISE_TARGET, y);
  r.int(L.ELEMENTWISE_KIND, kind);
  r.ints(L.ELEMENTWISE_DIMENSIONS, packed.dimensions);
  [L.ELEMENTWISE_A_STRIDES, L.ELEMENTWISE_B_STRIDES, L.ELEMENTWISE_C_STRIDES].forEach((field, i) => {
    if (packed.strides[i]) r.ints(field, packed.strides[i]);
  });
}
