// Scores of classes as probabilities.

/** How the scores of a network became probabilities. */
export type ScoreKind = 'probabilities' | 'logits';

/** Sums of probabilities may differ from 1 by rounding to 8 bits. */
const TOLERANCE = 0.1;
/** A probability that a float32 network rounds to 0. */
const FLOAT_STEP = 2 ** -23;

/**
 * Tells probabilities from logits by the values of all examples: probabilities are from 0 to 1, and
 * those of several classes add up to 1.
 */
export function kindOf(scores: readonly Float32Array[]): ScoreKind {
  let total = 0;
  for (const values of scores) {
    let sum = 0;
    for (const value of values) {
      if (value < 0 || value > 1) return 'logits';
      sum += value;
    }
    if (!Number.isNaN(sum)) total += Math.abs(sum - 1);
  }
  const isSingle = scores[0]?.length === 1;
  return isSingle || total / scores.length < TOLERANCE ? 'probabilities' : 'logits';
}

/**
 * The probabilities of the classes of one example. A single score is that of class 1 of two. All
 * are 0 if a score is not a number.
 */
export function probabilitiesOf(scores: Float32Array, kind: ScoreKind): Float64Array {
  if (scores.some((value) => Number.isNaN(value))) return new Float64Array(Math.max(2, scores.length));
  if (scores.length === 1) {
    const p = kind === 'probabilities' ? scores[0]! : 1 / (1 + Math.exp(-scores[0]!));
    return Float64Array.of(1 - p, p);
  }
  const values = Float64Array.from(scores);
  if (kind === 'logits') {
    const largest = values.reduce((a, b) => Math.max(a, b), -Infinity);
    values.forEach((value, i) => {
      values[i] = value === largest ? 1 : Math.exp(value - largest);
    });
  }
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
