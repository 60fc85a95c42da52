import * as L from '../../assembly/layout';
import { input } from '../graph/graph';
import type { Operator } from './operator';
import { lowerSoftmax } from './shared/softmax';
import { sameRows } from './shared/rowForms';
import { rowByRow } from './shared/stream';

export const logSoftmax: Operator<'logSoftmax'> = {
  quantization: { scale: 16 / 256, zeroPoint: 127 },
  stream: rowByRow,
  rows: sameRows,
  isChannelwise: false,
  infer: (node) => [input(node, 0).shape],
  lower: (node, emit) => lowerSoftmax(node, emit, L.OP_LOG_SOFTMAX, 1),
};
