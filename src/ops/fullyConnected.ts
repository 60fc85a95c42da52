import { elementCount, input, output } from '../graph/graph';
import type { Operator } from './operator';
import { constantWeights, demandBias, emitConv } from './shared/convolution';
import { productMatrix } from './shared/matrices';
import { demand, shapeText, unsupported } from './shared/refuse';

/** A 1×1 convolution over the rows. */
export const fullyConnected: Operator<'fullyConnected'> = {
  quantization: 'weights',
  stream: {
    convert(node, stream) {
      if (stream.time.axis !== 0) throw unsupported(node, 'it mixes the frames of the sequence');
      stream.emit(node, stream.time);
    },
  },
  isChannelwise: false,
  weights: { outputAxis: 'first', matrices: (node) => productMatrix(node, output(node).shape[0]!) },
  fusesActivation: true,
  computesInt16: true,
  infer(node) {
    const x = input(node, 0).shape;
    const w = input(node, 1).shape;
    demand(
      node,
      x.length === 2 && w.length === 2 && x[1] === w[1],
      `the input ${shapeText(x)} does not match the weights ${shapeText(w)}`,
    );
    demandBias(node, w[0]!);
    return [[x[0]!, w[0]!]];
  },
  lower(node, emit) {
    const x = input(node, 0);
    const y = output(node);
    const weights = constantWeights(node);
    const [rows, K] = x.shape as [number, number];
    const N = y.shape[1]!;
    const { activation, hybrid } = node.attributes;
    // hybrid layers quantize each row separately, like a batch item
    const isHybrid = x.dtype === 'float32' && weights.tensor.dtype === 'int8';
    const [batch, width] = isHybrid ? [rows, 1] : [1, rows];
    emitConv(
      node,
      emit,
      x,
      y,
      weights,
      {
        batch,
        inH: 1,
        inW: width,
        inC: K,
        outH: 1,
        outW: width,
        outC: N,
        kernel: [1, 1],
        stride: [1, 1],
        dilation: [1, 1],
        padTop: 0,
        padLeft: 0,
        groups: 1,
        pixelStride: N,
        rowStride: width * N,
        batchStride: width * N,
        outOffset: 0,
      },
      activation,
      elementCount(y.shape) * K,
      hybrid,
    );
  },
};
