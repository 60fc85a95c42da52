import { elementCount, input, output } from '../graph/graph';
import { constantWeights, emitConv } from './conv2d';
import type { Operator } from './operator';

/** A 1×1 convolution over the rows. */
export const fullyConnected: Operator<'fullyConnected'> = {
  quantization: 'weights',
  infer(node) {
    return [[input(node, 0).shape[0]!, input(node, 1).shape[0]!]];
  },
  lower(node, emit) {
    const x = input(node, 0), y = output(node), weights = constantWeights(node), [rows, K] = x.shape as [number, number], N = y.shape[1]!;
    emitConv(node, emit, x, y, weights, {
      batch: 1, inH: 1, inW: rows, inC: K, outH: 1, outW: rows, outC: N, kernel: [1, 1], stride: [1, 1], dilation: [1, 1], padTop: 0, padLeft: 0, groups: 1,
      pixelStride: N, rowStride: rows * N, batchStride: rows * N, outOffset: 0,
    }, node.attributes.activation, elementCount(y.shape) * K);
  },
};
