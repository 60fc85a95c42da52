import { checkChoice, checkObject, checkOptions, checkString, checkWhole, isArrayOf, show,
  type Options } from '../arguments';
import { KletError } from '../errors';
import { byContribution, frontOf, nondominatedRanks, type Point } from './pareto';
import { Random } from './random';
import { gridSampler } from './samplers/grid';
import { randomSampler } from './samplers/random';
import type { Sampler } from './samplers/sampler';
import { tpeSampler } from './samplers/tpe';
import { Axes, checkSpace, type ParameterValues, type SearchSpace } from './space';

/** A number that a trial results in, and what is wanted of it. */
export interface SearchMeasure {
  /** Without a goal, the measure only has limits. */
  goal?: 'minimize' | 'maximize';
  /** Limits; trials beyond them are worse than all others. */
  atMost?: number;
  atLeast?: number;
}

export type SamplerName = 'tpe' | 'random' | 'grid';

export interface StudyOptions {
  /** The measures by name. At least one has a goal; with several goals there is a Pareto front. */
  measures: Record<string, SearchMeasure>;
  /**
   * How parameters are proposed: by the tree-structured Parzen estimator (`tpe`, default), at
   * random, or from a grid, which takes five values of a range without step.
   */
  sampler?: SamplerName;
  /** The same seed gives the same trials (default 1). */
  seed?: number;
  /** Parameters of the first trials. Missing ones get their first choice or least value. */
  first?: readonly ParameterValues[];
  /**
   * How many trials may run at the same time (default 1). A trial is proposed from the results of
   * those that are at least so many before it, so that its parameters do not depend on which of the
   * running ones ends first.
   */
  parallel?: number;
}

/** Parameters that are tried, and what they result in. */
export interface Trial {
  /** Counted from 0. */
  readonly number: number;
  readonly parameters: ParameterValues;
  /** The measures, once told. A trial that was stopped early may lack some. */
  readonly values?: Readonly<Record<string, number>>;
  /** Why the trial has no result. */
  readonly failure?: string;
}

const studyOptions = {
  measures: 'object',
  sampler: 'string',
  seed: 'number',
  first: 'object',
  parallel: 'number',
} satisfies Options<StudyOptions>;

const measureOptions = { goal: 'string', atMost: 'number', atLeast: 'number' } satisfies Options<SearchMeasure>;
const samplers: Record<SamplerName, Sampler> = { tpe: tpeSampler, random: randomSampler, grid: gridSampler };
const samplerNames = { tpe: true, random: true, grid: true } satisfies Record<SamplerName, true>;
const MOST_PARALLEL = 1024;

/** What the limits of a trial's values say. */
interface Standing {
  /** How far the values are beyond their limits, each in proportion to its limit. */
  violation: number;
  /** Whether all values are known that have a goal or a limit. */
  isComplete: boolean;
}

/**
 * A search for good parameters. `ask` proposes parameters, the caller tries them, and `tell` takes
 * the result, from which later proposals follow. No parameters are proposed twice.
 *
 * The sampler `tpe` (Bergstra et al., "Algorithms for Hyper-Parameter Optimization", 2011) orders
 * trials for several goals by their Pareto rank and then by hypervolume (Ozaki et al.,
 * "Multiobjective Tree-Structured Parzen Estimator for Computationally Expensive Optimization
 * Problems", 2020). Trials beyond a limit come after all others, the nearer ones first.
 *
 * @example
 * ```js
 * const study = new Study(
 *   { rate: { min: 0.001, max: 1, log: true }, layers: { choices: [1, 2, 3] } },
 *   { measures: { loss: { goal: 'minimize' }, bytes: { atMost: 250 } } },
 * );
 * for (let i = 0; i < 60; i++) {
 *   const { number, parameters: { rate, layers } } = study.ask();
 *   study.tell(number, { loss: Math.log10(rate / 0.03) ** 2 + 1 / layers, bytes: 100 * layers });
 * }
 * const { layers, rate } = study.best().parameters;
 * console.log(layers, rate > 0.01 && rate < 0.1); // 2 true
 * ```
 */
export class Study {
  private readonly axes: Axes;
  private readonly options: StudyOptions;
  private readonly goals: readonly { name: string; sign: 1 | -1 }[];
  private readonly records: Trial[] = [];
  private readonly known = new Set<string>();
  private readonly first: readonly ParameterValues[];

  /** @throws KletError `BAD_ARGUMENT` for a wrong space or option */
  constructor(space: SearchSpace, options: StudyOptions) {
    checkSpace(space, 'Study');
    checkStudyOptions(options);
    this.axes = new Axes(space);
    const { first = [], ...others } = options;
    const measures = Object.entries(options.measures).map(([name, measure]) => [name, { ...measure }]);
    this.options = { ...others, measures: Object.fromEntries(measures) as StudyOptions['measures'] };
    this.goals = Object.entries(this.options.measures).flatMap(([name, { goal }]) =>
      goal === undefined ? [] : [{ name, sign: goal === 'minimize' ? 1 : -1 } as const]
    );
    const completed = first.map((values) => this.axes.completed(values, 'Study'));
    this.first = [...new Map(completed.map((values) => [this.axes.key(values), values])).values()];
  }

  /** The trials in the order of their numbers. */
  get trials(): readonly Trial[] {
    return this.records;
  }

  /** Whether `ask` needs the result of a trial that is still running. */
  get isWaiting(): boolean {
    const until = this.settledFor(this.records.length);
    return this.records.length >= this.first.length && this.records.slice(0, until).some((trial) => !isFinished(trial));
  }

  /**
   * The next trial; undefined if no parameters are left that have not been tried, or if
   * `isWaiting`.
   */
  ask(): Trial | undefined {
    const number = this.records.length;
    if (this.isWaiting) return undefined;
    const parameters = this.first[number] ?? this.proposal(number);
    if (!parameters) return undefined;
    this.known.add(this.axes.key(parameters));
    this.records.push({ number, parameters });
    return { number, parameters: { ...parameters } };
  }

  /**
   * Takes the result of a trial.
   *
   * @param values the measures; one that is missing, because the trial was stopped early, leaves
   *   the trial out of the front
   * @throws KletError `BAD_ARGUMENT` for an unknown or finished trial, and for values that are not
   *   numbers
   */
  tell(number: number, values: Record<string, number>): void {
    const trial = this.running(number, 'tell');
    checkObject(values, 'the values of Study.tell()');
    const wrong = Object.entries(values).find(([, value]) => typeof value !== 'number' || Number.isNaN(value));
    if (wrong) {
      throw new KletError('BAD_ARGUMENT', `Study.tell(): "${wrong[0]}" must be a number, not ${show(wrong[1])}`);
    }
    this.records[number] = { ...trial, values: { ...values } };
  }

  /**
   * Ends a trial without result. It counts as worse than all others.
   *
   * @throws KletError `BAD_ARGUMENT` for an unknown or finished trial
   */
  fail(number: number, reason: string): void {
    const trial = this.running(number, 'fail');
    checkString(reason, 'the reason of Study.fail()');
    this.records[number] = { ...trial, failure: reason };
  }

  /**
   * The Pareto front: the trials within all limits to which no other one is superior in every
   * measure with a goal, from the best in the first goal on. Of equal ones, the first counts.
   */
  front(): Trial[] {
    const within = this.records.filter(({ number }) => this.isWithin(number));
    return frontOf(within.map((trial) => this.pointOf(trial))).map((i) => within[i]!);
  }

  /** The trial within all limits that is best in the first goal, and of equal ones in the next. */
  best(): Trial | undefined {
    return this.front()[0];
  }

  /**
   * Whether a trial has all measures that count, within their limits.
   *
   * @throws KletError `BAD_ARGUMENT` for an unknown trial
   */
  isWithin(number: number): boolean {
    const { violation, isComplete } = this.standing(this.trialOf(number, 'isWithin'));
    return isComplete && violation === 0;
  }

  private running(number: unknown, method: string): Trial {
    const trial = this.trialOf(number, method);
    if (!isFinished(trial)) return trial;
    throw new KletError('BAD_ARGUMENT', `Study.${method}(): the trial ${show(number)} has a result already`);
  }

  private trialOf(number: unknown, method: string): Trial {
    if (typeof number !== 'number') {
      const expected = 'expected the number of a trial, which ask() returns';
      throw new KletError('BAD_ARGUMENT', `Study.${method}(): ${expected}, not ${show(number)}`);
    }
    const trial = this.records[number];
    if (trial) return trial;
    throw new KletError('BAD_ARGUMENT', `Study.${method}(): the trial ${show(number)} was not asked for`);
  }

  private settledFor(number: number): number {
    return Math.max(0, number + 1 - (this.options.parallel ?? 1));
  }

  private proposal(number: number): ParameterValues | undefined {
    const { sampler = 'tpe', seed = 1 } = this.options;
    return samplers[sampler]({
      axes: this.axes,
      ranked: () => this.ranked(this.records.slice(0, this.settledFor(number))),
      random: new Random(seed, number + 1),
      isKnown: (values) => this.known.has(this.axes.key(values)),
      seed,
    });
  }

  /** Parameters of finished trials, the best first. */
  private ranked(trials: readonly Trial[]): ParameterValues[] {
    const within = trials.filter(({ number }) => this.isWithin(number));
    const beyond = trials.filter(({ number }) => !this.isWithin(number)).map((trial) => ({
      trial,
      ...this.standing(trial),
    }));
    const nearer = (one: Standing, other: Standing): number => one.violation - other.violation || 0;
    return [...this.byRank(within), ...beyond.sort(nearer).map(({ trial }) => trial)].map(({ parameters }) =>
      parameters
    );
  }

  /** Trials within the limits by Pareto rank, and those of the same rank by hypervolume. */
  private byRank(trials: readonly Trial[]): Trial[] {
    const points = new Map(trials.map((trial) => [trial, this.pointOf(trial)]));
    if (this.goals.length === 1) return [...trials].sort((a, b) => points.get(a)![0]! - points.get(b)![0]!);
    const ranks = nondominatedRanks([...points.values()]);
    const fronts = Array.from({ length: Math.max(-1, ...ranks) + 1 }, (_, rank) => {
      const front = trials.filter((_trial, i) => ranks[i] === rank);
      return byContribution(front.map((trial) => points.get(trial)!)).map((i) => front[i]!);
    });
    return fronts.flat();
  }

  private pointOf({ values }: Trial): Point {
    return this.goals.map(({ name, sign }) => sign * values![name]!);
  }

  private standing({ values = {}, failure }: Trial): Standing {
    if (failure !== undefined) return { violation: Infinity, isComplete: false };
    let violation = 0;
    let isComplete = true;
    for (const [name, { goal, atMost, atLeast }] of Object.entries(this.options.measures)) {
      if (!Object.hasOwn(values, name)) {
        isComplete &&= goal === undefined && atMost === undefined && atLeast === undefined;
        continue;
      }
      const value = values[name]!;
      violation += excess(value, atMost) + excess(-value, atLeast === undefined ? undefined : -atLeast);
    }
    return { violation: isComplete || violation > 0 ? violation : Infinity, isComplete };
  }
}

/** How far a value is above its limit, in proportion to it. */
function excess(value: number, limit: number | undefined): number {
  return limit === undefined || value <= limit ? 0 : (value - limit) / (Math.abs(limit) || 1);
}

function isFinished({ values, failure }: Trial): boolean {
  return values !== undefined || failure !== undefined;
}

function checkStudyOptions(options: StudyOptions): void {
  checkOptions(options, studyOptions, 'Study');
  const { measures, sampler, seed, first, parallel } = options;
  checkObject(measures, 'the option "measures" of Study');
  for (const [name, measure] of Object.entries(measures)) {
    checkOptions(measure, measureOptions, `the measure "${name}" of Study`);
    const { goal, atMost, atLeast } = measure;
    if (goal !== undefined) {
      checkChoice(goal, { minimize: true, maximize: true }, 'goal', `the measure "${name}" of Study`);
    }
    if ([atMost, atLeast].some(Number.isNaN)) {
      throw new KletError('BAD_ARGUMENT', `the limits of the measure "${name}" of Study must be numbers, not NaN`);
    }
  }
  if (Object.values(measures).every(({ goal }) => goal === undefined)) {
    throw new KletError('BAD_ARGUMENT', "Study needs a measure with a goal, such as { loss: { goal: 'minimize' } }");
  }
  if (sampler !== undefined) checkChoice(sampler, samplerNames, 'sampler', 'Study');
  if (seed !== undefined) checkWhole(seed, 'the option "seed" of Study', 0, 2 ** 32 - 1);
  if (parallel !== undefined) checkWhole(parallel, 'the option "parallel" of Study', 1, MOST_PARALLEL);
  if (first !== undefined && !isArrayOf(first, (values) => typeof values === 'object' && values !== null)) {
    throw new KletError('BAD_ARGUMENT', `the option "first" of Study is an array of parameters, not ${show(first)}`);
  }
}
