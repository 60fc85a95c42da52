import { elementCount, innermost, output, type AnyNode, type Node, type Tensor } from '../../graph/graph';
import type { WeightMatrix, Window } from '../operator';

// The matrices of constant weights that pruning and quantization work on.

/** What distinguishes the matrices of layers that compute x·Wᵀ + bias. */
interface ProductParts {
  /** The window that gathers the rows, if they are not rows of x as they are. */
  window?: Window;
  groups?: number;
  isTransposed?: boolean;
}

/**
 * The one matrix of a layer that computes x·Wᵀ + bias. Empty if weights or bias are not constant.
 *
 * @param pixels rows that are multiplied for each batch item
 */
export function productMatrix(node: AnyNode, pixels: number, parts: ProductParts = {}): WeightMatrix[] {
  const [x, weights, bias] = node.inputs;
  if (!x || !weights?.data || (bias && !bias.data)) return [];
  const { window, groups = 1, isTransposed = false } = parts;
  const N = weights.shape[0]!;
  const K = elementCount(weights.shape.slice(1));
  return [{
    ...product(x, N, K, pixels),
    taps: K / innermost(weights.shape),
    groups,
    isSparse: groups === 1 && !isTransposed,
    ...(window && { window }),
    ...(isTransposed && { isTransposed }),
  }];
}

/** The matrix of a depthwise convolution with weights [1][KH][KW][N]: each channel is a group. */
export function depthwiseMatrix(node: AnyNode, pixels: number, window: Window): WeightMatrix[] {
  const [x, weights, bias] = node.inputs;
  if (!x || !weights?.data || (bias && !bias.data)) return [];
  const [taps, N] = [window.kernel[0] * window.kernel[1], innermost(weights.shape)];
  return [{ ...product(x, N, taps, pixels), taps, groups: innermost(x.shape), isSparse: false, window }];
}

function product(x: Tensor, N: number, K: number, pixels: number): Omit<WeightMatrix, 'taps' | 'groups' | 'isSparse'> {
  const biasUnit = { activations: x, weightsAt: 1 };
  return { suffix: '', N, K, pixels, lanes: N, weightsAt: 1, biasAt: 2, biasUnit, seen: x, isOnlyProduct: true };
}

interface RecurrentParts {
  /** Outputs of one gate, if that differs from the hidden size. */
  lanes?: number | undefined;
  /** The operand that is added to the products of the hidden state. */
  recurrentBiasAt?: number;
  /** Whether pruning may use the rows of the input as statistics. */
  seesInput?: boolean;
  seesState?: boolean;
}

/**
 * The two matrices of a recurrent layer with constant weights: one for the input, and one for the
 * hidden state, which is the output of the previous time step.
 */
export function recurrentMatrices(
  node: Node<'lstm'> | Node<'gru'> | Node<'rnn'>,
  { lanes, recurrentBiasAt = 3, seesInput = true, seesState = true }: RecurrentParts = {},
): WeightMatrix[] {
  if (node.inputs.some((tensor, i) => i > 0 && tensor && !tensor.data)) return [];
  const [x, w, u] = node.inputs as [Tensor, Tensor, Tensor];
  const y = output(node);
  const { timeMajor, reverse } = node.attributes;
  const [N, inputs] = w.shape as [number, number];
  const hiddenSize = u.shape[1]!;
  const steps = elementCount(x.shape) / inputs;
  const batch = x.shape.length === 2 ? steps : x.shape[timeMajor ? 1 : 0]!;
  const common = { N, taps: 1, groups: 1, lanes: lanes ?? hiddenSize, isSparse: true, isOnlyProduct: false };
  // the first step has no previous output, so each batch item has one row less
  const rowOf = (pixel: number): number => {
    const second = y.shape[1]!;
    if (timeMajor) return pixel + (reverse ? second : 0);
    return Math.floor(pixel / (second - 1)) * second + pixel % (second - 1) + (reverse ? 1 : 0);
  };
  return [{
    ...common,
    suffix: '/input',
    K: inputs,
    pixels: steps,
    weightsAt: 1,
    biasAt: 3,
    biasUnit: { activations: x, weightsAt: 1 },
    ...(seesInput && { seen: x }),
  }, {
    ...common,
    suffix: '/recurrent',
    K: hiddenSize,
    pixels: steps - batch,
    weightsAt: 2,
    biasAt: recurrentBiasAt,
    biasUnit: recurrentBiasAt === 3 ? { activations: x, weightsAt: 1 } : { activations: y, weightsAt: 2 },
    ...(seesState && steps > batch && { seen: y }),
    rowOf,
  }];
}
