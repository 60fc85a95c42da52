import { KletError } from '../errors';
import type { TensorInfo } from '../format/meta';
import { elementCount, type Graph } from '../graph/graph';
import type { Model } from '../runtime/model';
import type { InputArray, RawArray } from '../runtime/types';
import { checkSamples, isSequence } from './check';
import { compile } from './compile';
import { loadCompiled, loadSync } from './runtime';

/**
 * How well a changed network keeps the answers of the original. `uncertain` means that there are
 * too few samples to tell.
 */
export type Verdict = 'close' | 'uncertain' | 'ruined';

/** How one output of two networks differs over the samples. */
export interface OutputComparison {
  name: string;
  /**
   * For a vector of scores, the fraction of the samples for which both networks have the same best
   * class. For integers, the fraction of equal values. Absent for other outputs.
   */
  agreement?: number;
  /**
   * Ratio of the signal to the error, in decibels: 10 log10(Σ before² / Σ (before − after)²).
   * Infinity if nothing differs. Absent for integers.
   */
  sqnr?: number;
  /**
   * Cosine of the angle between all values before and all values after, up to 1. Absent for
   * integers.
   */
  cosine?: number;
  /** Largest absolute difference of a value. */
  maxError: number;
  verdict: Verdict;
}

export interface Comparison {
  samples: number;
  /** The outputs, in the order of the networks. */
  outputs: OutputComparison[];
  /** The worst verdict of the outputs. */
  verdict: Verdict;
}

/**
 * Agreement of class scores below which a network counts as ruined: it gives another class for more
 * than one sample in five.
 */
export const minAgreement = 0.8;
/**
 * SQNR below which other outputs count as ruined, in decibels. At 10 dB the error has a tenth of
 * the power of the signal.
 */
export const minSqnr = 10;
/**
 * Upper limit of the probability that a network with an agreement of exactly `minAgreement` is
 * called ruined.
 */
const SIGNIFICANCE = 0.05;

/** Inputs of one prediction, as `predict` takes them. */
type Inputs = InputArray | Record<string, InputArray>;
/** Inputs of one prediction, or of consecutive ones. */
export type ComparisonSample = Inputs | readonly Inputs[];

/**
 * Compares the outputs of a network before and after a change, such as `prune`, `cluster`,
 * `lowRank` or `quantize`. Use samples that the change did not see: calibrated or refitted networks
 * do better on the samples that they were fitted to.
 *
 * Class scores are compared by their best class, and the verdict is `ruined` if the samples show
 * with 95 % confidence that the agreement is below 80 %. Other outputs are ruined with an SQNR
 * below 10 dB. A vector that is not a probability distribution may hold scores or an embedding, so
 * it is ruined only if both are too low.
 *
 * @param before the original: a graph, or the bytes of a `.klet` file
 * @param after the changed network, with outputs of the same shapes in the same order
 * @param samples inputs of predictions. For a network with state, a sample may be an array of
 *   consecutive inputs, of which the last prediction gives the best class.
 * @throws KletError `BAD_ARGUMENT` without samples, `SHAPE_MISMATCH` if the outputs do not
 *   correspond, and the errors of `predict`
 * @example
 * ```js
 * const b = new GraphBuilder('larger'), x = b.input('x', [1, 2]);
 * const w = b.constant(new Float32Array([1, 0, 0, 1, -1, -1]), [3, 2]);
 * const y = b.node('fullyConnected', [x, w, null], { activation: 'none' }, { name: 'y' });
 * const graph = b.finish([y]);
 * const samples = [new Float32Array([0, 1]), new Float32Array([1, 1])];
 * const int8 = quantize(graph, { samples });
 * const { verdict, outputs } = compare(graph, int8, [[0.1, 0.9], [0.8, 0.3], [0.4, 0.5]]);
 * console.log(verdict, outputs[0].agreement, outputs[0].sqnr > 30); // close 1 true
 * ```
 */
export function compare(
  before: Graph | Uint8Array,
  after: Graph | Uint8Array,
  samples: Iterable<ComparisonSample>,
): Comparison {
  checkSamples(samples, 'compare()');
  const reference = new Reference(before, samples);
  try {
    return reference.compare(after);
  } finally {
    reference.dispose();
  }
}

/** Answers of at most this many numbers are kept for the next comparison. */
const MOST_KEPT = 2 ** 23;

/** A network that several changed ones are compared with on the same samples. */
export class Reference {
  private readonly model: Model;
  /** Of each output, whether the answers are probabilities; known after a comparison. */
  probabilities: readonly boolean[] = [];
  private readonly answers: Float64Array[][][] = [];
  private kept = 0;

  constructor(before: Graph | Uint8Array, private readonly samples: Iterable<ComparisonSample>) {
    this.model = open(before);
  }

  /** @throws KletError as `compare` */
  compare(after: Graph | Uint8Array): Comparison {
    const { outputs, inputs } = this.model;
    const changed = open(after);
    try {
      checkOutputs(this.model, changed);
      const tallies = outputs.map((output) => new Tally(output, isScores(output, inputs)));
      let count = 0;
      for (const sample of this.samples) {
        const before = this.answersOf(sample, count);
        const other = answersOf(changed, sample);
        tallies.forEach((tally, i) => {
          tally.add(before[i]!, other[i]!);
        });
        count++;
      }
      if (count === 0) {
        throw new KletError('BAD_ARGUMENT', 'compare() needs samples: inputs that are typical for the network');
      }
      const found = tallies.map((tally) => tally.result(count));
      this.probabilities = tallies.map(({ isDistribution }) => isDistribution);
      return { samples: count, outputs: found, verdict: worst(found.map(({ verdict }) => verdict)) };
    } finally {
      changed.dispose();
    }
  }

  /** The answers to a sample, kept from the first comparison if there is room for them. */
  private answersOf(sample: ComparisonSample, index: number): Float64Array[][] {
    const known = this.answers[index];
    if (known) return known;
    const answers = answersOf(this.model, sample);
    const size = answers.flat().reduce((sum, { length }) => sum + length, 0);
    if (index === this.answers.length && this.kept + size <= MOST_KEPT) {
      this.answers.push(answers);
      this.kept += size;
    }
    return answers;
  }

  dispose(): void {
    this.model.dispose();
  }
}

function open(network: Graph | Uint8Array): Model {
  return network instanceof Uint8Array ? loadSync(network) : loadCompiled(compile(network, { debugInfo: false }));
}

function checkOutputs(before: Model, after: Model): void {
  const describe = ({ outputs }: Model): string =>
    outputs.map(({ name, shape }) => `"${name}" [${shape.join(', ')}]`).join(', ');
  const same = before.outputs.length === after.outputs.length &&
    before.outputs.every(({ shape }, i) => shape.join() === after.outputs[i]!.shape.join());
  if (same) return;
  throw new KletError(
    'SHAPE_MISMATCH',
    `compare() takes two networks with outputs of the same shapes: the first has ${describe(before)}, the second ${
      describe(after)
    }`,
  );
}

/**
 * Whether an output may hold class scores: it is a vector, and not a reconstruction of the input.
 */
function isScores({ dtype, shape }: TensorInfo, inputs: readonly TensorInfo[]): boolean {
  const count = elementCount(shape);
  const isVector = count >= 2 && shape.filter((d) => d > 1).length === 1;
  return isVector && !isInteger(dtype) && !inputs.some((input) => elementCount(input.shape) === count);
}

function isInteger(dtype: TensorInfo['dtype']): boolean {
  return dtype === 'int32' || dtype === 'int64' || dtype === 'bool';
}

/** The values of every output for every prediction of a sample, in order: [output][prediction]. */
function answersOf(model: Model, sample: ComparisonSample): Float64Array[][] {
  const stream = model.createState();
  const answers: Float64Array[][] = model.outputs.map(() => []);
  for (const inputs of isSequence<Inputs>(sample) ? sample : [sample]) {
    const raw = stream.predict(inputs, { output: 'raw' });
    model.outputs.forEach((output, i) => {
      answers[i]!.push(realValues(model.outputs.length === 1 ? raw : raw[output.name]!, output));
    });
  }
  return answers;
}

function realValues(values: RawArray, { scale, zeroPoint = 0 }: TensorInfo): Float64Array {
  const numbers = values instanceof BigInt64Array ? Float64Array.from(values, Number) : new Float64Array(values);
  if (scale !== undefined) { for (let i = 0; i < numbers.length; i++) numbers[i] = scale * (numbers[i]! - zeroPoint); }
  return numbers;
}

/** The differences of one output, accumulated over the samples. */
class Tally {
  private signal = 0;
  private noise = 0;
  /** Σ before · after and Σ after², for the cosine. */
  private product = 0;
  private power = 0;
  private maxError = 0;
  /** Sum over the samples of the fraction that agrees: 0 or 1 for scores. */
  private agreeing = 0;
  isDistribution = true;

  constructor(private readonly output: TensorInfo, private readonly isScores: boolean) {}

  /** Adds the predictions of one sample. */
  add(before: readonly Float64Array[], after: readonly Float64Array[]): void {
    before.forEach((values, i) => {
      this.addErrors(values, after[i]!);
    });
    const [last, lastAfter] = [before.at(-1), after.at(-1)];
    if (!last || !lastAfter) return;
    if (this.isScores) {
      this.agreeing += bestOf(last) === bestOf(lastAfter) ? 1 : 0;
      this.isDistribution &&= isDistribution(last);
    } else if (isInteger(this.output.dtype)) {
      this.agreeing += last.filter((value, i) => value === lastAfter[i]).length / last.length;
    }
  }

  private addErrors(before: Float64Array, after: Float64Array): void {
    before.forEach((value, i) => {
      const other = after[i]!;
      this.signal += Number.isFinite(value) ? value ** 2 : 0;
      if (Number.isFinite(value * other)) {
        this.product += value * other;
        this.power += other ** 2;
      }
      if (Object.is(value, other)) return;
      const error = Math.abs(value - other);
      this.noise += Number.isFinite(error) ? error ** 2 : Infinity;
      this.maxError = Math.max(this.maxError, Number.isFinite(error) ? error : Infinity);
    });
  }

  result(samples: number): OutputComparison {
    const { output: { name, dtype }, maxError } = this;
    const agreement = this.agreeing / samples;
    const byAgreement = judgeAgreement(this.agreeing, samples);
    if (isInteger(dtype)) return { name, agreement, maxError, verdict: byAgreement };
    const sqnr = this.noise === 0 ? Infinity : 10 * Math.log10(this.signal / this.noise);
    const size = Math.sqrt(this.signal * this.power);
    const cosine = size > 0 ? Math.min(1, this.product / size) : Number(this.noise === 0);
    const bySqnr: Verdict = sqnr >= minSqnr ? 'close' : 'ruined';
    if (!this.isScores) return { name, sqnr, cosine, maxError, verdict: bySqnr };
    const verdict = bySqnr === 'close' && !this.isDistribution ? bySqnr : byAgreement;
    return { name, agreement, sqnr, cosine, maxError, verdict };
  }
}

/** The index of the largest value; −1 if one is not a number. */
export function bestOf(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i]!)) return -1;
    if (values[i]! > values[best]!) best = i;
  }
  return best;
}

/** Whether values are probabilities that add up to 1, within the rounding of 8 bits. */
function isDistribution(values: Float64Array): boolean {
  return values.every((value) => value >= 0 && value <= 1) && Math.abs(values.reduce((a, b) => a + b, 0) - 1) < 0.1;
}

function judgeAgreement(agreeing: number, samples: number): Verdict {
  if (agreeing >= minAgreement * samples) return 'close';
  return atMost(Math.floor(agreeing), samples, minAgreement) < SIGNIFICANCE ? 'ruined' : 'uncertain';
}

/** The probability that at most `k` of `n` samples agree if each does with probability `p`. */
function atMost(k: number, n: number, p: number): number {
  // in logarithms, because (1 − p)ⁿ is too small for a number if there are many samples
  let term = n * Math.log(1 - p);
  let sum = Math.exp(term);
  for (let i = 1; i <= k; i++) {
    term += Math.log((n - i + 1) / i * p / (1 - p));
    sum += Math.exp(term);
  }
  return sum;
}

function worst(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes('ruined')) return 'ruined';
  return verdicts.includes('uncertain') ? 'uncertain' : 'close';
}
