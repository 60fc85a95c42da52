import { elementSize, input } from '../graph/graph';
import type { Operator } from './operator';
import { emitStridedCopy } from './shared/emit';
import { sameQuantization } from './shared/quantized';
import { demand, demandAxis, unsupported } from './shared/refuse';
import { stridesOf } from './shared/shapes';
import { sameRange } from './shared/relevant';

export const split: Operator<'split'> = {
  quantization: 'same',
  relevantRange: sameRange,
  stream: {
    convert(node, stream) {
      if (node.attributes.axis === stream.time.axis) throw unsupported(node, 'it splits the sequence');
      stream.emit(node, stream.time);
    },
  },
  isChannelwise: false,
  computesInt16: true,
  infer(node) {
    const { shape } = input(node, 0);
    const { axis } = node.attributes;
    demandAxis(node, axis, shape);
    const total = node.outputs.reduce((sum, piece) => sum + (piece.shape[axis] ?? 0), 0);
    demand(node, total === shape[axis], `its pieces add up to ${total} instead of ${shape[axis]} along axis ${axis}`);
    return node.outputs.map((piece) => shape.map((size, d) => (d === axis ? piece.shape[d]! : size)));
  },
  lower(node, emit) {
    const x = input(node, 0);
    const strides = stridesOf(x.shape);
    const { axis } = node.attributes;
    let at = 0;
    for (const y of node.outputs) {
      const offset = at * strides[axis]!;
      const isContiguous = x.shape.slice(0, axis).every((d) => d === 1);
      if (isContiguous && !x.data && sameQuantization(x, y)) emit.alias(y, x, offset * elementSize(x.dtype));
      else emitStridedCopy(node, emit, x, y, y.shape, strides, stridesOf(y.shape), offset);
      at += y.shape[axis]!;
    }
  },
};
