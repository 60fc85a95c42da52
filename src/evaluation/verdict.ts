import type { Difference } from './pair';
import type { MetricName } from './types';

/** What a metric is, for people. */
export interface MetricText {
  name: string;
  isHigherBetter: boolean;
  /** A fraction, which is shown in percent. */
  isFraction: boolean;
}

const fraction = (name: string): MetricText => ({ name, isHigherBetter: true, isFraction: true });
const loss = (name: string): MetricText => ({ name, isHigherBetter: false, isFraction: false });

/** Names of the metrics for people, and whether more is better. */
export const metricTexts: Readonly<Record<MetricName, MetricText>> = {
  accuracy: fraction('accuracy'),
  top5: fraction('top-5 accuracy'),
  macroPrecision: fraction('precision (macro)'),
  macroRecall: fraction('recall (macro)'),
  macroF1: fraction('F1 (macro)'),
  weightedF1: fraction('F1 (weighted)'),
  rocAuc: { ...fraction('ROC AUC'), isFraction: false },
  averagePrecision: { ...fraction('average precision'), isFraction: false },
  logLoss: loss('log loss'),
  calibrationError: { name: 'calibration error', isHigherBetter: false, isFraction: true },
  mse: loss('MSE'),
  rmse: loss('RMSE'),
  mae: loss('MAE'),
  r2: { ...fraction('R²'), isFraction: false },
  map: { ...fraction('mAP 0.5:0.95'), isFraction: false },
  map50: { ...fraction('mAP 0.5'), isFraction: false },
  map75: { ...fraction('mAP 0.75'), isFraction: false },
  meanIou: fraction('mean IoU'),
  pixelAccuracy: fraction('pixel accuracy'),
};

/** The metric that a verdict is about, the first that there is. */
export const decisive: readonly MetricName[] = ['accuracy', 'map', 'meanIou', 'rocAuc', 'mae'];
const SIGNIFICANT = 0.05;

/** What the difference of the most important metric means, in a sentence. */
export function verdictOf(differences: Partial<Record<MetricName, Difference>>, examples: number): string {
  const name = decisive.find((candidate) => differences[candidate] !== undefined);
  if (!name) return 'the networks have no metric in common';
  const { name: title, isHigherBetter, isFraction } = metricTexts[name];
  const { value, p } = differences[name]!;
  const count = `${examples} ${examples === 1 ? 'example' : 'examples'}`;
  if (value === 0 && (p === undefined || p >= SIGNIFICANT)) return `no difference in ${title} (${count})`;
  const size = isFraction ? `${shortNumber(100 * Math.abs(value))} points` : shortNumber(Math.abs(value));
  if (p === undefined) return `the difference in ${title} is ${size}; too few examples for a test`;
  if (p >= SIGNIFICANT) return `the difference of ${size} in ${title} is within chance: p = ${pText(p)} (${count})`;
  const better = (value > 0) === isHigherBetter ? 'first' : 'second';
  return `the ${better} network is better by ${size} in ${title}, more than chance: p ${
    p < 0.0001 ? '< 0.0001' : `= ${pText(p)}`
  } (${count})`;
}

function pText(p: number): string {
  return p < 0.01 ? String(Number(p.toFixed(4))) : String(Number(p.toFixed(2)));
}

function shortNumber(value: number): string {
  return value >= 0.01 ? String(Number(value.toFixed(2))) : String(Number(value.toPrecision(2)));
}
