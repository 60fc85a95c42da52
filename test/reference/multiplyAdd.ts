import { output, input, type AnyNode, type Tensor, type TensorData } from '../../src/graph/graph';
import type { FusedActivation } from '../../src/graph/operators';
import { multiplierOf, multiplyLong } from './fixedPoint';
import { activationRange, clamp, fround, isQuantized, productScale, requantize, scaleOf,
  zeroPointOf } from './requantize';
import { activate, unsupported } from './support';

/** Accumulation of products for one output channel; the operator supplies the geometry. */
export interface MultiplyAdd {
  start(channel: number): number;
  add(accumulator: number, a: number, w: number, channel: number): number;
  finish(accumulator: number, channel: number): number;
}

/**
 * The arithmetic of conv2d, depthwiseConv2d, transposeConv2d, fullyConnected and batchMatmul.
 *
 * float32: starts from the bias, and rounds every product and every addition to float32, in the
 * operator's order. Integers: Σ (a − za)·(w − zw) + bias is exact and is requantized with one scale
 * per channel; int16 outputs by TFLite's factors of 16 bits, or by the real number if the bias is
 * int32. Padding adds nothing; for integers this means that it reads as the zero point.
 */
export function multiplyAdd(
  node: AnyNode,
  bias: TensorData | null | undefined,
  activation: FusedActivation,
): MultiplyAdd {
  const [a, w, out] = [input(node, 0), input(node, 1), output(node)];
  const start = (channel: number) => bias?.[channel] ?? 0;

  if (a.dtype === 'float32' && w.dtype === 'float32' && out.dtype === 'float32') {
    const clampToActivation = activate(activation, out);
    return { start, add: (acc, x, y) => fround(acc + fround(x * y)), finish: clampToActivation };
  }

  if (!isQuantized(a) || !isQuantized(w)) throw unsupported(node);
  const zeroPoints = weightZeroPoints(w);
  const perChannel = zeroPoints.length > 1;
  const add: MultiplyAdd['add'] = (acc, x, y, channel) =>
    acc + (x - zeroPointOf(a)) * (y - zeroPoints[perChannel ? channel : 0]!);
  // hybrid layers need the accumulators themselves
  if (out.dtype === 'int32') return { start, add, finish: (acc) => acc };
  if (!isQuantized(out)) throw unsupported(node);
  const [zo, range] = [zeroPointOf(out), activationRange(activation, out)];
  if (out.dtype === 'int16') {
    const factors = w.quantization!.scale.map((scale) => scaleOf(a) * fround(scale) / scaleOf(out));
    const isShort = node.inputs[2]?.dtype !== 'int32';
    const steps = (acc: number, factor: number): number =>
      isShort ? multiplyLong(acc, multiplierOf(factor)) : Math.floor(acc * factor + 0.5);
    return { start, add, finish: (acc, channel) => clamp(steps(acc, factors[perChannel ? channel : 0]!), ...range) };
  }
  const scales = w.quantization!.scale.map((scale) => productScale(scaleOf(a), fround(scale), scaleOf(out)));
  return { start, add, finish: (acc, channel) => requantize(acc, scales[perChannel ? channel : 0]!, zo, range) };
}

function weightZeroPoints(w: Tensor): number[] {
  const { scale, zeroPoint } = w.quantization!;
  return scale.map((_, channel) => zeroPoint[channel] ?? zeroPoint[0] ?? 0);
}
