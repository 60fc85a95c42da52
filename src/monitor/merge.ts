import { checkSnapshot } from './check';
import { emptyInput, type InputStatistics, type Snapshot } from '../format/snapshot';
import { mergeCounts } from './counts';

/**
 * The snapshot of both streams together, such as of several devices or hours. The order does not
 * matter.
 */
export function merge(a: Snapshot, b: Snapshot): Snapshot {
  for (const snapshot of [a, b]) checkSnapshot(snapshot, 'what is merged');
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
