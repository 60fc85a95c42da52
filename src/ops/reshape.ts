import { elementCount, input, output } from '../graph/graph';
import type { Operator } from './operator';
import { emitStridedCopy } from './shared/emit';
import { sameQuantization } from './shared/quantized';
import { demand, shapeText } from './shared/refuse';

export const reshape: Operator<'reshape'> = {
  quantization: 'same',
  infer(node) {
    const from = input(node, 0).shape;
    const to = output(node).shape;
    demand(
      node,
      elementCount(from) === elementCount(to),
      `${shapeText(from)} has ${elementCount(from)} elements, ${shapeText(to)} has ${elementCount(to)}`,
    );
    return [to];
  },
  lower(node, emit) {
    const x = input(node, 0);
    const y = output(node);
    if (x.data || (x.dtype === 'int8' && !sameQuantization(x, y))) {emitStridedCopy(
        node,
        emit,
        x,
        y,
        [elementCount(y.shape)],
        [1],
        [1],
      );} else emit.alias(y, x);
  },
};
