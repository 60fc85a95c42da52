import { metricTexts, type ClassificationDetails, type Difference, type Estimate, type Evaluation, type MetricName,
  type PairedEvaluation } from '../../compiler/index';
import { clip, digits, percentText, plural, table, type Column } from '../text';

// Results of an evaluation as tables.

const SHOWN_CLASSES = 20;
const SHOWN_PAIRS = 8;
const NAME = 24;
const right = 'right' as const;

/** Names a class. */
export type NameOf = (index: number) => string;

/** A metric as people read it: fractions in percent. */
export function valueText(name: MetricName, value: number): string {
  return metricTexts[name].isFraction ? `${(100 * value).toFixed(1)} %` : digits(value);
}

export function intervalText(name: MetricName, { low, high }: Estimate): string {
  if (low === undefined || high === undefined) return '';
  return metricTexts[name].isFraction
    ? `${(100 * low).toFixed(1)} … ${(100 * high).toFixed(1)} %`
    : `${digits(low)} … ${digits(high)}`;
}

function entriesOf<T>(metrics: Partial<Record<MetricName, T>>): [MetricName, T][] {
  return Object.entries(metrics) as [MetricName, T][];
}

export function evaluationText(evaluation: Evaluation, nameOf: NameOf, columns: number): string {
  const rows = entriesOf(evaluation.metrics).map((
    [name, estimate],
  ) => [metricTexts[name].name, valueText(name, estimate.value), intervalText(name, estimate)]);
  const metrics = table(
    [{ head: 'metric' }, { head: 'value', align: right }, { head: '95 % interval', align: right }],
    rows,
  );
  return [metrics, ...detailTexts(evaluation, nameOf, columns)].join('\n');
}

function detailTexts(evaluation: Evaluation, nameOf: NameOf, columns: number): string[] {
  const { classification, regression, segmentation, detection, anomaly } = evaluation;
  if (classification) return classTexts(classification, nameOf, columns);
  if (segmentation) {
    const heads: Column[] = [{ head: 'class' }, { head: 'IoU', align: right }, { head: 'pixels', align: right }];
    const rows = segmentation.classes.map((
      { index, iou, pixels },
    ) => [clip(nameOf(index), NAME), digits(iou), String(pixels)]);
    return [table(heads, rows)];
  }
  if (detection) {
    const heads: Column[] = ['AP 0.5:0.95', 'AP 0.5', 'boxes'].map((head) => ({ head, align: right }));
    const rows = detection.classes.map((
      { index, ap, ap50, boxes },
    ) => [clip(nameOf(index), NAME), digits(ap), digits(ap50), String(boxes)]);
    return [table([{ head: 'class' }, ...heads], rows)];
  }
  if (regression && regression.columns.length > 1) {
    const heads: Column[] = ['MAE', 'RMSE', 'R²'].map((head) => ({ head, align: right }));
    const rows = regression.columns.slice(0, SHOWN_CLASSES).map((
      { mae, rmse, r2 },
      i,
    ) => [String(i), digits(mae), digits(rmse), Number.isNaN(r2) ? '' : digits(r2)]);
    return [table([{ head: 'value' }, ...heads], rows)];
  }
  if (anomaly) {
    const { threshold: { score, precision, recall, f1 }, anomalies } = anomaly;
    return [
      `${plural(anomalies, 'anomaly', 'anomalies')} of ${evaluation.examples}; the best F1 is ${
        percentText(f1, 1)
      }, with scores from ${digits(score)}: precision ${percentText(precision, 1)}, recall ${percentText(recall, 1)}\n`,
    ];
  }
  return [];
}

function classTexts(details: ClassificationDetails, nameOf: NameOf, columns: number): string[] {
  const { classes, confusion } = details;
  const isFew = classes.length <= SHOWN_CLASSES;
  const worst = classes.filter(({ support }) => support > 0).sort((a, b) => a.f1 - b.f1 || b.support - a.support);
  const shown = isFew ? classes : worst.slice(0, SHOWN_CLASSES);
  const heads: Column[] = ['examples', 'precision', 'recall', 'F1', 'AUC'].map((head) => ({ head, align: right }));
  const reports = table(
    [{ head: isFew ? 'class' : `lowest F1 of ${worst.length} classes` }, ...heads],
    shown.map((
      { index, support, precision, recall, f1, rocAuc },
    ) => [clip(nameOf(index), NAME), String(support), percentText(precision, 1), percentText(recall, 1),
      percentText(f1, 1), rocAuc === undefined ? '' : digits(rocAuc)]
    ),
  );
  const matrix = isFew ? matrixText(details, nameOf) : '';
  const fitting = matrix !== '' && Math.max(...matrix.split('\n').map((line) => line.length)) <= columns;
  const pairs = fitting ? '' : pairsText(classes.map(({ index }) => nameOf(index)), confusion);
  return [reports, ...(fitting ? [matrix] : []), ...(pairs === '' ? [] : [pairs])];
}

function matrixText({ classes, confusion }: ClassificationDetails, nameOf: NameOf): string {
  const heads: Column[] = classes.map(({ index }) => ({ head: clip(nameOf(index), 6), align: right }));
  const rows = classes.map((
    { index },
    i,
  ) => [clip(nameOf(index), NAME), ...confusion[i]!.map((count) => (count ? String(count) : '·'))]);
  return table([{ head: 'true class ↓ answer →' }, ...heads], rows);
}

/** The pairs of classes that are confused most often. */
function pairsText(names: readonly string[], confusion: readonly (readonly number[])[]): string {
  const pairs = confusion.flatMap((row, i) => row.map((count, j) => ({ count, i, j }))).filter(({ count, i, j }) =>
    i !== j && count > 0
  ).sort((a, b) => b.count - a.count).slice(0, SHOWN_PAIRS);
  if (pairs.length === 0) return '';
  const rows = pairs.map(({ count, i, j }) => [clip(names[i]!, NAME), clip(names[j]!, NAME), String(count)]);
  return table([{ head: 'true class' }, { head: 'answer' }, { head: 'times', align: right }], rows);
}

/** Two networks beside each other. */
export function pairText(pair: PairedEvaluation, [first, second]: readonly [string, string]): string {
  const rows = entriesOf(pair.differences).map((
    [name, difference],
  ) => [metricTexts[name].name, valueText(name, pair.first.metrics[name]!.value),
    valueText(name, pair.second.metrics[name]!.value), differenceText(name, difference.value),
    differenceInterval(name, difference), pText(difference)]
  );
  const heads: Column[] = [first, second, 'difference', '95 % interval', 'p'].map((head) => ({ head, align: right }));
  return `${table([{ head: 'metric' }, ...heads], rows)}\n${pairLines(pair).join('\n')}\n`;
}

/** Agreement, McNemar's counts and the verdict, a sentence each. */
export function pairLines({ agreement, mcNemar, verdict, first }: PairedEvaluation): string[] {
  const { onlyFirst = 0, onlySecond = 0 } = mcNemar ?? {};
  return [
    ...(agreement === undefined
      ? []
      : [`same answer for ${percentText(agreement, 1)} of ${plural(first.examples, 'example')}`]),
    ...(mcNemar ? [`only the first is right for ${onlyFirst}, only the second for ${onlySecond}`] : []),
    verdict,
  ];
}

export function differenceText(name: MetricName, value: number): string {
  const scaled = metricTexts[name].isFraction ? `${(100 * value).toFixed(1)}` : digits(value);
  return value > 0 ? `+${scaled}` : scaled.replace(/^-(0\.?0*)$/, '$1');
}

export function differenceInterval(name: MetricName, { low, high }: Difference): string {
  return low === undefined || high === undefined ? '' : `${differenceText(name, low)} … ${differenceText(name, high)}`;
}

export function pText({ p }: Difference): string {
  if (p === undefined) return '';
  return p < 0.001 ? '< 0.001' : p.toFixed(3);
}
