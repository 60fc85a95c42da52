import { elementCount, type Tensor } from '../../../graph/graph';
import { dequantizeConstant } from '../../shared/constants';
import type { Mappings } from '../operator';

export const matrix: Mappings = {
  FULLY_CONNECTED(operator) {
    const { options, output } = operator;
    operator.check(options.weightsFormat === 0, 'shuffled weights');
    const x = operator.input(0);
    const w = operator.input(1, 2);
    const bias = operator.optionalInput(2);
    const [n, k] = w.shape as [number, number];
    const m = elementCount(x.shape) / k;
    operator.check(Number.isInteger(m), `an input of ${elementCount(x.shape)} elements for ${k} weights each`);
    const rows = operator.reshaped(x, [m, k], 'rows');
    const isFlat = output.shape.length === 2 && output.shape[0] === m;
    const result = isFlat ? output : operator.temporary(output, [m, n], 'flat');

    if (w.data) {
      const isHybrid = x.dtype === 'float32' && w.dtype === 'int8';
      const hybrid = isHybrid
        ? { hybrid: options.asymmetricQuantizeInputs ? 'asymmetric' as const : 'symmetric' as const }
        : {};
      const constant = x.dtype === 'float32' && !isHybrid ? dequantizeConstant(w) : w;
      operator.emitActivated(
        'fullyConnected',
        [rows, constant, bias],
        operator.activation(options.fusedActivationFunction),
        hybrid,
        result,
      );
    } else if (bias) {
      operator.check(result.dtype === 'float32', 'weights computed at run time together with a quantized bias');
      const product = operator.temporary(result, [m, n], 'product');
      operator.emit('batchMatmul', [rows, w], { transposeA: false, transposeB: true }, [product]);
      operator.emitActivated('binary', [product, bias], operator.activation(options.fusedActivationFunction), {
        kind: 'add',
      }, result);
    } else {
      operator.check(
        options.fusedActivationFunction === 0,
        'weights computed at run time together with an activation but no bias',
      );
      operator.emit('batchMatmul', [rows, w], { transposeA: false, transposeB: true }, [result]);
    }
    if (!isFlat) operator.emit('reshape', [result], {});
  },

  BATCH_MATMUL(operator) {
    const { adjX, adjY } = operator.options;
    const [a, b] = [operator.input(0), operator.input(1)];
    const real = (tensor: Tensor, other: Tensor) => (other.dtype === 'float32' ? dequantizeConstant(tensor) : tensor);
    operator.emit('batchMatmul', [real(a, b), real(b, a)], { transposeA: adjX, transposeB: adjY });
  },
};
