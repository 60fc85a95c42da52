import { cloneGraph } from '../../graph/edit';
import { byteSize, entriesOf, type AnyNode, type Graph, type Tensor } from '../../graph/graph';
import { copyNode } from '../../ops/nodes';
import type { InputArray, RawArray } from '../../runtime/types';
import { compile } from '../compile';
import { dropDead } from '../passes/dropDead';
import { loadCompiled } from '../runtime';

/** Inputs of one prediction, by name. */
export type NamedInputs = Record<string, InputArray>;
/** Inputs of consecutive predictions; a network with state is reset before the first. */
export type Sequence = readonly NamedInputs[];

/** Memory for the values between two layers, in bytes. */
const LIVE_BYTES = 2 ** 27;
/** Samples that are used even if their values need more memory than that. */
const MIN_SAMPLES = 8;

/** The samples in an order whose first ones are spread over all, at most `count` of them. */
export function spread(samples: readonly Sequence[], count: number): Sequence[] {
  const order = Array.from(samples, (_, i) => i);
  const place = (i: number): number => (i * 0.6180339887) % 1;
  return order.sort((a, b) => place(a) - place(b)).slice(0, count).map((i) => samples[i]!);
}

/** The number of samples whose values fit in memory, if each has `bytes`. */
export function samplesWithin(bytes: number, count: number): number {
  return Math.min(count, Math.max(MIN_SAMPLES, Math.floor(LIVE_BYTES / bytes)));
}

/** The values of the tensors that later nodes need, for one prediction. */
type Live = Map<Tensor, RawArray>;

/**
 * A run of a network over samples that stops between nodes, so that the weights of later nodes can
 * be chosen by the values that earlier ones compute. Each node runs once for each sample, however
 * often the run stops. Between stops, only the tensors are stored that later nodes read.
 *
 * The first values of explicit states are those of the network as it was given.
 */
export class StagedRun {
  private position = 0;
  /** [sample][prediction] */
  private lives: Live[][] = [];
  private readonly lastUse = new Map<Tensor, number>();
  /** Computes the values that inputs and explicit states have at the start of a prediction. */
  private readonly entry: Graph;

  /**
   * @param graph weights of nodes that have not run yet may change
   * @param sequences the samples; the first ones are used first
   */
  constructor(private readonly graph: Graph, private readonly sequences: readonly Sequence[]) {
    graph.nodes.forEach((node, i) => {
      for (const tensor of node.inputs) if (tensor && !tensor.data) this.lastUse.set(tensor, i);
    });
    this.entry = cloneGraph(graph);
    this.entry.outputs = entriesOf(this.entry).map((tensor, i) => {
      const seen = { ...tensor, name: `entry ${i}` };
      this.entry.nodes.push(copyNode(tensor, seen));
      return seen;
    });
    dropDead(this.entry);
  }

  /** The largest number of bytes that one prediction needs at a stop from `position` on. */
  largestLive(position = this.position): number {
    const made = new Map<Tensor, number>(entriesOf(this.graph).map((tensor) => [tensor, -1]));
    this.graph.nodes.forEach((node, i) => node.outputs.forEach((tensor) => made.set(tensor, i)));
    const change = new Float64Array(this.graph.nodes.length + 2);
    for (const [tensor, first] of made) {
      const last = this.lastUse.get(tensor) ?? -1;
      if (last <= first) continue;
      change[first + 1]! += byteSize(tensor);
      change[last + 1]! -= byteSize(tensor);
    }
    let bytes = 0;
    let largest = 0;
    change.forEach((difference, i) => {
      bytes += difference;
      if (i >= position) largest = Math.max(largest, bytes);
    });
    return largest;
  }

  /** Runs all nodes before `to`, for the first `samples` samples. */
  advance(to: number, samples: number): void {
    if (to > this.position) {
      const nodes = this.graph.nodes.slice(this.position, to);
      this.lives = this.run(nodes, this.lives, (tensor) => this.lastUse.get(tensor)! >= to);
      this.position = to;
    }
    if (samples > this.lives.length) {
      const fresh = this.enter(this.sequences.slice(this.lives.length, samples));
      const nodes = this.graph.nodes.slice(0, to);
      this.lives.push(...this.run(nodes, fresh, (tensor) => this.lastUse.get(tensor)! >= to));
    }
  }

  /** The stored elements of a tensor that the next nodes read, or that the next node computes. */
  valuesOf(tensor: Tensor): RawArray[][] {
    if (this.lives[0]?.[0]?.has(tensor)) return this.lives.map((sequence) => sequence.map((live) => live.get(tensor)!));
    const next = this.graph.nodes.slice(this.position, this.position + 1);
    return this.run(next, this.lives, (made) => made === tensor).map((sequence) =>
      sequence.map((live) => live.get(tensor)!)
    );
  }

  /** Runs nodes for each sample, and returns the tensors to keep. */
  private run(nodes: readonly AnyNode[], lives: readonly Live[][], keeps: (tensor: Tensor) => boolean): Live[][] {
    const made = new Set(nodes.flatMap(({ outputs }) => outputs));
    const read = nodes.flatMap(({ inputs }) => inputs.filter((tensor) => tensor && !tensor.data && !made.has(tensor)));
    const inputs = [...new Set(read)] as Tensor[];
    const outputs = [...made].filter(keeps);
    const kept = (live: Live): Live => new Map([...live].filter(([tensor]) => keeps(tensor)));
    if (outputs.length === 0) return lives.map((sequence) => sequence.map(kept));
    const model = loadCompiled(compile(this.part(nodes, inputs, outputs), { debugInfo: false }));
    const result = lives.map((sequence) => {
      model.reset();
      return sequence.map((live) => {
        const given = Object.fromEntries(inputs.map((tensor, i) => [`input ${i}`, live.get(tensor)!]));
        const values = model.predict(given, { output: 'raw' });
        const after = kept(live);
        outputs.forEach((tensor, i) => {
          after.set(tensor, outputs.length === 1 ? values : values[`output ${i}`]!);
        });
        return after;
      });
    });
    model.dispose();
    return result;
  }

  /** Consecutive nodes as a graph, whose inputs and outputs are named by their numbers. */
  private part(nodes: readonly AnyNode[], inputs: Tensor[], outputs: Tensor[]): Graph {
    const { name, carries } = this.graph;
    const graph = cloneGraph({ name, inputs, outputs, nodes: [...nodes], ...(carries && { carries }) });
    graph.inputs.forEach((tensor, i) => {
      tensor.name = `input ${i}`;
    });
    graph.outputs.forEach((tensor, i) => {
      tensor.name = `output ${i}`;
    });
    return graph;
  }

  /** The values of inputs and explicit states at the start of each prediction. */
  private enter(sequences: readonly Sequence[]): Live[][] {
    const entries = entriesOf(this.graph);
    const model = loadCompiled(compile(this.entry, { debugInfo: false }));
    const lives = sequences.map((sequence) => {
      model.reset();
      return sequence.map((inputs): Live => {
        const raw = model.predict(inputs, { output: 'raw' });
        return new Map(entries.map((tensor, i) => [tensor, entries.length === 1 ? raw : raw[`entry ${i}`]!]));
      });
    });
    model.dispose();
    return lives;
  }
}
