import * as L from '../../../assembly/layout';
import { elementCount, type AnyNode, type Tensor } from '../../graph/graph';
import type { Emitter, RecordWriter } from '../emitter';
import { broadcastStrides, mergeDimensions } from './shapes';

export function emitBinary(
  node: AnyNode,
  emit: Emitter,
  a: Tensor,
  b: Tensor,
  y: Tensor,
  kind: number,
  op: string,
): RecordWriter {
  const packed = mergeDimensions(node, y.shape, broadcastStrides(a.shape, y.shape), broadcastStrides(b.shape, y.shape));
  const [whole, other] = elementCount(a.shape) === elementCount(y.shape) ? [a, b] : [b, a];
  if (a.dtype === y.dtype) emit.mayReuse(y, whole, other);
  return emit.record(L.OP_BINARY, L.BINARY_BYTES, y.dtype, node, op).source(L.BINARY_A, a).source(L.BINARY_B, b).target(
    L.BINARY_TARGET,
    y,
  ).int(L.BINARY_KIND, kind).ints(L.BINARY_DIMENSIONS, packed.dimensions).ints(L.BINARY_A_STRIDES, packed.strides[0]!)
    .ints(L.BINARY_B_STRIDES, packed.strides[1]!);
}
