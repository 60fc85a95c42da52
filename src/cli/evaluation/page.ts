import { basename } from 'node:path';
import { metricTexts, type ClassificationDetails, type Evaluation, type MetricName,
  type RocPoint } from '../../compiler/index';
import type { Result } from '../commands/eval';
import { barChart, confusionMatrix, dataTable, figure, HALF, plot, reportPage, sideBySide,
  type Section } from '../report/index';
import type { Markup } from '../report/markup';
import { digits, percentText, plural } from '../text';
import { version } from '../version';
import { differenceInterval, differenceText, intervalText, pairLines, pText, valueText, type NameOf } from './text';

// Results of an evaluation as a page with charts.

const SHOWN_CLASSES = 40;
const HIGHLIGHTS: readonly MetricName[] = ['accuracy', 'top5', 'macroF1', 'rocAuc', 'calibrationError', 'mae', 'rmse',
  'r2', 'map', 'map50', 'meanIou', 'pixelAccuracy', 'averagePrecision'];

export function evaluationPage(result: Result): string {
  const { networks, data, evaluation, pair, names } = result;
  const nameOf: NameOf = (index) => names?.[index] ?? String(index);
  const highlights = HIGHLIGHTS.flatMap((name) => {
    const estimate = evaluation.metrics[name];
    return estimate ? [{ name: metricTexts[name].name, value: valueText(name, estimate.value) }] : [];
  }).slice(0, 5);
  const title = pair ? `${basename(networks[0]!)} against ${basename(networks[1]!)}` : basename(networks[0]!);
  return reportPage({
    title: `${title}: how good it is`,
    subtitle: `${plural(evaluation.examples, 'example')} of ${data}, kinglet ${version}`,
    highlights,
    sections: [...(pair ? [pairSection(result)] : []), metricSection(evaluation), ...detailSections(result, nameOf)],
  });
}

function metricSection({ metrics, notes, resamples }: Evaluation): Section {
  const names = Object.keys(metrics) as MetricName[];
  const rows = names.map((name) => {
    const estimate = metrics[name]!;
    return [metricTexts[name].name, { text: valueText(name, estimate.value), value: estimate.value },
      intervalText(name, estimate)];
  });
  const others = resamples > 0 ? `, otherwise of ${plural(resamples, 'bootstrap resample')}` : '';
  const method =
    `The intervals have 95 % confidence: Wilson's for fractions of the examples, DeLong's for the ROC AUC${others}.`;
  const columns = [{ head: 'metric' }, { head: 'value', align: 'right' as const }, {
    head: '95 % interval',
    align: 'right' as const,
  }];
  return { title: 'Metrics', body: [dataTable(columns, rows), method, ...notes.map((note) => `Note: ${note}.`)] };
}

function pairSection({ pair, networks }: Result): Section {
  const { differences, first, second } = pair!;
  const names = Object.keys(differences) as MetricName[];
  const rows = names.map((name) => {
    const difference = differences[name]!;
    return [metricTexts[name].name, valueText(name, first.metrics[name]!.value),
      valueText(name, second.metrics[name]!.value), {
      text: differenceText(name, difference.value),
      value: difference.value,
    }, differenceInterval(name, difference), { text: pText(difference), value: difference.p ?? 1 }];
  });
  const heads = [...networks.map((name) => basename(name)), 'difference', '95 % interval', 'p'];
  const columns = [{ head: 'metric' }, ...heads.map((head) => ({ head, align: 'right' as const }))];
  const [verdict, ...lines] = pairLines(pair!).toReversed();
  return {
    title: 'Comparison',
    body: [sentence(verdict!), dataTable(columns, rows), ...lines.toReversed().map(sentence)],
  };
}

function sentence(text: string): string {
  return `${text[0]!.toUpperCase()}${text.slice(1)}.`;
}

function detailSections(result: Result, nameOf: NameOf): Section[] {
  const { evaluation: { classification, regression, segmentation, detection, anomaly } } = result;
  if (classification) return classSections(classification, result, nameOf);
  if (regression) {
    const points = regression.points.map(({ target, predicted }) => ({ x: target, y: predicted }));
    const ends = [Math.min(...points.map(({ x }) => x)), Math.max(...points.map(({ x }) => x))];
    const chart = plot({
      title: 'answer by target',
      x: { name: 'target' },
      y: { name: 'answer' },
      series: [{ name: 'examples', kind: 'points', points }, {
        name: 'exact',
        kind: 'dashed',
        points: ends.map((x) => ({ x, y: x })),
      }],
    });
    return [{
      title: 'Answers',
      body: [figure('Each point is an example; on the dashed line the answer is exact', chart)],
    }];
  }
  if (segmentation) {
    const bars = segmentation.classes.map(({ index, iou, pixels }) => ({
      name: nameOf(index),
      value: iou,
      note: `${pixels} pixels`,
    }));
    return [{
      title: 'Classes',
      body: [figure('Intersection over union', barChart({ title: 'IoU', axis: 'IoU', bars }))],
    }];
  }
  if (detection) {
    const bars = detection.classes.map(({ index, ap, ap50, boxes }) => ({
      name: nameOf(index),
      value: ap,
      note: `${digits(ap50)} at an IoU of 0.5, ${plural(boxes, 'box', 'boxes')}`,
    }));
    const chart = barChart({ title: 'average precision', axis: 'AP 0.5:0.95', bars });
    return [{ title: 'Classes', body: [figure('Average precision over the IoU thresholds 0.5 to 0.95', chart)] }];
  }
  return anomaly ? [{ title: 'Anomalies', body: [rocFigure(anomaly.roc)] }] : [];
}

function rocFigure(points: readonly RocPoint[]): Markup {
  return figure(
    'ROC curve: what is found, and what is falsely reported',
    plot({
      title: 'ROC curve',
      x: { name: 'false positives', min: 0, max: 1 },
      y: { name: 'true positives', min: 0, max: 1 },
      width: HALF,
      series: [{
        name: 'network',
        kind: 'line',
        points: points.map(({ falsePositiveRate, truePositiveRate }) => ({
          x: falsePositiveRate,
          y: truePositiveRate,
        })),
      }, { name: 'chance', kind: 'dashed', points: [{ x: 0, y: 0 }, { x: 1, y: 1 }] }],
    }),
  );
}

function classSections(details: ClassificationDetails, result: Result, nameOf: NameOf): Section[] {
  const sections: Section[] = [{ title: 'Classes', body: [classTable(details, nameOf)] }, {
    title: 'Confusion',
    body: [confusionFigure(details, nameOf)],
  }];
  const figures = [...(details.calibration ? [calibrationFigure(details.calibration)] : []),
    ...(details.roc ? [rocFigure(details.roc)] : [])];
  if (figures.length > 0) sections.push({ title: 'Confidence', body: [sideBySide(figures)] });
  if (details.mistakes.length > 0) {
    sections.push({ title: 'Surest mistakes', body: [mistakeTable(details, result, nameOf)] });
  }
  return sections;
}

function classTable({ classes }: ClassificationDetails, nameOf: NameOf): Markup {
  const heads = ['examples', 'precision', 'recall', 'F1', 'AUC'].map((head) => ({ head, align: 'right' as const }));
  const percent = (value: number): { text: string; value: number } => ({ text: percentText(value, 1), value });
  const rows = classes.map((
    { index, support, precision, recall, f1, rocAuc },
  ) => [nameOf(index), { text: String(support), value: support }, percent(precision), percent(recall), percent(f1),
    rocAuc]
  );
  return dataTable([{ head: 'class' }, ...heads], rows);
}

function confusionFigure({ classes, confusion }: ClassificationDetails, nameOf: NameOf): Markup {
  const missed = confusion.map((row, i) => ({
    i,
    count: row.reduce((sum, count, j) => sum + (i === j ? 0 : count), 0),
  }));
  const chosen = missed.sort((a, b) => b.count - a.count).slice(0, SHOWN_CLASSES).map(({ i }) => i).sort((a, b) =>
    a - b
  );
  const caption = chosen.length < classes.length
    ? `The ${chosen.length} classes with the most errors, of ${classes.length}`
    : 'Rows are true classes, columns are answers';
  return figure(
    caption,
    confusionMatrix({
      title: 'confusion matrix',
      classes: chosen.map((i) => nameOf(classes[i]!.index)),
      counts: chosen.map((i) => chosen.map((j) => confusion[i]![j]!)),
    }),
  );
}

function calibrationFigure(bins: NonNullable<ClassificationDetails['calibration']>): Markup {
  return figure(
    'Calibration: a network is right as often as it is sure on the dashed line',
    plot({
      title: 'calibration',
      x: { name: 'confidence', min: 0, max: 1 },
      y: { name: 'accuracy', min: 0, max: 1 },
      width: HALF,
      series: [{
        name: 'network',
        kind: 'line',
        points: bins.map(({ confidence, accuracy, count }) => ({
          x: confidence,
          y: accuracy,
          note: plural(count, 'example'),
        })),
      }, { name: 'calibrated', kind: 'dashed', points: [{ x: 0, y: 0 }, { x: 1, y: 1 }] }],
    }),
  );
}

function mistakeTable({ mistakes }: ClassificationDetails, { places }: Result, nameOf: NameOf): Markup {
  const rows = mistakes.map((
    { example, target, predicted, confidence },
  ) => [places[example]!, nameOf(target), nameOf(predicted), { text: percentText(confidence, 1), value: confidence }]);
  return dataTable([{ head: 'example' }, { head: 'true class' }, { head: 'answer' }, {
    head: 'confidence',
    align: 'right',
  }], rows);
}
