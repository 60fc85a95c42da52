import { elementCount, type AnyNode, type Tensor } from '../../graph/graph';
import { operatorOf } from '../../ops/index';
import { leastScale } from '../../ops/shared/bias';
import { f32, roundAway } from '../../ops/shared/rounding';

/** The bits of a weight. */
export type WeightBits = 8 | 7 | 4;

/** Weights of 8 bits lie within ±127, of 7 bits within ±63, of 4 bits within ±7. */
export function largestWeight(bits: WeightBits): number {
  return 2 ** (bits - 1) - 1;
}

/**
 * Symmetric weights per output channel, stored as int8. The channel is the last dimension of
 * depthwise weights and the first of all others. The scale is large enough for the bias to fit in
 * int32.
 */
export function quantizedWeights(
  node: AnyNode,
  tensor: Tensor,
  bias: Tensor | null | undefined,
  step: number,
  bits: WeightBits,
): Tensor {
  const axis = operatorOf(node.op).weights?.outputAxis === 'last' ? tensor.shape.length - 1 : 0;
  const channels = tensor.shape[axis]!;
  const values = tensor.data as Float32Array;
  const inner = elementCount(tensor.shape.slice(axis + 1));
  const channelOf = (i: number): number => Math.floor(i / inner) % channels;
  const largest = new Float64Array(channels);
  values.forEach((v, i) => {
    largest[channelOf(i)] = Math.max(largest[channelOf(i)]!, Math.abs(v));
  });
  const K = values.length / channels;
  const most = largestWeight(bits);
  const scale = Array.from(
    largest,
    (m, c) => f32(Math.max((m || 1) / most, leastScale(Number(bias?.data?.[c] ?? 0), step, K))),
  );
  return {
    ...tensor,
    dtype: 'int8',
    quantization: { scale, zeroPoint: scale.map(() => 0), axis },
    data: Int8Array.from(values, (v, i) => Math.max(-most, Math.min(most, roundAway(v / scale[channelOf(i)]!)))),
  };
}
