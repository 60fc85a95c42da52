import type { AnyNode, Node, Tensor } from '../graph/graph';
import type { FusedActivation, OperatorName, Padding, Pair } from '../graph/operators';
import type { Emitter } from './emitter';
import type { StreamForm } from './shared/stream';

/**
 * How post-training quantization chooses the quantization of an operator's tensors:
 * - `weights`: the output is int8 by its calibrated range, operand 1 int8 with one scale for each
 *   output channel, operand 2 an int32 bias;
 * - `free`: the output is int8 by its calibrated range;
 * - `same`: the output has the quantization of operand 0, because values are only moved or
 *   compared;
 * - `float`: the operator computes in float32;
 * - `{ scale, zeroPoint }`: the output is int8 with this quantization, because its range is known.
 */
export type QuantizationRule = 'weights' | 'free' | 'same' | 'float' | { scale: number; zeroPoint: number };

/** A window that moves over an image, as the attributes of a convolution say. */
export interface Window {
  kernel: Pair;
  stride: Pair;
  dilation: Pair;
  padding: Padding;
}

/** A matrix of constant weights [N][K] that a node multiplies rows of activations by. */
export interface WeightMatrix {
  /** Appended to the node's name where a node has several matrices, such as "/recurrent". */
  suffix: string;
  /** Outputs, and inputs of each output. */
  N: number;
  K: number;
  /** Taps of the kernel: K is taps × input channels. */
  taps: number;
  /** Rows that are multiplied for one batch item: output pixels of a convolution, time steps. */
  pixels: number;
  /**
   * Outputs of one gate; blocks of pruned weights do not cross gates. N where there are no gates.
   */
  lanes: number;
  /** Operands that hold the weights and the bias. */
  weightsAt: number;
  biasAt: number;
  /**
   * The factors of the bias's quantization unit: the scale of these activations, and the scales of
   * the weights in this operand.
   */
  biasUnit: { activations: Tensor; weightsAt: number };
  /**
   * The activations whose rows are multiplied; undefined if no tensor of the network holds them, or
   * if the statistics of its rows differ from those of the multiplied rows.
   */
  seen?: Tensor;
  /** Row of `seen` that `pixel` is computed from; the pixel's own by default. */
  rowOf?(pixel: number): number;
  /** The window whose pixels make up a row, for a convolution. */
  window?: Window;
  /** Whether the node computes only this product, bias and activation. */
  isOnlyProduct: boolean;
}

/** Where an operator has weights. */
export interface Weights<K extends OperatorName> {
  /** The dimension of operand 1 that counts output channels: the first, or the last. */
  outputAxis: 'first' | 'last';
  /**
   * The matrices that can be pruned, because the core has sparse kernels for them: empty if the
   * node has a form without such a kernel, or if its weights are not constant.
   */
  matrices?(node: Node<K>): WeightMatrix[];
}

/** How post-training quantization makes an int8 node of a recurrent layer. */
export interface Int8Form<K extends OperatorName> {
  /** A magnitude that `convert` needs, from the float32 input of one calibration sample. */
  observe?(node: Node<K>, x: Float32Array): number;
  /**
   * The int8 node that reads x and writes y; `observed` is the largest magnitude of all samples.
   */
  convert(node: Node<K>, x: Tensor, y: Tensor, observed: number | undefined): Node<K>;
}

/**
 * Everything that is known of an operator at convert time. Optional fields are properties that most
 * operators lack; the others want an answer from each operator.
 */
export interface Operator<K extends OperatorName> {
  /**
   * Shapes of the outputs from the shapes of the inputs and the attributes. Where these leave a
   * shape open (reshape, slice, resize2d), it is the output's own, after a check.
   *
   * @throws KletError `INVALID_GRAPH` for a node that contradicts itself
   */
  infer(node: Node<K>): number[][];
  /**
   * Emits the records that compute the outputs.
   *
   * @throws KletError `UNSUPPORTED_OP` for a form that the core has no record for
   */
  lower(node: Node<K>, emit: Emitter): void;
  /** The rule of post-training quantization; a function if it depends on the node. */
  quantization: QuantizationRule | ((node: Node<K>) => QuantizationRule);
  /**
   * How the operator runs frame by frame (`toStream`), or `none` if it needs the whole sequence.
   */
  stream: StreamForm<K> | 'none';
  /**
   * Whether output channel c depends on no other input channel than c, so that channels can be
   * removed before and behind the operator together (`prune` with the pattern `channels`).
   * Channels are the last dimension; `channels` is their number in the layer that is pruned.
   */
  isChannelwise: boolean | ((node: Node<K>, channels: number) => boolean);
  /** Where its weights are, if it has any: what `quantize`, `cluster` and `prune` work on. */
  weights?: Weights<K>;
  /** The int8 form, for layers whose quantization is more than rules for each operand. */
  int8?: Int8Form<K>;
  /** Whether the node keeps a state from run to run, so that it cannot be folded into constants. */
  isStateful?: boolean;
  /**
   * Whether the attribute `activation` clamps the output and nothing else, so that a following relu
   * can be moved into the node.
   */
  fusesActivation?: boolean;
  /** The fused activation that this node equals, if any. */
  asActivation?(node: Node<K>): FusedActivation | undefined;
  /**
   * Whether the attribute `padding` is zeros around an image, so that it can absorb a pad before.
   */
  absorbsPadding?: boolean;
  /** The zeros that the node adds on each side of its input, if it does nothing else. */
  asZeroPadding?(node: Node<K>): { before: number[]; after: number[] } | undefined;
  /** Whether the node copies its inputs, so that it can read a state without a copy before. */
  copiesInputs?: boolean;
  /** Whether the stored integers have a meaning to the node, and not the real values. */
  readsStoredIntegers?: boolean;
}

/** An operator of the table, for a node of any kind. */
export type AnyOperator = Operator<AnyNode['op']>;
