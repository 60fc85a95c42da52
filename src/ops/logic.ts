import * as L from '../../assembly/layout';
import { input, output } from '../graph/graph';
import type { LogicKind } from '../graph/operators';
import type { Operator } from './operator';
import { elementwise, emitElementwise } from './shared/elementwise';
import { requireTypes } from './shared/refuse';

const kinds: Record<LogicKind, number> = { and: L.ELEMENTWISE_AND, or: L.ELEMENTWISE_OR, xor: L.ELEMENTWISE_XOR };

export const logic: Operator<'logic'> = {
  ...elementwise,
  quantization: 'float',
  lower(node, emit) {
    const a = input(node, 0);
    const b = input(node, 1);
    for (const operand of [a, b]) requireTypes(node, operand, 'bool');
    emitElementwise(node, emit, kinds[node.attributes.kind], [a, b], output(node));
  },
};
