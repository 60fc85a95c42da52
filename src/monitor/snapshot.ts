import { mergeCounts, type Counts } from './counts';

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

/**
 * The snapshot of both streams together, such as of several devices or hours. The order does not
 * matter.
 */
export function merge(a: Snapshot, b: Snapshot): Snapshot {
  const names = new Set([...Object.keys(a.inputs), ...Object.keys(b.inputs)]);
  const inputOf = (snapshot: Snapshot, name: string): InputStatistics => snapshot.inputs[name] ?? emptyInput();
  return {
    version: 1,
    predictions: a.predictions + b.predictions,
    latency: mergeCounts(a.latency, b.latency),
    milliseconds: a.milliseconds + b.milliseconds,
    classes: mergeCounts(a.classes, b.classes),
    confidence: mergeCounts(a.confidence, b.confidence),
    inputs: Object.fromEntries([...names].map((name) => [name, mergeInputs(inputOf(a, name), inputOf(b, name))])),
  };
}

function mergeInputs(a: InputStatistics, b: InputStatistics): InputStatistics {
  return {
    values: a.values + b.values,
    sum: a.sum + b.sum,
    squares: a.squares + b.squares,
    min: a.min === null || b.min === null ? a.min ?? b.min : Math.min(a.min, b.min),
    max: a.max === null || b.max === null ? a.max ?? b.max : Math.max(a.max, b.max),
    outside: a.outside + b.outside,
    bins: mergeCounts(a.bins, b.bins),
    means: mergeCounts(a.means, b.means),
  };
}
