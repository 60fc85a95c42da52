import { input, output } from '../graph/graph';
import { moveAs } from './moving';
import type { Operator } from './operator';
import { broadcastStrides, stridesOf } from './support';

export const broadcastTo: Operator<'broadcastTo'> = {
  quantization: 'same',
  infer: (node) => [output(node).shape],
  lower(node, emit) {
    const x = input(node, 0), y = output(node);
    moveAs(node, emit, x, y, y.shape, broadcastStrides(x.shape, y.shape), stridesOf(y.shape));
  },
};
