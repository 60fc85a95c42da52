import type { ReduceKind } from '../../../graph/operators';
import { elementCount, type Tensor } from '../../../graph/graph';
import type { NodeEmitter } from '../../shared/nodeEmitter';
import type { Mapping, Mappings, OnnxOperator } from '../operator';

/** The axes of a reduction: inputs in new operator sets, attributes in old ones. */
function axesOf(operator: OnnxOperator, rank: number): number[] {
  const axes = operator.integers(1, 'axes') ?? [];
  if (axes.length > 0) return axes.map((axis) => operator.axis(axis, rank));
  return operator.attributes.int('noop_with_empty_axes', 0) === 1 ? [] : Array.from({ length: rank }, (_, i) => i);
}

/** `before` and `after` the reduction, a function of each element. */
function reduce(
  kind: ReduceKind,
  before: (emit: NodeEmitter, x: Tensor) => Tensor = (_, x) => x,
  after: (emit: NodeEmitter, x: Tensor) => Tensor = (_, x) => x,
): Mapping {
  return (operator) => {
    const { emit, attributes } = operator;
    const x = operator.input(0);
    const keeps = attributes.int('keepdims', 1) === 1;
    if (kind === 'mean' && (x.dtype === 'int32' || x.dtype === 'int64')) return meanOfIntegers(operator, x, keeps);
    return after(emit, emit.reduce(kind, before(emit, x), axesOf(operator, x.shape.length), keeps));
  };
}

/** The sum divided by the number of elements, rounded toward 0. */
function meanOfIntegers(operator: OnnxOperator, x: Tensor, keeps: boolean): Tensor {
  const { emit } = operator;
  const sum = emit.reduce('sum', x, axesOf(operator, x.shape.length), keeps);
  const count = elementCount(x.shape) / elementCount(sum.shape);
  // 1 where the sum is negative, whose quotient is rounded up
  const isNegative = emit.binary('minimum', emit.binary('maximum', emit.binary('mul', sum, -1), 0), 1);
  const raised = emit.binary('add', sum, emit.binary('mul', isNegative, count - 1));
  return emit.node('arithmetic', [raised, emit.constant(Int32Array.of(count), [], x.dtype)], { kind: 'floorDiv' });
}

/** log Σ eˣ, computed from the differences to the maximum, so that no power overflows. */
const reduceLogSumExp: Mapping = (operator) => {
  const { emit, attributes } = operator;
  const x = operator.input(0);
  const axes = axesOf(operator, x.shape.length);
  const largest = emit.reduce('max', x, axes, true);
  const powers = emit.unary('exp', emit.binary('sub', x, largest));
  const y = emit.binary('add', emit.unary('log', emit.reduce('sum', powers, axes, true)), largest);
  const isKept = attributes.int('keepdims', 1) === 1;
  return isKept ? y : emit.reshape(y, x.shape.filter((_, i) => !axes.includes(i)));
};

function arg(kind: 'max' | 'min'): Mapping {
  return (operator) => {
    const { emit, attributes } = operator;
    const x = operator.input(0);
    const axis = operator.axis(attributes.int('axis', 0), x.shape.length);
    const size = x.shape[axis]!;
    const shape = attributes.int('keepdims', 1) === 1 ? x.shape.with(axis, 1) : x.shape.toSpliced(axis, 1);
    const form = { shape, dtype: 'int64', quantization: undefined } as const;
    const find = (from: Tensor): Tensor => {
      if (from.dtype === 'float32' || from.quantization) return emit.node('argmax', [from], { axis, kind }, form);
      const [, at] = emit.nodeWithOutputs('topK', [from], { axis, k: 1, kind }, [{}, { dtype: 'int64' }]);
      return emit.reshape(at!, shape);
    };
    if (attributes.int('select_last_index', 0) === 0) return find(x);
    // the last of equal elements is the first from the other end
    const end = x.shape.map((_, i) => (i === axis ? size - 1 : 0));
    const reversed = emit.slice(x, end, x.shape, x.shape.map((_, i) => (i === axis ? -1 : 1)));
    const fromEnd = find(reversed);
    return emit.binary('sub', emit.constant(Int32Array.of(size - 1), [], 'int64'), fromEnd);
  };
}

export const reduction: Mappings = {
  ReduceMean: reduce('mean'),
  ReduceSum: reduce('sum'),
  ReduceMax: reduce('max'),
  ReduceMin: reduce('min'),
  ReduceProd: reduce('prod'),
  ReduceL1: reduce('sum', (emit, x) => emit.unary('abs', x)),
  ReduceL2: reduce('sum', (emit, x) => emit.unary('square', x), (emit, x) => emit.unary('sqrt', x)),
  ReduceSumSquare: reduce('sum', (emit, x) => emit.unary('square', x)),
  ReduceLogSum: reduce('sum', undefined, (emit, x) => emit.unary('log', x)),
  ReduceLogSumExp: reduceLogSumExp,
  ArgMax: arg('max'),
  ArgMin: arg('min'),
};
