import { KletError } from '../errors';
import { classesOf } from './lists';
import type { Counts } from './measure';
import type { ClassReport } from './types';

/** Number of examples, answers and right answers of each class. */
export interface ClassCounts {
  support: Float64Array;
  predicted: Float64Array;
  right: Float64Array;
}

/** Averages over the classes that occur. */
export interface ClassAverages {
  macroPrecision: number;
  macroRecall: number;
  macroF1: number;
  /** By the number of examples of each class. */
  weightedF1: number;
}

/** What `classReport` returns. */
export interface ClassReports extends ClassAverages {
  classes: ClassReport[];
  /** Counts: rows are targets, columns are answers, both in the order of `classes`. */
  confusion: number[][];
}

/**
 * Precision, recall and F1 of the classes that occur, their averages, and the confusion matrix.
 * Ratios without a denominator are 0.
 *
 * @param targets the class of each example, from 0
 * @param answers the class that was chosen for each example; −1 for none
 * @throws KletError `BAD_ARGUMENT`
 * @example
 * ```js
 * const { classes, confusion, macroF1 } = classReport([0, 1, 2, 2, 2], [0, 0, 2, 2, 1]);
 * console.log(classes[2].recall.toFixed(2), macroF1.toFixed(2)); // 0.67 0.49
 * console.log(confusion[2]); // [ 0, 1, 2 ]
 * ```
 */
export function classReport(targets: ArrayLike<number>, answers: ArrayLike<number>): ClassReports {
  const rows = classesOf(targets, 'targets', 0);
  const columns = classesOf(answers, 'answers', -1);
  if (rows.length !== columns.length) {
    throw new KletError('BAD_ARGUMENT', `there are ${rows.length} targets for ${columns.length} answers`);
  }
  const counts = countClasses(rows, columns, new Uint32Array(rows.length).fill(1));
  const classes = reportsOf(counts);
  return { classes, confusion: confusionOf(rows, columns, classes), ...averagesOf(counts) };
}

/** Counts the classes of a resample. */
export function countClasses(targets: Int32Array, answers: Int32Array, counts: Counts): ClassCounts {
  const classes = 1 +
    Math.max(targets.reduce((a, b) => Math.max(a, b), 0), answers.reduce((a, b) => Math.max(a, b), 0));
  const support = new Float64Array(classes);
  const predicted = new Float64Array(classes);
  const right = new Float64Array(classes);
  for (let i = 0; i < counts.length; i++) {
    const target = targets[i]!;
    const answer = answers[i]!;
    support[target]! += counts[i]!;
    if (answer >= 0) predicted[answer]! += counts[i]!;
    if (answer === target) right[target]! += counts[i]!;
  }
  return { support, predicted, right };
}

/** The reports of the classes that occur. */
export function reportsOf({ support, predicted, right }: ClassCounts): ClassReport[] {
  return Array.from(support, (count, index) => {
    const precision = ratio(right[index]!, predicted[index]!);
    const recall = ratio(right[index]!, count);
    const f1 = ratio(2 * right[index]!, count + predicted[index]!);
    return { index, support: count, predicted: predicted[index]!, precision, recall, f1 };
  }).filter((report) => report.support + report.predicted > 0);
}

export function averagesOf({ support, predicted, right }: ClassCounts): ClassAverages {
  const sums = { macroPrecision: 0, macroRecall: 0, macroF1: 0, weightedF1: 0 };
  let classes = 0;
  let examples = 0;
  for (let i = 0; i < support.length; i++) {
    const occurrences = support[i]! + predicted[i]!;
    if (occurrences === 0) continue;
    classes++;
    examples += support[i]!;
    const f1 = 2 * right[i]! / occurrences;
    sums.macroPrecision += ratio(right[i]!, predicted[i]!);
    sums.macroRecall += ratio(right[i]!, support[i]!);
    sums.macroF1 += f1;
    sums.weightedF1 += f1 * support[i]!;
  }
  return {
    macroPrecision: sums.macroPrecision / classes,
    macroRecall: sums.macroRecall / classes,
    macroF1: sums.macroF1 / classes,
    weightedF1: sums.weightedF1 / examples,
  };
}

function ratio(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}

/** Counts of target and answer, in the order of the reports. */
export function confusionOf(targets: Int32Array, answers: Int32Array, classes: readonly ClassReport[]): number[][] {
  const place = new Map(classes.map(({ index }, i) => [index, i]));
  const matrix = classes.map(() => classes.map(() => 0));
  targets.forEach((target, i) => {
    const column = place.get(answers[i]!);
    if (column !== undefined) matrix[place.get(target)!]![column]!++;
  });
  return matrix;
}
