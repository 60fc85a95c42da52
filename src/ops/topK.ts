import * as L from '../../assembly/layout';
import { elementCount, input, output } from '../graph/graph';
import type { Operator } from './operator';
import { emitRescaled } from './shared/emit';
import { demand, demandAxis, requireTypes, shapeText, unsupported } from './shared/refuse';
import { sameRange } from './shared/relevant';

export const topK: Operator<'topK'> = {
  quantization: 'same',
  relevantRange: sameRange,
  stream: 'none',
  isChannelwise: false,
  infer(node) {
    const { shape } = input(node, 0);
    const { axis, k } = node.attributes;
    demandAxis(node, axis, shape);
    demand(
      node,
      Number.isInteger(k) && k >= 1 && k <= shape[axis]!,
      `its k must be 1 to ${shape[axis]!}, the size of axis ${axis} of ${shapeText(shape)}, not ${k}`,
    );
    const result = shape.with(axis, k);
    return [result, result];
  },
  lower(node, emit) {
    const x = input(node, 0);
    const [values, indices] = [output(node), output(node, 1)];
    const { axis, k, kind } = node.attributes;
    requireTypes(node, x, 'int8', 'float32', 'int32', 'int64', 'uint8', 'bool');
    if (x.dtype !== values.dtype) throw unsupported(node, `values of ${values.dtype} of a source of ${x.dtype}`);
    if (indices.dtype !== 'int32' && indices.dtype !== 'int64') {
      throw unsupported(node, `indices of ${indices.dtype}; int32 is possible`);
    }
    emitRescaled(node, emit, x, values, (target) => {
      const r = emit.record(L.OP_TOP_K, L.TOP_K_BYTES, x.dtype, node, node.op);
      r.source(L.TOP_K_SOURCE, x);
      r.target(L.TOP_K_VALUES, target);
      r.target(L.TOP_K_INDICES, indices);
      r.ints(L.TOP_K_OUTER, [elementCount(x.shape.slice(0, axis)), x.shape[axis]!,
        elementCount(x.shape.slice(axis + 1)), k]);
      r.int(L.TOP_K_SMALLEST, Number(kind === 'min'));
    });
  },
};
