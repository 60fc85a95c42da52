import * as L from '../../assembly/layout';
import { elementCount, input, output, type AnyNode, type Tensor } from '../graph/graph';
import type { FusedActivation } from '../graph/operators';
import type { Emitter } from './emitter';
import type { Operator } from './operator';
import { emitCopy, emitTable, inQuantizationOf } from './shared/emit';
import { activationRange, quantizedRange } from './shared/quantized';
import { demand, demandAxis, shapeText, unsupported } from './shared/refuse';
import { stridesOf } from './shared/shapes';
import { concatRows } from './shared/rowForms';
import { sameTime } from './shared/stream';
import { emitWideConvert } from './shared/wide';
import { sameRange } from './shared/relevant';

export const concat: Operator<'concat'> = {
  quantization: 'free',
  joins: true,
  relevantRange: sameRange,
  stream: {
    convert(node, stream) {
      const { axis } = node.attributes;
      if (axis === stream.time.axis ||
        node.inputs.some((part) => !part || !sameTime(stream.timeOf(part), stream.time)))
      {
        throw unsupported(node, 'it joins different times of the sequence');
      }
      stream.emit(node, stream.time);
    },
  },
  rows: concatRows,
  isChannelwise: false,
  fusesActivation: true,
  copiesInputs: true,
  computesInt16: true,
  infer(node) {
    const { axis } = node.attributes;
    const shape = [...input(node, 0).shape];
    demandAxis(node, axis, shape);
    for (const part of node.inputs) {
      demand(
        node,
        part?.shape.length === shape.length && part.shape.every((d, i) => i === axis || d === shape[i]),
        `${shapeText(shape)} and ${shapeText(part?.shape ?? [])} do not join along axis ${axis}`,
      );
    }
    shape[axis] = node.inputs.reduce((sum, tensor) => sum + (tensor?.shape[axis] ?? 0), 0);
    return [shape];
  },
  lower(node, emit) {
    const y = output(node);
    const { axis, activation } = node.attributes;
    const strides = stridesOf(y.shape);
    let at = 0;
    for (let i = 0; i < node.inputs.length; i++) {
      const part = input(node, i);
      const x = inQuantizationOf(node, emit, part, y);
      emitCopy(node, emit, x, y, part.shape, stridesOf(part.shape), strides, 0, at * strides[axis]!);
      at += part.shape[axis]!;
    }
    emitActivation(node, emit, y, activation);
  },
};

function emitActivation(node: AnyNode, emit: Emitter, y: Tensor, activation: FusedActivation): void {
  if (activation === 'none') return;
  if (y.dtype === 'int16') {
    emitWideConvert(node, emit, y, y, quantizedRange(activation, y));
    return;
  }
  if (y.dtype === 'int8') {
    const [low, high] = quantizedRange(activation, y);
    emitTable(node, emit, y, y, (q) => Math.max(low, Math.min(high, q)));
    return;
  }
  const kinds = {
    relu: L.UNARY_RELU,
    relu6: L.UNARY_RELU6,
    reluN1To1: L.UNARY_RELU_N1_TO_1,
    relu0To1: L.UNARY_RELU_0_TO_1,
  };
  if (y.dtype !== 'float32' || activationRange(activation)[0] === -Infinity) {
    throw unsupported(node, `no activation on ${y.dtype}`);
  }
  const r = emit.record(L.OP_UNARY, L.UNARY_BYTES, 'float32', node, activation);
  r.source(L.UNARY_SOURCE, y);
  r.target(L.UNARY_TARGET, y);
  r.int(L.UNARY_COUNT, elementCount(y.shape));
  r.int(L.UNARY_KIND, kinds[activation]);
}
