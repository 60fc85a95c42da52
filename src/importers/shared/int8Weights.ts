import { elementCount, type Tensor } from '../../graph/graph';
import { f32 } from '../../ops/shared/rounding';
import type { StoredIntegers } from './storedIntegers';

/**
 * The integers of a file as int8 weights, with scales for the tensor or along `axis`. Zero points
 * of channels are subtracted. Undefined if that is not possible in int8.
 */
export function int8Weights(stored: StoredIntegers | undefined, axis: number): Tensor | undefined {
  if (stored?.dtype !== 'int8' && stored?.dtype !== 'uint8') return undefined;
  const { name, shape, quantization } = stored;
  const { scale } = quantization;
  if (scale.length > 1 && quantization.axis !== axis) return undefined;
  const shift = stored.dtype === 'uint8' ? 128 : 0;
  const zero = quantization.zeroPoint.map((z) => z - shift);
  const isOne = zero.every((z) => z === zero[0]) && scale.length === 1;
  const inner = elementCount(shape.slice(axis + 1));
  const subtracted = isOne ? zero.map(() => 0) : zero;
  const data = new Int8Array(stored.data.length);
  for (let i = 0; i < data.length; i++) {
    const channel = scale.length === 1 ? 0 : Math.floor(i / inner) % scale.length;
    const value = stored.data[i]! - shift - subtracted[channel]!;
    if (value < -128 || value > 127) return undefined;
    data[i] = value;
  }
  const zeroPoint = isOne ? zero : zero.map(() => 0);
  return { name, shape, dtype: 'int8', data, quantization: { scale, zeroPoint, axis: scale.length > 1 ? axis : 0 } };
}

/** A sum of products, and a bias, each fit half of the range of int32. */
const HALF = 2 ** 30;

/**
 * Weights with a bias in units of the scales of activations and weights. The scales of channels
 * whose weights are so small that the bias would not fit are raised. Undefined if that is not
 * possible.
 *
 * @param stored - the integers of the bias, if the file has them
 * @param axis - the dimension of the weights that counts channels
 */
export function withInt32Bias(
  weights: Tensor,
  bias: Tensor,
  stored: StoredIntegers | undefined,
  activationScale: number,
  axis: number,
): { weights: Tensor; bias: Tensor } | undefined {
  const { scale, zeroPoint } = weights.quantization!;
  const count = bias.data!.length;
  const scales = Array.from({ length: count }, (_, c) => scale[scale.length === 1 ? 0 : c]!);
  const raised: number[] = [];
  const data = new Int32Array(count);
  for (let c = 0; c < count; c++) {
    const unit = f32(f32(activationScale) * f32(scales[c]!));
    const known = stored?.dtype === 'int32' && stored.quantization;
    const k = known && known.scale.length > 1 ? c : 0;
    const isUnit = known && Math.abs(known.scale[k]! - unit) <= 1e-5 * unit;
    const value = isUnit ? stored.data[c]! - known.zeroPoint[k]! : Math.round(bias.data![c]! / unit);
    if (!Number.isFinite(value)) return undefined;
    if (Math.abs(value) < HALF) data[c] = value;
    else {
      scales[c] = f32(scales[c]! * Math.abs(value) / HALF);
      data[c] = HALF * Math.sign(value);
      raised.push(c);
    }
  }
  const int32: Tensor = { name: bias.name, shape: bias.shape, dtype: 'int32', data };
  if (raised.length === 0) return { weights, bias: int32 };
  if (zeroPoint.some((z) => z !== 0)) return undefined;
  const factor = scales.map((s, c) => scale[scale.length === 1 ? 0 : c]! / s);
  const inner = elementCount(weights.shape.slice(axis + 1));
  const values = Int8Array.from(weights.data!, (q, i) => Math.round(q * factor[Math.floor(i / inner) % count]!));
  const quantization = { scale: scales, zeroPoint: scales.map(() => 0), axis };
  return { weights: { ...weights, data: values, quantization }, bias: int32 };
}
