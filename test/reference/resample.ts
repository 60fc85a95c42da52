import { elementCount, input, output, type Node, type TensorData } from '../../src/graph/graph';
import { clamp, fround, isQuantized, quantizeReal, roundHalfEven, scaleOf, zeroPointOf } from './requantize';
import { allocate, aroundAxis, valueOf, type Inputs } from './support';

type Options = Node<'resample'>['attributes'];

/**
 * Resizes one axis after the other in float64, and rounds once at the end. Outputs outside of the
 * input have the real number `extrapolation`.
 */
export function resample(node: Node<'resample'>, inputs: Inputs): TensorData[] {
  const [from, to] = [input(node, 0), output(node)];
  const { axes, extrapolation = 0 } = node.attributes;
  const isReal = isQuantized(from);
  let values = Float64Array.from(valueOf(node, inputs), (q) => (isReal ? (q - zeroPointOf(from)) * scaleOf(from) : q));
  const shape = [...from.shape];
  axes.forEach((axis, entry) => {
    const length = to.shape[axis]!;
    const [outer, size, inner] = aroundAxis(shape, axis);
    const result = new Float64Array(outer * length * inner);
    for (let i = 0; i < length; i++) {
      const weights = weightsOf(node.attributes, entry, size, length, i);
      for (let o = 0; o < outer; o++) {
        for (let c = 0; c < inner; c++) {
          let sum = weights ? 0 : extrapolation;
          weights?.forEach((weight, index) => {
            if (weight !== 0) sum += weight * values[(o * size + index) * inner + c]!;
          });
          result[(o * length + i) * inner + c] = sum;
        }
      }
    }
    shape[axis] = length;
    values = result;
  });
  const out = allocate(to);
  for (let i = 0; i < elementCount(to.shape); i++) {
    out[i] = isQuantized(to) ? quantizeReal(values[i]! / scaleOf(to), to, roundHalfEven) : values[i]!;
  }
  return [out];
}

/** The weight of each input element for output element i, or undefined outside of the input. */
function weightsOf(options: Options, entry: number, size: number, length: number, i: number): number[] | undefined {
  const at = positionOf(options, entry, size, length, i);
  if (options.coordinates === 'cropAndResize' && (at < 0 || at > size - 1)) return undefined;
  const weights = new Array<number>(size).fill(0);
  if (options.mode === 'nearest') {
    weights[clamp(roundedBy(options.rounding ?? 'preferFloor', at), 0, size - 1)] = 1;
    return weights;
  }
  const factor = options.antialias ? Math.min(options.scales[entry]!, 1) : 1;
  const margin = Math.ceil(2 / factor) + 1;
  for (let index = Math.floor(at) - margin; index <= Math.floor(at) + margin; index++) {
    const isOutside = index < 0 || index >= size;
    if (isOutside && options.excludeOutside) continue;
    weights[clamp(index, 0, size - 1)]! += kernel(options, Math.abs(index - at) * factor);
  }
  if (!weights.some((weight) => weight !== 0)) weights[at < 0 ? 0 : size - 1] = 1;
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

function kernel({ mode, cubicCoefficient: a = -0.75 }: Options, x: number): number {
  if (mode === 'linear') return Math.max(0, 1 - x);
  if (x <= 1) return (a + 2) * x ** 3 - (a + 3) * x ** 2 + 1;
  return x < 2 ? a * x ** 3 - 5 * a * x ** 2 + 8 * a * x - 4 * a : 0;
}

function roundedBy(rounding: NonNullable<Options['rounding']>, x: number): number {
  switch (rounding) {
    case 'floor':
      return Math.floor(x);
    case 'ceil':
      return Math.ceil(x);
    case 'preferFloor':
      return x - Math.floor(x) === 0.5 ? Math.floor(x) : Math.round(x);
    case 'preferCeil':
      return Math.round(x);
  }
}

/** The scaled size, without the rounding error of a scale in float32. */
function wholeOr(x: number): number {
  return Math.abs(x - Math.round(x)) < 1e-3 ? Math.round(x) : x;
}

/** In float32 for the nearest element, as ONNX Runtime computes it, and in float64 otherwise. */
function positionOf(options: Options, entry: number, size: number, length: number, i: number): number {
  const r = options.mode === 'nearest' ? fround : (x: number) => x;
  const scale = r(options.scales[entry]!);
  const center = r(r((i + 0.5) / scale) - 0.5);
  switch (options.coordinates) {
    case 'halfPixel':
      return center;
    case 'pytorchHalfPixel':
      return length === 1 ? 0 : center;
    case 'halfPixelSymmetric':
      return r(r(size / 2 * r(1 - r(length / r(scale * size)))) + center);
    case 'asymmetric':
      return r(i / scale);
    case 'alignCorners':
      return length === 1 ? 0 : r(r(i * (size - 1)) / (wholeOr(scale * size) - 1));
    case 'cropAndResize': {
      const [start, end] = [r(options.roi![entry * 2]!), r(options.roi![entry * 2 + 1]!)];
      if (length === 1) return r(0.5 * r(start + end) * (size - 1));
      return r(r(start * (size - 1)) + r(r(r(i * r(end - start)) * (size - 1)) / (length - 1)));
    }
  }
}
