import type { ReduceKind } from '../../../graph/operators';
import type { OperatorImport, Mappings } from '../operatorImport';

const reduce = (kind: ReduceKind) => (operator: OperatorImport) => {
  const x = operator.input(0);
  const axes = new Set(operator.integers(1, 'axes').map((axis) => operator.axis(axis, x.shape.length)));
  if (axes.size === 0) return operator.emit('reshape', [x], {});
  operator.emit('reduce', [x], { kind, axes: [...axes].sort((a, b) => a - b) });
};

const argmax = (kind: 'max' | 'min') => (operator: OperatorImport) => {
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
  ARG_MAX: argmax('max'),
  ARG_MIN: argmax('min'),
  SOFTMAX: (operator) => operator.emit('softmax', [operator.input(0)], { beta: operator.options.beta }),
  LOG_SOFTMAX: (operator) => operator.emit('logSoftmax', [operator.input(0)], {}),

  L2_NORMALIZATION(operator) {
    operator.check(operator.options.fusedActivationFunction === 0, 'fused activation');
    // TFLite clamps the norm, not its square, to at least 1e-6
    operator.emit('l2Normalize', [operator.input(0)], { epsilon: 1e-12 });
  },
};
