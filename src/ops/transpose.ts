import { input, output } from '../graph/graph';
import { moveAs } from './moving';
import type { Operator } from './operator';
import { stridesOf } from './support';

export const transpose: Operator<'transpose'> = {
  quantization: 'same',
  infer(node) {
    return [node.attributes.perm.map((d) => input(node, 0).shape[d]!)];
  },
  lower(node, emit) {
    const x = input(node, 0), y = output(node), strides = stridesOf(x.shape);
    moveAs(node, emit, x, y, y.shape, node.attributes.perm.map((d) => strides[d]!), stridesOf(y.shape));
  },
};
