import type { Mappings } from '../operator';

export const normalization: Mappings = {
  SOFTMAX: (operator) => operator.emit('softmax', [operator.input(0)], { beta: operator.options.beta }),
  LOG_SOFTMAX: (operator) => operator.emit('logSoftmax', [operator.input(0)], {}),

  L2_NORMALIZATION(operator) {
    operator.check(operator.options.fusedActivationFunction === 0, 'fused activation');
    // TFLite clamps the norm, not its square, to at least 1e-6
    operator.emit('l2Normalize', [operator.input(0)], { epsilon: 1e-12 });
  },
};
