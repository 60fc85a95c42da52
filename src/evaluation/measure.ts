import { normalP, percentileInterval, resampledP, standardError, wilson, Z } from './intervals';
import { drawCounts, randomBelow } from './random';
import { areaInterval } from './roc';
import type { Estimate, Evaluation, MetricName } from './types';

// Metrics as functions of the examples, from which intervals and differences follow.

/** How often each example occurs in a resample. */
export type Counts = Uint32Array;

interface Named {
  name: MetricName;
  value: number;
}

/** A fraction of the examples. */
export interface Proportion extends Named {
  /** 1 for each example that is right. */
  hits: Uint8Array;
}

/** A metric that can be computed for a resample. */
export interface Resampled extends Named {
  of(counts: Counts): number;
  /** Cost of one computation, in operations. */
  work: number;
}

/**
 * A metric that is, up to terms that vanish with more examples, the mean of one value per example.
 */
export interface Averaged extends Named {
  /**
   * Change of the metric by each example, times the number of examples. Undefined: the metric has
   * no interval.
   */
  influence: Float64Array | undefined;
}

export type Measure = Proportion | Resampled | Averaged;

/** What the examples of one network add up to. */
export interface Outcome extends Omit<Evaluation, 'metrics' | 'resamples'> {
  measures: Measure[];
  /** For each example whether the answer is right, if it is right or wrong. */
  right?: Uint8Array;
  /** The chosen class of each example. */
  chosen?: Int32Array;
}

export interface Resampling {
  /** Undefined: 1000, or fewer if the work is large. */
  resamples: number | undefined;
  seed: number;
}

const RESAMPLES = 1000;
const FEWEST_RESAMPLES = 200;
/** Operations that the resamples of an evaluation may take: a few seconds. */
const WORK = 3e9;

/** A metric of one or two networks that was recomputed for each resample. */
class Recomputed {
  private readonly values: Float64Array[];

  constructor(private readonly functions: readonly ((counts: Counts) => number)[], resamples: number) {
    this.values = functions.map(() => new Float64Array(resamples));
  }

  compute(counts: Counts, resample: number): void {
    this.functions.forEach((of, i) => {
      this.values[i]![resample] = of(counts);
    });
  }

  interval(network: number): { low: number; high: number } | undefined {
    return percentileInterval(this.values[network]!);
  }

  /** The values of the first network minus those of the second. */
  differences(): Float64Array {
    const [first, second] = this.values;
    return first!.map((value, i) => value - second![i]!);
  }
}

/** The metrics of one network, or of two on the same examples, on the same resamples. */
export class Estimates {
  readonly resamples: number;
  private readonly recomputed = new Map<MetricName, Recomputed>();

  constructor(private readonly outcomes: readonly Outcome[], { resamples, seed }: Resampling) {
    const [{ examples, measures }] = outcomes as [Outcome];
    const isPair = outcomes.length === 2;
    const wanted = measures.filter((measure) => 'of' in measure || (isPair && 'hits' in measure));
    const work = outcomes.length * wanted.reduce((sum, measure) => sum + workOf(measure), examples);
    const affordable = Math.max(FEWEST_RESAMPLES, Math.min(RESAMPLES, Math.floor(WORK / work)));
    this.resamples = examples < 2 || wanted.length === 0 ? 0 : resamples ?? affordable;
    for (const { name } of wanted) {
      const same = outcomes.map((outcome) => outcome.measures.find((measure) => measure.name === name));
      if (same.every((measure) => measure !== undefined)) {
        this.recomputed.set(name, new Recomputed(same.map((measure) => functionOf(measure)), this.resamples));
      }
    }
    const counts = new Uint32Array(examples);
    const below = randomBelow(seed);
    for (let i = 0; i < this.resamples; i++) {
      drawCounts(counts, below);
      for (const metric of this.recomputed.values()) metric.compute(counts, i);
    }
  }

  /** The metrics of a network. */
  of(network: number): Evaluation['metrics'] {
    const { measures } = this.outcomes[network]!;
    return Object.fromEntries(measures.map((measure) => [measure.name, this.estimate(measure, network)]));
  }

  private estimate(measure: Measure, network: number): Estimate {
    const { name, value } = measure;
    if ('hits' in measure) return wilson(measure.hits.reduce((a, b) => a + b, 0), measure.hits.length);
    if ('influence' in measure) return { value, ...areaInterval(measure) };
    const interval = this.recomputed.get(name)?.interval(network);
    // if all resamples agree, as without any error, they say nothing about other examples
    return { value, ...(interval && interval.low < interval.high && interval) };
  }

  /** The first network's metric minus the second's, with its interval and p-value. */
  difference(name: MetricName): (Estimate & { p?: number }) | undefined {
    const [first, second] = this.outcomes.map(({ measures }) => measures.find((measure) => measure.name === name));
    if (!first || !second) return undefined;
    const value = first.value - second.value;
    if ('influence' in first && 'influence' in second) {
      const { influence } = second;
      if (!first.influence || !influence) return { value };
      const error = standardError(first.influence.map((own, i) => own - influence[i]!));
      const p = error === 0 ? Number(value === 0) : normalP(value / error);
      return { value, low: value - Z * error, high: value + Z * error, p };
    }
    const differences = this.recomputed.get(name)?.differences();
    if (!differences || differences.length === 0) return { value };
    return { value, ...percentileInterval(differences), p: resampledP(differences) };
  }
}

function workOf(measure: Measure): number {
  if ('work' in measure) return measure.work;
  return 'hits' in measure ? measure.hits.length : 0;
}

function functionOf(measure: Measure): (counts: Counts) => number {
  if ('of' in measure) return (counts) => measure.of(counts);
  return 'hits' in measure ? (counts) => meanOf(measure.hits, counts) : () => NaN;
}

/** The mean of the values of a resample. */
export function meanOf(values: ArrayLike<number>, counts: Counts): number {
  let sum = 0;
  let n = 0;
  for (let i = 0; i < counts.length; i++) {
    sum += counts[i]! * values[i]!;
    n += counts[i]!;
  }
  return sum / n;
}

/** A metric that is the mean of one value per example. */
export function averageOf(name: MetricName, values: Float64Array): Resampled {
  const once = new Uint32Array(values.length).fill(1);
  return { name, value: meanOf(values, once), of: (counts) => meanOf(values, counts), work: values.length };
}

/** A metric that is computed for resamples as for the examples themselves. */
export function resampled(name: MetricName, of: (counts: Counts) => number, examples: number, work: number): Resampled {
  return { name, value: of(new Uint32Array(examples).fill(1)), of, work };
}

/** The fraction of the examples that are right. */
export function proportionOf(name: MetricName, hits: Uint8Array): Proportion {
  return { name, value: hits.reduce((a, b) => a + b, 0) / hits.length, hits };
}
