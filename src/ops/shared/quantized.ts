import { perTensor, type DType, type Tensor } from '../../graph/graph';
import type { FusedActivation } from '../../graph/operators';
import { f32, roundAway, roundEven } from './rounding';

const realRanges: Record<FusedActivation, [number, number]> = {
  none: [-Infinity, Infinity],
  relu: [0, Infinity],
  relu6: [0, 6],
  reluN1To1: [-1, 1],
  relu0To1: [0, 1],
};

/** Real bounds of a fused activation. */
export function activationRange(activation: FusedActivation): [number, number] {
  return realRanges[activation];
}

/** Whether a function of each element can be fused as an activation. */
export function isActivation(kind: string): kind is FusedActivation {
  return Object.hasOwn(realRanges, kind);
}

/** The smallest and the largest value of a quantized type. */
export function integerRange(dtype: DType): [number, number] {
  return dtype === 'int16' ? [-32768, 32767] : [-128, 127];
}

/** Bounds of a fused activation as quantized values of the output, which is int8 or int16. */
export function quantizedRange(activation: FusedActivation, output: Tensor): [number, number] {
  const { scale, zeroPoint } = perTensor(output);
  const [low, high] = realRanges[activation];
  const [least, most] = integerRange(output.dtype);
  const step = (bound: number): number =>
    Math.max(least, Math.min(most, roundAway(f32(bound / f32(scale))) + zeroPoint));
  return [low === -Infinity ? least : step(low), high === Infinity ? most : step(high)];
}

/** Whether a tensor holds integers that stand for real numbers: int8 or int16. */
export function isInteger(tensor: Tensor): boolean {
  return tensor.dtype === 'int8' || tensor.dtype === 'int16';
}

export function sameQuantization(a: Tensor, b: Tensor): boolean {
  const p = a.quantization;
  const q = b.quantization;
  if (!p || !q) return p === q;
  return p.scale.length === q.scale.length && p.scale.every((s, i) => f32(s) === f32(q.scale[i]!)) &&
    p.zeroPoint.every((z, i) => z === q.zeroPoint[i]);
}

/**
 * Returns a map from quantized values of `from` to quantized values of `to`, which is the
 * requantization rule for int8 values.
 */
export function requantizer(from: Tensor, to: Tensor): (q: number) => number {
  const a = perTensor(from);
  const b = perTensor(to);
  const ratio = f32(f32(a.scale) / f32(b.scale));
  return (q) => roundEven(f32((q - a.zeroPoint) * ratio)) + b.zeroPoint;
}
