import * as L from '../../assembly/layout';
import type { Operator } from './operator';
import { inferPool, lowerPool } from './shared/pool2d';
import { poolRows } from './shared/rowForms';
import { pooling } from './shared/stream';
import { sameRange } from './shared/relevant';

export const maxPool2d: Operator<'maxPool2d'> = {
  quantization: 'same',
  relevantRange: sameRange,
  stream: pooling,
  rows: poolRows,
  isChannelwise: true,
  isHomogeneous: true,
  fusesActivation: true,
  infer: inferPool,
  lower: (node, emit) => lowerPool(node, emit, L.POOL2D_MAXIMUM),
};
