import { input, output } from '../graph/graph';
import type { Operator } from './operator';
import { emitStridedCopy } from './shared/emit';
import { demand, shapeText, unsupported } from './shared/refuse';
import { stridesOf } from './shared/shapes';
import { sameRange } from './shared/relevant';

export const slice: Operator<'slice'> = {
  quantization: 'same',
  relevantRange: sameRange,
  stream: {
    convert(node, stream) {
      const { axis, total, frames, offset } = stream.time;
      const { begin, stride } = node.attributes;
      const count = output(node).shape[axis]!;
      if (begin[axis] === 0 && count === total && stride[axis] === 1) {
        stream.emit(node, stream.time);
        return;
      }
      // the last frame of the sequence is the newest frame of each call
      if (count !== 1 || begin[axis] !== total - 1 || offset !== 0) {
        throw unsupported(node, 'it takes a part of the sequence');
      }
      stream.add({ ...node, attributes: { begin: begin.with(axis, frames - 1), stride } });
    },
  },
  isChannelwise: false,
  computesInt16: true,
  infer(node) {
    const { shape } = input(node, 0);
    const { begin, stride } = node.attributes;
    const to = output(node).shape;
    demand(
      node,
      [begin, stride, to].every((list) => list.length === shape.length),
      `its begins, strides and output must be as many as the dimensions of ${shapeText(shape)}`,
    );
    shape.forEach((size, d) => {
      const last = begin[d]! + (to[d]! - 1) * stride[d]!;
      const inside = begin[d]! >= 0 && begin[d]! < size && last >= 0 && last < size;
      demand(node, inside, `it takes ${begin[d]} to ${last} of dimension ${d}, which has ${size}`);
    });
    return [to];
  },
  lower(node, emit) {
    const x = input(node, 0);
    const y = output(node);
    const { begin, stride } = node.attributes;
    const strides = stridesOf(x.shape);
    const offset = begin.reduce((sum, b, d) => sum + b * strides[d]!, 0);
    emitStridedCopy(node, emit, x, y, y.shape, strides.map((s, d) => s * stride[d]!), stridesOf(y.shape), offset);
  },
};
