// Histograms as counts by bin. They merge by addition, and hold no sample.

/** Number of values in each bin that has any. */
export type Counts = Record<number, number>;

export function count(counts: Counts, bin: number): void {
  counts[bin] = (counts[bin] ?? 0) + 1;
}

export function mergeCounts(a: Counts, b: Counts): Counts {
  const merged = { ...a };
  for (const [bin, n] of Object.entries(b)) merged[Number(bin)] = (merged[Number(bin)] ?? 0) + n;
  return merged;
}

export function total(counts: Counts): number {
  return Object.values(counts).reduce((sum, n) => sum + n, 0);
}

/** The bins in order, with their counts. */
export function sorted(counts: Counts): [bin: number, n: number][] {
  return Object.entries(counts).map(([bin, n]): [number, number] => [Number(bin), n]).sort(([a], [b]) => a - b);
}

/**
 * Bins of durations: bin i holds 2^(i/32) < x ≤ 2^((i+1)/32).
 *
 * These are the buckets of OpenTelemetry's exponential histogram of scale 5, and those of DDSketch
 * (Masson, Rim and Lee, 2019, https://arxiv.org/abs/1908.10693) with γ = 2^(1/32).
 */
export const SCALE = 5;
const BINS_PER_OCTAVE = 2 ** SCALE;
/** Shorter and longer durations, in milliseconds, count as these. */
const SHORTEST = 2 ** -14;
const LONGEST = 2 ** 22;
/** Upper limit of the relative error of `quantileOf`: (γ − 1) / (γ + 1). */
export const RELATIVE_ERROR = 0.0109;

export function durationBin(ms: number): number {
  return Math.ceil(Math.log2(Math.min(LONGEST, Math.max(SHORTEST, ms))) * BINS_PER_OCTAVE) - 1;
}

/** Upper end of a bin of durations. */
export function durationEnd(bin: number): number {
  return 2 ** ((bin + 1) / BINS_PER_OCTAVE);
}

/** The duration that this part of all durations does not exceed, within RELATIVE_ERROR. */
export function quantileOf(durations: Counts, quantile: number): number {
  const rank = Math.max(1, Math.ceil(quantile * total(durations)));
  let seen = 0;
  for (const [bin, n] of sorted(durations)) {
    seen += n;
    // the value that is as far from both ends, relative to them
    if (seen >= rank) return 2 / (1 / durationEnd(bin - 1) + 1 / durationEnd(bin));
  }
  return NaN;
}

/** Bins of the 256 quantized values from the smallest to the largest. */
const QUANTIZED_BINS = 32;
/** Bins of real numbers: two for each power of 2 from 2^−10 to 2^10, of each sign, and 0. */
const REAL_BINS = 41;

/** The bin of a real number. `range` is what the quantization of the input covers, if any. */
export function valueBin(x: number, range: readonly [min: number, max: number] | undefined): number {
  if (range) {
    const place = Math.floor((x - range[0]) / (range[1] - range[0]) * QUANTIZED_BINS);
    return Math.max(0, Math.min(QUANTIZED_BINS - 1, place));
  }
  const size = Math.max(0, Math.min(REAL_BINS, Math.floor(2 * Math.log2(Math.abs(x))) + 21));
  return x < 0 ? -size : size;
}
