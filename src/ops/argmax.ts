import * as L from '../../assembly/layout';
import { elementCount, input, output } from '../graph/graph';
import type { Operator } from './operator';
import { demandAxis, requireTypes } from './shared/refuse';
import { reducing } from './shared/stream';

export const argmax: Operator<'argmax'> = {
  quantization: 'free',
  stream: reducing((node) => [node.attributes.axis]),
  isChannelwise: false,
  infer(node) {
    const shape = input(node, 0).shape;
    const { axis } = node.attributes;
    const kept = shape.map((d, i) => (i === axis ? 1 : d));
    const y = output(node).shape;
    demandAxis(node, axis, shape);
    return [y.length === kept.length ? kept : shape.filter((_, i) => i !== axis)];
  },
  lower(node, emit) {
    const x = input(node, 0);
    const { axis, kind } = node.attributes;
    requireTypes(node, x, 'int8', 'float32');
    const r = emit.record(L.OP_ARGMAX, L.ARGMAX_BYTES, x.dtype, node, node.op);
    r.source(L.ARGMAX_SOURCE, x);
    r.target(L.ARGMAX_TARGET, output(node));
    r.int(L.ARGMAX_KIND, kind === 'max' ? L.ARGMAX_MAX : L.ARGMAX_MIN);
    r.ints(L.ARGMAX_OUTER, [elementCount(x.shape.slice(0, axis)), x.shape[axis]!,
      elementCount(x.shape.slice(axis + 1))]);
  },
};
