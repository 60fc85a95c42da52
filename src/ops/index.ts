import type { OperatorName } from '../graph/operators';
import { argmax } from './argmax';
import { batchMatmul } from './batchMatmul';
import { binary, prelu } from './binary';
import { conv2d } from './conv2d';
import { cast, dequantize, quantize } from './convert';
import { depthwiseConv2d } from './depthwiseConv2d';
import { fullyConnected } from './fullyConnected';
import { l2Normalize } from './l2Normalize';
import { broadcastTo, concat, depthToSpace, pad, reshape, slice, spaceToDepth, split, transpose } from './move';
import type { Operator } from './operator';
import { averagePool2d, maxPool2d } from './pool2d';
import { reduce } from './reduce';
import { resize2d } from './resize2d';
import { logSoftmax, softmax } from './softmax';
import { transposeConv2d } from './transposeConv2d';
import { unary } from './unary';

/** Every operator of the IR, by name. */
export const operators: { [K in OperatorName]: Operator<K> } = {
  argmax, averagePool2d, batchMatmul, binary, broadcastTo, cast, concat, conv2d, depthToSpace, depthwiseConv2d, dequantize, fullyConnected,
  l2Normalize, logSoftmax, maxPool2d, pad, prelu, quantize, reduce, reshape, resize2d, slice, softmax, spaceToDepth, split, transpose,
  transposeConv2d, unary,
};

/** The table's entry of a node's operator. */
export function operatorOf<K extends OperatorName>(op: K): Operator<K> {
  return operators[op];
}
