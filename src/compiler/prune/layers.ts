import type { AnyNode, Graph, Tensor } from '../../graph/graph';
import { operatorOf } from '../../ops/index';
import type { LayerMatrix } from '../rows';
import { roundAway } from '../../ops/shared/rounding';

/**
 * A weight matrix that can be pruned. Convolutions and fully connected layers have one, recurrent
 * layers have two.
 */
export type PrunableLayer = LayerMatrix;

/** The prunable matrices of a node. */
function matricesOf(node: AnyNode): PrunableLayer[] {
  const matrices = operatorOf(node.op).weights?.matrices?.(node) ?? [];
  return matrices.filter(({ isSparse }) => isSparse).map((matrix) => ({
    ...matrix,
    node,
    name: `${node.name}${matrix.suffix}`,
  }));
}

/** The layer of a node that computes exactly one product with constant weights. */
export function layerOf(node: AnyNode): PrunableLayer | undefined {
  return matricesOf(node).find((matrix) => matrix.isOnlyProduct);
}

/** Convolutions and fully connected layers of one group whose weights are constant. */
export function weightedLayers(graph: Graph): PrunableLayer[] {
  return graph.nodes.flatMap((node) => layerOf(node) ?? []);
}

/**
 * All matrices with sparse kernels in the core. Convolutions with several taps need an even number
 * of channels.
 */
export function prunableLayers(graph: Graph): PrunableLayer[] {
  return graph.nodes.flatMap(matricesOf).filter(({ taps, K }) => taps === 1 || (K / taps) % 2 === 0);
}

/** The scale and zero point of weight n; 1 and 0 for floats. */
function stepOf({ quantization }: Tensor, n: number): { scale: number; zero: number } {
  if (!quantization) return { scale: 1, zero: 0 };
  const i = quantization.scale.length === 1 ? 0 : n;
  return { scale: quantization.scale[i]!, zero: quantization.zeroPoint[i] ?? 0 };
}

/** Real values of the weights, [N][K]. */
export function realWeights({ node, N, K, weightsAt }: PrunableLayer): Float64Array {
  const tensor = node.inputs[weightsAt]!;
  const real = new Float64Array(N * K);
  for (let n = 0; n < N; n++) {
    const { scale, zero } = stepOf(tensor, n);
    for (let k = n * K; k < (n + 1) * K; k++) real[k] = scale * (tensor.data![k]! - zero);
  }
  return real;
}

/**
 * Replaces the weights of a layer by real values [N][K], in its quantization. Weights with mask 0
 * become the zero point.
 */
export function replaceWeights({ node, N, K, weightsAt }: PrunableLayer, real: Float64Array, mask: Uint8Array): void {
  const tensor = node.inputs[weightsAt]!;
  const data = tensor.data!.slice();
  const [low, high] = data instanceof Uint8Array ? [0, 255] : [-128, 127];
  const isFloat = data instanceof Float32Array;
  const quantized = (value: number, scale: number, zero: number): number =>
    Math.max(low, Math.min(high, roundAway(value / scale) + zero));
  for (let n = 0; n < N; n++) {
    const { scale, zero } = stepOf(tensor, n);
    for (let k = n * K; k < (n + 1) * K; k++) {
      const value = isFloat ? real[k]! : quantized(real[k]!, scale, zero);
      data[k] = mask[k] === 0 ? zero : value;
    }
  }
  node.inputs[weightsAt] = { ...tensor, data };
}

/** Adds real values [N] to the bias. Creates the bias if there is none. */
export function shiftBias({ node, name: layer, N, biasAt, biasUnit }: PrunableLayer, shift: Float64Array): void {
  const { activations: x } = biasUnit;
  const weights = node.inputs[biasUnit.weightsAt]!;
  const bias = node.inputs[biasAt];
  const known = bias?.data;
  const name = `${layer} (bias)`;
  const base = bias ?? { name, shape: [N], dtype: x.dtype === 'float32' ? 'float32' as const : 'int32' as const };
  const data = x.dtype === 'float32' ?
    Float32Array.from(shift, (s, n) => (known?.[n] ?? 0) + s)
    : Int32Array.from(shift, (s, n) =>
      (known?.[n] ?? 0) + roundAway(s / (x.quantization!.scale[0]! * stepOf(weights, n).scale)));
  while (node.inputs.length < biasAt) node.inputs.push(null);
  node.inputs[biasAt] = { ...base, data };
}
