import { input, output, type Node, type TensorData } from '../../src/graph/graph';
import { fround, isQuantized, productScale, rangeOf, requantize, scaleOf, zeroPointOf } from './requantize';
import { allocate, broadcastOffset, coordinates, unsupported, valueOf, type Inputs } from './support';

/**
 * x ≥ 0 ? x : alpha·x, with alpha broadcast to x. For integers, each branch is one requantization.
 */
export function prelu(node: Node<'prelu'>, inputs: Inputs): TensorData[] {
  const [x, alpha, out] = [valueOf(node, inputs, 0), valueOf(node, inputs, 1), allocate(output(node))];
  const slope = slopeOf(node);
  for (let i = 0; i < out.length; i++) {
    out[i] = slope(x[i]!, alpha[broadcastOffset(coordinates(i, output(node).shape), input(node, 1).shape)]!);
  }
  return [out];
}

function slopeOf(node: Node<'prelu'>): (x: number, alpha: number) => number {
  const [x, alpha, out] = [input(node, 0), input(node, 1), output(node)];
  if (x.dtype === 'float32' && alpha.dtype === 'float32') return (p, q) => p >= 0 ? p : fround(p * q);
  if (!isQuantized(x) || !isQuantized(alpha) || !isQuantized(out)) throw unsupported(node);

  const [zx, za, zo, range] = [zeroPointOf(x), zeroPointOf(alpha), zeroPointOf(out), rangeOf(out.dtype)];
  const positive = fround(scaleOf(x) / scaleOf(out));
  const negative = productScale(scaleOf(x), scaleOf(alpha), scaleOf(out));
  return (p, q) =>
    p >= zx ? requantize(p - zx, positive, zo, range) : requantize((p - zx) * (q - za), negative, zo, range);
}
