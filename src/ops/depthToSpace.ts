import { input, output } from '../graph/graph';
import type { Operator } from './operator';
import { emitStridedCopy } from './shared/emit';
import { demand, fourDimensions } from './shared/refuse';
import { stridesOf } from './shared/shapes';
import { sameRange } from './shared/relevant';

export const depthToSpace: Operator<'depthToSpace'> = {
  quantization: 'same',
  relevantRange: sameRange,
  stream: 'none',
  isChannelwise: false,
  computesInt16: true,
  infer(node) {
    const [n, h, w, c] = fourDimensions(node, input(node, 0));
    const b = node.attributes.blockSize;
    demand(node, Number.isInteger(b) && b > 0 && c % (b * b) === 0, `blocks of ${b} do not divide ${c} channels`);
    return [[n, h * b, w * b, c / (b * b)]];
  },
  lower(node, emit) {
    const x = input(node, 0);
    const y = output(node);
    const b = node.attributes.blockSize;
    const [n, h, w, c] = x.shape as [number, number, number, number];
    const d = c / (b * b);
    emitStridedCopy(
      node,
      emit,
      x,
      y,
      [n, h, b, w, b, d],
      [h * w * c, w * c, b * d, c, d, 1],
      stridesOf([n, h, b, w, b, d]),
    );
  },
};
