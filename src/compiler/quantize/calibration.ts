import type { TensorStatistics } from './observe';
import type { Range } from './steps';

// Calibration: from the statistics of a tensor to the range that its 256 steps cover. A narrower
// range has finer steps and cuts off more.

/** How the range of an activation is chosen. */
export type CalibrationMethod = 'minMax' | 'percentile' | 'mse' | 'entropy';

/** The fraction of the values that `percentile` cuts off at each end. */
const TAIL = 1e-4;
/** The fraction of the samples whose extremes the range of usual samples leaves out. */
const UNUSUAL = 0.02;
/** Ranges that `mse` and `entropy` try: fractions of the full range, in equal ratios. */
const FRACTIONS = Array.from({ length: 48 }, (_, i) => 0.93 ** i);
const LEVELS = 256;
/**
 * The entropy is computed from at most this many bins, and from so few that a bin holds this many
 * values on average; with fewer values the divergence would measure chance.
 */
const BINS = 2048;
const VALUES_A_BIN = 32;

/** The range of a tensor by a method. */
export function calibratedRange(statistics: TensorStatistics, method: CalibrationMethod): Range {
  const { range, histogram } = statistics;
  if (histogram.count === 0 || range[0] === range[1]) return range;
  switch (method) {
    case 'minMax':
      return range;
    case 'percentile':
      return within(histogram.percentiles(TAIL), range);
    case 'mse':
      return best(range, (shrunk) => histogram.noise(shrunk));
    case 'entropy':
      return best(range, (shrunk) => divergence(statistics, shrunk));
  }
}

/** The range of all samples but the few with the most extreme values. */
export function usualRange({ lows, highs, range }: TensorStatistics): Range {
  const spared = Math.ceil(UNUSUAL * lows.length);
  if (lows.length < 1 / UNUSUAL) return range;
  const low = Float64Array.from(lows).sort()[spared]!;
  const high = Float64Array.from(highs).sort().at(-1 - spared);
  return [Math.min(0, low), Math.max(0, high)];
}

function within([low, high]: Range, outer: Range): Range {
  return [Math.max(low, outer[0]), Math.min(high, outer[1])];
}

/** The range with the least cost: first both ends are shrunk together, then each by itself. */
function best(full: Range, cost: (range: Range) => number): Range {
  const least = (candidates: Range[]): Range => {
    const costs = candidates.map(cost);
    return candidates[costs.indexOf(Math.min(...costs))]!;
  };
  const [low, high] = least(FRACTIONS.map((f) => [f * full[0], f * full[1]]));
  const lower = least(FRACTIONS.map((f) => [f * full[0], high]));
  return low === 0 || high === 0 ? [low, high] : least(FRACTIONS.map((f) => [lower[0], f * full[1]]));
}

/**
 * The Kullback-Leibler divergence between the values and the quantized values, with the values
 * beyond the range at its ends (Migacz, "8-bit Inference with TensorRT", 2017).
 */
function divergence({ histogram, range: full }: TensorStatistics, range: Range): number {
  const all = Math.min(BINS, histogram.count / VALUES_A_BIN);
  const bins = Math.max(LEVELS, Math.round(all * (range[1] - range[0]) / (full[1] - full[0])));
  const inside = histogram.resample(range, bins);
  const actual = inside.slice();
  let below = 0;
  let above = 0;
  histogram.forEach((value, count) => {
    if (value < range[0]) below += count;
    else if (value >= range[1]) above += count;
  });
  actual[0]! += below;
  actual[bins - 1]! += above;
  let sum = 0;
  for (let level = 0; level < LEVELS; level++) {
    const from = Math.floor(level * bins / LEVELS);
    const to = Math.floor((level + 1) * bins / LEVELS);
    let total = 0;
    let occupied = 0;
    for (let i = from; i < to; i++) {
      total += inside[i]!;
      if (inside[i]! > 0) occupied++;
    }
    const mean = total / Math.max(1, occupied);
    for (let i = from; i < to; i++) {
      if (actual[i]! === 0) continue;
      // an end that only cut values fall into has no counterpart
      sum += actual[i]! * Math.log(actual[i]! / Math.max(mean, 1e-3));
    }
  }
  return sum / histogram.count;
}
