import type { Tensor } from '../graph/graph';
import { roundAway } from '../ops/shared/rounding';

// Biases are in steps of the sums that they are added to: `step` (of the activations) times the
// scale of their row's weights.

/**
 * Where |Σ (a − za)·w| ends, and the bias as well, so that their sum is an int32: for K up to
 * 32,768 each has half of the numbers.
 */
const HALF = 2 ** 30;

/**
 * The smallest scale of weights [N][K] in whose steps a bias fits: of a row with small weights, or
 * with none, it can need a larger scale than they do.
 */
export function leastScale(bias: number, step: number, K: number): number {
  return Math.abs(bias) / (step * Math.min(HALF, 2 ** 31 - 1 - K * 127 * 255));
}

export function biasInSteps(tensor: Tensor, weights: Tensor, step: number): Tensor {
  const scales = weights.quantization!.scale;
  return {
    ...tensor,
    dtype: 'int32',
    data: Int32Array.from(tensor.data as Float32Array, (v, row) => roundAway(v / (step * scales[row]!))),
  };
}
