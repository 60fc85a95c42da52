import { KletError } from '../../errors';
import { cloneGraph, tensorsOf } from '../../graph/edit';
import { countScores, type Snapshot } from '../../format/snapshot';
import { elementCount, entriesOf, type AnyNode, type Graph, type Quantization, type Tensor } from '../../graph/graph';
import { operatorOf } from '../../ops/index';
import { reduceNode, reshapeNode, stridedNode } from '../../ops/nodes';
import type { Model } from '../../runtime/model';
import type { Inputs } from '../../runtime/types';
import { isSequence } from '../check';
import { bestOf } from '../compare';
import { compile } from '../compile';
import { loadCompiled } from '../runtime';
import { Histogram } from './histogram';
import { ruleOf } from './rules';
import { intoSteps, type Range } from './steps';

// Runs a float network on the samples and records statistics of its tensors. The plan contains
// probes behind each tensor, which compute its extremes and pick some of its elements. Only the
// results of the probes are kept until the end of a run, so that a run needs little more memory
// than a prediction.

/** One input, or several by name. */
export type Sample = Float32Array | Record<string, Float32Array>;
/** A sample: one input, or consecutive inputs of a network with state. */
export type Samples = Iterable<Sample | readonly Sample[]>;

/** Tensors of at most this many elements are seen whole; of larger ones this many are picked. */
export const PICKED = 4096;

/** Smallest and largest element of a tensor, and the sum, which is NaN if an element is. */
interface Extremes {
  low: number;
  high: number;
  total: number;
}

/** What the samples show of one tensor. */
export class TensorStatistics {
  /** Smallest and largest finite value, and zero. */
  readonly range: Range = [0, 0];
  /** Smallest and largest value of each prediction. */
  readonly lows: number[] = [];
  readonly highs: number[] = [];
  /** Mean of each prediction whose values are finite. */
  readonly means: number[] = [];
  readonly histogram = new Histogram();
  /** The least of the maxima of its rows, if an operator compares the elements of a row. */
  leastRowMaximum = Infinity;
  /** The number of predictions whose largest element is another one in a fixed quantization. */
  changedBest = 0;
  /** The first value that was infinite or not a number, and the sample, counted from 0. */
  notFinite?: { value: number; sample: number };

  constructor(readonly tensor: Tensor) {}

  /** Adds one prediction: the extremes, the sum, and some or all elements. */
  add({ low, high, total }: Extremes, picked: Float32Array, sample: number): void {
    const odd = [low, high].find((value) => !Number.isFinite(value)) ?? (Number.isNaN(total) ? NaN : undefined);
    if (odd !== undefined) this.notFinite ??= { value: odd, sample };
    if (odd === undefined) this.means.push(total / elementCount(this.tensor.shape));
    const finite = odd === undefined ? picked : picked.filter((value) => Number.isFinite(value));
    const ends = extremesOf(finite);
    const least = Number.isFinite(low) ? low : ends.low;
    const most = Number.isFinite(high) ? high : ends.high;
    if (least <= most) {
      this.lows.push(least);
      this.highs.push(most);
      this.range[0] = Math.min(this.range[0], least);
      this.range[1] = Math.max(this.range[1], most);
    }
    this.histogram.add(finite);
  }
}

/** What the samples show of a network. */
export interface Observations {
  /** By name of tensor. */
  tensors: Map<string, TensorStatistics>;
  /** The magnitudes that the int8 forms of recurrent layers need, by name of node. */
  cells: Map<string, number>;
  /** Number of samples. */
  samples: number;
  /** Predictions, and what the first output said in them. */
  answers: Pick<Snapshot, 'predictions' | 'classes' | 'confidence'>;
}

/** The outputs that show one tensor: all of it, or its extremes and some elements. */
interface Probe {
  tensor: Tensor;
  extremes?: Record<keyof Extremes, Tensor>;
  rowMaximum?: Tensor;
  /** The quantization of scores that the network returns, if its operator fixes it. */
  fixed?: Quantization;
  picked: Tensor;
}

/**
 * Runs the samples.
 *
 * @throws KletError `BAD_ARGUMENT` without samples, and the errors of `predict`
 */
export function observe(graph: Graph, samples: Samples, onSample?: (done: number) => void): Observations {
  const observed = tensorsOf(graph).filter((tensor) => tensor.dtype === 'float32' && !tensor.data);
  const measured = graph.nodes.filter((node) => operatorOf(node.op).int8?.observe !== undefined);
  const whole = new Set(measured.map((node) => node.inputs[0]!.name));
  const { probed, probes } = withProbes(graph, observed, whole);
  const found: Observations = {
    tensors: new Map(observed.map((tensor) => [tensor.name, new TensorStatistics(tensor)])),
    cells: new Map(),
    samples: 0,
    answers: { predictions: 0, classes: {}, confidence: {} },
  };
  const model = loadCompiled(compile(probed, { debugInfo: false }));
  try {
    for (const sample of samples) {
      model.reset();
      for (const piece of isSequence<Sample>(sample) ? sample : [sample]) {
        const values = predictAll(probed, model, piece);
        record(probes, values, found);
        found.answers.predictions++;
        const scores = probes.get(graph.outputs[0]!.name);
        if (scores && !scores.extremes) countScores(found.answers, values.get(scores.picked)!);
        for (const node of measured) {
          const x = values.get(probes.get(node.inputs[0]!.name)!.picked)!;
          const size = operatorOf(node.op).int8!.observe!(node, x);
          found.cells.set(node.name, Math.max(found.cells.get(node.name) ?? 0, size));
        }
      }
      found.samples++;
      onSample?.(found.samples);
    }
  } finally {
    model.dispose();
  }
  if (found.samples === 0) {
    throw new KletError('BAD_ARGUMENT', 'quantize() needs samples: inputs that are typical for the network');
  }
  return found;
}

/** Runs a model that was compiled from `graph` and returns the values of its outputs. */
export function predictAll({ outputs }: Graph, model: Model, sample: Inputs): Map<Tensor, Float32Array> {
  const result = model.predict(sample);
  if (outputs.length === 1) return new Map([[outputs[0]!, result]]);
  // an output that is an input too has another name in the model
  return new Map(outputs.map((tensor, i) => [tensor, result[model.outputs[i]!.name]!]));
}

function record(probes: Map<string, Probe>, values: ReadonlyMap<Tensor, Float32Array>, found: Observations): void {
  const first = (tensor: Tensor): number => values.get(tensor)![0]!;
  for (const [name, { extremes, rowMaximum, fixed, picked }] of probes) {
    const elements = values.get(picked)!;
    const seen = extremes
      ? { low: first(extremes.low), high: first(extremes.high), total: first(extremes.total) }
      : extremesOf(elements);
    const statistics = found.tensors.get(name)!;
    statistics.add(seen, elements, found.samples);
    if (fixed && bestOf(elements) !== bestOf(intoSteps(elements, fixed))) statistics.changedBest++;
    if (rowMaximum) statistics.leastRowMaximum = Math.min(statistics.leastRowMaximum, first(rowMaximum));
  }
}

function extremesOf(values: Float32Array): Extremes {
  let low = Infinity;
  let high = -Infinity;
  let total = 0;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
    total += value;
  }
  return { low, high, total };
}

/** The network with the results of the probes as its outputs. */
export function withProbes(
  graph: Graph,
  observed: readonly Tensor[],
  whole: ReadonlySet<string>,
): { probed: Graph; probes: Map<string, Probe> } {
  const probed = cloneGraph(graph);
  const wanted = new Set(observed.map(({ name }) => name));
  const probes = new Map<string, Probe>();
  const nodes: AnyNode[] = [];
  const compared = new Set(probed.nodes.flatMap((node) => (operatorOf(node.op).comparesRows ? [node.inputs[0]!] : [])));
  const scores = fixedScores(probed);
  const watch = (tensor: Tensor): void => {
    if (!wanted.has(tensor.name) || probes.has(tensor.name)) return;
    const fixed = scores.get(tensor);
    const isWhole = fixed || whole.has(tensor.name) || elementCount(tensor.shape) <= PICKED;
    probes.set(tensor.name, {
      tensor,
      ...(compared.has(tensor) && { rowMaximum: addRowMaximum(tensor, nodes) }),
      ...(fixed && { fixed }),
      ...(isWhole ? { picked: tensor } : addExtremes(tensor, nodes)),
    });
  };
  entriesOf(probed).forEach(watch);
  for (const node of probed.nodes) {
    nodes.push(node);
    node.outputs.forEach(watch);
  }
  probed.nodes = nodes;
  probed.outputs = [...probes.values()].flatMap((
    { extremes, rowMaximum, picked },
  ) => [...Object.values(extremes ?? {}), ...(rowMaximum ? [rowMaximum] : []), picked]);
  return { probed, probes };
}

/** The vectors among the outputs whose quantization does not depend on the samples. */
function fixedScores(graph: Graph): Map<Tensor, Quantization> {
  const found = new Map<Tensor, Quantization>();
  for (const node of graph.nodes) {
    const rule = ruleOf(node);
    const [tensor] = node.outputs;
    const isVector = tensor!.shape.filter((d) => d > 1).length === 1;
    if (typeof rule !== 'object' || !isVector || !graph.outputs.includes(tensor!)) continue;
    found.set(tensor!, { scale: [rule.scale], zeroPoint: [rule.zeroPoint], axis: 0 });
  }
  return found;
}

function addRowMaximum(tensor: Tensor, nodes: AnyNode[]): Tensor {
  const rows: Tensor = { name: `${tensor.name} (row maxima)`, shape: tensor.shape.with(-1, 1), dtype: 'float32' };
  const least: Tensor = {
    name: `${tensor.name} (least row maximum)`,
    shape: tensor.shape.map(() => 1),
    dtype: 'float32',
  };
  nodes.push(reduceNode(tensor, rows, 'max', [tensor.shape.length - 1]), reduceNode(rows, least, 'min'));
  return least;
}

function addExtremes(tensor: Tensor, nodes: AnyNode[]): Pick<Probe, 'extremes' | 'picked'> {
  const scalar = (what: string): Tensor => ({ name: `${tensor.name} (${what})`, shape: [1], dtype: 'float32' });
  const extremes = { low: scalar('least'), high: scalar('most'), total: scalar('sum') };
  const { flat, picked } = pick(tensor, nodes);
  nodes.push(
    reduceNode(flat, extremes.low, 'min'),
    reduceNode(flat, extremes.high, 'max'),
    reduceNode(flat, extremes.total, 'sum'),
  );
  return { extremes, picked };
}

/** Adds nodes that pick some elements of a large tensor, spread over it. */
export function pick(tensor: Tensor, nodes: AnyNode[]): { flat: Tensor; picked: Tensor } {
  const count = elementCount(tensor.shape);
  const stride = strideFor(count, Math.ceil(count / PICKED));
  const flat: Tensor = { ...tensor, name: `${tensor.name} (flat)`, shape: [count] };
  const picked: Tensor = { ...tensor, name: `${tensor.name} (picked)`, shape: [Math.ceil(count / stride)] };
  nodes.push(reshapeNode(tensor, flat), stridedNode(flat, picked, [stride]));
  return { flat, picked };
}

/** A stride of at least `least` that reaches all channels, columns and rows. */
function strideFor(count: number, least: number): number {
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
  let stride = least;
  while (divisor(count, stride) > 1) stride++;
  return stride;
}
