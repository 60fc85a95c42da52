import * as L from '../../assembly/layout';
import { input, output } from '../graph/graph';
import type { Operator } from './operator';
import { elementwise, emitElementwise } from './shared/elementwise';
import { inQuantizationOf } from './shared/emit';
import { requireTypes, unsupported } from './shared/refuse';

export const select: Operator<'select'> = {
  ...elementwise,
  quantization: 'free',
  lower(node, emit) {
    const a = input(node, 0);
    const b = input(node, 1);
    const condition = input(node, 2);
    const y = output(node);
    requireTypes(node, condition, 'bool');
    requireTypes(node, a, 'int8', 'float32', 'int32', 'int64', 'uint8', 'bool');
    if (a.dtype !== b.dtype || a.dtype !== y.dtype) {
      throw unsupported(node, `${a.dtype} and ${b.dtype} to ${y.dtype}; all three must be of one type`);
    }
    const values = [inQuantizationOf(node, emit, a, y), inQuantizationOf(node, emit, b, y)] as const;
    emitElementwise(node, emit, L.ELEMENTWISE_SELECT, values, y, condition);
  },
};
