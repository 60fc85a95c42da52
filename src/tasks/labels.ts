import { show } from '../arguments';
import { describeValue, KletError } from '../errors';

/** A class with its score. */
export interface Ranked {
  index: number;
  /** The label, or the index as text if there is no label. */
  label: string;
  score: number;
}

/**
 * Returns the k classes with the highest scores, highest first. Equal scores keep their order; NaN
 * ranks last.
 *
 * @param scores one score per class
 * @param labels one label per class
 * @param k number of classes; at most `scores.length` are returned
 * @throws KletError `TYPE_MISMATCH` or `BAD_ARGUMENT`
 * @example
 * ```js
 * const [best, second] = topK([0.1, 0.7, 0.2], ['cat', 'dog', 'fish'], 2);
 * console.log(best); // { index: 1, label: 'dog', score: 0.7 }
 * console.log(second.label); // fish
 * ```
 */
export function topK(scores: ArrayLike<number>, labels: readonly string[] = [], k = 5): Ranked[] {
  if (!isNumbers(scores)) {
    throw new KletError('TYPE_MISMATCH', `topK takes an array of scores, not ${describeValue(scores)}`);
  }
  if (!Array.isArray(labels)) {
    throw new KletError('TYPE_MISMATCH', `labels are an array of strings, not ${describeValue(labels)}`);
  }
  if (!Number.isInteger(k)) throw new KletError('BAD_ARGUMENT', `k is a whole number, not ${show(k)}`);
  for (let i = 0; i < scores.length; i++) {
    if (typeof scores[i] !== 'number') {
      throw new KletError('TYPE_MISMATCH', `scores are numbers; scores[${i}] is ${describeValue(scores[i])}`);
    }
    if (labels[i] !== undefined && typeof labels[i] !== 'string') {
      throw new KletError('TYPE_MISMATCH', `labels are strings; labels[${i}] is ${describeValue(labels[i])}`);
    }
  }
  const order = Array.from({ length: scores.length }, (_, index) => {
    const score = scores[index]!;
    return { index, score: Number.isNaN(score) ? -Infinity : score };
  });
  order.sort((a, b) => b.score - a.score || a.index - b.index);
  return order.slice(0, Math.max(0, k)).map(({ index }) => ({
    index,
    label: (labels as readonly string[])[index] ?? String(index),
    score: scores[index]!,
  }));
}

function isNumbers(value: unknown): boolean {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
}
