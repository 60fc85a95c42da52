import { errorFunction, gammaln, quantileSorted } from 'simple-statistics';
import { checkWhole } from '../arguments';
import { KletError } from '../errors';
import type { Estimate } from './types';

// Intervals of 95 % confidence, and tests of differences.

/** Quantile 0.975 of the standard normal distribution. */
export const Z = 1.959963984540054;
const TAIL = 0.025;
const MAX_COUNT = 2 ** 48;

/**
 * The Wilson score interval of a proportion, with 95 % confidence (Wilson, "Probable inference, the
 * law of succession, and statistical inference", 1927). It is right for few examples and for
 * proportions near 0 and 1.
 *
 * @param hits number of examples that are right, 0..examples
 * @param examples at least 1
 * @throws KletError `BAD_ARGUMENT`
 * @example
 * ```js
 * const { value, low, high } = wilson(751, 1000);
 * console.log(value, low.toFixed(3), high.toFixed(3)); // 0.751 0.723 0.777
 * ```
 */
export function wilson(hits: number, examples: number): Required<Estimate> {
  checkWhole(examples, 'the number of examples', 1, MAX_COUNT);
  checkWhole(hits, 'the number of hits', 0, examples);
  const value = hits / examples;
  const square = Z * Z / examples;
  const center = value + square / 2;
  const half = Z * Math.sqrt(value * (1 - value) / examples + square / (4 * examples));
  return {
    value,
    low: hits === 0 ? 0 : (center - half) / (1 + square),
    high: hits === examples ? 1 : (center + half) / (1 + square),
  };
}

/** The percentile interval of the values that a metric has on resamples (Efron, 1979). */
export function percentileInterval(values: Float64Array): { low: number; high: number } | undefined {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort();
  if (sorted.length < 2) return undefined;
  const numbers = sorted as unknown as number[];
  return { low: quantileSorted(numbers, TAIL), high: quantileSorted(numbers, 1 - TAIL) };
}

/**
 * Two-sided p-value of a difference by its values on resamples: how seldom they change the sign.
 */
export function resampledP(differences: Float64Array): number {
  let below = 0;
  let above = 0;
  for (const difference of differences) {
    if (difference <= 0) below++;
    if (difference >= 0) above++;
  }
  return Math.min(1, 2 * (Math.min(below, above) + 1) / (differences.length + 1));
}

/** Standard error of a mean of influences. */
export function standardError(influence: Float64Array): number {
  const n = influence.length;
  const mean = influence.reduce((a, b) => a + b, 0) / n;
  const sum = influence.reduce((total, value) => total + (value - mean) ** 2, 0);
  return Math.sqrt(sum / (n - 1) / n);
}

/** Two-sided p-value of a normal deviate. */
export function normalP(z: number): number {
  return Number.isNaN(z) ? 1 : 1 - errorFunction(Math.abs(z) / Math.SQRT2);
}

/** The result of McNemar's test. */
export interface McNemar {
  /** Examples that only the first network has right. */
  onlyFirst: number;
  /** Examples that only the second network has right. */
  onlySecond: number;
  /** Two-sided, exact: the probability of a difference at least as large by chance. */
  p: number;
}

/**
 * McNemar's exact test, for two classifiers on the same examples ("Note on the sampling error of
 * the difference between correlated proportions or percentages", 1947). Only the examples that one
 * of them has right count: if the two are equally good, each is as likely to be the one. The
 * p-value is that of the two-sided binomial test, for any number of examples.
 *
 * @param onlyFirst number of examples that only the first has right
 * @param onlySecond number of examples that only the second has right
 * @throws KletError `BAD_ARGUMENT`
 * @example
 * ```js
 * console.log(mcNemar(12, 2).p.toFixed(4), mcNemar(7, 6).p); // 0.0129 1
 * ```
 */
export function mcNemar(onlyFirst: number, onlySecond: number): McNemar {
  checkWhole(onlyFirst, 'the number of examples that only the first has right', 0, MAX_COUNT);
  checkWhole(onlySecond, 'the number of examples that only the second has right', 0, MAX_COUNT);
  const n = onlyFirst + onlySecond;
  const least = Math.min(onlyFirst, onlySecond);
  const p = 2 * least === n ? 1 : Math.min(1, 2 * lowerTail(least, n));
  return { onlyFirst, onlySecond, p };
}

/**
 * The probability that at most k < n/2 of n fair coins show heads. The terms fall from k downwards,
 * so the sum ends when they no longer matter.
 */
function lowerTail(k: number, n: number): number {
  if (n > 1e12) throw new KletError('BAD_ARGUMENT', 'mcNemar() takes at most 1e12 examples');
  let term = 1;
  let sum = 1;
  for (let i = k; i > 0 && term > sum * 1e-17; i--) {
    term *= i / (n - i + 1);
    sum += term;
  }
  return sum * Math.exp(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) - n * Math.LN2);
}
