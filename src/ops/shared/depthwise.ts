import * as L from '../../../assembly/layout';
import { perTensor, type AnyNode, type Tensor } from '../../graph/graph';
import type { FusedActivation, Pair } from '../../graph/operators';
import type { Emitter } from '../emitter';
import { denseGeometry, requantizeScales, type ConvWeights } from './convolution';
import { foldZeroPoint, packLanes, packTaps, packTapsInt8, rowSums } from './pack';
import { activationRange, quantizedRange } from './quantized';
import { wideDepthwiseTables } from './wide';

/** The window of a depthwise convolution. Negative padding skips pixels of the input. */
export interface DepthwiseWindow {
  kernel: Pair;
  stride: Pair;
  dilation: Pair;
  padTop: number;
  padLeft: number;
}

/** Emits one depthwiseConv2d record. The weights are [C][KH][KW], float32 if x is, or int8. */
export function emitDepthwise(
  node: AnyNode,
  emit: Emitter,
  x: Tensor,
  y: Tensor,
  weights: ConvWeights,
  { kernel: [kh, kw], stride, dilation, padTop, padLeft }: DepthwiseWindow,
  activation: FusedActivation,
  macs: number,
): void {
  const g = denseGeometry(x, y);
  const opcode = x.dtype === 'int16' ? L.OP_WIDE_DEPTHWISE_CONV2D : L.OP_DEPTHWISE_CONV2D;
  const r = emit.record(opcode, L.DEPTHWISE_BYTES, x.dtype, node, node.op, macs);
  r.source(L.DEPTHWISE_SOURCE, x);
  r.target(L.DEPTHWISE_TARGET, y);
  r.ints(L.DEPTHWISE_BATCH, [g.batch, g.inH, g.inW, g.inC, g.outH, g.outW, kh, kw, ...stride, ...dilation, padTop,
    padLeft]);
  if (x.dtype === 'int8') {
    const zero = perTensor(x).zeroPoint;
    const weightsZeroPoint = weights.tensor.quantization?.zeroPoint[0] ?? 0;
    const [low, high] = quantizedRange(activation, y);
    r.table(L.DEPTHWISE_WEIGHTS, packTapsInt8(weights.values as Int8Array, kh, kw, weightsZeroPoint));
    r.table(
      L.DEPTHWISE_BIAS,
      packLanes(Int32Array, foldZeroPoint(rowSums(weights.values, kh * kw, weightsZeroPoint), zero, weights.bias)),
    );
    r.table(L.DEPTHWISE_SCALE, packLanes(Float32Array, requantizeScales(x, weights.tensor, y, g.inC)));
    r.int(L.DEPTHWISE_SOURCE_ZERO, zero);
    r.int(L.DEPTHWISE_WEIGHTS_ZERO, weightsZeroPoint);
    r.int(L.DEPTHWISE_TARGET_ZERO, perTensor(y).zeroPoint);
    r.int(L.DEPTHWISE_MIN, low);
    r.int(L.DEPTHWISE_MAX, high);
  } else if (x.dtype === 'int16') {
    wideDepthwiseTables(r, x, y, weights, [kh, kw]);
    r.ints(L.DEPTHWISE_MIN, quantizedRange(activation, y));
  } else {
    const [low, high] = activationRange(activation);
    r.table(L.DEPTHWISE_WEIGHTS, packTaps(weights.values as Float32Array, kh, kw));
    r.table(L.DEPTHWISE_BIAS, packLanes(Float32Array, weights.bias ?? new Float32Array(g.inC)));
    r.float(L.DEPTHWISE_MIN, low);
    r.float(L.DEPTHWISE_MAX, high);
  }
}
