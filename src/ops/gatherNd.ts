import * as L from '../../assembly/layout';
import { elementCount, elementSize, input, output } from '../graph/graph';
import type { Operator } from './operator';
import { sameQuantization } from './shared/quantized';
import { demand, requireTypes, shapeText, unsupported } from './shared/refuse';
import { sameRange } from './shared/relevant';

export const gatherNd: Operator<'gatherNd'> = {
  quantization: 'same',
  relevantRange: sameRange,
  stream: 'none',
  isChannelwise: false,
  infer(node) {
    const x = input(node, 0).shape;
    const indices = input(node, 1).shape;
    const depth = indices[indices.length - 1] ?? 0;
    const { batchDims } = node.attributes;
    demand(
      node,
      batchDims >= 0 && batchDims < indices.length && x.slice(0, batchDims).every((d, i) => d === indices[i]),
      `${batchDims} dimensions of ${shapeText(x)} and ${shapeText(indices)} must be the same`,
    );
    demand(
      node,
      depth >= 1 && depth <= x.length - batchDims,
      `the last dimension of the indices ${shapeText(indices)} must be 1 to ${x.length - batchDims}, ` +
        `the dimensions of ${shapeText(x.slice(batchDims))}`,
    );
    return [[...indices.slice(0, -1), ...x.slice(batchDims + depth)]];
  },
  lower(node, emit) {
    const x = input(node, 0);
    const indices = input(node, 1);
    const y = output(node);
    const { batchDims } = node.attributes;
    const depth = indices.shape[indices.shape.length - 1]!;
    const batch = elementCount(x.shape.slice(0, batchDims));
    requireTypes(node, indices, 'int32', 'int64');
    if (x.dtype !== y.dtype || (x.dtype === 'int8' && !sameQuantization(x, y))) {
      throw unsupported(node, 'a result of another type or scale than its source');
    }
    if (depth > L.MAX_RANK) throw unsupported(node, `${depth} indices for an element; ${L.MAX_RANK} are possible`);
    const dimensions = Array.from({ length: L.MAX_RANK }, (_, d) => (d < depth ? x.shape[batchDims + d]! : 1));
    const r = emit.record(L.OP_GATHER_ND, L.GATHER_ND_BYTES, x.dtype, node, node.op);
    r.source(L.GATHER_ND_SOURCE, x);
    r.source(L.GATHER_ND_INDICES, indices);
    r.target(L.GATHER_ND_TARGET, y);
    r.int(L.GATHER_ND_COUNT, elementCount(indices.shape) / depth / batch);
    r.int(L.GATHER_ND_ROW_BYTES, elementCount(x.shape.slice(batchDims + depth)) * elementSize(x.dtype));
    r.ints(L.GATHER_ND_DIMENSIONS, dimensions);
    r.int(L.GATHER_ND_DEPTH, depth);
    r.int(L.GATHER_ND_BATCH, batch);
  },
};
