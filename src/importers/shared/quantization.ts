import { KletError } from '../../errors';
import type { Quantization } from '../../graph/graph';

const ranges = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  int32: [-(2 ** 31), 2 ** 31 - 1],
} as const;

export type QuantizedType = keyof typeof ranges;

export function isQuantizedType(dtype: string): dtype is QuantizedType {
  return dtype in ranges;
}

/**
 * Checks the quantization parameters of a tensor from a file: positive scales, one for the tensor
 * or one for each index of `axis`, and as many zero points or one.
 */
export function checkedQuantization(
  tensor: { name: string; shape: readonly number[]; dtype: QuantizedType },
  scale: number[],
  zeroPoint: number[],
  axis: number,
): Quantization {
  const { name, shape, dtype } = tensor;
  const corrupt = (what: string) => new KletError('CORRUPT', `tensor "${name}" has ${what}`);
  if (scale.some((s) => !(s >= 0 && s < Infinity))) throw corrupt('a scale that is not a positive number');
  const [lowest, highest] = ranges[dtype];
  if (zeroPoint.some((z) => z < lowest || z > highest)) throw corrupt(`a zero point outside ${dtype}`);
  if (scale.length > 1 && scale.length !== shape[axis]) {
    throw corrupt(`${scale.length} scales along dimension ${axis} of [${shape.join(', ')}]`);
  }
  if (zeroPoint.length > 1 && zeroPoint.length !== scale.length) {
    throw corrupt(`${scale.length} scales and ${zeroPoint.length} zero points`);
  }
  const zeroPoints = zeroPoint.length === scale.length ? zeroPoint : scale.map(() => zeroPoint[0] ?? 0);
  return { scale, zeroPoint: zeroPoints, axis: scale.length > 1 ? axis : 0 };
}
