import { elementCount, innermost, input, output, type Tensor } from '../graph/graph';
import type { Operator } from './operator';
import { constantWeights, demandBias, denseGeometry, emitConv, windowsShape,
  type ConvWeights } from './shared/convolution';
import { emitDepthwise } from './shared/depthwise';
import { depthwiseMatrix } from './shared/matrices';
import { transposed } from './shared/pack';
import { demand, fourDimensions, shapeText } from './shared/refuse';
import { convolutionRows } from './shared/rowForms';
import { convolving } from './shared/stream';
import { addsInInt32 } from './shared/wide';

export const depthwiseConv2d: Operator<'depthwiseConv2d'> = {
  quantization: 'weights',
  stream: convolving,
  rows: convolutionRows,
  isChannelwise: (node) => {
    const w = input(node, 1);
    return w.data !== undefined && innermost(w.shape) === innermost(input(node, 0).shape);
  },
  weights: {
    outputAxis: 'last',
    matrices: (node) => {
      const [, kh, kw] = input(node, 1).shape as [number, number, number];
      const [, outH, outW] = output(node).shape as [number, number, number];
      return depthwiseMatrix(node, outH * outW, { ...node.attributes, kernel: [kh, kw] });
    },
  },
  fusesActivation: true,
  absorbsPadding: true,
  computesInt16: true,
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
    const isHybrid = x.dtype === 'float32' && weights.tensor.dtype === 'int8';
    if (channels !== C || isHybrid || (x.dtype === 'int16' && !addsInInt32(weights))) {
      // each input channel is a separate group
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
    emitDepthwise(
      node,
      emit,
      x,
      y,
      weights,
      { kernel: [kh, kw], stride, dilation, padTop: padding[0], padLeft: padding[1] },
      activation,
      macs,
    );
  },
};

/** Transposes weights [taps][C] to [C][taps], the order of conv2d. */
function byChannel(weights: ConvWeights, taps: number, C: number): ConvWeights {
  const { quantization, ...rest } = weights.tensor;
  const tensor: Tensor = { ...rest, ...(quantization && { quantization: { ...quantization, axis: 0 } }) };
  return {
    values: transposed(weights.values, taps, C),
    K: taps,
    bias: weights.bias,
    biasType: weights.biasType,
    tensor,
  };
}
