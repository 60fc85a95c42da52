import { input, output } from '../graph/graph';
import { emitCast } from './converting';
import type { Operator } from './operator';

export const cast: Operator<'cast'> = {
  quantization: 'float',
  infer: (node) => [input(node, 0).shape],
  lower: (node, emit) => emitCast(node, emit, input(node, 0), output(node)),
};
