import { elementCount, input, output, type AnyNode, type Node, type State, type Tensor } from '../../graph/graph';
import type { OperatorName } from '../../graph/operators';
import { concatNode, sliceNode } from '../nodes';
import { cellStates, stateTensor } from './cellStates';
import { demand, unsupported } from './refuse';

// Streaming forms describe how an operator runs frame by frame over a sequence. compiler/stream.ts
// applies them to the graph.

/** The time dimension of a tensor. */
export interface Time {
  /** The dimension of the tensor that is time. */
  axis: number;
  /** Frames of the whole sequence, and of one call. */
  total: number;
  frames: number;
  /**
   * Outputs that the streaming form produces before the first output of the full sequence.
   * Negative: −offset frames of `padding` precede the first frame of the first call.
   */
  offset: number;
  /** The real value of padding frames. */
  padding: number;
}

/** The interface through which a streaming form reads the original graph and writes the new one. */
export interface Streaming {
  /** The first operand that varies over time, and its time. */
  readonly x: Tensor;
  readonly time: Time;
  /** The time of a tensor; undefined if the tensor does not vary over time. */
  timeOf(tensor: Tensor): Time | undefined;
  /** Adds a node whose outputs all have the given time. */
  emit(node: Node, time: Time): void;
  /** Adds a node whose outputs do not vary over time, or whose time `setTime` sets. */
  add(node: AnyNode): void;
  setTime(tensor: Tensor, time: Time): void;
  addState(state: State): void;
}

export interface StreamForm<K extends OperatorName = OperatorName> {
  /** Whether the operator may read padding frames from before the sequence (`offset` below 0). */
  readsPadding?: boolean;
  /**
   * Adds the nodes that compute the next frames of the outputs.
   *
   * @throws KletError `UNSUPPORTED_OP` if the node needs more than the next frames
   */
  convert(node: Node<K>, stream: Streaming): void;
}

export function sameTime(a: Time | undefined, b: Time): boolean {
  return a !== undefined && a.axis === b.axis && a.total === b.total && a.frames === b.frames && a.offset === b.offset;
}

/** Every frame of the output is computed from the same frame of the input. */
export const frameByFrame: StreamForm = {
  convert(node, stream) {
    stream.emit(node, stream.time);
  },
};

/**
 * Each row along the last dimension is computed independently, so time must be another dimension.
 */
export const rowByRow: StreamForm = {
  convert(node, stream) {
    if (stream.time.axis === stream.x.shape.length - 1) throw unsupported(node as AnyNode, 'it works along time');
    stream.emit(node, stream.time);
  },
};

/** Operands are broadcast. Operands that do not vary over time must have one frame. */
export const broadcasting: StreamForm = {
  convert(node, stream) {
    const rank = output(node as AnyNode).shape.length;
    const operands = node.inputs.flatMap((operand) => operand ?? []);
    let whole: Time | undefined;
    for (const operand of operands) {
      const own = stream.timeOf(operand);
      if (!own) continue;
      const time = { ...own, axis: own.axis + rank - operand.shape.length };
      if (whole && !sameTime(time, whole)) {
        throw unsupported(node as AnyNode, 'its operands are at different times of the sequence');
      }
      whole = time;
    }
    const { axis } = whole!;
    for (const operand of operands) {
      if (!stream.timeOf(operand) && (operand.shape[axis - rank + operand.shape.length] ?? 1) !== 1) {
        throw unsupported(node as AnyNode, `"${operand.name}" differs from frame to frame`);
      }
    }
    stream.emit(node, whole!);
  },
};

/** Groups of elements that do not extend over time are normalized independently. */
export const normalizing: StreamForm<'normalize'> = {
  convert(node, stream) {
    if (node.attributes.axes.includes(stream.time.axis)) throw unsupported(node, 'it normalizes over time');
    broadcasting.convert(node, stream);
  },
};

/** Reduces dimensions other than time, which are kept as 1 or dropped. */
export function reducing<K extends OperatorName>(axesOf: (node: Node<K>) => readonly number[]): StreamForm<K> {
  return {
    convert(node, stream) {
      const axes = axesOf(node);
      const { axis } = stream.time;
      if (axes.includes(axis)) throw unsupported(node as AnyNode, 'it reduces over time');
      const isKept = output(node as AnyNode).shape.length === stream.x.shape.length;
      const dropped = isKept ? 0 : axes.filter((d) => d < axis).length;
      stream.emit(node, { ...stream.time, axis: axis - dropped });
    },
  };
}

/** Windows along time must fill the frames of a call without overlap. */
export const pooling: StreamForm<'averagePool2d' | 'maxPool2d'> = {
  convert(node, stream) {
    const { time } = stream;
    const d = time.axis - 1;
    const { kernel, stride, padding } = node.attributes;
    if (d !== 0 && d !== 1) throw unsupported(node, 'its time is neither height nor width of an image');
    if (kernel[d] !== stride[d] || padding[d] !== 0 || padding[d + 2] !== 0 || time.frames % stride[d] !== 0) {
      throw unsupported(
        node,
        `its windows of ${kernel[d]} frames overlap, or do not fill the ${time.frames} frames of a call`,
      );
    }
    stream.emit(node, { ...time, total: Math.floor(time.total / stride[d]), frames: time.frames / stride[d] });
  },
};

/**
 * Recurrent layers keep their state from call to call. Time must be the dimension of their steps.
 */
export const stepwise: StreamForm<'lstm' | 'gru' | 'rnn' | 'svdf' | 'recurrence'> = {
  convert(node, stream) {
    const { time } = stream;
    if (node.attributes.reverse) {
      throw unsupported(node as AnyNode, 'it goes backwards through the sequence (a bidirectional layer)');
    }
    if (stream.x.shape.length !== 3 || time.axis !== (node.attributes.timeMajor ? 0 : 1)) {
      throw unsupported(node as AnyNode, "its time is another dimension than the sequence's");
    }
    if (time.offset !== 0) {
      throw unsupported(
        node as AnyNode,
        `it would start ${time.offset} frames before the sequence, because a convolution before it is not causal`,
      );
    }
    if (node.op === 'recurrence' && node.inputs[6]) {
      throw unsupported(node as AnyNode, 'its sequences have lengths; without them it can be streamed');
    }
    const y = output(node as AnyNode);
    stream.add(continued(node as AnyNode, stream));
    stream.setTime(y, time);
  },
};

/**
 * A layer that begins from constant states only once, and continues from its final states in later
 * calls. States that are inputs of the network are given at each call.
 */
function continued(node: AnyNode, stream: Streaming): AnyNode {
  const inputs = [...node.inputs];
  const outputs = [...node.outputs];
  const states = cellStates(node);
  const isConstant = states.some((state) => inputs[state.input]?.data);
  for (const state of states) {
    const initial = inputs[state.input];
    if (isConstant) outputs[state.output] ??= { ...stateTensor(node, state), name: `${node.name}/final ${state.name}` };
    if (initial?.data) {
      const value = stateTensor(node, state);
      inputs[state.input] = value;
      stream.addState({ value, next: outputs[state.output]!, initial: initial.data });
    } else if (initial && stream.time.frames !== stream.time.total) {
      throw unsupported(
        node,
        `its initial state "${initial.name}" is computed; a streaming form continues from call to call`,
      );
    }
  }
  return { ...node, inputs, outputs };
}

/** A convolution keeps as many past frames as its kernel reaches back. */
export const convolving: StreamForm<'conv2d' | 'depthwiseConv2d'> = {
  readsPadding: true,
  convert(node, stream) {
    const { x, time } = stream;
    const any = node as AnyNode;
    const d = time.axis - 1;
    if (d !== 0 && d !== 1) throw unsupported(any, 'its time is neither height nor width of an image');
    const { stride: strides, dilation, padding } = node.attributes;
    const kernel = input(any, 1).shape[1 + d]!;
    const stride = strides[d];
    if (padding[(d + 2) as 2 | 3] !== 0) {
      throw unsupported(
        any,
        'it looks ahead: its padding is on both sides of the sequence; causal convolutions have it before only',
      );
    }
    const reach = (kernel - 1) * dilation[d];
    const offset = time.offset - padding[d];
    if (time.frames % stride !== 0) {
      throw unsupported(any, `its stride of ${stride} does not divide ${time.frames} frames; take a multiple of it`);
    }
    if (offset < -reach || (padding[d] > 0 && time.offset < 0 && time.padding !== 0)) {
      throw unsupported(any, 'it has more padding before the sequence than its kernel reaches back');
    }
    if (stride > 1 && (offset > 0 || -offset < reach + 1 - stride)) {
      throw unsupported(any, 'its strides do not begin with the sequence');
    }
    const history = stride > 1 ? -offset : reach;
    const inputs = [...node.inputs];
    if (history > 0) inputs[0] = withHistory(any, stream, x, history);
    const y = output(any);
    const total = y.shape[time.axis]!;
    const made = { ...node, inputs, attributes: { ...node.attributes, padding: padding.with(d, 0) } };
    stream.add(made as AnyNode);
    stream.setTime(y, {
      axis: time.axis,
      total,
      frames: time.frames / stride,
      offset: stride > 1 ? 0 : offset + reach,
      padding: 0,
    });
  },
};

/** x, preceded by the last `history` frames of earlier calls. */
function withHistory(node: AnyNode, stream: Streaming, x: Tensor, history: number): Tensor {
  const { axis, frames, padding } = stream.time;
  const like = { dtype: x.dtype, ...(x.quantization && { quantization: x.quantization }) };
  const name = `${node.name}/history`;
  const shape = x.shape.with(axis, history);
  const value: Tensor = { name, shape, ...like };
  const both: Tensor = { name: `${name}/joined`, shape: x.shape.with(axis, history + frames), ...like };
  const next: Tensor = { name: `${name}/next`, shape: [...shape], ...like };
  stream.add(concatNode([value, x], both, axis));
  stream.add(sliceNode(both, next, shape.map((_, i) => (i === axis ? frames : 0))));
  stream.addState({ value, next, initial: filled(node, x, elementCount(shape), padding) });
  return both;
}

/** `count` elements with a real value, in the type and quantization of x. */
function filled(node: AnyNode, { dtype, quantization }: Tensor, count: number, value: number): State['initial'] {
  if (dtype === 'float32') return new Float32Array(count).fill(value);
  const { scale: [scale = 1] = [], zeroPoint: [zeroPoint = 0] = [] } = quantization ?? {};
  const stored = Math.round(value / scale) + zeroPoint;
  if (dtype === 'int8') return new Int8Array(count).fill(Math.max(-128, Math.min(127, stored)));
  demand(node, dtype === 'uint8', `a sequence of ${dtype}`);
  return new Uint8Array(count).fill(Math.max(0, Math.min(255, stored)));
}
