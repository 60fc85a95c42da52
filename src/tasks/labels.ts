/** One class of a classification. */
export interface Ranked {
  index: number;
  /** The label, or the index as text where there is none. */
  label: string;
  score: number;
}

/**
 * The k best classes, best first; of equal scores the first.
 *
 * @example
 * ```js
 * topK([0.1, 0.7, 0.2], ['cat', 'dog', 'fish'], 2); // [{ index: 1, label: 'dog', score: 0.7 }, { index: 2, label: 'fish', score: 0.2 }]
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
