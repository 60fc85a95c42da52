import * as L from '../../assembly/layout';
import type { Operator } from './operator';
import { inferPool, lowerPool } from './shared/pool2d';
import { poolRows } from './shared/rowForms';
import { pooling } from './shared/stream';

export const averagePool2d: Operator<'averagePool2d'> = {
  quantization: 'same',
  stream: pooling,
  rows: poolRows,
  isChannelwise: true,
  isHomogeneous: true,
  fusesActivation: true,
  infer: inferPool,
  lower: (node, emit) => lowerPool(node, emit, L.POOL2D_AVERAGE),
};
