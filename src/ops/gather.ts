import * as L from '../../assembly/layout';
import { elementCount, elementSize, input, output } from '../graph/graph';
import type { Operator } from './operator';
import { sameQuantization } from './shared/quantized';
import { demand, demandAxis, requireTypes, shapeText, unsupported } from './shared/refuse';
import { sameRange } from './shared/relevant';

export const gather: Operator<'gather'> = {
  quantization: 'same',
  relevantRange: sameRange,
  stream: {
    convert(node, stream) {
      const { axis, batchDims } = node.attributes;
      if (stream.x === node.inputs[0]) throw unsupported(node, 'it takes from the whole sequence');
      stream.emit(node, { ...stream.time, axis: axis + stream.time.axis - batchDims });
    },
  },
  isChannelwise: false,
  infer(node) {
    const x = input(node, 0).shape;
    const indices = input(node, 1).shape;
    const { axis, batchDims } = node.attributes;
    demandAxis(node, axis, x);
    demand(
      node,
      batchDims >= 0 && batchDims <= axis && batchDims <= indices.length &&
        x.slice(0, batchDims).every((d, i) => d === indices[i]),
      `${batchDims} dimensions of ${shapeText(x)} and ${shapeText(indices)} must be the same`,
    );
    return [[...x.slice(0, axis), ...indices.slice(batchDims), ...x.slice(axis + 1)]];
  },
  lower(node, emit) {
    const x = input(node, 0);
    const indices = input(node, 1);
    const y = output(node);
    const { axis, batchDims } = node.attributes;
    requireTypes(node, indices, 'int32', 'int64');
    if (x.dtype !== y.dtype || (x.dtype === 'int8' && !sameQuantization(x, y))) {
      throw unsupported(node, 'a result of another type or scale than its source');
    }
    const r = emit.record(L.OP_GATHER, L.GATHER_BYTES, x.dtype, node, node.op);
    r.source(L.GATHER_SOURCE, x);
    r.source(L.GATHER_INDICES, indices);
    r.target(L.GATHER_TARGET, y);
    r.ints(L.GATHER_OUTER, [elementCount(x.shape.slice(0, batchDims)), elementCount(x.shape.slice(batchDims, axis)),
      x.shape[axis]!, elementCount(indices.shape.slice(batchDims)),
      elementCount(x.shape.slice(axis + 1)) * elementSize(x.dtype)]);
  },
};
