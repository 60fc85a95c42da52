import { elementCount, innermost, input, output } from '../graph/graph';
import type { Operator } from './operator';
import { emitStridedCopy } from './shared/emit';
import { isInteger, sameQuantization } from './shared/quantized';
import { demand, shapeText, unsupported } from './shared/refuse';
import { sameRange } from './shared/relevant';

export const reshape: Operator<'reshape'> = {
  quantization: 'same',
  relevantRange: sameRange,
  stream: {
    readsPadding: true,
    // time must remain a dimension by itself: of the same size, with as many elements before it
    convert(node, stream) {
      const { time, x } = stream;
      const { shape } = output(node);
      const before = elementCount(x.shape.slice(0, time.axis));
      const axis = shape.findIndex((d, i) => d === time.total && elementCount(shape.slice(0, i)) === before);
      if (axis < 0) throw unsupported(node, `it mixes time with other dimensions (${shapeText(shape)})`);
      stream.emit(node, { ...time, axis });
    },
  },
  isChannelwise: (node, channels) => {
    const { shape } = output(node);
    return shape.length > 0 && innermost(shape) % channels === 0;
  },
  computesInt16: true,
  isHomogeneous: true,
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
    const isView = !x.data && (!isInteger(x) || sameQuantization(x, y));
    if (isView) emit.alias(y, x);
    else emitStridedCopy(node, emit, x, y, [elementCount(y.shape)], [1], [1]);
  },
};
