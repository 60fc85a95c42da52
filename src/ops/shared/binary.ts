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
  const opcode = y.dtype === 'int16' ? L.OP_WIDE_BINARY : L.OP_BINARY;
  const r = emit.record(opcode, L.BINARY_BYTES, y.dtype, node, op);
  r.source(L.BINARY_A, a);
  r.source(L.BINARY_B, b);
  r.target(L.BINARY_TARGET, y);
  r.int(L.BINARY_KIND, kind);
  r.ints(L.BINARY_DIMENSIONS, packed.dimensions);
  r.ints(L.BINARY_A_STRIDES, packed.strides[0]!);
  r.ints(L.BINARY_B_STRIDES, packed.strides[1]!);
  return r;
}
