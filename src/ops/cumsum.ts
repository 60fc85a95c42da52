import * as L from '../../assembly/layout';
import { elementCount, input, output } from '../graph/graph';
import type { Operator } from './operator';
import { demandAxis, requireTypes } from './shared/refuse';

export const cumsum: Operator<'cumsum'> = {
  quantization: 'float',
  stream: 'none',
  isChannelwise: false,
  infer(node) {
    const { shape } = input(node, 0);
    demandAxis(node, node.attributes.axis, shape);
    return [shape];
  },
  lower(node, emit) {
    const x = input(node, 0);
    const y = output(node);
    const { axis, exclusive, reverse } = node.attributes;
    requireTypes(node, x, 'float32', 'int32', 'int64');
    const r = emit.record(L.OP_CUMSUM, L.CUMSUM_BYTES, x.dtype, node, node.op);
    r.source(L.CUMSUM_SOURCE, x);
    r.target(L.CUMSUM_TARGET, y);
    r.ints(L.CUMSUM_OUTER, [elementCount(x.shape.slice(0, axis)), x.shape[axis]!,
      elementCount(x.shape.slice(axis + 1))]);
    r.int(L.CUMSUM_EXCLUSIVE, Number(exclusive));
    r.int(L.CUMSUM_REVERSE, Number(reverse));
    emit.mayReuse(y, x);
  },
};
