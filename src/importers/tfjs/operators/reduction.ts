import type { ReduceKind } from '../../../graph/operators';
import type { Tensor } from '../../../graph/graph';
import { isFloat } from '../../shared/arithmetic';
import type { NodeEmitter } from '../../shared/nodeEmitter';
import type { Mapping, Mappings } from '../operator';

type Step = (emit: NodeEmitter, x: Tensor) => Tensor;

/**
 * `before` and `after` the reduction, a function of each element. Other types than float32 are
 * reduced as float32.
 */
function reduce(kind: ReduceKind, before: Step = (_, x) => x, after: Step = (_, x) => x): Mapping {
  return (operator) => {
    const { emit, attributes } = operator;
    const x = operator.input(0);
    const keeps = attributes.bool('keep_dims') || attributes.bool('keepdims');
    const axes = operator.axes(1, x.shape.length);
    const isDirect = isFloat(x) || (x.data && x.dtype === 'int32');
    const y = emit.reduce(kind, before(emit, isDirect ? x : emit.cast(x, 'float32')), axes, keeps);
    return emit.cast(after(emit, y), x.dtype);
  };
}

function arg(kind: 'max' | 'min'): Mapping {
  return (operator) => {
    const { emit } = operator;
    const x = operator.input(0);
    const { length } = x.shape;
    const axis = operator.axis(operator.has(1) ? operator.scalar(1, 'an axis')! : 0, length);
    const form = { shape: x.shape.toSpliced(axis, 1), dtype: 'int32', quantization: undefined } as const;
    return emit.node('argmax', [isFloat(x) ? x : emit.cast(x, 'float32')], { axis, kind }, form);
  };
}

const cumsum: Mapping = (operator) => {
  const { emit, attributes } = operator;
  const x = operator.input(0);
  const axis = operator.axis(operator.scalar(1, 'an axis') ?? 0, x.shape.length);
  return emit.node('cumsum', [x], {
    axis,
    exclusive: attributes.bool('exclusive'),
    reverse: attributes.bool('reverse'),
  });
};

export const reduction: Mappings = {
  Mean: reduce('mean'),
  Sum: reduce('sum'),
  Max: reduce('max'),
  Min: reduce('min'),
  Prod: reduce('prod'),
  All: reduce('min'),
  Any: reduce('max'),
  EuclideanNorm: reduce('sum', (emit, x) => emit.unary('square', x), (emit, x) => emit.unary('sqrt', x)),
  ArgMax: arg('max'),
  ArgMin: arg('min'),
  Cumsum: cumsum,
};
