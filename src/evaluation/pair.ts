import { mcNemar, type McNemar } from './intervals';
import { KletError } from '../errors';
import { collect, evaluationOf, resamplingOf, type EvaluatedNetwork } from './evaluate';
import { Estimates, type Outcome } from './measure';
import { verdictOf } from './verdict';
import type { Estimate, EvaluateOptions, Evaluation, Example, MetricName } from './types';

/** How a metric of two networks differs. */
export interface Difference extends Estimate {
  /**
   * Two-sided p-value: how probable a difference at least as large is by chance. McNemar's exact
   * test for the accuracy, DeLong's for the area under the ROC curve, otherwise by resamples.
   */
  p?: number;
}

/** An example for two networks. */
export interface PairedExample extends Example {
  /** The input of the second network, if it takes another type than the first. */
  secondInput?: Example['input'];
}

/** Two networks on the same examples. */
export interface PairedEvaluation {
  first: Evaluation;
  second: Evaluation;
  /** The first network's metric minus the second's, with the paired interval. */
  differences: Partial<Record<MetricName, Difference>>;
  /** Fraction of the examples for which both choose the same class. */
  agreement?: number;
  mcNemar?: McNemar;
  /** What the difference of the most important metric means, in a sentence. */
  verdict: string;
}

/**
 * Compares two networks on the same examples, example by example, so that what makes an example
 * hard for both does not hide the difference. For classifiers, McNemar's test says whether the
 * difference may be chance.
 *
 * @param first a graph, the bytes of a `.klet` file, or a model, which is not disposed
 * @param second another one, for the same inputs and the same task
 * @param examples inputs with targets; they must fit both networks
 * @throws KletError as `evaluate`
 * @example
 * ```js
 * const network = (factor) => {
 *   const b = new GraphBuilder('scores'), x = b.input('x', [1, 2]);
 *   const w = b.constant(Float32Array.of(factor, 1), [1, 2]);
 *   return b.finish([b.node('binary', [x, w], { kind: 'mul', activation: 'none' })]);
 * };
 * const inputs = [[2, 1], [1, 3], [2, 3], [1, 4]];
 * const examples = inputs.map((input) => ({ input, target: Number(input[1] > input[0]) }));
 * const { mcNemar, verdict } = evaluatePair(network(1), network(2), examples);
 * console.log(mcNemar.onlyFirst, mcNemar.onlySecond); // 1 0
 * console.log(verdict.slice(0, 56)); // the difference of 25 points in accuracy is within chance
 * ```
 */
export function evaluatePair(
  first: EvaluatedNetwork,
  second: EvaluatedNetwork,
  examples: Iterable<PairedExample>,
  options: EvaluateOptions = {},
): PairedEvaluation {
  const outcomes = collect([first, second], examples, options, 'evaluatePair()') as [Outcome, Outcome];
  const [one, other] = outcomes;
  if (one.task !== other.task) {
    throw new KletError(
      'BAD_ARGUMENT',
      `the first network seems to ${one.task}, the second to ${other.task}; say which with the option "task"`,
    );
  }
  const estimates = new Estimates(outcomes, resamplingOf(options));
  const differences: PairedEvaluation['differences'] = {};
  for (const { name } of one.measures) {
    const difference = estimates.difference(name);
    if (difference) differences[name] = difference;
  }
  const test = testOf(outcomes);
  if (test && differences.accuracy) differences.accuracy.p = test.p;
  const agreement = agreementOf(outcomes);
  return {
    first: evaluationOf(one, estimates, 0),
    second: evaluationOf(other, estimates, 1),
    differences,
    ...(agreement !== undefined && { agreement }),
    ...(test && { mcNemar: test }),
    verdict: verdictOf(differences, one.examples),
  };
}

function testOf([{ right }, { right: other }]: [Outcome, Outcome]): McNemar | undefined {
  if (!right || !other) return undefined;
  const count = (a: Uint8Array, b: Uint8Array): number => a.reduce((sum, value, i) => sum + Number(value && !b[i]), 0);
  return mcNemar(count(right, other), count(other, right));
}

function agreementOf([{ chosen }, { chosen: other }]: [Outcome, Outcome]): number | undefined {
  if (!chosen || !other) return undefined;
  return chosen.reduce((sum, value, i) => sum + Number(value === other[i]), 0) / chosen.length;
}
