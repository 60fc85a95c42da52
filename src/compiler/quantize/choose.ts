import { producers } from '../../graph/edit';
import type { AnyNode, Graph, Tensor } from '../../graph/graph';
import type { ActivationBits, BitsOf } from './activationBits';
import { calibratedRange, usualRange, type CalibrationMethod } from './calibration';
import type { Observations, TensorStatistics } from './observe';
import { planQuantization, type QuantizationPlan } from './plan';
import { decibels, lossyJoins, lossyScales } from './safeguards';
import { spread, type Sequence } from './stagedRun';
import { activationQuantization, wideQuantization, type Range } from './steps';
import { tryQuantizations, type Answer, type Question } from './trial';

/** The reason of nodes that the caller keeps in float32. */
export const ASKED = 'as asked';

/** What is known before the ranges are chosen. */
export interface Situation {
  graph: Graph;
  observations: Observations;
  /** The ranges that make a difference. */
  relevant: ReadonlyMap<Tensor, Range>;
  samples: readonly Sequence[];
}

/** The ranges of all tensors by name, and the nodes that stay in float32, each with the reason. */
export interface Choice {
  ranges: Map<string, Range>;
  kept: Map<string, string>;
}

/** Ranges that differ by less than this fraction of their width are one candidate. */
const ALIKE = 0.02;
/** A range is harmless if the squared error is at most this multiple of that of the widest. */
const NO_WORSE = 1.02;
/** A range is taken instead of the widest if the error is at most this part. */
const BETTER = 0.95;
/**
 * A range that cuts off outliers is taken if the error of all other samples is at most this part:
 * the outliers themselves get worse.
 */
const MUCH_BETTER = 0.1;
/** A reader that sees a signal of fewer decibels stays in float32, with what it reads. */
const MIN_SQNR = 12;

/** Ranges are tried on at most this many samples. */
const MAX_TRIALS = 32;

const autoMethods: CalibrationMethod[] = ['minMax', 'percentile', 'mse', 'entropy'];

/**
 * Chooses the range of each tensor. `auto` tries the ranges of all methods and takes the one with
 * which the readers of the tensor see the least error. Where even the best range leaves too little
 * of a signal, the nodes around the tensor stay in float32.
 */
export function choose(
  situation: Situation,
  method: CalibrationMethod | 'auto',
  asked: ReadonlySet<string>,
  bitsOf: BitsOf = () => 8,
): Choice {
  const { graph, samples } = situation;
  const kept = plainlyKept(situation, asked, bitsOf);
  const ranges = widestRanges(situation);
  const plan = planQuantization(graph, ranges, new Set(kept.keys()), bitsOf);
  const candidates =
    new Map(originsOf(graph, plan).map((tensor) => [tensor, candidateRanges(situation, tensor, method)]));
  // steps of 16 bits are so small that cutting off values never pays
  for (const tensor of candidates.keys()) {
    if (plan.wide.has(tensor)) candidates.set(tensor, [situation.observations.tensors.get(tensor.name)!.range]);
  }
  const questions = [...candidates].map(([origin, list]): Question =>
    plan.wide.has(origin)
      ? { origin, dtype: 'int16', candidates: list.map((range) => wideQuantization(range)) }
      : { origin, dtype: 'int8', candidates: list.map((range) => activationQuantization(range)) }
  );
  const answers = tryQuantizations(
    graph,
    questions,
    { rules: plan.rules, relevant: narrowed(situation) },
    spread(samples, MAX_TRIALS),
  );
  for (const [tensor, list] of candidates) {
    const statistics = situation.observations.tensors.get(tensor.name)!;
    const best = bestOf(answers.filter(({ origin }) => origin === tensor), harmless(statistics, list));
    const bits = plan.wide.has(tensor) ? 16 : 8;
    if (bits === 8) ranges.set(tensor.name, list[best]!);
    const isFinite = statistics.notFinite === undefined;
    for (const answer of answers.filter(({ origin }) => origin === tensor)) {
      for (const [name, reason] of tooLossy(graph, answer, best, isFinite, bits)) {
        if (!kept.has(name)) kept.set(name, reason);
      }
    }
  }
  return { ranges, kept };
}

/** The nodes that stay in float32 whatever the ranges are, each with the reason. */
export function plainlyKept(
  situation: Omit<Situation, 'samples'>,
  asked: ReadonlySet<string>,
  bitsOf: BitsOf,
): Map<string, string> {
  const kept = new Map([...asked].map((name) => [name, ASKED]));
  const lossy = [...lossyScales(situation, bitsOf), ...lossyJoins(situation, widestRanges(situation), bitsOf)];
  for (const [{ name }, reason] of lossy) {
    if (!kept.has(name)) kept.set(name, reason);
  }
  return kept;
}

/** The range of all values that make a difference, of activations and constants. */
export function widestRanges({ observations, relevant }: Omit<Situation, 'samples'>): Map<string, Range> {
  const ranges = new Map([...observations.tensors].map(([name, { range }]) => [name, range]));
  for (const [tensor, range] of relevant) ranges.set(tensor.name, range);
  return ranges;
}

/** The ranges of the tensors that have values which make no difference. */
function narrowed({ observations, relevant }: Situation): Map<Tensor, Range> {
  return new Map([...relevant].filter(([tensor, [low, high]]) => {
    const seen = observations.tensors.get(tensor.name)?.range;
    return seen && (low > seen[0] || high < seen[1]);
  }));
}

/** The tensors whose range decides their quantization; others take it over from an operand. */
function originsOf(graph: Graph, { chosen, rules }: QuantizationPlan): Tensor[] {
  const made = producers(graph);
  const isOrigin = (tensor: Tensor): boolean => {
    const node = made.get(tensor);
    const rule = node ? rules(node) : 'free';
    if (rule === 'same') return !chosen.has(node!.inputs[0]!);
    return rule === 'free' || rule === 'weights';
  };
  const all = [...graph.inputs, ...graph.nodes.flatMap((node) => node.outputs)];
  return all.filter((tensor) => chosen.has(tensor) && isOrigin(tensor));
}

/** The ranges to try, the widest first. */
function candidateRanges(
  { observations, relevant }: Situation,
  tensor: Tensor,
  method: CalibrationMethod | 'auto',
): Range[] {
  const statistics = observations.tensors.get(tensor.name)!;
  const limits = relevant.get(tensor) ?? statistics.range;
  const within = (
    [low, high]: Range,
  ): Range => [Math.min(0, Math.max(low, limits[0])), Math.max(0, Math.min(high, limits[1]))];
  const found = method === 'auto' ? allRanges(statistics) : [calibratedRange(statistics, method)];
  return found.map(within).reduce<Range[]>((list, range) => {
    const isNew = list.every((other) => !isAlike(range, other));
    return isNew && range[1] > range[0] || list.length === 0 ? [...list, range] : list;
  }, []);
}

function allRanges(statistics: TensorStatistics): Range[] {
  return [...autoMethods.map((each) => calibratedRange(statistics, each)), usualRange(statistics)];
}

function isAlike(a: Range, b: Range): boolean {
  const width = Math.max(a[1] - a[0], b[1] - b[0]);
  return Math.abs(a[0] - b[0]) <= ALIKE * width && Math.abs(a[1] - b[1]) <= ALIKE * width;
}

/** Whether each range has no larger squared error than the first, over all samples. */
function harmless({ histogram }: TensorStatistics, ranges: readonly Range[]): boolean[] {
  const most = NO_WORSE * histogram.noise(ranges[0]!);
  return ranges.map((range, i) => i === 0 || histogram.noise(range) <= most);
}

/**
 * The index of the range to take. The trials are few, so they do not show all values that a range
 * cuts off; a range that is not harmless must be much better on the usual samples.
 */
function bestOf(answers: readonly Answer[], isHarmless: readonly boolean[]): number {
  const total = sums(answers.map(({ errors }) => errors), isHarmless.length);
  const usual = sums(answers.map(({ usualErrors }) => usualErrors), isHarmless.length);
  const best = leastOf(total.map((cost, i) => (isHarmless[i] ? cost : Infinity)), 0, BETTER);
  return leastOf(usual, best, MUCH_BETTER);
}

function sums(lists: readonly (readonly number[])[], length: number): number[] {
  return Array.from({ length }, (_, i) => lists.reduce((sum, list) => sum + list[i]!, 0));
}

/** The index of the least cost, if it is at most this part of the cost of `other`; else `other`. */
function leastOf(costs: readonly number[], other: number, part: number): number {
  const least = Math.min(...costs);
  return least < part * costs[other]! ? costs.indexOf(least) : other;
}

/** The nodes to keep because a reader loses its signal, with the reason. */
function tooLossy(
  graph: Graph,
  { origin, reader, usualErrors }: Answer,
  best: number,
  isFinite: boolean,
  bits: ActivationBits,
): [string, string][] {
  const error = usualErrors[best]!;
  const sqnr = decibels(error);
  if (sqnr >= MIN_SQNR) return [];
  const nodes = graph.nodes.filter((node: AnyNode) => node === reader || node.outputs.includes(origin));
  const where = reader ? `at "${reader.name}"` : 'at an output of the network';
  const reason = !isFinite
    ? `"${origin.name}" has values that are not finite`
    : `${bits} bits for "${origin.name}" leave ${sqnr.toFixed(1)} dB ${where}`;
  return nodes.map(({ name }) => [name, reason]);
}
