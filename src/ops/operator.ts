import type { AnyNode, Node, Tensor } from '../graph/graph';
import type { FusedActivation, OperatorName, Padding, Pair } from '../graph/operators';
import type { Emitter } from './emitter';
import type { StreamForm } from './shared/stream';

/**
 * How post-training quantization chooses the types and scales of an operator's tensors:
 * - `weights`: the output is int8 by its calibrated range, operand 1 int8 with one scale for each
 *   output channel, operand 2 an int32 bias;
 * - `free`: the output is int8 by its calibrated range;
 * - `same`: the output has the quantization of operand 0, because values are only moved or
 *   compared;
 * - `float`: the operator computes in float32;
 * - `{ scale, zeroPoint }`: the output is int8 with this quantization, because its range is known.
 */
export type QuantizationRule = 'weights' | 'free' | 'same' | 'float' | { scale: number; zeroPoint: number };

/** The geometry of a window that slides over an image, from the attributes of a convolution. */
export interface Window {
  kernel: Pair;
  stride: Pair;
  dilation: Pair;
  padding: Padding;
}

/**
 * A matrix of constant weights [N][K], by which a node multiplies rows of activations. The outputs
 * of a grouped or depthwise convolution multiply the parts of the rows that belong to their groups.
 */
export interface WeightMatrix {
  /** Appended to the node's name if a node has several matrices, for example "/recurrent". */
  suffix: string;
  /** Outputs (N), and inputs of each output (K). */
  N: number;
  K: number;
  /** Taps of the kernel. K is taps × input channels of a group. */
  taps: number;
  /**
   * Groups of N / groups outputs. The inputs of group g are the g-th part of the channels at each
   * tap.
   */
  groups: number;
  /**
   * Rows that are multiplied for each batch item: output pixels of a convolution, time steps of a
   * recurrent layer.
   */
  pixels: number;
  /** Outputs of one gate, or N without gates. A block of pruned weights never spans two gates. */
  lanes: number;
  /** Indices of the operands that hold the weights and the bias. */
  weightsAt: number;
  biasAt: number;
  /**
   * The factors of the bias's quantization unit: the scale of these activations, and the scales of
   * the weights in this operand.
   */
  biasUnit: { activations: Tensor; weightsAt: number };
  /**
   * The activations whose rows are multiplied. Undefined if no tensor of the network holds them, or
   * if its rows have other statistics than the multiplied rows.
   */
  seen?: Tensor;
  /** The row of `seen` from which `pixel` is computed. By default it has the same index. */
  rowOf?(pixel: number): number;
  /** For a convolution, the window whose pixels form a row. */
  window?: Window;
  /**
   * Whether the window belongs to a transposed convolution. Output y then multiplies tap k by pixel
   * (y + padding − k·dilation) / stride if that is an integer, and otherwise by 0.
   */
  isTransposed?: boolean;
  /** Whether the core has sparse kernels for this matrix, so that it can be pruned. */
  isSparse: boolean;
  /** Whether the node computes only this product, the bias and an activation. */
  isOnlyProduct: boolean;
}

/** Describes the weights of an operator. */
export interface Weights<K extends OperatorName> {
  /** The dimension of operand 1 that counts output channels. */
  outputAxis: 'first' | 'last';
  /** The matrices that multiply rows of activations. Empty if they are not constant. */
  matrices?(node: Node<K>): WeightMatrix[];
}

/** The rows of an image that a node reads to compute rows of its output. Rows are dimension 1. */
export interface RowWindow {
  /**
   * Input rows that one output row needs, and the distance between the first ones of two output
   * rows.
   */
  size: number;
  stride: number;
  /** Rows of padding above and below the input. Fewer than `size`. */
  before: number;
  after: number;
}

/** How an operator computes some rows of its output. Its images are [1, H, W, C]. */
export interface RowForm<K extends OperatorName> {
  /** The window on the rows of its images, or undefined if the node needs them as a whole. */
  window(node: Node<K>): RowWindow | undefined;
  /** The operands that are images. All others are needed as a whole. By default operand 0. */
  images?(node: Node<K>): number[];
  /** The attributes that differ if only a part of the rows has padding. By default none. */
  attributes?(node: Node<K>, before: number, after: number): Record<string, unknown>;
}

/** The smallest and largest of some values. */
export type Range = readonly [low: number, high: number];

/** What is known of the values around a node. */
export interface Surroundings {
  /** The range of each operand. */
  operands: Range[];
  /** For each operand, the least of the maxima of its rows (last dimension). */
  rowMaxima: number[];
  /** The part of the output that makes a difference to later nodes. */
  wanted: Range;
}

/** Post-training quantization of a recurrent layer. */
export interface Int8Form<K extends OperatorName> {
  /**
   * Measures a magnitude that `convert` needs, from the float32 input of one calibration sample.
   */
  observe?(node: Node<K>, x: Float32Array): number;
  /**
   * Returns the int8 node that reads x and writes y. `observed` is the largest magnitude over all
   * samples.
   */
  convert(node: Node<K>, x: Tensor, y: Tensor, observed: number | undefined): Node<K>;
}

/**
 * Everything that the compiler knows about an operator. Every operator must define the required
 * fields; the optional ones are properties that most operators lack.
 */
export interface Operator<K extends OperatorName> {
  /**
   * Infers the shapes of the outputs from the input shapes and the attributes. For operators whose
   * attributes leave the shape open (reshape, slice, resize2d), checks the shape of the output and
   * returns it.
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
  /** The rule of post-training quantization, or a function that returns it for a node. */
  quantization: QuantizationRule | ((node: Node<K>) => QuantizationRule);
  /**
   * How the operator runs frame by frame in the streaming form, or `none` if it needs the whole
   * sequence.
   */
  stream: StreamForm<K> | 'none';
  /**
   * Whether output channel c depends only on input channel c, so that a channel can be removed
   * before and after the operator (`prune` with the pattern `channels`). Channels are the last
   * dimension; `channels` is their number in the pruned layer.
   */
  isChannelwise: boolean | ((node: Node<K>, channels: number) => boolean);
  /**
   * Whether the operator, or this node, has a form for int16 activations. The compiler gives the
   * others their real values in float32, and rounds the results to int16.
   */
  computesInt16?: boolean | ((node: Node<K>) => boolean);
  /**
   * Whether a positive factor of a channel of all inputs that are not constant is a factor of that
   * channel of the output, except for the bounds of an activation. Only for channelwise operators.
   * By default it is none.
   */
  isHomogeneous?: boolean | ((node: Node<K>) => boolean);
  /** How it computes some rows of its output. By default only all at once. */
  rows?: RowForm<K>;
  /** Describes its weights, if it has any, for `quantize`, `cluster` and `prune`. */
  weights?: Weights<K>;
  /**
   * The values of an operand that make a difference: those beyond can be replaced by the nearest
   * end, without changing an int8 output. By default all values do.
   */
  relevantRange?(node: Node<K>, operand: number, known: Surroundings): Range;
  /** Whether `relevantRange` needs the maxima of the rows of operand 0. */
  comparesRows?: boolean;
  /** Whether the output consists of its inputs, side by side, which may have different ranges. */
  joins?: boolean;
  /** Whether constant operands stay float32 in an int8 network. */
  keepsConstants?: boolean;
  /** The int8 form, for layers that the quantization rules cannot describe. */
  int8?: Int8Form<K>;
  /** Whether the node keeps a state between runs, which prevents constant folding. */
  isStateful?: boolean;
  /**
   * Whether the attribute `activation` only clamps the output, so that a following relu can be
   * fused into the node.
   */
  fusesActivation?: boolean;
  /** The fused activation that this node equals, if any. */
  asActivation?(node: Node<K>): FusedActivation | undefined;
  /**
   * Whether the attribute `padding` adds zeros around an image, so that a pad before the node can
   * be folded into it.
   */
  absorbsPadding?: boolean;
  /** The zeros that the node adds on each side of its input, if it does nothing else. */
  asZeroPadding?(node: Node<K>): { before: number[]; after: number[] } | undefined;
  /** Whether the node copies its inputs, so that it can read a state without a separate copy. */
  copiesInputs?: boolean;
  /** Whether the node works on the stored integers instead of the real values. */
  readsStoredIntegers?: boolean;
}

/** An operator of any kind, as the table holds it. */
export type AnyOperator = Operator<AnyNode['op']>;
