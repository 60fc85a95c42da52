import { cloneGraph } from '../../graph/edit';
import { elementCount, entriesOf, type AnyNode, type Graph, type Tensor } from '../../graph/graph';
import type { Model } from '../../runtime/model';
import { isSequence } from '../check';
import { compile } from '../compile';
import { loadCompiled } from '../runtime';
import type { Histogram } from './histogram';
import { pick, PICKED, predictAll, type Sample } from './observe';
import type { Prepared } from './prepare';
import type { Range } from './steps';

/** What arrives at a tensor of the int8 network. */
export interface TensorError {
  name: string;
  shape: number[];
  /** The type in the int8 network. */
  dtype: Tensor['dtype'];
  /** Signal to error against the float network, in decibels; Infinity without error. */
  sqnr: number;
  /** Smallest and largest value of the calibration samples, and zero. */
  observed: Range;
  /** The values that the steps of the int8 tensor cover. */
  covered?: Range;
  /** The fraction of the float values that lie more than half a step beyond the covered range. */
  clipped?: number;
  /** Counts of the values of the calibration samples in bins of equal width over `observed`. */
  histogram: number[];
}

const BINS = 64;

/** What one sample shows of the tensors: up to 4,096 elements of each. */
type Seen = Map<string, Float32Array>;

/** Measures the tensors that both networks have. */
export function tensorErrors(
  { graph, observations }: Prepared,
  int8: Graph,
  samples: readonly (Sample | readonly Sample[])[],
): TensorError[] {
  const floats = tensorsByName(graph, (tensor) => tensor.dtype === 'float32' && !tensor.data);
  const others = tensorsByName(int8, (tensor) => floats.has(tensor.name));
  const names = new Set(others.keys());
  const models = [new Probed(graph, names), new Probed(int8, names)] as const;
  const tallies = new Map([...others].map(([name, tensor]) => [name, new Tally(coveredBy(tensor))]));
  try {
    for (const sample of samples) {
      for (const model of models) model.reset();
      for (const piece of isSequence<Sample>(sample) ? sample : [sample]) {
        const [before, after] = models.map((model) => model.run(piece));
        for (const [name, tally] of tallies) tally.add(before!.get(name)!, after!.get(name)!);
      }
    }
  } finally {
    for (const model of models) model.dispose();
  }
  return [...tallies].map(([name, tally]) => {
    const { shape, dtype } = others.get(name)!;
    const { range, histogram } = observations.tensors.get(name)!;
    return { name, shape, dtype, ...tally.result(), observed: [...range], histogram: countsOf(histogram, range) };
  });
}

/** The tensors that nodes read or write, and the inputs, in the order of the network. */
function tensorsByName(graph: Graph, isWanted: (tensor: Tensor) => boolean): Map<string, Tensor> {
  const all = [...entriesOf(graph), ...graph.nodes.flatMap(({ outputs }) => outputs)];
  return new Map(all.filter(isWanted).map((tensor) => [tensor.name, tensor]));
}

/** The counts in bins over a range; what the histogram rounds beyond it counts at its ends. */
function countsOf(histogram: Histogram, [low, high]: Range): number[] {
  if (low === high) return [];
  const counts = Array.from({ length: BINS }, () => 0);
  histogram.forEach((value, count) => {
    const bin = Math.floor(BINS * (value - low) / (high - low));
    counts[Math.max(0, Math.min(BINS - 1, bin))]! += count;
  });
  return counts;
}

function coveredBy({ quantization, dtype }: Tensor): { covered: Range; step: number } | undefined {
  if (!quantization || (dtype !== 'int8' && dtype !== 'int16')) return undefined;
  const [step, zero] = [quantization.scale[0]!, quantization.zeroPoint[0]!];
  const most = dtype === 'int8' ? 127 : 32767;
  return { covered: [step * (-most - 1 - zero), step * (most - zero)], step };
}

/** The errors of one tensor, accumulated over the samples. */
class Tally {
  private signal = 0;
  private noise = 0;
  private beyond = 0;
  private count = 0;

  constructor(private readonly steps: ReturnType<typeof coveredBy>) {}

  add(before: Float32Array, after: Float32Array): void {
    const { covered: [low, high], step } = this.steps ?? { covered: [-Infinity, Infinity] as Range, step: 0 };
    before.forEach((value, i) => {
      if (!Number.isFinite(value)) return;
      this.count++;
      this.signal += value ** 2;
      this.noise += (value - after[i]!) ** 2;
      if (value < low - step / 2 || value > high + step / 2) this.beyond++;
    });
  }

  result(): Pick<TensorError, 'sqnr' | 'covered' | 'clipped'> {
    const { steps, beyond, count } = this;
    return {
      sqnr: this.noise === 0 ? Infinity : 10 * Math.log10(this.signal / this.noise),
      ...(steps && { covered: steps.covered, clipped: count > 0 ? beyond / count : 0 }),
    };
  }
}

/** A network whose outputs are some elements of each tensor. */
class Probed {
  private readonly picks = new Map<string, Tensor>();
  private readonly graph: Graph;
  private readonly model: Model;

  constructor(graph: Graph, names: ReadonlySet<string>) {
    this.graph = cloneGraph(graph);
    const nodes: AnyNode[] = [];
    const watch = (tensor: Tensor): void => {
      if (names.has(tensor.name)) {
        this.picks.set(tensor.name, elementCount(tensor.shape) <= PICKED ? tensor : pick(tensor, nodes).picked);
      }
    };
    entriesOf(this.graph).forEach(watch);
    for (const node of this.graph.nodes) {
      nodes.push(node);
      node.outputs.forEach(watch);
    }
    this.graph.nodes = nodes;
    this.graph.outputs = [...this.picks.values()];
    this.model = loadCompiled(compile(this.graph, { debugInfo: false }));
  }

  run(sample: Sample): Seen {
    const values = predictAll(this.graph, this.model, sample);
    return new Map([...this.picks].map(([name, tensor]) => [name, values.get(tensor)!]));
  }

  reset(): void {
    this.model.reset();
  }

  dispose(): void {
    this.model.dispose();
  }
}
