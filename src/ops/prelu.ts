import * as L from '../../assembly/layout';
import { elementCount, input, output, perTensor } from '../graph/graph';
import type { Operator } from './operator';
import { emitBinary } from './shared/binary';
import { demand, requireTypes, shapeText, unsupported } from './shared/refuse';
import { f32 } from './shared/rounding';
import { broadcastShape } from '../graph/broadcast';
import { broadcastRows } from './shared/rowForms';
import { broadcasting } from './shared/stream';

export const prelu: Operator<'prelu'> = {
  quantization: 'free',
  stream: broadcasting,
  rows: broadcastRows,
  isChannelwise: true,
  isHomogeneous: true,
  infer(node) {
    const x = input(node, 0).shape;
    const alpha = input(node, 1).shape;
    const shape = broadcastShape(x, alpha);
    demand(
      node,
      shape !== undefined && elementCount(shape) === elementCount(x),
      `slopes of ${shapeText(alpha)} do not broadcast to ${shapeText(x)}`,
    );
    return [x];
  },
  lower(node, emit) {
    const x = input(node, 0);
    const alpha = input(node, 1);
    const y = output(node);
    requireTypes(node, x, 'int8', 'float32');
    if (alpha.dtype !== x.dtype) {
      throw unsupported(node, `${x.dtype} input with a ${alpha.dtype} slope; both must be of one type`);
    }
    const r = emitBinary(node, emit, x, alpha, y, L.BINARY_PRELU, node.op);
    if (y.dtype === 'int8') {
      const qx = perTensor(x);
      const qa = perTensor(alpha);
      const qy = perTensor(y);
      r.int(L.BINARY_A_ZERO, qx.zeroPoint);
      r.int(L.BINARY_B_ZERO, qa.zeroPoint);
      r.int(L.BINARY_TARGET_ZERO, qy.zeroPoint);
      r.float(L.BINARY_SCALE, f32(f32(qx.scale) / f32(qy.scale)));
      r.float(L.BINARY_NEGATIVE_SCALE, f32(f32(f32(qx.scale) * f32(qa.scale)) / f32(qy.scale)));
      r.ints(L.BINARY_MIN, [-128, 127]);
    } else {
      r.float(L.BINARY_MIN, -Infinity);
      r.float(L.BINARY_MAX, Infinity);
    }
  },
};
