import type { Attributes } from '../../graph/operators';
import { f32 } from './rounding';

type Resample = Attributes['resample'];

/** One output element along an axis: Σ weights[t]·x[start + t] */
export interface Taps {
  start: number;
  weights: number[];
  /** Whether the element is the extrapolation value. */
  isOutside: boolean;
}

/**
 * Output size as ONNX's alignCorners counts it: scale × input size, which need not be whole. The
 * output size itself if a scale in float32 means it.
 */
function scaledSize(size: number, outSize: number, scale: number): number {
  const scaled = scale * size;
  return Math.abs(scaled - outSize) < 1e-3 || scaled <= 1 ? outSize : scaled;
}

/**
 * The position in the input, in elements, of output element `i`. The formulas are those of ONNX's
 * Resize; `round` is applied to each operation.
 */
function position(
  a: Resample,
  axis: number,
  size: number,
  outSize: number,
  i: number,
  round: (x: number) => number,
): number {
  const scale = round(a.scales[axis]!);
  const halfPixel = (): number => round(round(round(i + 0.5) / scale) - 0.5);
  switch (a.coordinates) {
    case 'halfPixel':
      return halfPixel();
    case 'halfPixelSymmetric': {
      const center = size / 2;
      const adjustment = round(outSize / round(scale * size));
      return round(round(center * round(1 - adjustment)) + halfPixel());
    }
    case 'pytorchHalfPixel':
      return outSize > 1 ? halfPixel() : 0;
    case 'alignCorners':
      return outSize > 1 ? round(round(i * (size - 1)) / (scaledSize(size, outSize, scale) - 1)) : 0;
    case 'asymmetric':
      return round(i / scale);
    case 'cropAndResize': {
      const [start, end] = [round(a.roi![2 * axis]!), round(a.roi![2 * axis + 1]!)];
      if (outSize === 1) return round(0.5 * round(start + end) * (size - 1));
      const step = round(round(round(i * round(end - start)) * (size - 1)) / (outSize - 1));
      return round(round(start * (size - 1)) + step);
    }
  }
}

/** The index of the nearest element. */
function nearest(at: number, rounding: Resample['rounding']): number {
  switch (rounding) {
    case 'floor':
      return Math.floor(at);
    case 'ceil':
      return Math.ceil(at);
    case 'preferCeil':
      return Math.floor(at + 0.5);
    default:
      return Math.ceil(at - 0.5);
  }
}

/** Keys, "Cubic convolution interpolation for digital image processing", 1981. a is about −0.75. */
function cubic(distance: number, a: number): number {
  const d = Math.abs(distance);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

/** The weight of an element at a distance from the position. */
function weightAt(distance: number, a: Resample): number {
  return a.mode === 'cubic' ? cubic(distance, a.cubicCoefficient ?? -0.75) : Math.max(0, 1 - Math.abs(distance));
}

/**
 * The weights of all output elements along the axis with this index in `axes`, each list as short
 * as the longest one.
 */
export function tapsOf(a: Resample, axis: number, size: number, outSize: number): Taps[] {
  const rows = Array.from({ length: outSize }, (_, i) => rowOf(a, axis, size, outSize, i));
  const count = Math.max(...rows.map(({ weights }) => weights.length));
  return rows.map(({ start, weights, isOutside }) => {
    const from = Math.min(start, size - count);
    const padded = new Array<number>(count).fill(0);
    weights.forEach((w, t) => {
      padded[start - from + t] = w;
    });
    return { start: from, weights: padded, isOutside };
  });
}

function rowOf(a: Resample, axis: number, size: number, outSize: number, i: number): Taps {
  const isNearest = a.mode === 'nearest';
  // runtimes of ONNX select the nearest element by a position in float32
  const at = position(a, axis, size, outSize, i, isNearest ? f32 : (x) => x);
  const inside = (index: number): number => Math.max(0, Math.min(size - 1, index));
  if (a.coordinates === 'cropAndResize' && (at < 0 || at > size - 1)) {
    return { start: 0, weights: [0], isOutside: true };
  }
  if (isNearest) return { start: inside(nearest(at, a.rounding)), weights: [1], isOutside: false };
  // a smaller image is filtered by a kernel that is wider by the same factor
  const stretch = a.antialias ? Math.min(1, a.scales[axis]!) : 1;
  const reach = (a.mode === 'cubic' ? 2 : 1) / stretch;
  const sums = new Map<number, number>();
  let total = 0;
  for (let index = Math.ceil(at - reach); index <= at + reach; index++) {
    if (a.excludeOutside && index !== inside(index)) continue;
    const weight = weightAt((index - at) * stretch, a);
    if (weight === 0) continue;
    total += weight;
    sums.set(inside(index), (sums.get(inside(index)) ?? 0) + weight);
  }
  if (sums.size === 0) return { start: inside(Math.round(at)), weights: [1], isOutside: false };
  const used = [...sums.keys()];
  const start = Math.min(...used);
  const weights = new Array<number>(Math.max(...used) - start + 1).fill(0);
  sums.forEach((weight, index) => {
    weights[index - start] = weight / total;
  });
  return { start, weights, isOutside: false };
}
