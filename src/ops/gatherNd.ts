import * as L from '../../assembly/layout';
import { elementCount, elementSize, input, output } from '../graph/graph';
import type { Operator } from './operator';
import { sameQuantization } from './shared/quantized';
import { demand, requireTypes, shapeText, unsupported } from './shared/refuse';

export const gatherNd: Operator<'gatherNd'> = {
  quantization: 'same',
  stream: 'none',
  isChannelwise: false,
  infer(node) {
    const x = input(node, 0).shape;
    const indices = input(node, 1).shape;
    const depth = indices[indices.length - 1] ?? 0;
    demand(
      node,
      depth >= 1 && depth <= x.length,
      `the last dimension of the indices ${shapeText(indices)} must be 1 to ${x.length}, ` +
        `the dimensions of ${shapeText(x)}`,
    );
    return [[...indices.slice(0, -1), ...x.slice(depth)]];
  },
  lower(node, emit) {
    const x = input(node, 0);
    const indices = input(node, 1);
    const y = output(node);
    const depth = indices.shape[indices.shape.length - 1]!;
    requireTypes(node, indices, 'int32', 'int64');
    if (x.dtype !== y.dtype || (x.dtype === 'int8' && !sameQuantization(x, y))) {
      throw unsupported(node, 'a result of another type or scale than its source');
    }
    if (depth > L.MAX_RANK) throw unsupported(node, `${depth} indices for an element; ${L.MAX_RANK} are possible`);
    const dimensions = Array.from({ length: L.MAX_RANK }, (_, d) => (d < depth ? x.shape[d]! : 1));
    const r = emit.record(L.OP_GATHER_ND, L.GATHER_ND_BYTES, x.dtype, node, node.op);
    r.source(L.GATHER_ND_SOURCE, x);
    r.source(L.GATHER_ND_INDICES, indices);
    r.target(L.GATHER_ND_TARGET, y);
    r.int(L.GATHER_ND_COUNT, elementCount(indices.shape) / depth);
    r.int(L.GATHER_ND_ROW_BYTES, elementCount(x.shape.slice(depth)) * elementSize(x.dtype));
    r.ints(L.GATHER_ND_DIMENSIONS, dimensions);
    r.int(L.GATHER_ND_DEPTH, depth);
  },
};
