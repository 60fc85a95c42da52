import { classScores } from '../decoding/scores';
import type { Activation } from '../format/task';

// Scores of classes as probabilities that add up to 1.

/** A probability that a float32 network rounds to 0. */
const FLOAT_STEP = 2 ** -23;

/**
 * The probabilities of the classes of one example, without the background. All are 0 if a score is
 * not a number.
 */
export function probabilitiesOf(scores: Float32Array, activation: Activation, background?: number): Float64Array {
  const values = classScores(scores, activation, background);
  if (scores.some((value) => Number.isNaN(value))) return values.fill(0);
  // a softmax adds up to 1 already
  if (scores.length === 1 || (activation === 'softmax' && background === undefined)) return values;
  const sum = values.reduce((a, b) => a + b, 0);
  return sum > 0 ? values.map((value) => value / sum) : values;
}

/**
 * The smallest probability that counts in the log loss: half of a quantization step, because a
 * smaller one is rounded to 0.
 */
export function smallestProbability(scale: number | undefined): number {
  return scale === undefined ? FLOAT_STEP : Math.min(0.5, scale / 2);
}
