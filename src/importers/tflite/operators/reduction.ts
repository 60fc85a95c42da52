import type { ReduceKind } from '../../../graph/operators';
import type { Mappings, TfliteOperator } from '../operator';

const reduce = (kind: ReduceKind) => (operator: TfliteOperator) => {
  const x = operator.input(0);
  const axes = new Set(operator.integers(1, 'axes').map((axis) => operator.axis(axis, x.shape.length)));
  if (axes.size === 0) return operator.emit('reshape', [x], {});
  operator.emit('reduce', [x], { kind, axes: [...axes].sort((a, b) => a - b) });
};

const argmax = (kind: 'max' | 'min') => (operator: TfliteOperator) => {
  const x = operator.input(0);
  const [axis = NaN] = operator.integers(1, 'axis');
  operator.emit('argmax', [x], { axis: operator.axis(axis, x.shape.length), kind });
};

export const reduction: Mappings = {
  MEAN: reduce('mean'),
  SUM: reduce('sum'),
  REDUCE_MAX: reduce('max'),
  REDUCE_MIN: reduce('min'),
  REDUCE_PROD: reduce('prod'),
  REDUCE_ANY: reduce('max'),
  REDUCE_ALL: reduce('min'),
  ARG_MAX: argmax('max'),
  ARG_MIN: argmax('min'),

  CUMSUM(operator) {
    const x = operator.input(0);
    const [axis = NaN] = operator.integers(1, 'axis');
    const { exclusive, reverse } = operator.options;
    operator.emit('cumsum', [x], { axis: operator.axis(axis, x.shape.length), exclusive, reverse });
  },
};
