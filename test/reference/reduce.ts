import { elementCount, input, output, type AnyNode, type Node, type TensorData } from '../../src/graph/graph';
import type { ReduceKind } from '../../src/graph/operators';
import { multiplierOf, multiply } from './fixedPoint';
import { clamp, converter, fround, isQuantized, rangeOf, requantize, roundHalfAwayFromZero, roundHalfEven,
  sameQuantization, scaleOf, zeroPointOf } from './requantize';
import { allocate, coordinates, isInteger, offset, unsupported, valueOf, type Inputs } from './support';

/** Reduces over `axes`. The elements of each output are combined in row-major order. */
export function reduce(node: Node<'reduce'>, inputs: Inputs): TensorData[] {
  const { kind, axes } = node.attributes;
  const [x, out] = [valueOf(node, inputs), allocate(output(node))];
  const shape = input(node, 0).shape;
  const keptShape = shape.map((dimension, d) => axes.includes(d) ? 1 : dimension);

  const groups = Array.from({ length: elementCount(keptShape) }, (): number[] => []);
  for (let i = 0; i < x.length; i++) {
    const position = coordinates(i, shape).map((coordinate, d) => axes.includes(d) ? 0 : coordinate);
    groups[offset(position, keptShape)]!.push(x[i]!);
  }

  const combine = combiner(node, kind, shape.length === 4 && axes.join() === '1,2');
  groups.forEach((group, i) => {
    out[i] = combine(group);
  });
  return [out];
}

type Combine = (values: number[]) => number;

function combiner(node: AnyNode, kind: ReduceKind, isGlobalPool: boolean): Combine {
  const { dtype } = input(node, 0);
  if (dtype === 'float32') return floatCombiners[kind];
  if (isInteger(dtype) || !isQuantized(input(node, 0))) return integerCombiners[kind];
  if (isQuantized(input(node, 0)) && isQuantized(output(node))) return quantizedCombiner(node, kind, isGlobalPool);
  throw unsupported(node);
}

const largest: Combine = (values) => values.reduce((a, b) => Math.max(a, b), -Infinity);
const smallest: Combine = (values) => values.reduce((a, b) => Math.min(a, b), Infinity);
const floatSum: Combine = (values) => values.reduce((sum, value) => fround(sum + value), 0);
const floatProduct: Combine = (values) => values.reduce((product, value) => fround(product * value), 1);
const exactSum: Combine = (values) => values.reduce((sum, value) => sum + value, 0);

const floatCombiners: Record<ReduceKind, Combine> = {
  mean: (values) => fround(floatSum(values) / values.length),
  sum: floatSum,
  max: largest,
  min: smallest,
  prod: floatProduct,
};

/** int32 wraps around, and the mean truncates. */
const integerCombiners: Record<ReduceKind, Combine> = {
  mean: (values) => Math.trunc((exactSum(values) | 0) / values.length),
  sum: (values) => exactSum(values) | 0,
  max: largest,
  min: smallest,
  prod: (values) => values.reduce(Math.imul, 1),
};

/**
 * mean: requantizes the exact Σ (q − zi) with the scale f32(si / f32(so·n)). The mean of images
 * over height and width rounds halves to even (XNNPACK's global average pool); other means round
 * halves away from zero. But if input and output have the same quantization, other means are the
 * truncated mean of the stored values. sum: requantizes with f32(si / so), rounding halves away
 * from zero. max and min compare stored values. prod multiplies in fixed point, each time by si /
 * so^(1/n) too.
 */
function quantizedCombiner(node: AnyNode, kind: ReduceKind, isGlobalPool: boolean): Combine {
  const [x, out] = [input(node, 0), output(node)];
  const convert = converter(x, out);
  const finish = (sum: number, scale: number, round = roundHalfAwayFromZero) =>
    requantize(sum, scale, zeroPointOf(out), rangeOf(out.dtype), round);
  const sumOf: Combine = (values) => exactSum(values) - values.length * zeroPointOf(x);
  switch (kind) {
    case 'mean': {
      const scaleOver = (count: number) => fround(scaleOf(x) / fround(scaleOf(out) * count));
      if (isGlobalPool) return (values) => finish(sumOf(values), scaleOver(values.length), roundHalfEven);
      if (sameQuantization(x, out)) return (values) => Math.trunc(exactSum(values) / values.length);
      return (values) => finish(sumOf(values), scaleOver(values.length));
    }
    case 'sum':
      return (values) => finish(sumOf(values), fround(scaleOf(x) / scaleOf(out)));
    case 'max':
      return (values) => convert(largest(values));
    case 'min':
      return (values) => convert(smallest(values));
    case 'prod':
      return (values) => {
        const factor = multiplierOf(scaleOf(x) / scaleOf(out) ** (1 / values.length));
        const [first, ...rest] = values.map((q) => q - zeroPointOf(x));
        const product = multiply(rest.reduce((t, d) => multiply(t * d, factor), first!), factor);
        return clamp(product + zeroPointOf(out), ...rangeOf(out.dtype));
      };
  }
}
