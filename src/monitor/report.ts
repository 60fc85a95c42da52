import { checkSnapshot } from './check';
import { CONFIDENCE_BINS, type Snapshot } from '../format/snapshot';
import { quantileOf, total } from './counts';

export interface InputReport {
  mean: number;
  std: number;
  min: number | null;
  max: number | null;
  /** Part of the values that the quantization clamps. */
  outside: number;
}

export interface Report {
  predictions: number;
  /** Milliseconds, within a relative error of 1.1 %; `mean` is exact. */
  latency: { mean: number; p50: number; p95: number; p99: number };
  /** Mean of the highest score, to 0.025. */
  confidence: number;
  /** Part of the predictions of each class that was predicted, by index. */
  classes: Record<number, number>;
  inputs: Record<string, InputReport>;
}

/** Figures of a snapshot. What has no value yet is NaN. */
export function report(snapshot: Snapshot): Report {
  checkSnapshot(snapshot, 'what is reported');
  const { predictions, latency, milliseconds, classes, confidence, inputs } = snapshot;
  const all = total(classes);
  const scores = Object.entries(confidence).reduce((sum, [bin, n]) => sum + n * (Number(bin) + 0.5), 0) /
    CONFIDENCE_BINS;
  return {
    predictions,
    latency: {
      mean: milliseconds / predictions,
      p50: quantileOf(latency, 0.5),
      p95: quantileOf(latency, 0.95),
      p99: quantileOf(latency, 0.99),
    },
    confidence: scores / total(confidence),
    classes: Object.fromEntries(Object.entries(classes).map(([index, n]) => [index, n / all])),
    inputs: Object.fromEntries(Object.entries(inputs).map(([name, { values, sum, squares, min, max, outside }]) => {
      const mean = sum / values;
      const std = Math.sqrt(Math.max(0, squares / values - mean * mean));
      return [name, { mean, std, min, max, outside: outside / values }];
    })),
  };
}
