import { checkChoice, checkWhole, readOptions, type Options } from '../arguments';
import type { KnownRules, Metric } from '../format/known';
import type { Inputs } from '../runtime/types';
import { demand, demandRange } from './demand';
import { ClassMeans, closeness, standardize, standardOf, type Standard } from './means';
import { fitSoftmax, lossOf, scoreRows, softmax, type Batch } from './softmaxRegression';

/** A model that `upTo` cut, loaded by any entry of kinglet. */
export interface Embedder {
  /** Gives one embedding. */
  predict(inputs: Inputs): Float32Array;
}

export interface LearnerOptions {
  /** Distance between embeddings (default `cosine`). */
  metric?: Metric;
  /**
   * Part of the examples of a class that would be recognized if each were new, from 0 to 1 (default
   * 0.95). What is farther from every class than that is unknown.
   */
  quantile?: number;
}

/** Options of `Learner.fit`. */
export interface FitOptions {
  /** Strength of the L2 penalty for each number of an embedding (default 0.0003). */
  l2?: number;
  /** Most iterations of L-BFGS (default 50). */
  iterations?: number;
  /**
   * Part of the examples that decides when to stop, from 0 to 0.5 (default 0.2). Classes of fewer
   * than 5 examples keep all for learning.
   */
  holdout?: number;
  /** Give each class the same share, however many examples it has (default true). */
  balance?: boolean;
  /** Chooses the examples that are held out (default 1). Equal seeds give equal heads. */
  seed?: number;
}

export interface FitReport {
  /** Iterations of the head. */
  iterations: number;
  /** Number of examples held out while their number was chosen. */
  heldOut: number;
  /**
   * Part of them that was classified correctly by a head that had not seen them, if there were any.
   */
  accuracy?: number;
}

/**
 * A linear classifier of embeddings: scores = weights · (embedding − mean) + bias. Centered
 * embeddings lose least to rounded weights.
 */
export interface Classifier {
  labels: readonly string[];
  /** [labels][numbers of an embedding] */
  weights: Float32Array;
  /** The mean embedding. */
  mean: Float64Array;
  /** One for each label. */
  bias: Float64Array;
  /** The range of scores in which differences matter to a probability; quantization covers it. */
  range: readonly [min: number, max: number];
  /** Which inputs are known. Absent while nothing is unknown. */
  known?: KnownRules | undefined;
}

export interface Prediction {
  /** The most probable label. */
  label: string;
  /** False if the input is farther from every class than the examples are from their own. */
  isKnown: boolean;
  /** The probability of each label, in the order of `labels`. */
  probabilities: Float64Array;
  /** Distance from the nearest class mean. */
  distance: number;
}

const MIN_EXAMPLES_TO_HOLD_OUT = 5;
/** Iterations without improvement of the loss on held-out examples, after which training stops. */
const PATIENCE = 5;
/** Scores this far below the highest one have a probability of less than half a step of 1/256. */
const NO_SHARE = 6.3;

/** The output of embedders, and of the files that `withClassifier` makes of them. */
const EMBEDDING = 'embedding';

/** Takes embeddings as inputs. */
const copier: Embedder = {
  predict(inputs) {
    demand(
      Array.isArray(inputs) || ArrayBuffer.isView(inputs),
      'a Learner without an embedder takes arrays of numbers',
    );
    return Float32Array.from(inputs as ArrayLike<number>);
  },
};

const MOST_ITERATIONS = 10_000;

const learnerOptions = { metric: 'string', quantile: 'number' } satisfies Options<LearnerOptions>;
const metrics = { cosine: true, euclidean: true } satisfies Record<Metric, true>;
const fitOptions = {
  l2: 'number',
  iterations: 'number',
  holdout: 'number',
  balance: 'boolean',
  seed: 'number',
} satisfies Options<FitOptions>;

/**
 * Learns new classes from examples, on the device. From the first example on, it answers with the
 * nearest class mean. `fit` trains a classifier on the examples, which `withClassifier` of
 * `kinglet/learn/file` joins with the embedder in one file. The learner keeps embeddings, not
 * inputs.
 *
 * @example
 * ```js
 * import { readFileSync } from 'node:fs';
 * import { Learner } from 'kinglet/learn';
 * import { upTo } from 'kinglet/learn/file';
 *
 * const file = upTo(new Uint8Array(readFileSync('models/digits/digits.klet')), 'pool');
 * const learner = new Learner(await load(file));
 * learner.add(new Float32Array(784), 'dark');
 * learner.add(new Float32Array(784).fill(1), 'bright');
 * console.log(learner.predict(new Float32Array(784).fill(0.9)).label); // bright
 * ```
 */
export class Learner {
  private readonly examples = new Map<string, Float32Array[]>();
  private readonly metric: Metric;
  private readonly quantile: number;
  private means: ClassMeans | undefined;
  private head: Classifier | undefined;

  /**
   * @param embedder by default, inputs are embeddings themselves, such as those of a stream; they
   *   are copied
   * @throws KletError `BAD_ARGUMENT`
   */
  constructor(private readonly embedder: Embedder = copier, options: LearnerOptions = {}) {
    const { metric = 'cosine', quantile = 0.95 } = readOptions(options, learnerOptions, 'Learner');
    checkChoice(metric, metrics, 'metric', 'Learner');
    demandRange(quantile, 'quantile', 0, 1);
    this.metric = metric;
    this.quantile = quantile;
  }

  /** The labels, in the order in which they came. */
  get labels(): string[] {
    return [...this.examples.keys()];
  }

  /** Number of examples of each label. */
  get counts(): Record<string, number> {
    return Object.fromEntries([...this.examples].map(([label, rows]) => [label, rows.length]));
  }

  /** Whether `predict` uses the head of the last `fit`. An example more or less discards it. */
  get isFitted(): boolean {
    return this.head !== undefined;
  }

  /**
   * Adds an example. A label that is new becomes a class.
   *
   * @param inputs as for `predict` of the embedder
   * @throws KletError as `predict`, and `BAD_ARGUMENT` if the label is empty
   */
  add(inputs: Inputs, label: string): void {
    demand(typeof label === 'string' && label !== '', 'a label is a text of at least one character');
    const row = this.embed(inputs);
    const rows = this.examples.get(label);
    if (rows) rows.push(row);
    else this.examples.set(label, [row]);
    this.forget();
  }

  /**
   * Removes a class with all of its examples, or its last example only.
   *
   * @returns number of examples that were removed
   */
  remove(label: string, which: 'all' | 'last' = 'all'): number {
    const rows = this.examples.get(label) ?? [];
    demand(['all', 'last'].includes(which), `remove() takes "all" or "last", not ${which}`);
    const count = which === 'all' ? rows.length : Math.min(1, rows.length);
    if (count === rows.length) this.examples.delete(label);
    else rows.pop();
    if (count > 0) this.forget();
    return count;
  }

  /**
   * Classifies an input by the head of the last `fit`, or by the nearest class mean.
   *
   * @throws KletError as `predict` of the embedder, and `BAD_ARGUMENT` without examples
   */
  predict(inputs: Inputs): Prediction {
    const { labels } = this;
    demand(labels.length > 0, 'there are no examples; add() some first');
    const x = this.embed(inputs);
    const means = this.classMeans();
    const distances = means.distances(x);
    const probabilities = this.head ? scoresOf(this.head, x) : closeness(distances, means.temperature);
    if (this.head) softmax(probabilities);
    return {
      label: labels[indexOfMost(probabilities)]!,
      isKnown: distances.some((distance, c) => distance <= means.thresholds[c]!),
      probabilities,
      distance: Math.min(...distances),
    };
  }

  /**
   * Trains a classifier on the examples: softmax regression on standardized embeddings. Some
   * examples are held out to find when to stop, then all of them are used for as many iterations.
   *
   * @throws KletError `BAD_ARGUMENT` with fewer than two classes
   */
  fit(options: FitOptions = {}): FitReport {
    const { l2, iterations, holdout, balance, seed } = fitOptionsOf(options);
    const classes = [...this.examples.values()];
    const { width } = this;
    demand(classes.length > 1, `fit() needs at least two classes; there are ${classes.length}`);
    const standard = standardOf(classes, width);
    const batchOf = (parts: readonly Float32Array[][]): Batch => standardBatch(parts, standard, width, balance);
    const held = holdOut(classes, holdout, seed);
    const heldOut = held.test.flat().length;
    const count = classes.length;
    const penalty = l2 * width;
    const stop = heldOut > 0
      ? stopEarly(batchOf(held.train), batchOf(held.test), count, penalty, iterations)
      : undefined;
    const fitted = fitSoftmax(batchOf(classes), count, penalty, stop?.iteration ?? iterations);
    this.head = this.headOf(fitted.parameters, standard);
    return { iterations: fitted.iterations, heldOut, ...(stop && { accuracy: stop.accuracy }) };
  }

  /**
   * The classifier of the last `fit`, for `withClassifier` of `kinglet/learn/file`. Calls `fit`
   * first if that is due.
   *
   * @throws KletError `BAD_ARGUMENT` with fewer than two classes
   */
  get classifier(): Classifier {
    if (!this.head) this.fit();
    return this.head!;
  }

  private classMeans(): ClassMeans {
    return this.means ??= new ClassMeans([...this.examples.values()], this.width, this.metric, this.quantile);
  }

  /** Numbers of an embedding, or 0 without examples. */
  private get width(): number {
    const [rows] = this.examples.values();
    return rows?.[0]!.length ?? 0;
  }

  private forget(): void {
    this.means = undefined;
    this.head = undefined;
  }

  private embed(inputs: Inputs): Float32Array {
    const row: unknown = this.embedder.predict(inputs);
    demand(row instanceof Float32Array, 'the model of a Learner has one output; cut it with upTo()');
    const expected = this.width || row.length;
    demand(row.length === expected, `an embedding has ${expected} numbers, not ${row.length}`, 'SHAPE_MISMATCH');
    demand(row.every(Number.isFinite), 'the embedding has numbers that are not finite', 'NOT_A_NUMBER');
    return row;
  }

  /** The head for embeddings as they are, and the range of its scores. */
  private headOf(parameters: Float32Array, { mean, scale }: Standard): Classifier {
    const { labels, width } = this;
    const weights = parameters.slice(0, labels.length * width).map((w, i) => w * scale[i % width]!);
    const bias = Float64Array.from(parameters.subarray(labels.length * width));
    const head: Classifier = { labels, weights, mean, bias, range: [0, 0] };
    let [low, high] = [Infinity, -Infinity];
    let leastBest = Infinity;
    for (const x of [...this.examples.values()].flat()) {
      const scores = scoresOf(head, x);
      const best = Math.max(...scores);
      leastBest = Math.min(leastBest, best);
      high = Math.max(high, best);
      low = Math.min(low, ...scores);
    }
    return { ...head, range: [Math.max(low, leastBest - NO_SHARE), high], known: this.classMeans().rules(EMBEDDING) };
  }
}

/** @throws KletError `BAD_ARGUMENT` */
function fitOptionsOf(options: FitOptions): Required<FitOptions> {
  const given = readOptions(options, fitOptions, 'fit()');
  const { l2 = 3e-4, iterations = 50, holdout = 0.2, balance = true, seed = 1 } = given;
  demandRange(l2, 'l2', 0, Infinity);
  checkWhole(iterations, 'the option "iterations"', 1, MOST_ITERATIONS);
  demandRange(holdout, 'holdout', 0, 0.5);
  return { l2, iterations, holdout, balance, seed };
}

/** The examples of each class, standardized. */
function standardBatch(parts: readonly Float32Array[][], standard: Standard, width: number, balance: boolean): Batch {
  const all = parts.flat();
  const rows = new Float32Array(all.length * width);
  all.forEach((row, i) => standardize(row, standard, rows, i * width));
  const share = (size: number): number => (balance ? 1 / size / parts.length : 1 / all.length);
  return {
    rows,
    width,
    classes: parts.flatMap((part, c) => part.map(() => c)),
    shares: parts.flatMap((part) => part.map(() => share(part.length))),
  };
}

function indexOfMost(values: Float64Array): number {
  return values.indexOf(Math.max(...values));
}

function scoresOf({ weights, mean, bias }: Classifier, x: Float32Array): Float64Array {
  return bias.map((start, c) => {
    let sum = start;
    for (let k = 0; k < x.length; k++) sum += weights[c * x.length + k]! * (x[k]! - mean[k]!);
    return sum;
  });
}

/** Divides the examples of each class by chance. */
function holdOut(
  classes: readonly Float32Array[][],
  part: number,
  seed: number,
): { train: Float32Array[][]; test: Float32Array[][] } {
  const random = randomOf(seed);
  const test = classes.map((rows) => {
    const order = rows.map((row) => ({ row, key: random() })).sort((a, b) => a.key - b.key);
    return order.slice(0, rows.length < MIN_EXAMPLES_TO_HOLD_OUT ? 0 : Math.floor(part * rows.length)).map(({ row }) =>
      row
    );
  });
  return { test, train: classes.map((rows, c) => rows.filter((row) => !test[c]!.includes(row))) };
}

/** Numbers from 0 to 1 by Marsaglia's xorshift with the shifts 13, 17 and 5. */
function randomOf(seed: number): () => number {
  let state = (seed ^ 0x9e3779b9) | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** The number of iterations with the least loss on held-out examples, and their accuracy then. */
function stopEarly(
  train: Batch,
  test: Batch,
  count: number,
  l2: number,
  iterations: number,
): { iteration: number; accuracy: number } {
  let best = { loss: Infinity, iteration: 1, accuracy: 0 };
  let iteration = 0;
  fitSoftmax(train, count, l2, iterations, (parameters) => {
    iteration++;
    const loss = lossOf(test, count, 0, parameters);
    if (loss < best.loss) best = { loss, iteration, accuracy: accuracyOf(test, count, parameters) };
    return iteration - best.iteration >= PATIENCE;
  });
  return best;
}

function accuracyOf({ rows, width, classes }: Batch, count: number, parameters: Float32Array): number {
  const scores = new Float64Array(count);
  let right = 0;
  for (let i = 0; i < classes.length; i++) {
    scoreRows(rows, width, i, i, parameters, [scores]);
    if (indexOfMost(scores) === classes[i]) right++;
  }
  return right / classes.length;
}
