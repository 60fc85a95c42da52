import { multiplierOf, multiply } from './fixedPoint';
import { perTensor, type DType, type Tensor } from '../../src/graph/graph';
import type { FusedActivation } from '../../src/graph/operators';

/**
 * The scalar rules of integer arithmetic. Every SIMD epilogue, in every flavor, is tested to equal
 * a function of this file.
 *
 * Scales are rounded to float32 before they are used (`scaleOf`), because files store them as
 * float32. The products and quotients of scales are float32 operations too.
 */

export const fround = Math.fround;

/**
 * Rounds to the nearest integer, ties to even, as `f32x4.nearest` and C's `lrintf` do. Exact for
 * |x| < 2^52.
 */
export function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  const fraction = x - below;
  if (fraction !== 0.5) return fraction < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}

/** Rounds to the nearest integer, ties away from zero, as C's `round` and `TfLiteRound` do. */
export function roundHalfAwayFromZero(x: number): number {
  // floor(|x| + 0.5) would give 1 for the largest number below 0.5, because the sum rounds up to 1.
  const whole = Math.trunc(x);
  return Math.abs(x - whole) >= 0.5 ? whole + Math.sign(x) : whole;
}

export function clamp(x: number, min: number, max: number): number {
  return Math.min(Math.max(x, min), max);
}

export type Range = [min: number, max: number];

/** The range of values of an element type. */
export function rangeOf(dtype: DType): Range {
  switch (dtype) {
    case 'int8':
      return [-128, 127];
    case 'uint8':
      return [0, 255];
    case 'int16':
      return [-32768, 32767];
    case 'bool':
      return [0, 1];
    case 'int32':
    case 'int64':
      return [-2147483648, 2147483647];
    case 'float32':
      return [-Infinity, Infinity];
  }
}

export function isQuantized(tensor: Tensor): boolean {
  return ['int8', 'uint8', 'int16'].includes(tensor.dtype) && tensor.quantization !== undefined;
}

/** The scale of a per-tensor quantization, as the float32 that the arithmetic uses. */
export function scaleOf(tensor: Tensor): number {
  return fround(perTensor(tensor).scale);
}

export function zeroPointOf(tensor: Tensor): number {
  return perTensor(tensor).zeroPoint;
}

/**
 * Requantizes an exact int32 accumulator to an output element. All integer operators use this rule.
 *
 *     out = clamp(round_half_even(f32(f32(acc) × scale)) + zeroPoint, min, max)
 *
 * The conversion of `acc` (|acc| ≥ 2^24 loses bits, ties to even) and the product are both rounded
 * to float32. Fast kernels clamp the product to [min − zeroPoint, max − zeroPoint] before rounding,
 * because the conversion of large floats depends on the engine. The result is the same, because the
 * bounds are integers.
 */
export function requantize(
  accumulator: number,
  scale: number,
  zeroPoint: number,
  [min, max]: Range,
  round = roundHalfEven,
): number {
  return clamp(round(fround(fround(accumulator) * scale)) + zeroPoint, min, max);
}

/** The scale that requantizes accumulators of products a·w: f32(f32(sa·sw) / so). */
export function productScale(a: number, w: number, out: number): number {
  return fround(fround(a * w) / out);
}

/** The real-valued range of a fused activation. */
export function realRange(activation: FusedActivation): Range {
  switch (activation) {
    case 'none':
      return [-Infinity, Infinity];
    case 'relu':
      return [0, Infinity];
    case 'relu6':
      return [0, 6];
    case 'reluN1To1':
      return [-1, 1];
    case 'relu0To1':
      return [0, 1];
  }
}

/**
 * The range of output integers after a fused activation: its bounds, quantized as in TFLite and
 * limited to the range of the type.
 */
export function activationRange(activation: FusedActivation, output: Tensor): Range {
  const [min, max] = realRange(activation);
  return [quantizeReal(fround(min / scaleOf(output)), output), quantizeReal(fround(max / scaleOf(output)), output)];
}

/**
 * The output element clamp(round(ratio) + zeroPoint), where `ratio` is real value / output scale.
 * NaN becomes the zero point, as in a saturating conversion.
 */
export function quantizeReal(ratio: number, output: Tensor, round = roundHalfAwayFromZero): number {
  if (Number.isNaN(ratio)) return zeroPointOf(output);
  if (!Number.isFinite(ratio)) return rangeOf(output.dtype)[ratio < 0 ? 0 : 1];
  return clamp(round(ratio) + zeroPointOf(output), ...rangeOf(output.dtype));
}

/** f32(scale × (q − zeroPoint)) */
export function realOf(q: number, tensor: Tensor): number {
  return fround(scaleOf(tensor) * (q - zeroPointOf(tensor)));
}

/** Whether equal integers represent equal real numbers in both tensors. */
export function sameQuantization(a: Tensor, b: Tensor): boolean {
  if (a.dtype !== b.dtype) return false;
  if (!isQuantized(a) || !isQuantized(b)) return true;
  const [p, q] = [a.quantization!, b.quantization!];
  return p.scale.length === q.scale.length
    && p.scale.every((scale, i) => fround(scale) === fround(q.scale[i]!))
    && p.scale.every((_, i) => (p.zeroPoint[i] ?? 0) === (q.zeroPoint[i] ?? 0));
}

/**
 * Converts elements of `from` to elements of `to`, for operators that only move or select values.
 * Equal quantizations leave them unchanged; otherwise (q − zi) is requantized with the scale
 * f32(si / so), or for int16 multiplied in fixed point.
 */
export function converter(from: Tensor, to: Tensor): (q: number) => number {
  if (sameQuantization(from, to)) return (q) => q;
  const zeroPoint = zeroPointOf(from);
  if (to.dtype === 'int16') {
    const factor = multiplierOf(scaleOf(from) / scaleOf(to));
    return (q) => clamp(multiply(q - zeroPoint, factor), ...rangeOf('int16'));
  }
  const scale = fround(scaleOf(from) / scaleOf(to));
  return (q) => requantize(q - zeroPoint, scale, zeroPointOf(to), rangeOf(to.dtype));
}
