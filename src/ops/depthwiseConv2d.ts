import * as L from '../../assembly/layout';
import { elementCount, innermost, input, output, perTensor, type Tensor } from '../graph/graph';
import type { Operator } from './operator';
import { constantWeights, demandBias, denseGeometry, emitConv, requantizeScales, windowsShape,
  type ConvWeights } from './shared/convolution';
import { foldZeroPoint, packLanes, packTaps, packTapsInt8, rowSums, transposed } from './shared/pack';
import { activationRange, quantizedRange } from './shared/quantized';
import { demand, fourDimensions, shapeText } from './shared/refuse';
import { convolving } from './shared/stream';

export const depthwiseConv2d: Operator<'depthwiseConv2d'> = {
  quantization: 'weights',
  stream: convolving,
  isChannelwise: (node) => {
    const w = input(node, 1);
    return w.data !== undefined && innermost(w.shape) === innermost(input(node, 0).shape);
  },
  weights: { outputAxis: 'last' },
  fusesActivation: true,
  absorbsPadding: true,
  infer(node) {
    const C = fourDimensions(node, input(node, 0))[3];
    const [one, kh, kw, co] = fourDimensions(node, input(node, 1));
    demand(
      node,
      one === 1 && co % C === 0,
      `weights ${shapeText(input(node, 1).shape)} do not fit an input of ${C} channels`,
    );
    demandBias(node, co);
    return [windowsShape(node, input(node, 0).shape, [kh, kw], node.attributes, co)];
  },
  lower(node, emit) {
    const x = input(node, 0);
    const y = output(node);
    const { stride, dilation, padding, activation, hybrid } = node.attributes;
    const [, kh, kw, channels] = input(node, 1).shape as [number, number, number, number];
    const taps = kh * kw;
    const C = x.shape[3]!;
    const weights = byChannel(constantWeights(node), taps, channels);
    const macs = elementCount(y.shape) * taps;
    if (channels !== C || weights.tensor.dtype !== x.dtype) {
      // several outputs per channel, or hybrid: each input channel is a separate group
      emitConv(
        node,
        emit,
        x,
        y,
        weights,
        {
          ...denseGeometry(x, y),
          kernel: [kh, kw],
          stride,
          dilation,
          padTop: padding[0],
          padLeft: padding[1],
          groups: C,
        },
        activation,
        macs,
        hybrid,
      );
      return;
    }
    const int8 = x.dtype === 'int8';
    const g = denseGeometry(x, y);
    const r = emit.record(L.OP_DEPTHWISE_CONV2D, L.DEPTHWISE_BYTES, x.dtype, node, node.op, macs);
    r.source(L.DEPTHWISE_SOURCE, x);
    r.target(L.DEPTHWISE_TARGET, y);
    r.ints(L.DEPTHWISE_BATCH, [g.batch, g.inH, g.inW, C, g.outH, g.outW, kh, kw, ...stride, ...dilation, padding[0],
      padding[1]]);
    if (int8) {
      const zero = perTensor(x).zeroPoint;
      const weightsZeroPoint = weights.tensor.quantization?.zeroPoint[0] ?? 0;
      const [low, high] = quantizedRange(activation, y);
      r.table(L.DEPTHWISE_WEIGHTS, packTapsInt8(weights.values as Int8Array, kh, kw, weightsZeroPoint));
      r.table(
        L.DEPTHWISE_BIAS,
        packLanes(Int32Array, foldZeroPoint(rowSums(weights.values, taps, weightsZeroPoint), zero, weights.bias)),
      );
      r.table(L.DEPTHWISE_SCALE, packLanes(Float32Array, requantizeScales(x, weights.tensor, y, C)));
      r.int(L.DEPTHWISE_SOURCE_ZERO, zero);
      r.int(L.DEPTHWISE_WEIGHTS_ZERO, weightsZeroPoint);
      r.int(L.DEPTHWISE_TARGET_ZERO, perTensor(y).zeroPoint);
      r.int(L.DEPTHWISE_MIN, low);
      r.int(L.DEPTHWISE_MAX, high);
    } else {
      const [low, high] = activationRange(activation);
      r.table(L.DEPTHWISE_WEIGHTS, packTaps(weights.values as Float32Array, kh, kw));
      r.table(L.DEPTHWISE_BIAS, packLanes(Float32Array, weights.bias ?? new Float32Array(C)));
      r.float(L.DEPTHWISE_MIN, low);
      r.float(L.DEPTHWISE_MAX, high);
    }
  },
};

/** Transposes weights [taps][C] to [C][taps], the order of conv2d. */
function byChannel(weights: ConvWeights, taps: number, C: number): ConvWeights {
  const { quantization, ...rest } = weights.tensor;
  const tensor: Tensor = { ...rest, ...(quantization && { quantization: { ...quantization, axis: 0 } }) };
  return { values: transposed(weights.values, taps, C), K: taps, bias: weights.bias, tensor };
}
