import * as L from '../../assembly/layout';
import { input } from '../graph/graph';
import type { Operator } from './operator';
import { lowerSoftmax } from './shared/softmax';
import { sameRows } from './shared/rowForms';
import { rowByRow } from './shared/stream';

/** An element this far below the largest of its row has a share of 6e-6, far below a step. */
const NO_SHARE = 12;

export const softmax: Operator<'softmax'> = {
  quantization: { scale: 1 / 256, zeroPoint: -128 },
  stream: rowByRow,
  rows: sameRows,
  isChannelwise: false,
  comparesRows: true,
  relevantRange: (
    node,
    _,
    { operands: [x], rowMaxima: [least] },
  ) => [Math.min(x![1], least! - NO_SHARE / Math.max(node.attributes.beta, 1e-6)), x![1]],
  infer: (node) => [input(node, 0).shape],
  lower: (node, emit) => lowerSoftmax(node, emit, L.OP_SOFTMAX, node.attributes.beta),
};
