import type { Quantization } from '../../graph/graph';
import { f32, roundAway } from '../../ops/shared/rounding';

/** The smallest and largest value of a tensor. */
export type Range = [low: number, high: number];

const MIN_WIDTH = 1e-8;

/** Asymmetric int8 over a range, widened to include zero, which is represented exactly. */
export function activationQuantization([least, most]: Range): Quantization {
  const low = Math.min(0, least);
  const high = Math.max(0, most);
  const scale = f32(Math.max(high - low, MIN_WIDTH) / 255);
  return { scale: [scale], zeroPoint: [Math.max(-128, Math.min(127, roundAway(-128 - low / scale)))], axis: 0 };
}

/** Symmetric int16 over a range. */
export function wideQuantization([least, most]: Range): Quantization {
  return { scale: [f32(Math.max(-least, most, MIN_WIDTH) / 32767)], zeroPoint: [0], axis: 0 };
}

/** Values as int16 in a symmetric quantization with one scale. */
export function intoWideSteps(values: Float32Array, { scale }: Quantization): Int16Array {
  return Int16Array.from(values, (v) => Math.max(-32768, Math.min(32767, roundAway(v / scale[0]!))));
}

/** Values as int8 in a quantization with one scale. */
export function intoSteps(values: Float32Array, { scale, zeroPoint }: Quantization): Int8Array {
  return Int8Array.from(values, (v) => Math.max(-128, Math.min(127, roundAway(v / scale[0]!) + zeroPoint[0]!)));
}

export function rangeOf(values: Iterable<number>): Range {
  const range: Range = [0, 0];
  for (const value of values) {
    if (value < range[0]) range[0] = value;
    if (value > range[1]) range[1] = value;
  }
  return range;
}
