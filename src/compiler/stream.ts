import { KletError } from '../errors';
import { cloneGraph } from '../graph/edit';
import { elementCount, input, output, type AnyNode, type Graph, type Node, type State,
  type Tensor } from '../graph/graph';
import { demand, unsupported } from '../ops/shared/refuse';
import { checkGraph } from './check';

export interface StreamOptions {
  /**
   * Which dimension of the inputs is time (from 0); the first along which the network can be
   * streamed unless told.
   */
  axis?: number;
  /** How many steps a call brings (default 1). */
  frames?: number;
}

/** How a tensor lies in time. */
interface Timed {
  axis: number;
  /** Steps of the whole sequence, and of one call. */
  total: number;
  frames: number;
  /**
   * Calls' results before the first of the whole sequence; below 0: so many steps of `padding` come
   * before the first call.
   */
  offset: number;
  padding: number;
}

/**
 * The streaming form of a network over a sequence: it takes the next frames and keeps what it needs
 * of those before, the states of recurrent layers and the last inputs of causal convolutions, so
 * that it gives call by call what the network gives for the whole sequence at once.
 *
 * @returns a new graph; the given one is not changed
 * @throws KletError `UNSUPPORTED_OP` naming every node that looks ahead or needs the whole
 *   sequence, `BAD_ARGUMENT`
 * @example
 * ```js
 * const b = new GraphBuilder('smooth'), x = b.input('x', [1, 16, 1, 1]);
 * const w = b.constant(new Float32Array([0.5, 0.5]), [1, 2, 1, 1]);
 * const y = b.node('conv2d', [x, w, null], { stride: [1, 1], dilation: [1, 1], padding: [1, 0, 0, 0], groups: 1, activation: 'none' }, { name: 'y' });
 * const stream = loadSync(compile(toStream(b.finish([y]))));
 * console.log([1, 3, 5].map((v) => stream.predict([v])[0])); // [ 0.5, 2, 4 ]
 * ```
 */
export function toStream(graph: Graph, { axis, frames = 1 }: StreamOptions = {}): Graph {
  if (!(Number.isInteger(frames) && frames > 0)) {
    throw new KletError('BAD_ARGUMENT', `frames must be a whole number above 0, not ${frames}`);
  }
  const ranks = Math.max(0, ...graph.inputs.map(({ shape }) => shape.length));
  const candidates = axis === undefined
    ? [1, 0, 2, 3].filter((d) => d < ranks && graph.inputs.some(({ shape }) => shape[d]! > 1))
    : [axis];
  let first: unknown = new KletError(
    'BAD_ARGUMENT',
    `"${graph.name}" has no input with a dimension of more than 1 that could be time; say which with the axis`,
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
  private readonly timed = new Map<Tensor, Timed>();
  private readonly nodes: AnyNode[] = [];
  private readonly states: State[];
  /** States that the network has of its own, where a call brings less than the whole sequence. */
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
    const refusals = this.changing.map((name) => `the state "${name}" changes once a sequence, not with its steps`);
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

  /** Notes how a tensor lies in time, and cuts it to one call. */
  private set(tensor: Tensor, time: Timed): void {
    tensor.shape[time.axis] = time.frames;
    this.timed.set(tensor, time);
  }

  private same(node: AnyNode, time: Timed): void {
    for (const tensor of node.outputs) this.set(tensor, time);
    this.nodes.push(node);
  }

  private convert(node: AnyNode): void {
    const x = node.inputs.find((tensor) => tensor && this.timed.has(tensor))!;
    const time = this.timed.get(x)!;
    const { axis } = time;
    const isMove = node.op === 'reshape' || node.op === 'transpose';
    if (time.offset < 0 && !isMove && node.op !== 'pad' && node.op !== 'conv2d' && node.op !== 'depthwiseConv2d') {
      throw unsupported(node, 'it sees padding before the first step; only a convolution can');
    }
    switch (node.op) {
      case 'unary':
      case 'cast':
      case 'quantize':
      case 'dequantize':
        return this.same(node, time);
      case 'softmax':
      case 'logSoftmax':
      case 'l2Normalize':
        if (axis === x.shape.length - 1) throw unsupported(node, 'it works along time');
        return this.same(node, time);
      case 'binary':
      case 'prelu':
        return this.elementwise(node);
      case 'concat':
        if (node.attributes.axis === axis ||
          node.inputs.some((part) => !part || !this.alike(this.timed.get(part), time)))
        {
          throw unsupported(node, 'it joins different times');
        }
        return this.same(node, time);
      case 'split':
        if (node.attributes.axis === axis) throw unsupported(node, 'it splits the sequence');
        return this.same(node, time);
      case 'fullyConnected':
        if (axis !== 0) throw unsupported(node, 'it mixes the steps of the sequence');
        return this.same(node, time);
      case 'lstm':
      case 'gru':
      case 'rnn':
      case 'svdf':
        if (node.attributes.reverse) {
          throw unsupported(node, 'it goes backwards through the sequence (a bidirectional layer)');
        }
        if (x.shape.length !== 3 || axis !== (node.attributes.timeMajor ? 0 : 1)) {
          throw unsupported(node, "its time is another dimension than the sequence's");
        }
        if (time.offset !== 0) {
          throw unsupported(
            node,
            `it would begin ${time.offset} steps before the sequence does, because a convolution before it is not causal`,
          );
        }
        return this.same(node, time);
      case 'reshape':
        return this.reshape(node, x, time);
      case 'transpose':
        return this.same(node, { ...time, axis: node.attributes.perm.indexOf(axis) });
      case 'slice':
        return this.slice(node, time);
      case 'pad':
        return this.pad(node, time);
      case 'gather':
        if (x === node.inputs[0]) throw unsupported(node, 'it takes from the whole sequence');
        return this.same(node, { ...time, axis: node.attributes.axis + axis - node.attributes.batchDims });
      case 'reduce':
      case 'argmax': {
        const axes = node.op === 'reduce' ? node.attributes.axes : [node.attributes.axis];
        if (axes.includes(axis)) throw unsupported(node, 'it reduces over time');
        const isKept = output(node).shape.length === x.shape.length;
        return this.same(node, { ...time, axis: isKept ? axis : axis - axes.filter((d) => d < axis).length });
      }
      case 'averagePool2d':
      case 'maxPool2d': {
        const d = axis - 1;
        const { kernel, stride, padding } = node.attributes;
        if (d !== 0 && d !== 1) throw unsupported(node, 'its time is no side of a picture');
        if (kernel[d] !== stride[d] || padding[d] !== 0 || padding[d + 2] !== 0 || time.frames % stride[d] !== 0) {
          throw unsupported(node, `its windows of ${kernel[d]} steps overlap or do not fill ${time.frames} frames`);
        }
        return this.same(node, { ...time, total: Math.floor(time.total / stride[d]), frames: time.frames / stride[d] });
      }
      case 'conv2d':
      case 'depthwiseConv2d':
        return this.convolution(node, x, time);
      default:
        throw unsupported(node, 'there is no streaming form of it');
    }
  }

  private alike(a: Timed | undefined, b: Timed): boolean {
    return a !== undefined && a.axis === b.axis && a.total === b.total && a.frames === b.frames &&
      a.offset === b.offset;
  }

  private elementwise(node: AnyNode): void {
    const rank = output(node).shape.length;
    let whole: Timed | undefined;
    for (const operand of node.inputs) {
      const own = operand && this.timed.get(operand);
      if (!own) continue;
      const time = { ...own, axis: own.axis + rank - operand.shape.length };
      if (whole && !this.alike(time, whole)) throw unsupported(node, 'its operands are of different times');
      whole = time;
    }
    for (const operand of node.inputs) {
      if (operand && !this.timed.has(operand) &&
        (operand.shape[whole!.axis - rank + operand.shape.length] ?? 1) !== 1)
      {
        throw unsupported(node, `"${operand.name}" differs from step to step`);
      }
    }
    this.same(node, whole!);
  }

  /**
   * Time must stay a dimension of its own: as much before it, or nothing but ones, and its size.
   */
  private reshape(node: AnyNode, x: Tensor, time: Timed): void {
    const y = output(node);
    const before = elementCount(x.shape.slice(0, time.axis));
    const axis = y.shape.findIndex((d, i) => d === time.total && elementCount(y.shape.slice(0, i)) === before);
    if (axis < 0) throw unsupported(node, `it mixes time with other dimensions ([${y.shape.join(', ')}])`);
    this.same(node, { ...time, axis });
  }

  private slice(node: Node<'slice'>, time: Timed): void {
    const { axis, total, frames } = time;
    const y = output(node);
    const { begin, stride } = node.attributes;
    const count = y.shape[axis]!;
    if (begin[axis] === 0 && count === total && stride[axis] === 1) return this.same(node, time);
    // the last step of a sequence so far is the newest
    if (count !== 1 || begin[axis] !== total - 1 || time.offset !== 0) {
      throw unsupported(node, 'it takes a part of the sequence');
    }
    this.nodes.push({ ...node, attributes: { begin: begin.with(axis, frames - 1), stride } });
  }

  /** Padding before the sequence is what a convolution behind it remembers at first. */
  private pad(node: Node<'pad'>, time: Timed): void {
    const { axis } = time;
    const { before, after, mode, value } = node.attributes;
    if (after[axis] !== 0) throw unsupported(node, 'it adds steps behind the sequence');
    if (before[axis] !== 0 && (mode !== 'constant' || (time.offset < 0 && value !== time.padding))) {
      throw unsupported(node, `its padding before the sequence is ${mode}; constant is possible`);
    }
    const next = {
      ...time,
      total: time.total + before[axis]!,
      offset: time.offset - before[axis]!,
      padding: before[axis] === 0 ? time.padding : value,
    };
    this.same({ ...node, attributes: { ...node.attributes, before: before.with(axis, 0) } }, next);
  }

  private convolution(node: Node<'conv2d'> | Node<'depthwiseConv2d'>, x: Tensor, time: Timed): void {
    const d = time.axis - 1;
    const { stride, dilation, padding } = node.attributes;
    const kernel = input(node, 1).shape[1 + d]!;
    const step = stride[d as 0 | 1];
    if (d !== 0 && d !== 1) throw unsupported(node, 'its time is no side of a picture');
    if (padding[(d + 2) as 2 | 3] !== 0) {
      throw unsupported(
        node,
        'it looks ahead: its padding is on both sides of the sequence; causal convolutions have it before only',
      );
    }
    const reach = (kernel - 1) * dilation[d];
    const offset = time.offset - padding[d];
    if (time.frames % step !== 0) {
      throw unsupported(node, `its stride of ${step} does not divide ${time.frames} frames; give it a multiple`);
    }
    if (offset < -reach || (padding[d] > 0 && time.offset < 0 && time.padding !== 0)) {
      throw unsupported(node, 'it has more padding before the sequence than it reaches back');
    }
    if (step > 1 && (offset > 0 || -offset < reach + 1 - step)) {
      throw unsupported(node, 'its strides do not begin with the sequence');
    }
    const history = step > 1 ? -offset : reach;
    const own = [...padding] as typeof padding;
    own[d] = 0;
    const made = { ...node, inputs: [...node.inputs], attributes: { ...node.attributes, padding: own } } as AnyNode;
    if (history > 0) made.inputs[0] = this.remember(node, x, time, history);
    const total = output(node).shape[time.axis]!;
    this.nodes.push(made);
    this.set(output(node), {
      axis: time.axis,
      total,
      frames: time.frames / step,
      offset: step > 1 ? 0 : offset + reach,
      padding: 0,
    });
  }

  /** The last `history` steps before x, and x. */
  private remember(node: AnyNode, x: Tensor, time: Timed, history: number): Tensor {
    const { axis, frames } = time;
    const like = { dtype: x.dtype, ...(x.quantization && { quantization: x.quantization }) };
    const name = `${node.name}/history`;
    demand(node, x.dtype === 'int8' || x.dtype === 'uint8' || x.dtype === 'float32', `a sequence of ${x.dtype}`);
    const shape = x.shape.with(axis, history);
    const { scale: [scale = 1] = [], zeroPoint: [zero = 0] = [] } = x.quantization ?? {};
    const arrays = { int8: Int8Array, uint8: Uint8Array, float32: Float32Array };
    const first = x.dtype === 'float32'
      ? time.padding
      : Math.max(
        x.dtype === 'int8' ? -128 : 0,
        Math.min(x.dtype === 'int8' ? 127 : 255, Math.round(time.padding / scale) + zero),
      );
    const value: Tensor = { name, shape, ...like };
    const both: Tensor = { name: `${name}/joined`, shape: x.shape.with(axis, history + frames), ...like };
    const next: Tensor = { name: `${name}/next`, shape: [...shape], ...like };
    this.nodes.push({
      op: 'concat',
      name: both.name,
      inputs: [value, x],
      outputs: [both],
      attributes: { axis, activation: 'none' },
    }, {
      op: 'slice',
      name: next.name,
      inputs: [both],
      outputs: [next],
      attributes: { begin: shape.map((_, i) => (i === axis ? frames : 0)), stride: shape.map(() => 1) },
    });
    this.states.push({
      value,
      next,
      initial: new arrays[x.dtype as keyof typeof arrays](elementCount(shape)).fill(first),
    });
    return both;
  }
}
