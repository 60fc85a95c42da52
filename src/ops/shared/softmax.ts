import * as L from '../../../assembly/layout';
import { elementCount, input, output, perTensor, type Node } from '../../graph/graph';
import type { Emitter } from '../emitter';
import { requireTypes } from './refuse';

/** exp(−d·scale·beta) for d = max − q of 0 to 255. */
function exponentials(scale: number, beta: number): Float32Array {
  return Float32Array.from({ length: 256 }, (_, d) => Math.exp(-d * scale * beta));
}

export function lowerSoftmax(
  node: Node<'softmax'> | Node<'logSoftmax'>,
  emit: Emitter,
  opcode: number,
  beta: number,
): void {
  const x = input(node, 0);
  const y = output(node);
  const depth = x.shape[x.shape.length - 1] ?? 1;
  const count = elementCount(x.shape);
  requireTypes(node, x, 'int8', 'float32');
  emit.mayReuse(y, x);
  const r = emit.record(opcode, L.SOFTMAX_BYTES, x.dtype, node, node.op);
  r.source(L.SOFTMAX_SOURCE, x);
  r.target(L.SOFTMAX_TARGET, y);
  r.int(L.SOFTMAX_ROWS, count / depth);
  r.int(L.SOFTMAX_DEPTH, depth);
  if (x.dtype === 'float32') {
    r.float(L.SOFTMAX_SCALE, beta);
  } else {
    const qx = perTensor(x);
    const qy = perTensor(y);
    r.table(L.SOFTMAX_TABLE, exponentials(qx.scale, beta));
    r.float(L.SOFTMAX_SCALE, qx.scale);
    r.float(L.SOFTMAX_OUT_SCALE, qy.scale);
    r.int(L.SOFTMAX_TARGET_ZERO, qy.zeroPoint);
  }
}
