import { count, type Counts } from '../format/snapshot';

export function mergeCounts(a: Counts, b: Counts): Counts {
  const merged = { ...a };
  for (const [bin, n] of Object.entries(b)) count(merged, Number(bin), n);
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
