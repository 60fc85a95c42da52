import { input, output, perTensor, type Tensor } from '../graph/graph';
import type { Operator } from './operator';
import { emitCast, emitQuantize } from './shared/convert';
import { emitTable } from './shared/emit';
import { multiplyBy256ths, multiplyByQuantizedMultiplier, quantizeMultiplier } from './shared/fixedPoint';
import { sameQuantization } from './shared/quantized';
import { f32, roundEven } from './shared/rounding';
import { sameRows } from './shared/rowForms';
import { frameByFrame } from './shared/stream';
import { emitWideConvert } from './shared/wide';

export const quantize: Operator<'quantize'> = {
  quantization: 'float',
  stream: frameByFrame,
  // between equal types the output may be the input itself, which has no parts
  rows: { window: (node) => (input(node, 0).dtype === output(node).dtype ? undefined : sameRows.window(node)) },
  isChannelwise: true,
  computesInt16: true,
  infer: (node) => [input(node, 0).shape],
  lower(node, emit) {
    const x = input(node, 0);
    const y = output(node);
    if (sameQuantization(x, y) && x.dtype === y.dtype && !x.data) {
      emit.alias(y, x);
    } else if (isWide(x, y)) {
      emitWideConvert(node, emit, x, y);
    } else if (x.dtype === 'float32' && y.dtype === 'int8') {
      emitQuantize(node, emit, x, y);
    } else if (x.dtype === 'int8' && y.dtype === 'int8') {
      emitTable(node, emit, x, y, conversion(x, y));
    } else {
      emitCast(node, emit, x, y);
    }
  },
};

/** Whether one of the types is int16, and the other int8, int16 or float32. */
function isWide(x: Tensor, y: Tensor): boolean {
  const types = new Set([x.dtype, y.dtype]);
  return types.has('int16') && [...types].every((type) => ['int8', 'int16', 'float32'].includes(type));
}

/**
 * Requantization as a separate node. It follows XNNPACK's rule between equal types, and TensorFlow
 * Lite's between int8 and uint8.
 */
function conversion(x: Tensor, y: Tensor): (q: number) => number {
  const from = perTensor(x);
  const to = perTensor(y);
  const ratio = f32(from.scale) / f32(to.scale);
  if (x.wasUint8 !== y.wasUint8) {
    const multiplier = quantizeMultiplier(ratio);
    return (q) => multiplyByQuantizedMultiplier(q - from.zeroPoint, multiplier) + to.zeroPoint;
  }
  const multiplier = roundEven(256 * f32(ratio));
  return (q) => multiplyBy256ths(q - from.zeroPoint, multiplier) + to.zeroPoint;
}
