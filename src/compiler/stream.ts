import { checkOptions, type Options } from '../arguments';
import { KletError } from '../errors';
import { cloneGraph } from '../graph/edit';
import type { AnyNode, Graph, State, Tensor } from '../graph/graph';
import { operatorOf } from '../ops/index';
import { unsupported } from '../ops/shared/refuse';
import type { Time } from '../ops/shared/stream';
import { checkGiven, checkGraph } from './check';

export interface StreamOptions {
  /**
   * The dimension of the inputs that is time, from 0. Default: the first along which the network
   * can be streamed.
   */
  axis?: number;
  /** Number of frames per call (default 1). */
  frames?: number;
}

const streamOptions = { axis: 'number', frames: 'number' } satisfies Options<StreamOptions>;

/**
 * Converts a network over a sequence to its streaming form, which takes the next frames at each
 * call. It keeps the states of recurrent layers and the last inputs of causal convolutions, so that
 * its outputs equal those of the whole sequence.
 *
 * @returns a new graph; the given one is not changed
 * @throws KletError `UNSUPPORTED_OP` naming every node that looks ahead or needs the whole
 *   sequence, `BAD_ARGUMENT`
 * @example
 * ```js
 * const b = new GraphBuilder('smooth');
 * const x = b.input('x', [1, 16, 1, 1]);
 * const w = b.constant(new Float32Array([0.5, 0.5]), [1, 2, 1, 1]);
 * const causal = {
 *   stride: [1, 1], dilation: [1, 1], padding: [1, 0, 0, 0], groups: 1, activation: 'none',
 * };
 * const y = b.node('conv2d', [x, w, null], causal, { name: 'y' });
 * const stream = loadSync(compile(toStream(b.finish([y]))));
 * console.log([1, 3, 5].map((v) => stream.predict([v])[0])); // [ 0.5, 2, 4 ]
 * ```
 */
export function toStream(graph: Graph, options: StreamOptions = {}): Graph {
  checkGiven(graph, 'toStream()');
  checkOptions(options, streamOptions, 'toStream()');
  const { axis, frames = 1 } = options;
  if (!(Number.isInteger(frames) && frames > 0)) {
    throw new KletError('BAD_ARGUMENT', `frames must be a whole number above 0, not ${frames}`);
  }
  const ranks = Math.max(0, ...graph.inputs.map(({ shape }) => shape.length));
  const candidates = axis === undefined
    ? [1, 0, 2, 3].filter((d) => d < ranks && graph.inputs.some(({ shape }) => shape[d]! > 1))
    : [axis];
  let first: unknown = new KletError(
    'BAD_ARGUMENT',
    `"${graph.name}" has no input with a dimension of more than 1 that could be time; choose it with the option "axis"`,
  );
  for (const [i, candidate] of candidates.entries()) {
    try {
      return new Streaming(cloneGraph(graph), candidate, frames).result();
    } catch (error) {
      if (!(error instanceof KletError) || axis !== undefined) throw error;
      if (i === 0) first = error;
    }
  }
  throw first;
}

class Streaming {
  private readonly timed = new Map<Tensor, Time>();
  private readonly nodes: AnyNode[] = [];
  private readonly states: State[];
  /**
   * Names of explicit states that change once per sequence. They cannot be streamed if a call takes
   * only part of the sequence.
   */
  private readonly changing: string[];

  constructor(private readonly graph: Graph, axis: number, frames: number) {
    this.states = graph.states ?? [];
    for (const tensor of graph.inputs) {
      const total = tensor.shape[axis];
      if (total === undefined) {
        throw new KletError(
          'BAD_ARGUMENT',
          `input "${tensor.name}" has no dimension ${axis}: its shape is [${tensor.shape.join(', ')}]`,
        );
      }
      this.set(tensor, { axis, total, frames, offset: 0, padding: 0 });
    }
    const isPart = [...this.timed.values()].some(({ total }) => total !== frames);
    this.changing = isPart
      ? this.states.filter(({ value, next }) => next !== value).map(({ value }) => value.name)
      : [];
  }

  result(): Graph {
    const { graph } = this;
    const refusals = this.changing.map((name) => `the state "${name}" changes once per sequence, not once per frame`);
    for (const node of graph.nodes) {
      try {
        if (node.inputs.some((tensor) => tensor && this.timed.has(tensor))) this.convert(node);
        else this.nodes.push(node);
      } catch (error) {
        if (!(error instanceof KletError)) throw error;
        refusals.push(error.message);
      }
    }
    if (refusals.length > 0) {
      throw new KletError(
        'UNSUPPORTED_OP',
        `"${graph.name}" cannot be streamed:\n${refusals.map((line) => `  ${line}`).join('\n')}`,
      );
    }
    const made: Graph = {
      ...graph,
      nodes: this.nodes,
      ...(this.states.length > 0 && { states: this.states }),
      carries: true,
    };
    checkGraph(made, 'toStream');
    return made;
  }

  /** Records the time axis of a tensor and shortens it to the frames of one call. */
  private set(tensor: Tensor, time: Time): void {
    tensor.shape[time.axis] = time.frames;
    this.timed.set(tensor, time);
  }

  private convert(node: AnyNode): void {
    const x = node.inputs.find((tensor) => tensor && this.timed.has(tensor))!;
    const time = this.timed.get(x)!;
    const form = operatorOf(node.op).stream;
    if (time.offset < 0 && (form === 'none' || !form.readsPadding)) {
      throw unsupported(node, 'it sees padding before the first frame; only a convolution can');
    }
    if (form === 'none') throw unsupported(node, 'there is no streaming form of it');
    form.convert(node, {
      x,
      time,
      timeOf: (tensor) => this.timed.get(tensor),
      add: (made) => this.nodes.push(made),
      emit: (made, its) => {
        for (const tensor of made.outputs) this.set(tensor, its);
        this.nodes.push(made as AnyNode);
      },
      setTime: (tensor, its) => {
        this.set(tensor, its);
      },
      addState: (state) => this.states.push(state),
    });
  }
}
