import type { TensorInfo } from './meta';

// Counts of what a network saw and answered. `quantize` counts the samples of the calibration and
// stores them in META (docs/format/file.md); kinglet/monitor counts in the same bins on a device.

/** Number of values in each bin that has any. Histograms merge by addition, and hold no sample. */
export type Counts = Record<number, number>;

/** Statistics of the values of one input, of which a sample of at most 256 is taken each time. */
export interface InputStatistics {
  values: number;
  sum: number;
  squares: number;
  /** null before the first value. */
  min: number | null;
  max: number | null;
  /** Values beyond what the quantization of the input covers. */
  outside: number;
  /** Values by bin. */
  bins: Counts;
  /** Means of single inputs by bin, such as the brightness of an image. */
  means: Counts;
}

/**
 * What a monitor has seen. It consists of counts, sums and extremes, takes bounded memory, and is
 * plain JSON.
 */
export interface Snapshot {
  version: 1;
  predictions: number;
  /** Durations of `predict` by bin, and their sum in milliseconds. */
  latency: Counts;
  milliseconds: number;
  /** Predictions of each class. */
  classes: Counts;
  /** Highest scores, in 20 bins from 0 to 1. */
  confidence: Counts;
  inputs: Record<string, InputStatistics>;
}

export function emptySnapshot(): Snapshot {
  return { version: 1, predictions: 0, latency: {}, milliseconds: 0, classes: {}, confidence: {}, inputs: {} };
}

export function emptyInput(): InputStatistics {
  return { values: 0, sum: 0, squares: 0, min: null, max: null, outside: 0, bins: {}, means: {} };
}

export function count(counts: Counts, bin: number, n = 1): void {
  counts[bin] = (counts[bin] ?? 0) + n;
}

export const CONFIDENCE_BINS = 20;

/**
 * Counts the class with the highest score, and the score if all are from 0 to 1. A single score is
 * no class.
 */
export function countScores(
  { classes, confidence }: Pick<Snapshot, 'classes' | 'confidence'>,
  scores: ArrayLike<number>,
): void {
  let best = 0;
  let isShare = scores.length > 1;
  for (let i = 0; i < scores.length; i++) {
    if (scores[i]! > scores[best]!) best = i;
    isShare &&= scores[i]! >= 0 && scores[i]! <= 1;
  }
  if (scores.length > 1) count(classes, best);
  if (isShare) count(confidence, Math.min(CONFIDENCE_BINS - 1, Math.floor(scores[best]! * CONFIDENCE_BINS)));
}

export type ValueRange = readonly [min: number, max: number];

/** The real numbers that round to a quantized value without being clamped. */
export function rangeOf({ dtype, scale, zeroPoint }: Omit<TensorInfo, 'name' | 'shape'>): ValueRange | undefined {
  const limits: Partial<Record<string, ValueRange>> = { int8: [-128, 127], uint8: [0, 255], int16: [-32768, 32767] };
  const limit = limits[dtype];
  if (scale === undefined || !limit) return undefined;
  return [scale * (limit[0] - 0.5 - zeroPoint!), scale * (limit[1] + 0.5 - zeroPoint!)];
}

/** Bins of the 256 quantized values from the smallest to the largest. */
const QUANTIZED_BINS = 32;
/** Bins of real numbers: two for each power of 2 from 2^−10 to 2^10, of each sign, and 0. */
const REAL_BINS = 41;

/** The bin of a real number. `range` is what the quantization of the input covers, if any. */
export function valueBin(x: number, range: ValueRange | undefined): number {
  if (range) {
    const place = Math.floor((x - range[0]) / (range[1] - range[0]) * QUANTIZED_BINS);
    return Math.max(0, Math.min(QUANTIZED_BINS - 1, place));
  }
  const size = Math.max(0, Math.min(REAL_BINS, Math.floor(2 * Math.log2(Math.abs(x))) + 21));
  return x < 0 ? -size : size;
}

/** Adds a value to the statistics of an input, `n` times. */
export function countValue(statistics: InputStatistics, x: number, range: ValueRange | undefined, n = 1): void {
  statistics.values += n;
  statistics.sum += n * x;
  statistics.squares += n * x * x;
  if (statistics.min === null || x < statistics.min) statistics.min = x;
  if (statistics.max === null || x > statistics.max) statistics.max = x;
  if (range && (x < range[0] || x > range[1])) statistics.outside += n;
  count(statistics.bins, valueBin(x, range), n);
}
