import { checkChoice, checkFunction, checkObject, checkOptions, checkWhole, isArrayOf, show,
  type Options } from '../arguments';
import { checkGiven, checkSamples } from '../compiler/check';
import { Reference, type ComparisonSample } from '../compiler/compare';
import { compile, type CompileOptions } from '../compiler/compile';
import type { QuantizeOptions } from '../compiler/quantize/options';
import { KletError } from '../errors';
import type { Example, MetricName, Task } from '../evaluation/types';
import { metricTexts } from '../evaluation/verdict';
import type { Graph } from '../graph/graph';
import { dimensions, networkSpace, recipeOf, usualDimensions, type NetworkSpace,
  type SearchDimension } from './networkSpace';
import { frontOf } from './pareto';
import { AgreementJudge, LabelJudge, type HeldOut, type Judge, type QualityName } from './quality';
import { applied, spread, type Recipe, type RecipeSample } from './recipe';
import { Axes, type ParameterValues, type SearchSpace } from './space';
import { Study, type SamplerName, type SearchMeasure, type Trial } from './study';
import { firstInputs, timesOf } from './timing';

/** What a network may cost. */
export interface SearchBudget {
  /** Size of the file. */
  bytes?: number;
  /** Time of a prediction on this machine, in milliseconds. */
  ms?: number;
  /** What may be lost against the original network, in points; see `NetworkValues`. */
  loss?: number;
  /** The least SQNR of the outputs in decibels, without labels. */
  sqnr?: number;
}

export interface SearchOptions {
  /** Typical inputs without labels, for ranges and weights; see `quantize`. */
  samples: QuantizeOptions['samples'];
  /**
   * Labeled examples, none of which should be in `samples`. Trials are compared on every second
   * one; the others are for the report on the best network.
   */
  examples?: Iterable<Example>;
  /**
   * Without `examples`: inputs on which outputs are compared with those of the original, used in
   * the same way (default: `samples`).
   */
  test?: Iterable<ComparisonSample>;
  /** Default: a loss of one point, or an SQNR of 30 dB. */
  budget?: SearchBudget;
  /** What is varied (default: bits, sparsity, pattern, channels and lowRank). */
  include?: readonly SearchDimension[];
  /** Number of trials (default 60). */
  trials?: number;
  /** See `StudyOptions`. */
  sampler?: SamplerName;
  seed?: number;
  parallel?: number;
  /** The metric of the examples (default: accuracy, or the most important one of the task). */
  metric?: MetricName;
  /** See `EvaluateOptions`. */
  task?: Task;
  output?: string;
  classes?: number;
  /** See `CompileOptions`; `compact` is true by default, because the size counts. */
  compact?: boolean;
  debugInfo?: boolean;
  meta?: CompileOptions['meta'];
  /** The time of a prediction of the original network on this machine; default: it is measured. */
  originalMs?: number;
  /** Called after each trial of `search`. */
  onTrial?: (trial: Trial) => void;
}

/** What a trial of a network results in. */
export interface NetworkValues {
  /** Size of the file; of a trial that is too large, an estimate. */
  bytes: number;
  /** The metric, the agreement of the best class with the original (0..1), or the SQNR in dB. */
  quality?: number;
  /**
   * What is lost in points: percent of the metric or of the agreement, or, for metrics without a
   * fixed range such as `mae`, percent of the original's value. For the SQNR, its negative.
   */
  loss?: number;
  /** Time of a prediction in milliseconds, if the budget depends on it. */
  ms?: number;
}

const searchOptions = {
  samples: 'object',
  examples: 'object',
  test: 'object',
  budget: 'object',
  include: 'object',
  trials: 'number',
  sampler: 'string',
  seed: 'number',
  parallel: 'number',
  metric: 'string',
  task: 'any',
  output: 'string',
  classes: 'number',
  compact: 'boolean',
  debugInfo: 'boolean',
  meta: 'object',
  originalMs: 'number',
  onTrial: 'function',
} satisfies Options<SearchOptions>;

const budgetOptions = { bytes: 'number', ms: 'number', loss: 'number', sqnr: 'number' } satisfies Options<SearchBudget>;

export const DEFAULT_TRIALS = 60;
const MOST_TRIALS = 2 ** 20;
const DEFAULT_LOSS = 1;
const DEFAULT_SQNR = 30;
/** A draft that is larger than this, in parts of the limit, is not tried. */
const TOO_LARGE = 1.03;
/** Samples for the sensitivity of layers, from which the first trials follow. */
const SENSITIVITY_SAMPLES = 16;
/** The measures of a trial, in the order in which they decide between networks. */
type Quantity = 'loss' | 'bytes' | 'ms';
const quantities: readonly Quantity[] = ['loss', 'bytes', 'ms'];

/**
 * The search for the best recipe for a network: its parts, for callers that run trials in several
 * workers or that stop and go on. `search` runs all of it.
 *
 * Of loss, size and time, those that the budget leaves open are improved: with a limit of the size
 * the loss, with a limit of the loss the size, with limits of both the time. Every trial is
 * compiled and evaluated by the core.
 */
export class NetworkSearch {
  /** What the quality of trials is. */
  readonly qualityName: QualityName;
  /** The original network: size as a file, quality on the examples for choosing, and time. */
  readonly original: Readonly<NetworkValues>;
  /** Number of examples for choosing and for the report. */
  readonly counts: { choosing: number; reporting: number };
  /** The limits. */
  readonly budget: Readonly<SearchBudget>;
  /** The original network as a file. */
  readonly originalKlet: Uint8Array;
  private readonly options: SearchOptions;
  private studied: Study | undefined;
  private readonly samples: readonly RecipeSample[];
  private readonly described: NetworkSpace;
  private readonly judge: Judge;

  /**
   * @param graph a float32 network; of an int8 one, weights can be removed
   * @throws KletError `BAD_ARGUMENT` for wrong options, or if nothing can be varied; and the errors
   *   of `evaluate`
   */
  constructor(private readonly graph: Graph, options: SearchOptions) {
    checkGiven(graph, 'search()');
    checkSearchOptions(options);
    this.options = options;
    this.samples = [...options.samples];
    this.originalKlet = compile(graph, { debugInfo: false });
    this.judge = judgeOf(this.originalKlet, options);
    this.qualityName = this.judge.name;
    this.counts = this.judge.counts;
    this.budget = budgetOf(options.budget, this.qualityName);
    const { ms: limit, ...others } = this.budget;
    const isTimed = limit !== undefined || Object.keys(others).length > 1;
    this.original = {
      bytes: this.originalKlet.length,
      quality: this.judge.original,
      loss: this.qualityName === 'sqnr' ? -this.judge.original : 0,
      ...(isTimed && { ms: options.originalMs ?? this.times([this.originalKlet])[0]! }),
    };
    this.described = networkSpace(graph, options.include ?? usualDimensions, isFloat(graph));
    if (Object.keys(this.space).length === 0) {
      throw new KletError(
        'BAD_ARGUMENT',
        `search() finds nothing to vary in "${graph.name}" with ${(options.include ?? usualDimensions).join(', ')}`,
      );
    }
  }

  /** The trials. Their parameters follow from seed and results. */
  get study(): Study {
    this.studied ??= this.newStudy();
    return this.studied;
  }

  /** The parameters. */
  get space(): SearchSpace {
    return this.described.space;
  }

  /**
   * The recipe of a trial.
   *
   * @throws KletError `BAD_ARGUMENT` for values that the space does not have
   */
  recipeOf(parameters: ParameterValues): Recipe {
    return recipeOf(new Axes(this.space).completed(parameters, 'NetworkSearch'), this.described);
  }

  /**
   * Runs a trial. A file that is far too large is not evaluated, and has no quality and no bytes.
   *
   * @throws KletError the errors of `applyRecipe` and `compile`
   */
  evaluate(parameters: ParameterValues): { values: NetworkValues; klet?: Uint8Array } {
    const recipe = this.recipeOf(parameters);
    const { bytes: limit } = this.budget;
    if (limit !== undefined) {
      const bytes = this.compiled(applied(this.graph, recipe, this.samples, { isDraft: true }), recipe).length;
      if (bytes > TOO_LARGE * limit) return { values: { bytes } };
    }
    const klet = this.build(parameters);
    return { values: this.measured(klet), klet };
  }

  /** The `.klet` file of a trial, with the recipe in `meta.provenance.recipe`. */
  build(parameters: ParameterValues): Uint8Array {
    const recipe = this.recipeOf(parameters);
    return this.compiled(applied(this.graph, recipe, this.samples), recipe);
  }

  /**
   * The times of predictions of files in milliseconds, measured in turns.
   *
   * @throws KletError the errors of `load`
   */
  times(klets: readonly Uint8Array[]): number[] {
    if (!isArrayOf(klets, (klet) => klet instanceof Uint8Array)) {
      throw new KletError('BAD_ARGUMENT', `NetworkSearch.times() takes an array of files, not ${show(klets)}`);
    }
    return timesOf(klets, firstInputs(this.samples));
  }

  /**
   * Finished trials to which no other is superior in loss, size and, where it is measured, time.
   * They may be beyond the budget.
   */
  front(): Trial[] {
    const complete = this.study.trials.filter(({ values }) => values?.loss !== undefined);
    const points = complete.map(({ values }) => this.measuredQuantities().map((name) => values![name]!));
    return frontOf(points).map((i) => complete[i]!);
  }

  /**
   * The best trials within the budget, the best first: by what the budget leaves open, in the order
   * loss, size, time, and of equal ones by the rest.
   */
  ranking(): Trial[] {
    const open = this.open();
    const order = [...open, ...this.measuredQuantities().filter((name) => !open.includes(name))];
    const compared = (a: Trial, b: Trial): number => {
      const name = order.find((quantity) => a.values![quantity] !== b.values![quantity]);
      return name === undefined ? a.number - b.number : a.values![name]! - b.values![name]!;
    };
    return this.study.trials.filter(({ number }) => this.study.isWithin(number)).sort(compared);
  }

  /**
   * How good a network is on the examples that no trial saw, beside the original.
   *
   * @throws KletError the errors of `load` and `predict`
   */
  report(klet: Uint8Array): HeldOut {
    if (!(klet instanceof Uint8Array)) {
      throw new KletError('BAD_ARGUMENT', `NetworkSearch.report() takes the bytes of a file, not ${show(klet)}`);
    }
    return this.judge.report(klet);
  }

  /** What the budget leaves open, the most important first. */
  open(): ('loss' | 'bytes' | 'ms')[] {
    const { budget } = this;
    const isLimited = { loss: budget.loss ?? budget.sqnr, bytes: budget.bytes, ms: budget.ms };
    const open = this.measuredQuantities().filter((name) => isLimited[name] === undefined);
    return open.length > 0 ? open : ['loss'];
  }

  private newStudy(): Study {
    const { sampler, seed, parallel } = this.options;
    return new Study(this.space, {
      measures: this.measures(),
      first: this.first(),
      ...(sampler !== undefined && { sampler }),
      ...(seed !== undefined && { seed }),
      ...(parallel !== undefined && { parallel }),
    });
  }

  private measured(klet: Uint8Array): NetworkValues {
    const { quality, loss } = this.judge.of(klet);
    const values = { bytes: klet.length, quality, loss };
    if (this.original.ms === undefined) return values;
    // the ratio, because another worker may slow down both
    const [own, original] = this.times([klet, this.originalKlet]);
    return { ...values, ms: this.original.ms * own! / original! };
  }

  private measuredQuantities(): Quantity[] {
    return quantities.filter((name) => name !== 'ms' || this.original.ms !== undefined);
  }

  private measures(): Record<string, SearchMeasure> {
    const { loss, sqnr, bytes, ms } = this.budget;
    const limits = { loss: loss ?? (sqnr === undefined ? undefined : -sqnr), bytes, ms };
    const open = this.open();
    return Object.fromEntries(this.measuredQuantities().map((name) => {
      const limit = limits[name];
      return [name, {
        ...(open.includes(name) && { goal: 'minimize' as const }),
        ...(limit !== undefined && { atMost: limit }),
      }];
    }));
  }

  private compiled(graph: Graph, recipe: Recipe): Uint8Array {
    const { meta = {}, compact = true, debugInfo = true } = this.options;
    return compile(graph, {
      meta: { ...meta, provenance: { ...(meta.provenance as object), recipe } },
      compact,
      debugInfo,
    });
  }

  /**
   * The first trials, without pruning: 8 bits, 4 bits, and 4 bits in the layers that bear it best,
   * with 8 or 7 bits in the others.
   */
  private first(): ParameterValues[] {
    const names = Object.keys(this.space).filter((name) => name.startsWith('bits '));
    const withFour = (four: readonly string[], others = 8): ParameterValues =>
      Object.fromEntries(names.map((name) => [name, four.includes(name) ? 4 : others]));
    const canHaveFour = names.length > 0 && (this.space[names[0]!] as { choices: unknown[] }).choices.includes(4);
    if (!canHaveFour) return [this.withoutBits(withFour([]))];
    const sorted = this.bySensitivity(names, withFour);
    const mixed = names.slice(1).flatMap((_, i) => {
      const four = sorted.slice(0, names.length - 1 - i);
      return [withFour(four), withFour(four, 7)];
    });
    return [withFour([]), withFour(names), ...mixed];
  }

  private withoutBits(values: ParameterValues): ParameterValues {
    return Object.fromEntries(Object.entries(values).filter(([name, bits]) => {
      const parameter = this.space[name];
      return parameter && 'choices' in parameter && parameter.choices.includes(bits);
    }));
  }

  /** Layers by what 4 bits cost in error for each weight, the least first; measured with drafts. */
  private bySensitivity(names: readonly string[], withFour: (four: readonly string[]) => ParameterValues): string[] {
    const reference = new Reference(this.originalKlet, spread(this.samples, SENSITIVITY_SAMPLES));
    try {
      const errorWith = (four: readonly string[]): number => {
        const draft = applied(this.graph, this.recipeOf(withFour(four)), this.samples, { isDraft: true });
        return Math.max(...reference.compare(draft).outputs.map(({ sqnr = Infinity }) => 10 ** (-sqnr / 10)));
      };
      const base = errorWith([]);
      const costs = new Map(names.map((name, i) => {
        const weights = this.described.groups[i]!.layers.reduce((sum, layer) => sum + layer.weights, 0);
        return [name, (errorWith([name]) - base) / weights];
      }));
      return [...names].sort((a, b) => costs.get(a)! - costs.get(b)!);
    } finally {
      reference.dispose();
    }
  }
}

/** The result of `search`. */
export interface SearchResult {
  /** The best network within the budget; undefined if there is none. */
  best?: {
    trial: Trial;
    recipe: Recipe;
    klet: Uint8Array;
    /** How good it is on the examples that no trial saw. */
    report: HeldOut;
  };
  /** The trials to which no other is superior in loss and size, and time if it is limited. */
  front: Trial[];
  trials: readonly Trial[];
  /** The original network: size as a file, quality on the examples for choosing, and time. */
  original: Readonly<NetworkValues>;
}

/**
 * Searches for the recipe that makes a network as good, as small or as fast as possible within a
 * budget: bits by layer, sparsity and its pattern by layer, channels, low rank. Every trial is
 * compiled, and evaluated by the core.
 *
 * A network that is the best of many on the same examples looks better than it is. Therefore trials
 * are compared on every second example, and the best one is reported on the others.
 *
 * @param graph a float32 network
 * @returns the best network within the budget, and the Pareto front
 * @throws KletError `BAD_ARGUMENT` for wrong options, and as `evaluate` and `applyRecipe`
 * @example
 * ```js
 * const b = new GraphBuilder('scores'), x = b.input('x', [1, 64]);
 * const w = b.constant(Float32Array.from({ length: 640 }, (_, i) => Math.sin(i * i)), [10, 64]);
 * const y = b.node('fullyConnected', [x, w, null], { activation: 'none' }, { name: 'scores' });
 * const wave = (n) => Float32Array.from({ length: 64 }, (_, i) => Math.cos(i * n));
 * const samples = Array.from({ length: 40 }, (_, n) => wave(n));
 * const { best } = search(b.finish([y]), { samples, budget: { bytes: 1500 }, trials: 8 });
 * console.log(best.klet.length <= 1500, best.recipe.int8.bits); // true 4
 * ```
 */
export function search(graph: Graph, options: SearchOptions): SearchResult {
  const searching = new NetworkSearch(graph, options);
  const { study } = searching;
  const count = options.trials ?? DEFAULT_TRIALS;
  let kept: { number: number; klet: Uint8Array } | undefined;
  while (study.trials.length < count) {
    const trial = study.ask();
    if (!trial) break;
    const { values, klet } = searching.evaluate(trial.parameters);
    study.tell(trial.number, values as unknown as Record<string, number>);
    if (klet && searching.ranking()[0]?.number === trial.number) kept = { number: trial.number, klet };
    options.onTrial?.(study.trials[trial.number]!);
  }
  const [best] = searching.ranking();
  const common = { front: searching.front(), trials: study.trials, original: searching.original };
  if (!best) return common;
  const klet = kept!.klet;
  const recipe = searching.recipeOf(best.parameters);
  return { best: { trial: best, recipe, klet, report: searching.report(klet) }, ...common };
}

function judgeOf(network: Uint8Array, options: SearchOptions): Judge {
  const { examples, test, samples, budget = {}, metric, task, output, classes, seed } = options;
  if (!examples) {
    const wanted = budget.loss === undefined ? undefined : 'agreement';
    const inputs = [...(test ?? samples as Iterable<ComparisonSample>)];
    return new AgreementJudge(network, inputs, budget.sqnr === undefined ? wanted : 'sqnr');
  }
  return new LabelJudge(network, [...examples], {
    ...(metric !== undefined && { metric }),
    ...(task !== undefined && { task }),
    ...(output !== undefined && { output }),
    ...(classes !== undefined && { classes }),
    ...(seed !== undefined && { seed }),
  });
}

function budgetOf(given: SearchBudget | undefined, name: QualityName): SearchBudget {
  const known = Object.entries(given ?? {}).filter(([, limit]) => limit !== undefined);
  if (known.length > 0) return Object.fromEntries(known);
  return name === 'sqnr' ? { sqnr: DEFAULT_SQNR } : { loss: DEFAULT_LOSS };
}

/** Whether activations are float32, so that the network can be quantized. */
function isFloat({ inputs, nodes }: Graph): boolean {
  const activations = [...inputs, ...nodes.flatMap(({ outputs }) => outputs)];
  return activations.every(({ dtype }) => dtype !== 'int8' && dtype !== 'uint8' && dtype !== 'int16');
}

function checkSearchOptions(options: SearchOptions): void {
  checkOptions(options, searchOptions, 'search()');
  const { samples, examples, test, budget, include, trials, metric, onTrial, meta, originalMs } = options;
  checkSamples(samples, 'search()');
  if (test !== undefined) checkSamples(test, 'search()');
  if (examples !== undefined && !(Symbol.iterator in examples)) {
    throw new KletError('BAD_ARGUMENT', `the option "examples" of search() is an array, not ${show(examples)}`);
  }
  if (budget !== undefined) checkBudget(budget, examples !== undefined);
  if (include !== undefined) {
    if (!isArrayOf(include, (name) => typeof name === 'string')) {
      throw new KletError(
        'BAD_ARGUMENT',
        `the option "include" of search() is an array of names, not ${show(include)}`,
      );
    }
    for (const name of include) checkChoice(name, dimensions, 'include', 'search()');
  }
  if (trials !== undefined) checkWhole(trials, 'the option "trials" of search()', 1, MOST_TRIALS);
  if (metric !== undefined && !Object.hasOwn(metricTexts, metric)) {
    throw new KletError(
      'BAD_ARGUMENT',
      `the option "metric" of search() is one of ${Object.keys(metricTexts).join(', ')}, not ${show(metric)}`,
    );
  }
  if (originalMs !== undefined && !(originalMs > 0)) {
    throw new KletError('BAD_ARGUMENT', `the option "originalMs" of search() must be above 0, not ${show(originalMs)}`);
  }
  if (meta !== undefined) checkObject(meta, 'the option "meta" of search()');
  if (onTrial !== undefined) checkFunction(onTrial, 'the option "onTrial" of search()');
}

function checkBudget(budget: SearchBudget, hasExamples: boolean): void {
  checkOptions(budget, budgetOptions, 'the budget of search()');
  for (const [name, limit] of Object.entries(budget)) {
    if (limit !== undefined && !(limit >= 0 && limit < Infinity)) {
      throw new KletError('BAD_ARGUMENT', `the budget's "${name}" must be a number of at least 0, not ${show(limit)}`);
    }
  }
  const { loss, sqnr } = budget;
  if (sqnr !== undefined && (hasExamples || loss !== undefined)) {
    throw new KletError('BAD_ARGUMENT', 'the budget\'s "sqnr" is for a search without labels and without "loss"');
  }
}
