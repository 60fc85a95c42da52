import * as L from '../../assembly/layout';
import { elementCount, input, output, perTensor } from '../graph/graph';
import type { Operator } from './operator';
import { requireTypes } from './shared/refuse';
import { sameRows } from './shared/rowForms';
import { rowByRow } from './shared/stream';

export const l2Normalize: Operator<'l2Normalize'> = {
  quantization: { scale: 1 / 128, zeroPoint: 0 },
  stream: rowByRow,
  rows: sameRows,
  isChannelwise: false,
  infer: (node) => [input(node, 0).shape],
  lower(node, emit) {
    const x = input(node, 0);
    const y = output(node);
    const depth = x.shape[x.shape.length - 1] ?? 1;
    const count = elementCount(x.shape);
    const { epsilon } = node.attributes;
    requireTypes(node, x, 'int8', 'float32');
    const r = emit.record(L.OP_L2_NORMALIZE, L.L2_NORMALIZE_BYTES, x.dtype, node, node.op);
    r.source(L.L2_NORMALIZE_SOURCE, x);
    r.target(L.L2_NORMALIZE_TARGET, y);
    r.int(L.L2_NORMALIZE_ROWS, count / depth);
    r.int(L.L2_NORMALIZE_DEPTH, depth);
    if (x.dtype === 'float32') {
      r.float(L.L2_NORMALIZE_EPSILON, epsilon);
    } else {
      const qx = perTensor(x);
      const qy = perTensor(y);
      r.float(L.L2_NORMALIZE_EPSILON, epsilon / qx.scale / qx.scale);
      r.int(L.L2_NORMALIZE_SOURCE_ZERO, qx.zeroPoint);
      r.float(L.L2_NORMALIZE_OUT_SCALE, qy.scale);
      r.int(L.L2_NORMALIZE_TARGET_ZERO, qy.zeroPoint);
    }
  },
};
