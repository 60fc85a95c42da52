import { elementCount, input, output } from '../graph/graph';
import type { Operator } from './operator';
import { constantWeights, demandBias, denseGeometry, emitConv, windowsShape } from './shared/convolution';
import { productMatrix } from './shared/matrices';
import { demand, fourDimensions } from './shared/refuse';
import { convolutionRows } from './shared/rowForms';
import { convolving } from './shared/stream';

export const conv2d: Operator<'conv2d'> = {
  quantization: 'weights',
  stream: convolving,
  rows: convolutionRows,
  isChannelwise: false,
  weights: {
    outputAxis: 'first',
    matrices: (node) => {
      const [, kh, kw] = input(node, 1).shape as [number, number, number];
      const [, outH, outW] = output(node).shape as [number, number, number];
      const { groups } = node.attributes;
      return productMatrix(node, outH * outW, { groups, window: { ...node.attributes, kernel: [kh, kw] } });
    },
  },
  fusesActivation: true,
  absorbsPadding: true,
  computesInt16: true,
  infer(node) {
    const { groups } = node.attributes;
    const C = fourDimensions(node, input(node, 0))[3];
    const [co, kh, kw, ci] = fourDimensions(node, input(node, 1));
    demand(
      node,
      ci * groups === C,
      `${groups} groups of ${ci} channels in its weights do not make the ${C} channels of its input`,
    );
    demand(node, co % groups === 0, `${groups} groups do not divide its ${co} output channels`);
    demandBias(node, co);
    return [windowsShape(node, input(node, 0).shape, [kh, kw], node.attributes, co)];
  },
  lower(node, emit) {
    const x = input(node, 0);
    const y = output(node);
    const { stride, dilation, padding, groups, activation, hybrid } = node.attributes;
    const weights = constantWeights(node);
    const [co, kh, kw, ci] = weights.tensor.shape as [number, number, number, number];
    emitConv(
      node,
      emit,
      x,
      y,
      weights,
      {
        ...denseGeometry(x, y),
        outC: co,
        kernel: [kh, kw],
        stride,
        dilation,
        padTop: padding[0],
        padLeft: padding[1],
        groups,
      },
      activation,
      elementCount(y.shape) * kh * kw * ci,
      hybrid,
    );
  },
};
