import * as L from '../../assembly/layout';
import { input, output } from '../graph/graph';
import type { ArithmeticKind } from '../graph/operators';
import type { Operator } from './operator';
import { elementwise, emitElementwise } from './shared/elementwise';
import { requireTypes, unsupported } from './shared/refuse';

const kinds: Record<ArithmeticKind, number> = {
  floorDiv: L.ELEMENTWISE_FLOOR_DIV,
  floorMod: L.ELEMENTWISE_FLOOR_MOD,
  pow: L.ELEMENTWISE_POW,
};

export const arithmetic: Operator<'arithmetic'> = {
  ...elementwise,
  quantization: 'float',
  lower(node, emit) {
    const a = input(node, 0);
    const b = input(node, 1);
    requireTypes(node, a, 'float32', 'int32', 'int64');
    if (a.dtype !== b.dtype) throw unsupported(node, `${a.dtype} with ${b.dtype}; both must be of one type`);
    emitElementwise(node, emit, kinds[node.attributes.kind], [a, b], output(node));
  },
};
