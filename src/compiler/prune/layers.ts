import { elementCount, type AnyNode, type Graph, type Tensor } from '../../graph/graph';
import { roundAway } from '../../ops/support';

/** A convolution or fully connected layer whose weights can go. */
export interface PrunableLayer {
  node: AnyNode & { op: 'conv2d' | 'fullyConnected' };
  name: string;
  /** Outputs, products of each, and pixels of a filter. */
  N: number;
  K: number;
  taps: number;
  /** Output pixels (or rows) of one picture. */
  pixels: number;
}

/** Layers of one group whose weights are constant. */
export function weightedLayers(graph: Graph): PrunableLayer[] {
  return graph.nodes.flatMap((node) => layerOf(node) ?? []);
}

/** Those with an even number of channels where a filter has several pixels: what there are kernels for. */
export function prunableLayers(graph: Graph): PrunableLayer[] {
  return weightedLayers(graph).filter(({ K, taps }) => taps === 1 || (K / taps) % 2 === 0);
}

export function layerOf(node: AnyNode): PrunableLayer | undefined {
  if (node.op !== 'conv2d' && node.op !== 'fullyConnected') return undefined;
  const tensor = node.inputs[1], bias = node.inputs[2], groups = node.op === 'conv2d' ? node.attributes.groups : 1;
  if (!tensor?.data || (bias && !bias.data) || groups !== 1) return undefined;
  const shape = tensor.shape, N = shape[0]!, K = elementCount(shape.slice(1)), out = node.outputs[0]!.shape;
  return { node, name: node.name, N, K, taps: K / shape.at(-1), pixels: node.op === 'conv2d' ? out[1]! * out[2]! : out[0]! };
}

/** The scale and zero point of weight n; floats are what they are. */
function stepOf({ quantization }: Tensor, n: number): { scale: number; zero: number } {
  if (!quantization) return { scale: 1, zero: 0 };
  const i = quantization.scale.length === 1 ? 0 : n;
  return { scale: quantization.scale[i]!, zero: quantization.zeroPoint[i] ?? 0 };
}

/** Real values of the weights, [N][K]. */
export function realWeights({ node, N, K }: PrunableLayer): Float64Array {
  const tensor = node.inputs[1]!, real = new Float64Array(N * K);
  for (let n = 0; n < N; n++) {
    const { scale, zero } = stepOf(tensor, n);
    for (let k = n * K; k < (n + 1) * K; k++) real[k] = scale * (tensor.data![k]! - zero);
  }
  return real;
}

/** Gives the layer new weights, real values [N][K] in the steps that it has; what the mask (1: stays) leaves out becomes its zero. */
export function replaceWeights({ node, N, K }: PrunableLayer, real: Float64Array, mask: Uint8Array): void {
  const tensor = node.inputs[1]!, data = tensor.data!.slice(), [low, high] = data instanceof Uint8Array ? [0, 255] : [-128, 127];
  for (let n = 0; n < N; n++) {
    const { scale, zero } = stepOf(tensor, n);
    for (let k = n * K; k < (n + 1) * K; k++) {
      data[k] = mask[k] === 0 ? zero : data instanceof Float32Array ? real[k]! : Math.max(low, Math.min(high, roundAway(real[k]! / scale) + zero));
    }
  }
  node.inputs[1] = { ...tensor, data };
}

/** Adds real values [N] to the bias, which the layer may not have had. */
export function shiftBias({ node, N }: PrunableLayer, shift: Float64Array): void {
  const [x, weights, bias] = node.inputs as [Tensor, Tensor, Tensor | null], known = bias?.data;
  const name = `${node.name} (bias)`, base = bias ?? { name, shape: [N], dtype: x.dtype === 'float32' ? 'float32' as const : 'int32' as const };
  const data = x.dtype === 'float32' ? Float32Array.from(shift, (s, n) => (known?.[n] ?? 0) + s)
    : Int32Array.from(shift, (s, n) => (known?.[n] ?? 0) + roundAway(s / (x.quantization!.scale[0]! * stepOf(weights, n).scale)));
  node.inputs[2] = { ...base, data };
}
