import { input, output } from '../graph/graph';
import type { Operator } from './operator';
import { emitStridedCopy } from './shared/emit';
import { demand, shapeText } from './shared/refuse';
import { stridesOf } from './shared/shapes';
import { sameRange } from './shared/relevant';

export const transpose: Operator<'transpose'> = {
  quantization: 'same',
  relevantRange: sameRange,
  stream: {
    readsPadding: true,
    convert(node, stream) {
      stream.emit(node, { ...stream.time, axis: node.attributes.perm.indexOf(stream.time.axis) });
    },
  },
  isChannelwise: false,
  computesInt16: true,
  infer(node) {
    const { shape } = input(node, 0);
    const { perm } = node.attributes;
    demand(
      node,
      perm.length === shape.length && shape.every((_, d) => perm.includes(d)),
      `${shapeText(perm)} does not order the dimensions of ${shapeText(shape)}`,
    );
    return [perm.map((d) => shape[d]!)];
  },
  lower(node, emit) {
    const x = input(node, 0);
    const y = output(node);
    const strides = stridesOf(x.shape);
    emitStridedCopy(node, emit, x, y, y.shape, node.attributes.perm.map((d) => strides[d]!), stridesOf(y.shape));
  },
};
