import * as L from '../../assembly/layout';
import { input, output, type AnyNode, type Tensor } from '../graph/graph';
import type { CompareKind } from '../graph/operators';
import type { Emitter } from './emitter';
import type { Operator } from './operator';
import { emitDequantize } from './shared/convert';
import { elementwise, emitElementwise } from './shared/elementwise';
import { sameQuantization } from './shared/quantized';
import { requireTypes, unsupported } from './shared/refuse';

/** The record's kind, and whether its operands are swapped: a > b is b < a. */
const kinds: Record<CompareKind, { code: number; isSwapped: boolean }> = {
  equal: { code: L.ELEMENTWISE_EQUAL, isSwapped: false },
  notEqual: { code: L.ELEMENTWISE_NOT_EQUAL, isSwapped: false },
  less: { code: L.ELEMENTWISE_LESS, isSwapped: false },
  lessEqual: { code: L.ELEMENTWISE_LESS_EQUAL, isSwapped: false },
  greater: { code: L.ELEMENTWISE_LESS, isSwapped: true },
  greaterEqual: { code: L.ELEMENTWISE_LESS_EQUAL, isSwapped: true },
};

export const compare: Operator<'compare'> = {
  ...elementwise,
  quantization: 'float',
  lower(node, emit) {
    const { code, isSwapped } = kinds[node.attributes.kind];
    let operands: [Tensor, Tensor] = [input(node, 0), input(node, 1)];
    const [a, b] = operands;
    requireTypes(node, a, 'int8', 'float32', 'int32', 'int64', 'uint8', 'bool');
    if (a.dtype !== b.dtype) throw unsupported(node, `${a.dtype} with ${b.dtype}; both must be of one type`);
    if (!sameQuantization(a, b)) operands = [inFloats(node, emit, a), inFloats(node, emit, b)];
    emitElementwise(node, emit, code, isSwapped ? [operands[1], operands[0]] : operands, output(node));
  },
};

/** The real values of an int8 tensor, in a temporary. */
function inFloats(node: AnyNode, emit: Emitter, tensor: Tensor): Tensor {
  const real: Tensor = { name: `${tensor.name} (real, for ${node.name})`, shape: tensor.shape, dtype: 'float32' };
  emitDequantize(node, emit, tensor, real);
  return real;
}
