import { input, output } from '../graph/graph';
import { moveAs } from './moving';
import type { Operator } from './operator';
import { stridesOf } from './support';

export const slice: Operator<'slice'> = {
  quantization: 'same',
  infer: (node) => [output(node).shape],
  lower(node, emit) {
    const x = input(node, 0), y = output(node), { begin, stride } = node.attributes, strides = stridesOf(x.shape);
    const offset = begin.reduce((sum, b, d) => sum + b * strides[d]!, 0);
    moveAs(node, emit, x, y, y.shape, strides.map((s, d) => s * stride[d]!), stridesOf(y.shape), offset);
  },
};
