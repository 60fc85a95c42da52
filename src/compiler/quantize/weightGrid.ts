import type { Tensor } from '../../graph/graph';
import { operatorOf } from '../../ops/index';
import type { FloatMatrix } from '../products';
import type { LayerMatrix } from '../rows';
import type { Grid } from './lattice';
import { largestWeight, type WeightBits } from './weights';

/**
 * The integers of weights. Those of 8 and 7 bits are symmetric, as kernels need them; with 4 bits,
 * −8 makes use of the sixteenth value.
 */
export function gridOf(bits: WeightBits): Grid {
  if (bits === 4) return { low: -8, high: 7 };
  const high = largestWeight(bits);
  return { low: -high, high };
}

/** The place of weight k of output n in the tensor. */
export function weightIndex({ node, N, K }: LayerMatrix): (n: number, k: number) => number {
  return operatorOf(node.op).weights?.outputAxis === 'last' ? (n, k) => k * N + n : (n, k) => n * K + k;
}

/** The stored weights [N][K]. */
export function storedWeights(layer: LayerMatrix): Float32Array {
  const { N, K, node, weightsAt } = layer;
  const { data } = node.inputs[weightsAt]!;
  const index = weightIndex(layer);
  return Float32Array.from({ length: N * K }, (_, i) => data![index(Math.floor(i / K), i % K)]!);
}

/** The scale of each output's weights. */
export function scalesOf({ node, N, weightsAt }: LayerMatrix): number[] {
  const { scale } = node.inputs[weightsAt]!.quantization!;
  return Array.from({ length: N }, (_, n) => scale[scale.length === 1 ? 0 : n]!);
}

/** The tensor of int8 weights [N][K] with a scale for each output. */
export function int8Weights(layer: LayerMatrix, integers: ArrayLike<number>, scale: number[]): Tensor {
  const { node, N, K, weightsAt } = layer;
  const tensor = node.inputs[weightsAt]!;
  const index = weightIndex(layer);
  const data = new Int8Array(N * K);
  for (let n = 0; n < N; n++) for (let k = 0; k < K; k++) data[index(n, k)] = integers[n * K + k]!;
  const { axis } = tensor.quantization!;
  return { ...tensor, quantization: { scale, zeroPoint: scale.map(() => 0), axis }, data };
}

/** The real weights of the outputs `from` … `to`, [to − from][K]. */
export function realWeightRows(
  { integers, scale }: { integers: Float32Array; scale: readonly number[] },
  from: number,
  to: number,
  K: number,
): FloatMatrix {
  const values = integers.slice(from * K, to * K);
  for (let n = from; n < to; n++) for (let k = 0; k < K; k++) values[(n - from) * K + k]! *= scale[n]!;
  return { rows: to - from, columns: K, values };
}
