import { consumers, producers } from '../../graph/edit';
import { elementCount, entriesOf, resultsOf, type AnyNode, type Graph, type Quantization,
  type Tensor } from '../../graph/graph';
import { operatorOf } from '../../ops/index';
import { binaryNode, dequantizeNode, quantizeNode, reduceNode, squareNode } from '../../ops/nodes';
import { compile } from '../compile';
import { loadCompiled } from '../runtime';
import { predictAll } from './observe';
import type { RuleOf } from './rules';
import type { Sequence } from './stagedRun';
import type { Range } from './steps';

// Tries quantizations of activations. For each tensor and candidate, one plan computes the
// operators that read the tensor twice, from its float32 values and from its rounded values, and
// the energy of the difference. So a candidate is judged by the error that later layers see:
// saturation that a relu6 hides costs nothing, and a channel that no weight multiplies does not
// count.

/** A tensor whose quantization is open, with the quantizations to try. */
export interface Question {
  origin: Tensor;
  dtype: 'int8' | 'int16';
  candidates: Quantization[];
}

/** What one reader of a tensor sees. */
export interface Answer {
  origin: Tensor;
  /** The node that reads it, or undefined if the tensor itself is a result of the network. */
  reader: AnyNode | undefined;
  /**
   * For each candidate the energy of the error relative to that of signal and error, over all
   * samples: from 0 (none) to 1 (no signal is left).
   */
  errors: number[];
  /** The same, as the mean over the samples without outliers. */
  usualErrors: number[];
}

interface Circumstances {
  /** Of the nodes: those that only move values are followed to the readers behind them. */
  rules: RuleOf;
  /** The ranges of values that make a difference; errors beyond them do not count. */
  relevant: ReadonlyMap<Tensor, Range>;
}

/** A result of the plan: the energy of a reader's output, and of its error for each candidate. */
interface Measure {
  origin: Tensor;
  reader: AnyNode | undefined;
  signal: Tensor;
  noise: Tensor[];
}

/** One sample of so many may be an outlier. */
const OUTLIER_EVERY = 16;
/** A reader whose output is larger is not computed twice; the error of the tensor itself counts. */
const MAX_ELEMENTS = 2 ** 22;

/**
 * Judges the candidates on samples.
 */
export function tryQuantizations(
  graph: Graph,
  questions: readonly Question[],
  { rules, relevant }: Circumstances,
  samples: readonly Sequence[],
): Answer[] {
  if (questions.length === 0) return [];
  const { plan, measures } = new Trial(graph, questions, { rules, relevant });
  const seen = measures.map(() => ({ signal: [] as number[], noise: [] as number[][] }));
  const model = loadCompiled(compile(plan, { debugInfo: false }));
  try {
    for (const sample of samples) {
      model.reset();
      for (const piece of sample) {
        const values = predictAll(plan, model, piece);
        measures.forEach(({ signal, noise }, i) => {
          seen[i]!.signal.push(values.get(signal)![0]!);
          seen[i]!.noise.push(noise.map((tensor) => values.get(tensor)![0]!));
        });
      }
    }
  } finally {
    model.dispose();
  }
  const sizes = samples.map((sample) => sample.length);
  return measures.map(({ origin, reader, noise }, i) => ({
    origin,
    reader,
    errors: noise.map((_, k) => totalError(seen[i]!.signal, seen[i]!.noise.map((each) => each[k]!))),
    usualErrors: noise.map((_, k) => usualError(seen[i]!.signal, seen[i]!.noise.map((each) => each[k]!), sizes)),
  }));
}

/** The energy of errors relative to that of signal and error, from 0 to 1. */
export function totalError(signals: readonly number[], errors: readonly number[]): number {
  const error = errors.reduce((sum, each) => sum + each, 0);
  const signal = signals.reduce((sum, each) => sum + each, 0);
  if (error === 0) return 0;
  return Number.isFinite(error) ? error / (error + signal) : 1;
}

/**
 * The mean over the predictions of error / (error + signal). A prediction with little signal counts
 * as if it had the usual one. One sample in sixteen, that with the largest error, does not count:
 * it may be an outlier, whose values a range may cut off.
 *
 * @param sizes predictions of each sample
 */
export function usualError(signals: readonly number[], errors: readonly number[], sizes: readonly number[]): number {
  const usual = [...signals].sort((a, b) => a - b)[signals.length >> 1] ?? 0;
  const shares = errors.map((error, i) => {
    if (error === 0) return 0;
    return Number.isFinite(error) ? error / (error + Math.max(signals[i]!, usual)) : 1;
  });
  let from = 0;
  const bySample = sizes.map((size) => meanOf(shares.slice(from, from += size)));
  const spared = Math.floor(sizes.length / OUTLIER_EVERY);
  return meanOf(bySample.sort((a, b) => a - b).slice(0, sizes.length - spared));
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

/** Builds the plan that computes all measures. */
class Trial {
  readonly measures: Measure[] = [];
  readonly plan: Graph;
  private readonly nodes: AnyNode[] = [];
  private readonly made: Map<Tensor, AnyNode>;
  private readonly results: Set<Tensor>;
  private names = 0;

  constructor(graph: Graph, questions: readonly Question[], private readonly around: Circumstances) {
    this.made = producers(graph);
    this.results = new Set(resultsOf(graph));
    const readers = consumers(graph);
    const open = new Map(questions.map((question) => [question.origin, question]));
    for (const tensor of entriesOf(graph)) this.judgeResult(tensor, open);
    for (const node of graph.nodes) {
      this.nodes.push(node);
      if (this.around.rules(node) !== 'same') this.judge(node, open, readers);
      for (const tensor of node.outputs) this.judgeResult(tensor, open);
    }
    const outputs = this.measures.flatMap(({ signal, noise }) => [signal, ...noise]);
    this.plan = { ...graph, nodes: this.nodes, outputs };
  }

  /** The tensor of the questions that determines the quantization of `tensor`, if any. */
  private originOf(tensor: Tensor, open: ReadonlyMap<Tensor, Question>): Question | undefined {
    const question = open.get(tensor);
    if (question) return question;
    const node = this.made.get(tensor);
    const source = node && this.around.rules(node) === 'same' ? node.inputs[0] : undefined;
    return source && !source.data ? this.originOf(source, open) : undefined;
  }

  private judge(
    reader: AnyNode,
    open: ReadonlyMap<Tensor, Question>,
    readers: ReadonlyMap<Tensor, (AnyNode | undefined)[]>,
  ): void {
    const asked = new Set(reader.inputs.flatMap((input) => (input && this.originOf(input, open)) ?? []));
    const output = reader.outputs.find((tensor) => tensor.dtype === 'float32' && readers.has(tensor));
    if (!output) return;
    const isCostly = operatorOf(reader.op).isStateful || elementCount(output.shape) > MAX_ELEMENTS;
    for (const question of asked) {
      if (isCostly) this.judgeTensor(question.origin, question, reader);
      else this.judgeReader(reader, output, question, open);
    }
  }

  private judgeReader(reader: AnyNode, output: Tensor, question: Question, open: ReadonlyMap<Tensor, Question>): void {
    const noise = question.candidates.map((candidate) => {
      const inputs = reader.inputs.map((input) =>
        input && this.originOf(input, open) === question ? this.rounded(input, question, candidate) : input
      );
      const outputs = reader.outputs.map((tensor) => this.tensor(tensor.shape, tensor));
      this.nodes.push({ ...reader, name: `${reader.name} (trial ${this.names})`, inputs, outputs });
      return this.energy(output, output, outputs[reader.outputs.indexOf(output)]);
    });
    this.measures.push({ origin: question.origin, reader, signal: this.energy(output, output), noise });
  }

  private judgeResult(tensor: Tensor, open: ReadonlyMap<Tensor, Question>): void {
    const question = this.results.has(tensor) ? this.originOf(tensor, open) : undefined;
    if (question) this.judgeTensor(tensor, question, undefined);
  }

  private judgeTensor(tensor: Tensor, question: Question, reader: AnyNode | undefined): void {
    const { origin, candidates } = question;
    const noise = candidates.map((candidate) => this.energy(tensor, tensor, this.rounded(tensor, question, candidate)));
    this.measures.push({ origin, reader, signal: this.energy(tensor, tensor), noise });
  }

  /** `tensor` as it would be with its origin in a quantization. */
  private rounded(tensor: Tensor, question: Question, quantization: Quantization): Tensor {
    if (tensor === question.origin) {
      const integers = this.tensor(tensor.shape, { ...tensor, dtype: question.dtype, quantization });
      const real = this.tensor(tensor.shape, tensor);
      this.nodes.push(quantizeNode(tensor, integers), dequantizeNode(integers, real));
      return real;
    }
    const mover = this.made.get(tensor)!;
    const inputs = mover.inputs.map((input, i) => (i === 0 ? this.rounded(input!, question, quantization) : input));
    const outputs = mover.outputs.map((output) => this.tensor(output.shape, output));
    this.nodes.push({ ...mover, name: `${mover.name} (trial ${this.names})`, inputs, outputs });
    return outputs[mover.outputs.indexOf(tensor)]!;
  }

  /** The energy of a version of `original`, or of its difference from another. */
  private energy(original: Tensor, tensor: Tensor, from?: Tensor): Tensor {
    let term = this.relevantPart(original, tensor);
    if (from) {
      const [a, b] = [term, this.relevantPart(original, from)];
      term = this.tensor(tensor.shape, tensor);
      this.nodes.push(binaryNode(a, b, term, 'sub'));
    }
    const squares = this.tensor(tensor.shape, tensor);
    const sum = this.tensor(tensor.shape.map(() => 1), tensor);
    this.nodes.push(squareNode(term, squares), reduceNode(squares, sum, 'sum'));
    return sum;
  }

  /** A version of `original`, clamped to the values that make a difference. */
  private relevantPart(original: Tensor, tensor: Tensor): Tensor {
    const range = this.around.relevant.get(original);
    if (!range) return tensor;
    return (['maximum', 'minimum'] as const).reduce((from, kind, i) => {
      const bound: Tensor = { ...this.tensor([1], tensor), data: Float32Array.of(range[i]!) };
      const to = this.tensor(tensor.shape, tensor);
      this.nodes.push(binaryNode(from, bound, to, kind));
      return to;
    }, tensor);
  }

  private tensor(shape: readonly number[], like: Tensor): Tensor {
    const { dtype, quantization } = like;
    const name = `${like.name} (trial ${this.names++})`;
    return { name, shape: [...shape], dtype, ...(quantization && { quantization }) };
  }
}
