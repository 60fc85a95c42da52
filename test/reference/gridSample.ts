import { input, output, type Node, type TensorData } from '../../src/graph/graph';
import { clamp, isQuantized, quantizeReal, roundHalfEven, scaleOf, zeroPointOf } from './requantize';
import { allocate, coordinates, offset, valueOf, type Inputs, type Shape4 } from './support';

type Options = Node<'gridSample'>['attributes'];

/** ONNX's GridSample in float64, rounded once at the end. */
export function gridSample(node: Node<'gridSample'>, inputs: Inputs): TensorData[] {
  const [from, to] = [input(node, 0), output(node)];
  const [x, grid, out] = [valueOf(node, inputs), valueOf(node, inputs, 1), allocate(to)];
  const [, height, width] = from.shape as Shape4;
  const real = (q: number): number => (isQuantized(from) ? (q - zeroPointOf(from)) * scaleOf(from) : q);
  for (let i = 0; i < out.length; i++) {
    const [n, oy, ox, c] = coordinates(i, to.shape) as Shape4;
    const at = offset([n, oy, ox, 0], input(node, 1).shape);
    let sum = 0;
    for (const [iy, wy] of tapsAt(grid[at + 1]!, height, node.attributes)) {
      for (const [ix, wx] of tapsAt(grid[at]!, width, node.attributes)) {
        sum += wy * wx * real(x[offset([n, iy, ix, c], from.shape)]!);
      }
    }
    out[i] = isQuantized(to) ? quantizeReal(sum / scaleOf(to), to, roundHalfEven) : sum;
  }
  return [out];
}

/** The elements along one axis that a coordinate reads, with their weights. */
function tapsAt(
  coordinate: number,
  size: number,
  { mode, padding, alignCorners }: Options,
): [index: number, weight: number][] {
  const [low, high] = alignCorners ? [0, size - 1] : [-0.5, size - 0.5];
  let x = alignCorners ? (coordinate + 1) / 2 * (size - 1) : ((coordinate + 1) * size - 1) / 2;
  if (mode === 'nearest') x = roundHalfEven(x);
  if (Number.isNaN(x)) x = padding === 'zeros' ? -Infinity : 0;
  if ((x < low || x > high) && padding !== 'zeros') {
    x = padding === 'border' ? clamp(x, 0, size - 1) : reflect(x, low, high);
  }
  if (!Number.isFinite(x)) return [];
  const first = Math.floor(x);
  const indices =
    { nearest: [first], linear: [first, first + 1], cubic: [first - 1, first, first + 1, first + 2] }[mode];
  return indices.flatMap((index): [number, number][] => {
    const weight = { nearest: () => 1, linear: (d: number) => 1 - d, cubic }[mode](Math.abs(index - x));
    if (index >= 0 && index < size) return [[index, weight]];
    if (padding === 'zeros') return [];
    const inside = padding === 'border' ? index : Math.floor(reflect(index, low, high));
    return [[clamp(inside, 0, size - 1), weight]];
  });
}

function cubic(d: number): number {
  const a = -0.75;
  return d <= 1 ? (a + 2) * d ** 3 - (a + 3) * d ** 2 + 1 : a * d ** 3 - 5 * a * d ** 2 + 8 * a * d - 4 * a;
}

function reflect(x: number, low: number, high: number): number {
  const span = high - low;
  if (span === 0 || !Number.isFinite(x)) return low;
  const distance = x < low ? low - x : x - low;
  const turns = Math.floor(distance / span);
  const rest = distance - turns * span;
  return turns % 2 === 0 ? low + rest : high - rest;
}
