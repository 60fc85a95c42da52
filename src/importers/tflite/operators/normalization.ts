import { elementCount } from '../../../graph/graph';
import { emitLocalResponse } from '../../shared/localResponse';
import type { Mappings } from '../operator';

export const normalization: Mappings = {
  SOFTMAX: (operator) => operator.emit('softmax', [operator.input(0)], { beta: operator.options.beta }),
  LOG_SOFTMAX: (operator) => operator.emit('logSoftmax', [operator.input(0)], {}),

  L2_NORMALIZATION(operator) {
    operator.check(operator.options.fusedActivationFunction === 0, 'fused activation');
    // TFLite clamps the norm, not its square, to at least 1e-6
    operator.emit('l2Normalize', [operator.input(0)], { epsilon: 1e-12 });
  },

  LOCAL_RESPONSE_NORMALIZATION(operator) {
    const { radius, bias, alpha, beta } = operator.options;
    const x = operator.input(0);
    const c = x.shape.at(-1);
    const pixels = operator.reshaped(x, [elementCount(x.shape) / c, c], 'pixels');
    const planes = operator.temporary(x, [1, c, pixels.shape[0]!], 'planes');
    const moved = operator.temporary(x, [c, pixels.shape[0]!], 'channels');
    operator.emit('transpose', [pixels], { perm: [1, 0] }, [moved]);
    operator.emit('reshape', [moved], {}, [planes]);
    const result = operator.temporary(x, planes.shape, 'normalized');
    emitLocalResponse(operator, planes, { before: radius, after: radius, alpha, bias, beta }, result);
    const back = operator.temporary(x, pixels.shape, 'back');
    operator.emit('transpose', [operator.reshaped(result, moved.shape, 'result')], { perm: [1, 0] }, [back]);
    operator.emit('reshape', [back], {});
  },
};
