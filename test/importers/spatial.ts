import { elementCount } from '../../src/graph/graph';
import { windowCounts, type SpatialWindows } from '../../src/importers/shared/windows';
import { coordinates, offset } from '../reference/support';

// Convolutions and pools over any number of dimensions in plain loops, on real numbers. Shapes are
// [N, …sizes, C], weights are [Co, …kernel, Ci/groups].

interface Operand {
  shape: number[];
  data: ArrayLike<number>;
}

/** Calls `visit` for each tap of the window at output position `at`, with the input position. */
function taps(at: number[], w: SpatialWindows, visit: (tap: number[], position: number[]) => void): void {
  for (let t = 0; t < elementCount(w.kernel); t++) {
    const tap = coordinates(t, w.kernel);
    visit(tap, tap.map((k, d) => at[d]! * w.stride[d]! + k * w.dilation[d]! - w.before[d]!));
  }
}

const isIn = (position: number[], sizes: number[]): boolean =>
  position.every((p, d) => Number.isInteger(p) && p >= 0 && p < sizes[d]!);

export function convolve(x: Operand, w: Operand, windows: SpatialWindows, groups: number): Operand {
  const sizes = x.shape.slice(1, -1);
  const co = w.shape[0]!;
  const ci = w.shape.at(-1);
  const shape = [x.shape[0]!, ...windowCounts(sizes, windows), co];
  const data = Array.from({ length: elementCount(shape) }, (_, i) => {
    const [n, ...rest] = coordinates(i, shape) as [number, ...number[]];
    const c = rest.pop()!;
    let sum = 0;
    taps(rest, windows, (tap, position) => {
      if (!isIn(position, sizes)) return;
      for (let k = 0; k < ci; k++) {
        const channel = Math.floor(c / (co / groups)) * ci + k;
        sum += x.data[offset([n, ...position, channel], x.shape)]! * w.data[offset([c, ...tap, k], w.shape)]!;
      }
    });
    return sum;
  });
  return { shape, data };
}

/** The transposed convolution with outputs of these sizes. */
export function convolveTransposed(
  x: Operand,
  w: Operand,
  windows: SpatialWindows,
  groups: number,
  sizes: number[],
): Operand {
  const co = w.shape[0]!;
  const ci = w.shape.at(-1);
  const shape = [x.shape[0]!, ...sizes, co];
  const data = new Array<number>(elementCount(shape)).fill(0);
  for (let i = 0; i < elementCount(x.shape); i++) {
    const [n, ...rest] = coordinates(i, x.shape) as [number, ...number[]];
    const channel = rest.pop()!;
    const group = Math.floor(channel / ci);
    taps(rest, windows, (tap, position) => {
      if (!isIn(position, sizes)) return;
      for (let c = group * co / groups; c < (group + 1) * co / groups; c++) {
        data[offset([n, ...position, c], shape)]! += x.data[i]! * w.data[offset([c, ...tap, channel % ci], w.shape)]!;
      }
    });
  }
  return { shape, data };
}

/** `counted` are the windows whose padding counts in an average. */
export function pool(
  x: Operand,
  windows: SpatialWindows,
  kind: 'maximum' | 'average',
  counted: SpatialWindows | undefined,
): Operand {
  const sizes = x.shape.slice(1, -1);
  const shape = [x.shape[0]!, ...windowCounts(sizes, windows), x.shape.at(-1)];
  const data = Array.from({ length: elementCount(shape) }, (_, i) => {
    const [n, ...rest] = coordinates(i, shape) as [number, ...number[]];
    const c = rest.pop()!;
    const values: number[] = [];
    taps(rest, windows, (_, position) => {
      if (isIn(position, sizes)) values.push(x.data[offset([n, ...position, c], x.shape)]!);
      else if (counted && position.every((p, d) => p >= -counted.before[d]! && p < sizes[d]! + counted.after[d]!)) {
        values.push(0);
      }
    });
    return kind === 'maximum' ? Math.max(...values) : values.reduce((sum, v) => sum + v, 0) / values.length;
  });
  return { shape, data };
}
