import { checkWhole } from '../arguments';
import { KletError } from '../errors';
import { flagsOf, numbersOf } from './lists';
import type { Counts } from './measure';
import type { CalibrationBin } from './types';

/** Number of bins, as in the literature. */
export const BINS = 15;

/**
 * The expected calibration error: how far the probability that a classifier gives to its best class
 * is from the fraction that is right, on average (Guo et al., "On calibration of modern neural
 * networks", 2017). The examples are put into bins of equal width by their probability.
 *
 * @param confidences probability of the best class of each example, 0..1
 * @param isRight for each example whether the best class is right: booleans, or 0 and 1
 * @param bins number of bins, 1..10,000
 * @throws KletError `BAD_ARGUMENT`
 * @example
 * ```js
 * const error = calibrationError([0.9, 0.9, 0.6, 0.6], [true, true, true, false]);
 * console.log(error.toFixed(2)); // 0.10
 * ```
 */
export function calibrationError(
  confidences: ArrayLike<number>,
  isRight: ArrayLike<boolean | number>,
  bins: number = BINS,
): number {
  checkWhole(bins, 'the number of bins', 1, 10_000);
  const values = numbersOf(confidences, 'confidences');
  const right = flagsOf(isRight, 'isRight');
  if (values.length !== right.length || right.length === 0) {
    throw new KletError('BAD_ARGUMENT', `there are ${values.length} confidences for ${right.length} examples`);
  }
  const wrong = values.findIndex((value) => value < 0 || value > 1);
  if (wrong >= 0) {
    throw new KletError('BAD_ARGUMENT', `confidences[${wrong}] is ${values[wrong]}; probabilities are from 0 to 1`);
  }
  return errorOf(values, right, new Uint32Array(right.length).fill(1), bins);
}

/** The calibration error of a resample. */
export function errorOf(confidences: Float64Array, right: Uint8Array, counts: Counts, bins = BINS): number {
  const gaps = new Float64Array(bins);
  let n = 0;
  for (let i = 0; i < counts.length; i++) {
    gaps[binOf(confidences[i]!, bins)]! += counts[i]! * (right[i]! - confidences[i]!);
    n += counts[i]!;
  }
  return gaps.reduce((sum, gap) => sum + Math.abs(gap), 0) / n;
}

/** Bins are open below and closed above; 0 is in the first. */
function binOf(confidence: number, bins: number): number {
  return Math.min(bins - 1, Math.max(0, Math.ceil(confidence * bins) - 1));
}

/** The bins that hold examples. */
export function calibrationBins(confidences: Float64Array, right: Uint8Array): CalibrationBin[] {
  const bins = Array.from(
    { length: BINS },
    (_, i) => ({ from: i / BINS, to: (i + 1) / BINS, count: 0, confidence: 0, accuracy: 0 }),
  );
  confidences.forEach((confidence, i) => {
    const bin = bins[binOf(confidence, BINS)]!;
    bin.count++;
    bin.confidence += confidence;
    bin.accuracy += right[i]!;
  });
  return bins.filter(({ count }) => count > 0).map((bin) => ({
    ...bin,
    confidence: bin.confidence / bin.count,
    accuracy: bin.accuracy / bin.count,
  }));
}
