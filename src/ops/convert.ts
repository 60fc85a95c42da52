// Operators that change how a number is written: quantize, dequantize, cast.
import * as L from '../../assembly/layout';
import { dtypeCode, type Emitter } from '../compiler/emitter';
import { elementCount, input, output, perTensor, type AnyNode, type Node, type Tensor } from '../graph/graph';
import type { Operator } from './operator';
import { multiplyByEighthBits, multiplyByQuantizedMultiplier, quantizeMultiplier } from './fixedPoint';
import { emitTable, f32, roundEven, sameQuantization, unsupported } from './support';

export const quantize: Operator<'quantize'> = {
  quantization: 'float',
  infer: (node) => [input(node, 0).shape],
  lower(node, emit) {
    const x = input(node, 0), y = output(node);
    if (x.dtype === 'float32' && y.dtype === 'int8') {
      const { scale, zeroPoint } = perTensor(y);
      convert(node, emit, x, y, L.OP_QUANTIZE, f32(1 / f32(scale)), zeroPoint);
    } else if (x.dtype === 'int8' && y.dtype === 'int8') {
      if (sameQuantization(x, y) && !x.data) emit.alias(y, x);
      else emitTable(node, emit, x, y, conversion(x, y));
    } else {
      emitCast(node, emit, x, y);
    }
  },
};

export const dequantize: Operator<'dequantize'> = {
  quantization: 'float',
  infer: (node) => [input(node, 0).shape],
  lower(node, emit) {
    const x = input(node, 0), y = output(node);
    if (x.dtype !== 'int8' || y.dtype !== 'float32') throw unsupported(node, `${x.dtype} to ${y.dtype}`);
    const { scale, zeroPoint } = perTensor(x);
    convert(node, emit, x, y, L.OP_DEQUANTIZE, f32(scale), zeroPoint);
  },
};

export const cast: Operator<'cast'> = {
  quantization: 'float',
  infer: (node) => [input(node, 0).shape],
  lower: (node, emit) => emitCast(node, emit, input(node, 0), output(node)),
};

/** Requantization as a node of its own: XNNPACK's between equal types, TensorFlow Lite's between int8 and uint8. */
function conversion(x: Tensor, y: Tensor): (q: number) => number {
  const from = perTensor(x), to = perTensor(y), ratio = f32(from.scale) / f32(to.scale);
  if (x.wasUint8 !== y.wasUint8) {
    const multiplier = quantizeMultiplier(ratio);
    return (q) => multiplyByQuantizedMultiplier(q - from.zeroPoint, multiplier) + to.zeroPoint;
  }
  const multiplier = roundEven(256 * f32(ratio));
  return (q) => multiplyByEighthBits(q - from.zeroPoint, multiplier) + to.zeroPoint;
}

function convert(node: Node<'quantize' | 'dequantize'>, emit: Emitter, x: Tensor, y: Tensor, opcode: number, scale: number, zero: number): void {
  const count = elementCount(y.shape);
  emit.record(opcode, L.QUANTIZE_BYTES, x.dtype, node, node.op, count)
    .source(L.QUANTIZE_SOURCE, x).target(L.QUANTIZE_TARGET, y).int(L.QUANTIZE_COUNT, count).float(L.QUANTIZE_SCALE, scale).int(L.QUANTIZE_ZERO, zero);
}

function emitCast(node: AnyNode, emit: Emitter, x: Tensor, y: Tensor): void {
  if (dtypeCode(x.dtype) === dtypeCode(y.dtype)) {
    if (x.data) throw unsupported(node, 'its input is constant');
    emit.alias(y, x);
    return;
  }
  emit.record(L.OP_CAST, L.CAST_BYTES, x.dtype, node, node.op, 0)
    .source(L.CAST_SOURCE, x).target(L.CAST_TARGET, y).int(L.CAST_COUNT, elementCount(y.shape)).int(L.CAST_TO, dtypeCode(y.dtype));
}
