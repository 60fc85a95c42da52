import type { Tensor } from '../../graph/graph';
import { roundAway } from './rounding';

// Post-training quantization of biases. A bias is added to an accumulator, so it has the
// accumulator's quantization unit, which is the scale of the activations times the scale of the
// row's weights.

/**
 * Upper limit of |Σ (a − za)·w| and of |bias|, so that their sum fits in an int32. For K up to
 * 32,768, each may take half of the range.
 */
const HALF = 2 ** 30;

/**
 * The smallest scale of weights [N][K] for which the bias fits. A row with small weights, or with
 * zeros only, can need a larger scale than its weights do.
 */
export function leastScale(bias: number, activationScale: number, K: number): number {
  return Math.abs(bias) / (activationScale * Math.min(HALF, 2 ** 31 - 1 - K * 127 * 255));
}

/** The bias of each row in units of its accumulator, of 32 bits or, for int16 activations, 64. */
export function quantizedBias(bias: Tensor, weights: Tensor, activationScale: number, isLong = false): Tensor {
  return { ...bias, ...biasSteps(bias.data as Float32Array, weights, activationScale, isLong) };
}

/** Type and integers of a bias of real numbers. */
export function biasSteps(
  bias: Float32Array | Float64Array,
  weights: Tensor,
  activationScale: number,
  isLong: boolean,
): Pick<Tensor, 'dtype' | 'data'> {
  const scales = weights.quantization!.scale;
  const steps = Float64Array.from(
    bias,
    (v, row) => roundAway(v / (activationScale * scales[scales.length === 1 ? 0 : row]!)),
  );
  return isLong ? { dtype: 'int64', data: steps } : { dtype: 'int32', data: Int32Array.from(steps) };
}
