import { input, output } from '../graph/graph';
import type { Operator } from './operator';
import { emitStridedCopy } from './shared/emit';
import { demand, shapeText } from './shared/refuse';
import { broadcastShape } from '../graph/broadcast';
import { broadcastStrides, stridesOf } from './shared/shapes';
import { sameRange } from './shared/relevant';

export const broadcastTo: Operator<'broadcastTo'> = {
  quantization: 'same',
  relevantRange: sameRange,
  stream: 'none',
  isChannelwise: false,
  computesInt16: true,
  infer(node) {
    const from = input(node, 0).shape;
    const to = output(node).shape;
    const shape = broadcastShape(from, to);
    demand(
      node,
      shape !== undefined && shape.length === to.length && shape.every((d, i) => d === to[i]),
      `${shapeText(from)} does not broadcast to ${shapeText(to)}`,
    );
    return [to];
  },
  lower(node, emit) {
    const x = input(node, 0);
    const y = output(node);
    emitStridedCopy(node, emit, x, y, y.shape, broadcastStrides(x.shape, y.shape), stridesOf(y.shape));
  },
};
