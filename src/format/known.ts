// Which inputs a learned classifier knows: those whose embedding is near enough to the mean of a
// class. docs/format/file.md describes the rules.

/** `cosine`: 1 − cos, from 0 to 2. `euclidean`: root of the mean square over the features. */
export type Metric = 'cosine' | 'euclidean';

/** Class means of embeddings, and the distances from them beyond which an input is unknown. */
export interface KnownRules {
  /** Name of the output with the embedding. */
  output: string;
  metric: Metric;
  /** Distances are measured between (x − mean) · scale, for each number x of an embedding. */
  mean: number[];
  scale: number[];
  /** The mean of each class there. */
  means: number[][];
  /** The largest distance from each of them. */
  thresholds: number[];
}

/**
 * The distance of two vectors of `width` numbers.
 *
 * @param product their dot product
 * @param square, other the squares of their lengths
 */
export function distanceOf(metric: Metric, product: number, square: number, other: number, width: number): number {
  return metric === 'cosine'
    ? 1 - product / (Math.sqrt(square * other) || 1)
    : Math.sqrt(Math.max(0, square - 2 * product + other) / width);
}

/**
 * Whether an input is known: its embedding is as near to the mean of a class as the rules demand.
 *
 * @param embedding the output that the rules name, as real numbers
 */
export function isNear({ metric, mean, scale, means, thresholds }: KnownRules, embedding: ArrayLike<number>): boolean {
  const x = mean.map((center, k) => (embedding[k]! - center) * scale[k]!);
  const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, v, k) => sum + v * b[k]!, 0);
  const square = dot(x, x);
  return means.some((m, c) => distanceOf(metric, dot(x, m), square, dot(m, m), x.length) <= thresholds[c]!);
}
