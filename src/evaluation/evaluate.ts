import { checkFunction, checkOptions, checkWhole, show, type Options } from '../arguments';
import { compile } from '../compiler/compile';
import { loadCompiled, loadSync } from '../compiler/runtime';
import { describeValue, KletError } from '../errors';
import type { TensorInfo } from '../format/meta';
import type { Graph } from '../graph/graph';
import type { Collector } from './collector';
import { Estimates, type Outcome, type Resampling } from './measure';
import { collectorOf, rulesOf, taskOf, tasks, type EvaluatedRules } from './task';
import type { EvaluateOptions, Evaluation, Example, ExampleInputs, Target } from './types';

/** A network to evaluate: a graph, the bytes of a `.klet` file, or a loaded model. */
export type EvaluatedNetwork = Graph | Uint8Array | EvaluatedModel;

/** The part of a `Model` that an evaluation needs. */
export interface EvaluatedModel {
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  /** Its task, if it has one, says how outputs are read. */
  readonly meta?: unknown;
  createState(): EvaluatedStream;
}

/** The part of a `Stream` that an evaluation needs. */
export interface EvaluatedStream {
  predict(inputs: ExampleInputs): Float32Array & Record<string, Float32Array>;
  reset(): void;
}

const evaluateOptions = {
  task: 'any',
  output: 'string',
  classes: 'any',
  ignore: 'any',
  decode: 'function',
  resamples: 'any',
  seed: 'any',
  onProgress: 'function',
} satisfies Options<EvaluateOptions>;

const MAX_RESAMPLES = 1e6;

/**
 * Measures how good a network is, on examples with right answers that it was not trained on. Each
 * metric has its interval of 95 % confidence: that of Wilson for fractions of the examples, that of
 * DeLong for areas under curves, and otherwise the bootstrap's.
 *
 * The task in META tells how outputs are read. Without one, it is inferred from the first target
 * and the outputs. A whole number and a vector of scores are classification; other numbers are
 * regression; an array with a class for every pixel is segmentation; an array of boxes is
 * detection; a boolean and an output that has the shape of the input, such as that of an
 * autoencoder, is the detection of anomalies.
 *
 * @param network a graph, the bytes of a `.klet` file, or a model, which is not disposed
 * @param examples inputs with targets. They are read one after the other, so a generator needs
 *   memory for one of them.
 * @throws KletError `BAD_ARGUMENT` without examples, or if a target does not fit the outputs; and
 *   the errors of `predict`
 * @example
 * ```js
 * const b = new GraphBuilder('larger'), x = b.input('x', [1, 2]);
 * const graph = b.finish([b.node('softmax', [x], { beta: 1 }, { name: 'y' })]);
 * const inputs = [[2, 1], [0, 3], [1, 2]], targets = [0, 1, 0];
 * const examples = inputs.map((input, i) => ({ input, target: targets[i] }));
 * const { metrics, classification } = evaluate(graph, examples);
 * console.log(metrics.accuracy.value.toFixed(2)); // 0.67
 * console.log(classification.confusion); // [ [ 1, 1 ], [ 0, 1 ] ]
 * ```
 */
export function evaluate(
  network: EvaluatedNetwork,
  examples: Iterable<Example>,
  options: EvaluateOptions = {},
): Evaluation {
  const [outcome] = collect([network], examples, options, 'evaluate()');
  const estimates = new Estimates([outcome!], resamplingOf(options));
  return evaluationOf(outcome!, estimates, 0);
}

export function resamplingOf({ resamples, seed = 1 }: EvaluateOptions): Resampling {
  return { resamples, seed };
}

/** What is public of an outcome, with its metrics. */
export function evaluationOf(outcome: Outcome, estimates: Estimates, network: number): Evaluation {
  const { measures: _, right: __, chosen: ___, ...rest } = outcome;
  return { ...rest, metrics: estimates.of(network), resamples: estimates.resamples };
}

/** Runs networks on the same examples, and gathers their answers. */
export function collect(
  networks: readonly EvaluatedNetwork[],
  examples: Iterable<Example & { secondInput?: Example['input'] }>,
  options: EvaluateOptions,
  of: string,
): Outcome[] {
  checkEvaluateOptions(options, of);
  checkExamples(examples, of);
  const models = networks.map((network) => open(network, of));
  try {
    const runs = models.map(({ model }) => new Run(model, options));
    let done = 0;
    for (const example of examples) {
      checkExample(example, done);
      runs.forEach((run, i) => {
        addExample(run, i === 1 ? { ...example, input: example.secondInput ?? example.input } : example, done);
      });
      done++;
      options.onProgress?.(done);
    }
    if (done === 0) throw new KletError('BAD_ARGUMENT', `${of} needs examples: inputs with their right answers`);
    return runs.map((run) => run.finish());
  } finally {
    for (const { dispose } of models) dispose?.();
  }
}

function checkEvaluateOptions(options: EvaluateOptions, of: string): void {
  checkOptions(options, evaluateOptions, of);
  const { task, classes, ignore, resamples, seed, onProgress } = options;
  if (task !== undefined && !tasks.includes(task)) {
    throw new KletError('BAD_ARGUMENT', `the option "task" of ${of} is one of ${tasks.join(', ')}, not ${show(task)}`);
  }
  if (classes !== undefined) checkWhole(classes, `the option "classes" of ${of}`, 1, 2 ** 20);
  if (ignore !== undefined) checkWhole(ignore, `the option "ignore" of ${of}`, -1, 2 ** 20);
  if (resamples !== undefined) checkWhole(resamples, `the option "resamples" of ${of}`, 0, MAX_RESAMPLES);
  if (seed !== undefined) checkWhole(seed, `the option "seed" of ${of}`, 0, Number.MAX_SAFE_INTEGER);
  if (onProgress !== undefined) checkFunction(onProgress, `the option "onProgress" of ${of}`);
}

function checkExamples(examples: unknown, of: string): void {
  const iterable = examples as { [Symbol.iterator]?: unknown } | null | undefined;
  const isList = typeof iterable?.[Symbol.iterator] === 'function' && !ArrayBuffer.isView(examples);
  if (isList && typeof examples !== 'string') return;
  throw new KletError('BAD_ARGUMENT', `${of} needs examples, an array of { input, target }, not ${show(examples)}`);
}

function checkExample(example: unknown, index: number): void {
  const isObject = typeof example === 'object' && example !== null;
  const { input, secondInput = input, target } = (isObject ? example : {}) as Record<string, unknown>;
  const isTarget = typeof target === 'number' || typeof target === 'boolean' || Array.isArray(target)
    || (ArrayBuffer.isView(target) && !(target instanceof DataView));
  const isInput = (value: unknown): boolean => typeof value === 'object' && value !== null;
  if (isInput(input) && isInput(secondInput) && isTarget) return;
  const found = isObject ? `input ${describeValue(input)} and target ${describeValue(target)}` : show(example);
  throw new KletError('BAD_ARGUMENT', `example ${index} must be { input, target }, not ${found}`);
}

/** A model, and how it is disposed if it was made here. */
function open(network: unknown, of: string): { model: EvaluatedModel; dispose?: () => void } {
  const isModel = typeof network === 'object' && network !== null && 'createState' in network;
  if (isModel && typeof network.createState === 'function') return { model: network as EvaluatedModel };
  const isFile = network instanceof Uint8Array;
  if (!isFile && (typeof network !== 'object' || network === null || !('nodes' in network))) {
    throw new KletError(
      'BAD_ARGUMENT',
      `${of} takes a graph, the bytes of a .klet file or a model, not ${show(network)}`,
    );
  }
  const model = isFile ? loadSync(network) : loadCompiled(compile(network as Graph, { debugInfo: false }));
  return {
    model,
    dispose: () => {
      model.dispose();
    },
  };
}

/** Adds an example; an error about it names it. */
function addExample(run: Run, { input, target }: Example, index: number): void {
  try {
    run.add(input, target);
  } catch (cause) {
    if (!(cause instanceof KletError) || index === 0) throw cause;
    throw new KletError(cause.code, `example ${index}: ${cause.message}`, { cause });
  }
}

/** A network and its answers. */
class Run {
  private readonly stream: EvaluatedStream;
  private collector: Collector | undefined;
  private readonly rules: EvaluatedRules | undefined;

  constructor(private readonly model: EvaluatedModel, private readonly options: EvaluateOptions) {
    this.stream = model.createState();
    this.rules = rulesOf(model.meta, model.outputs);
  }

  add(input: Example['input'], target: Target): void {
    const { task, output } = this.options;
    this.collector ??= collectorOf(
      task ?? this.rules?.kind ?? taskOf(this.model, target, output),
      this.model,
      target,
      this.options,
      this.rules,
    );
    this.stream.reset();
    const steps = isSequence(input) ? input : [input];
    let outputs: Record<string, Float32Array> | undefined;
    for (const step of steps) {
      outputs = this.predict(step);
      this.collector.observe?.(outputs, step);
    }
    if (!outputs) throw new KletError('BAD_ARGUMENT', 'the example has no inputs');
    this.collector.add(outputs, target);
  }

  private predict(input: ExampleInputs): Record<string, Float32Array> {
    const result = this.stream.predict(input);
    return this.model.outputs.length === 1 ? { [this.model.outputs[0]!.name]: result } : result;
  }

  finish(): Outcome {
    return this.collector!.finish();
  }
}

/** Distinguishes a sequence of inputs from one input that is given as an array of numbers. */
function isSequence(input: Example['input']): input is readonly ExampleInputs[] {
  return Array.isArray(input) && typeof input[0] === 'object';
}
