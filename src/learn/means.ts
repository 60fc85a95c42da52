import { distanceOf, type KnownRules, type Metric } from '../format/known';
import { scoreRows } from './softmaxRegression';

// Nearest class means: no training, and useful from one example of a class on. Embeddings are
// centered and divided by their standard deviations first. After that, the cosine distance of
// centered embeddings is better than the Euclidean one with few examples (Wang, Chao, Weinberger
// and van der Maaten, SimpleShot, 2019, https://arxiv.org/abs/1911.04623).

/** How embeddings are standardized: (x − mean) · scale. */
export interface Standard {
  mean: Float64Array;
  scale: Float64Array;
}

/** Added to each variance, as a part of the mean variance, so that no constant feature matters. */
const SHRINKAGE = 0.1;

/** Mean and scale of embeddings, in which each class counts the same. */
export function standardOf(examples: readonly Float32Array[][], width: number): Standard {
  const mean = new Float64Array(width);
  const scale = new Float64Array(width);
  const each = (see: (row: Float32Array, share: number) => void): void =>
    examples.forEach((rows) => rows.forEach((row) => see(row, 1 / rows.length / examples.length)));
  each((row, share) => row.forEach((x, k) => (mean[k]! += share * x)));
  each((row, share) => row.forEach((x, k) => (scale[k]! += share * (x - mean[k]!) ** 2)));
  const average = scale.reduce((sum, variance) => sum + variance, 0) / width;
  return { mean, scale: scale.map((variance) => 1 / Math.sqrt(variance + SHRINKAGE * average || 1)) };
}

/** Writes a standardized embedding to `rows`. */
export function standardize(x: Float32Array, { mean, scale }: Standard, rows: Float32Array, at = 0): void {
  for (let k = 0; k < x.length; k++) rows[at + k] = (x[k]! - mean[k]!) * scale[k]!;
}

/** The means of classes, and the distances that are usual around them. */
export class ClassMeans {
  /** The distance from each class mean beyond which an embedding is unknown. */
  readonly thresholds: number[];
  /** Distance that makes a class e times less probable. */
  readonly temperature: number;
  private readonly standard: Standard;
  private readonly metric: Metric;
  /** Means [classes][width], and zeros in place of biases. */
  private readonly means: Float32Array;
  /** Squared lengths of the means. */
  private readonly squares: number[];

  /**
   * @param examples embeddings of each class, at least one
   * @param quantile of the leave-one-out distances of a class, its threshold
   */
  constructor(examples: readonly Float32Array[][], private readonly width: number, metric: Metric, quantile: number) {
    const count = examples.length;
    this.standard = standardOf(examples, width);
    // a single class lies around the center, where angles mean nothing
    this.metric = count === 1 ? 'euclidean' : metric;
    this.means = new Float32Array(count * (width + 1));
    const all = examples.map((rows) => rows.map((row) => this.place(row)));
    all.forEach((rows, c) =>
      rows.forEach((row) => row.forEach((x, k) => (this.means[c * width + k]! += x / rows.length)))
    );
    this.squares = examples.map((_, c) =>
      this.means.subarray(c * width, (c + 1) * width).reduce((sum, x) => sum + x * x, 0)
    );
    const left = all.map((
      rows,
      c,
    ) => (rows.length < 2 ? [] : rows.map((row) => this.leaveOneOut(row, c, rows.length))));
    const own = left.map((rows, c) => rows.map((distances) => distances[c]!));
    const pooled = quantileOf(own.flat(), quantile);
    this.thresholds = own.map((
      distances,
    ) => (distances.length < MIN_FOR_QUANTILE ? pooled : quantileOf(distances, quantile)));
    this.temperature = temperatureOf(left);
  }

  /** The distances of an embedding from the means. */
  distances(x: Float32Array): Float64Array {
    return this.between(this.place(x));
  }

  /**
   * The rules for a file. Class means are whole numbers up to 127, the mean embedding is exact to a
   * thousandth of each deviation, and others have four digits. Without thresholds there are none.
   */
  rules(output: string): KnownRules | undefined {
    const { metric, standard: { mean, scale }, means, thresholds, width } = this;
    if (!thresholds.every(Number.isFinite)) return undefined;
    const step = means.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-30) / 127;
    const unit = metric === 'cosine' ? 1 : step; // angles do not depend on the step
    const rounded = (values: ArrayLike<number>, divisor: number): number[] =>
      Array.from(values, (value) => Number((value / divisor).toPrecision(4)));
    return {
      output,
      metric,
      mean: Array.from(mean, (value, k) => Number(value.toFixed(decimalsOf(scale[k]!)))),
      scale: rounded(scale, step),
      means: thresholds.map((_, c) =>
        Array.from(means.subarray(c * width, (c + 1) * width), (x) => Math.round(x / step))
      ),
      thresholds: rounded(thresholds, unit),
    };
  }

  /** An embedding where distances are measured. */
  private place(x: Float32Array): Float32Array {
    const row = new Float32Array(this.width);
    standardize(x, this.standard, row);
    if (this.metric === 'euclidean') return row;
    const length = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0)) || 1;
    return row.map((value) => value / length);
  }

  private between(row: Float32Array): Float64Array {
    const dots = new Float64Array(this.squares.length);
    scoreRows(row, this.width, 0, 0, this.means, [dots]);
    const square = row.reduce((sum, x) => sum + x * x, 0);
    return dots.map((dot, c) => distanceOf(this.metric, dot, square, this.squares[c]!, this.width));
  }

  /** The distances of an example of class c, from whose mean it is taken out. */
  private leaveOneOut(row: Float32Array, c: number, n: number): Float64Array {
    const distances = this.between(row);
    const mean = this.means.subarray(c * this.width, (c + 1) * this.width);
    let square = 0;
    let dot = 0;
    let meanSquare = 0;
    for (let k = 0; k < row.length; k++) {
      const x = row[k]!;
      const other = (n * mean[k]! - x) / (n - 1);
      square += x * x;
      dot += x * other;
      meanSquare += other * other;
    }
    distances[c] = distanceOf(this.metric, dot, square, meanSquare, this.width);
    return distances;
  }
}

/** Decimals of a number that is multiplied by this, so that the product has three. */
function decimalsOf(scale: number): number {
  return Math.max(0, Math.min(100, 3 + Math.ceil(Math.log10(scale))));
}

/** With fewer examples, a class takes the threshold of all classes together. */
const MIN_FOR_QUANTILE = 10;

/** The value that this part of the values does not exceed. Infinity if there are none. */
function quantileOf(values: readonly number[], quantile: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(quantile * sorted.length) - 1] ?? sorted[0] ?? Infinity;
}

/**
 * The temperature, a power of the root of 2, that gives the labels of the examples the highest
 * likelihood, as in temperature scaling (Guo, Pleiss, Sun and Weinberger, 2017,
 * https://arxiv.org/abs/1706.04599), on leave-one-out distances.
 */
function temperatureOf(left: readonly Float64Array[][]): number {
  let best = 1;
  let most = -Infinity;
  for (let power = 4; power >= -20; power--) {
    const temperature = 2 ** (power / 2);
    let likelihood = 0;
    left.forEach((rows, c) => {
      for (const distances of rows) {
        likelihood += Math.log(1e-300 + closeness(distances, temperature)[c]!);
      }
    });
    if (likelihood > most) [best, most] = [temperature, likelihood];
  }
  return best;
}

/** Probabilities of classes: softmax(−distance / temperature). */
export function closeness(distances: Float64Array, temperature: number): Float64Array {
  const least = Math.min(...distances);
  const shares = distances.map((distance) => Math.exp((least - distance) / temperature));
  const sum = shares.reduce((a, b) => a + b, 0);
  return shares.map((share) => share / sum);
}
