import { elementCount, input, output } from '../graph/graph';
import { moveAs } from './moving';
import type { Operator } from './operator';
import { sameQuantization } from './support';

export const reshape: Operator<'reshape'> = {
  quantization: 'same',
  infer: (node) => [output(node).shape],
  lower(node, emit) {
    const x = input(node, 0), y = output(node);
    if (x.data || (x.dtype === 'int8' && !sameQuantization(x, y))) moveAs(node, emit, x, y, [elementCount(y.shape)], [1], [1]);
    else emit.alias(y, x);
  },
};
