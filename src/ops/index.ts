import { KletError } from '../errors';
import type { OperatorName } from '../graph/operators';
import { argmax } from './argmax';
import { arithmetic } from './arithmetic';
import { averagePool2d } from './averagePool2d';
import { batchMatmul } from './batchMatmul';
import { binary } from './binary';
import { broadcastTo } from './broadcastTo';
import { cast } from './cast';
import { compare } from './compare';
import { concat } from './concat';
import { conv2d } from './conv2d';
import { cumsum } from './cumsum';
import { depthToSpace } from './depthToSpace';
import { depthwiseConv2d } from './depthwiseConv2d';
import { dequantize } from './dequantize';
import { detectionPostprocess } from './detectionPostprocess';
import { dft } from './dft';
import { fullyConnected } from './fullyConnected';
import { gather } from './gather';
import { gatherNd } from './gatherNd';
import { gridSample } from './gridSample';
import { gru } from './gru';
import { l2Normalize } from './l2Normalize';
import { logSoftmax } from './logSoftmax';
import { logic } from './logic';
import { lstm } from './lstm';
import { maxPool2d } from './maxPool2d';
import { maxPoolIndices } from './maxPoolIndices';
import { nonMaxSuppression } from './nonMaxSuppression';
import { normalize } from './normalize';
import type { Operator } from './operator';
import { pad } from './pad';
import { prelu } from './prelu';
import { quantize } from './quantize';
import { recurrence } from './recurrence';
import { reduce } from './reduce';
import { resample } from './resample';
import { reshape } from './reshape';
import { resize2d } from './resize2d';
import { rnn } from './rnn';
import { scatterElements } from './scatterElements';
import { scatterNd } from './scatterNd';
import { select } from './select';
import { slice } from './slice';
import { softmax } from './softmax';
import { spaceToDepth } from './spaceToDepth';
import { split } from './split';
import { svdf } from './svdf';
import { topK } from './topK';
import { transpose } from './transpose';
import { transposeConv2d } from './transposeConv2d';
import { unary } from './unary';
import { updateSlice } from './updateSlice';

/** Every operator of the IR, by name. */
export const operators: { [K in OperatorName]: Operator<K> } = {
  argmax,
  arithmetic,
  averagePool2d,
  batchMatmul,
  binary,
  broadcastTo,
  cast,
  compare,
  concat,
  conv2d,
  cumsum,
  depthToSpace,
  depthwiseConv2d,
  dequantize,
  fullyConnected,
  l2Normalize,
  logSoftmax,
  logic,
  maxPool2d,
  maxPoolIndices,
  nonMaxSuppression,
  normalize,
  pad,
  prelu,
  quantize,
  recurrence,
  reduce,
  resample,
  reshape,
  resize2d,
  slice,
  softmax,
  spaceToDepth,
  split,
  transpose,
  transposeConv2d,
  unary,
  gather,
  gatherNd,
  detectionPostprocess,
  dft,
  gridSample,
  gru,
  lstm,
  rnn,
  scatterElements,
  scatterNd,
  select,
  svdf,
  topK,
  updateSlice,
};

/** The table entry for the operator of a node. */
export function operatorOf<K extends OperatorName>(op: K): Operator<K> {
  if (!Object.hasOwn(operators, op)) {
    throw new KletError(
      'UNSUPPORTED_OP',
      `there is no operator "${op}"; kinglet has ${Object.keys(operators).join(', ')}`,
    );
  }
  return operators[op];
}
