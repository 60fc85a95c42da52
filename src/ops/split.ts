import { elementSize, input } from '../graph/graph';
import { moveAs } from './moving';
import type { Operator } from './operator';
import { sameQuantization, stridesOf } from './support';

export const split: Operator<'split'> = {
  quantization: 'same',
  infer: (node) => node.outputs.map((tensor) => tensor.shape),
  lower(node, emit) {
    const x = input(node, 0), strides = stridesOf(x.shape), { axis } = node.attributes;
    let at = 0;
    for (const y of node.outputs) {
      const offset = at * strides[axis]!;
      if (x.shape.slice(0, axis).every((d) => d === 1) && !x.data && sameQuantization(x, y)) emit.alias(y, x, offset * elementSize(x.dtype));
      else moveAs(node, emit, x, y, y.shape, strides, stridesOf(y.shape), offset);
      at += y.shape[axis]!;
    }
  },
};
