import * as L from '../../../assembly/layout';
import { elementCount, perTensor, type AnyNode, type Tensor } from '../../graph/graph';
import { dtypeCode, type Emitter } from '../emitter';
import { unsupported } from './refuse';
import { f32 } from './rounding';

export function emitConversion(
  node: AnyNode,
  emit: Emitter,
  x: Tensor,
  y: Tensor,
  opcode: number,
  scale: number,
  zero: number,
): void {
  const count = elementCount(y.shape);
  const r = emit.record(opcode, L.QUANTIZE_BYTES, x.dtype, node, node.op);
  r.source(L.QUANTIZE_SOURCE, x);
  r.target(L.QUANTIZE_TARGET, y);
  r.int(L.QUANTIZE_COUNT, count);
  r.float(L.QUANTIZE_SCALE, scale);
  r.int(L.QUANTIZE_ZERO, zero);
}

/** Emits y = the real values of an int8 tensor. */
export function emitDequantize(node: AnyNode, emit: Emitter, x: Tensor, y: Tensor): void {
  const { scale, zeroPoint } = perTensor(x);
  emitConversion(node, emit, x, y, L.OP_DEQUANTIZE, f32(scale), zeroPoint);
}

/** Emits y = float32 values in int8. */
export function emitQuantize(node: AnyNode, emit: Emitter, x: Tensor, y: Tensor): void {
  const { scale, zeroPoint } = perTensor(y);
  emitConversion(node, emit, x, y, L.OP_QUANTIZE, f32(1 / f32(scale)), zeroPoint);
}

export function emitCast(node: AnyNode, emit: Emitter, x: Tensor, y: Tensor): void {
  if (y.dtype === 'bool' && x.dtype !== 'bool' && x.dtype !== 'uint8') throw unsupported(node, `${x.dtype} to bool`);
  if (dtypeCode(x.dtype) === dtypeCode(y.dtype)) {
    if (x.data) throw unsupported(node, 'its input is constant');
    emit.alias(y, x);
    return;
  }
  const r = emit.record(L.OP_CAST, L.CAST_BYTES, x.dtype, node, node.op);
  r.source(L.CAST_SOURCE, x);
  r.target(L.CAST_TARGET, y);
  r.int(L.CAST_COUNT, elementCount(y.shape));
  r.int(L.CAST_TO, dtypeCode(y.dtype));
}
