import * as L from '../../assembly/layout';
import { elementCount, input, output, perTensor, type Tensor } from '../graph/graph';
import { constantWeights, demandBias, denseGeometry, emitConv, foldedBias, requantizeScales, windowsShape,
  type ConvWeights } from './conv2d';
import type { Operator } from './operator';
import { activationRange, demand, fourDimensions, quantizedRange, shapeText } from './support';

const LANES = 8;

export const depthwiseConv2d: Operator<'depthwiseConv2d'> = {
  quantization: 'weights',
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
      // several outputs per channel, or hybrid: each input channel is a group of its own
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
    const r = emit.record(L.OP_DEPTHWISE_CONV2D, L.DEPTHWISE_BYTES, x.dtype, node, node.op, macs).source(
      L.DEPTHWISE_SOURCE,
      x,
    ).target(L.DEPTHWISE_TARGET, y).ints(L.DEPTHWISE_BATCH, [g.batch, g.inH, g.inW, C, g.outH, g.outW, kh, kw,
      ...stride, ...dilation, padding[0], padding[1]]);
    if (int8) {
      const zero = perTensor(x).zeroPoint;
      const [low, high] = quantizedRange(activation, y);
      r.table(L.DEPTHWISE_WEIGHTS, packInt8(weights, kh, kw, C)).table(
        L.DEPTHWISE_BIAS,
        padLanes(Int32Array, foldedBias(weights, zero)),
      ).table(L.DEPTHWISE_SCALE, padLanes(Float32Array, requantizeScales(x, weights.tensor, y, C))).int(
        L.DEPTHWISE_SOURCE_ZERO,
        zero,
      ).int(L.DEPTHWISE_WEIGHTS_ZERO, weights.tensor.quantization?.zeroPoint[0] ?? 0).int(
        L.DEPTHWISE_TARGET_ZERO,
        perTensor(y).zeroPoint,
      ).int(L.DEPTHWISE_MIN, low).int(L.DEPTHWISE_MAX, high);
    } else {
      const [low, high] = activationRange(activation);
      r.table(L.DEPTHWISE_WEIGHTS, tapsByColumn(weights.values as Float32Array, kh, kw, C)).table(
        L.DEPTHWISE_BIAS,
        padLanes(Float32Array, weights.bias ?? new Float32Array(C)),
      ).float(L.DEPTHWISE_MIN, low).float(L.DEPTHWISE_MAX, high);
    }
  },
};

/** [taps][C] weights as [C][taps], the order of conv2d. */
function byChannel(weights: ConvWeights, taps: number, C: number): ConvWeights {
  const { quantization, ...rest } = weights.tensor;
  const tensor: Tensor = { ...rest, ...(quantization && { quantization: { ...quantization, axis: 0 } }) };
  return { values: transposed(weights.values, taps, C), K: taps, bias: weights.bias, tensor };
}

function transposed<A extends Int8Array | Float32Array>(values: A, rows: number, columns: number): A {
  const out = values.slice() as A;
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = values[r * columns + c]!;
  return out;
}

/** [C][kh][kw] → [kw][kh][C] */
function tapsByColumn<A extends Int8Array | Float32Array>(values: A, kh: number, kw: number, C: number): A {
  const out = values.slice() as A;
  for (let c = 0; c < C; c++) {
    for (let y = 0; y < kh; y++) {
      for (let x = 0; x < kw; x++) out[(x * kh + y) * C + c] = values[(c * kh + y) * kw + x]!;
    }
  }
  return out;
}

/** [C][kh][kw] → i8 [⌈C/8⌉][kw·kh][8], the rest filled with the zero point */
function packInt8({ values, tensor }: ConvWeights, kh: number, kw: number, C: number): Int8Array {
  const taps = kh * kw;
  const ordered = tapsByColumn(values as Int8Array, kh, kw, C);
  const packed = new Int8Array(Math.ceil(C / LANES) * taps * LANES).fill(tensor.quantization?.zeroPoint[0] ?? 0);
  for (let c = 0; c < C; c++) {
    for (let t = 0; t < taps; t++) {
      packed[(Math.floor(c / LANES) * taps + t) * LANES + (c % LANES)] = ordered[t * C + c]!;
    }
  }
  return packed;
}

function padLanes<A extends Int32Array | Float32Array>(type: new(length: number) => A, values: ArrayLike<number>): A {
  const packed = new type(Math.ceil(values.length / LANES) * LANES);
  packed.set(Array.from(values));
  return packed;
}
