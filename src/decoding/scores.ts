import type { Activation } from '../format/task';
import { valueAt, type Table } from './outputs';

// Scores of classes as probabilities.

/** Sums of probabilities may differ from 1 by rounding to 8 bits. */
const TOLERANCE = 0.1;

function sigmoid(value: number): number {
  return 1 / (1 + Math.exp(-value));
}

/** What an activation makes of a single value. */
export function activate(activation: Activation): (value: number) => number {
  return activation === 'none' ? (value) => value : sigmoid;
}

/** The scores of a table: values as they are, their logistic function, or the softmax of a row. */
export function activated(activation: Activation, table: Table): (row: number, column: number) => number {
  if (activation !== 'softmax') {
    const single = activate(activation);
    return (row, column) => single(valueAt(table, row, column));
  }
  let current = -1;
  let largest = 0;
  let sum = 0;
  // without the largest as a special case, infinity would give NaN
  const power = (value: number): number => (value === largest ? 1 : Math.exp(value - largest));
  return (row, column) => {
    if (row !== current) {
      current = row;
      largest = -Infinity;
      for (let c = 0; c < table.columns; c++) largest = Math.max(largest, valueAt(table, row, c));
      sum = 0;
      for (let c = 0; c < table.columns; c++) sum += power(valueAt(table, row, c));
    }
    return power(valueAt(table, row, column)) / sum;
  };
}

/**
 * Tells probabilities from logits by the values of all examples. Probabilities are from 0 to 1, and
 * those of several classes add up to 1.
 */
export function activationOf(scores: readonly Float32Array[]): 'none' | 'softmax' {
  let total = 0;
  for (const values of scores) {
    let sum = 0;
    for (const value of values) {
      if (value < 0 || value > 1) return 'softmax';
      sum += value;
    }
    if (!Number.isNaN(sum)) total += Math.abs(sum - 1);
  }
  return scores[0]?.length === 1 || total / scores.length < TOLERANCE ? 'none' : 'softmax';
}

/**
 * The scores of the classes, without the background. A single score is that of class 1 of two, and
 * its softmax is the logistic function.
 */
export function classScores(values: Float32Array, activation: Activation, background?: number): Float64Array {
  const columns = values.length;
  const isSingle = columns === 1;
  const table = { data: values, rows: 1, columns, rowStep: columns, columnStep: 1 };
  const score = activated(isSingle && activation === 'softmax' ? 'sigmoid' : activation, table);
  const scores = Float64Array.from(values, (_, i) => score(0, i));
  return isSingle ? Float64Array.of(1 - scores[0]!, scores[0]!) : scores.filter((_, i) => i !== background);
}
