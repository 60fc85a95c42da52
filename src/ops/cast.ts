import { input, output } from '../graph/graph';
import type { Operator } from './operator';
import { emitCast } from './shared/convert';
import { frameByFrame } from './shared/stream';

export const cast: Operator<'cast'> = {
  quantization: 'float',
  stream: frameByFrame,
  isChannelwise: false,
  readsStoredIntegers: true,
  infer: (node) => [input(node, 0).shape],
  lower(node, emit) {
    const x = input(node, 0);
    const y = output(node);
    const bytes = ['int8', 'uint8', 'bool'];
    // between types of one byte the stored bits stay
    if (bytes.includes(x.dtype) && bytes.includes(y.dtype)) emit.alias(y, x);
    else emitCast(node, emit, x, y);
  },
};
