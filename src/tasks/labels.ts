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
 * @example
 * ```js
 * const [best, second] = topK([0.1, 0.7, 0.2], ['cat', 'dog', 'fish'], 2);
 * console.log(best); // { index: 1, label: 'dog', score: 0.7 }
 * console.log(second.label); // fish
 * ```
 */
export function topK(scores: ArrayLike<number>, labels: readonly string[] = [], k = 5): Ranked[] {
  const order = Array.from(scores, (score, index) => ({ index, score: Number.isNaN(score) ? -Infinity : score }));
  order.sort((a, b) => b.score - a.score || a.index - b.index);
  return order.slice(0, Math.max(0, k)).map(({ index }) => ({
    index,
    label: labels[index] ?? String(index),
    score: scores[index]!,
  }));
}
