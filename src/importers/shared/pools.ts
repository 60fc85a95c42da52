import type { Tensor } from '../../graph/graph';
import type { Padding, Pair } from '../../graph/operators';
import type { OperatorImport } from './operatorImport';
import { padded } from './pads';
import { windowCounts, type SpatialWindows } from './windows';

// Pools over one, two or three spatial dimensions of x [N, …sizes, C]. A sequence is an image of
// one row. Volumes are pooled along the rows and columns first, and then along the depth, because
// both the maximum and the number of elements in a window are separable.

/** The lowest float32, which no pool prefers to an element. */
const LOWEST = -3.4028234663852886e38;

interface Pool {
  op: 'maxPool2d' | 'averagePool2d';
  /** Whether elements of the padding count, for averages. */
  countsPadding: boolean;
}

/**
 * Emits a pool.
 *
 * @param partial - The windows with partial ones at the end, whose elements behind the padding
 *   never count.
 */
export function emitPool(
  operator: OperatorImport,
  pool: Pool,
  x: Tensor,
  windows: SpatialWindows,
  partial = windows,
): void {
  const rank = windows.kernel.length;
  operator.check(
    rank >= 1 && rank <= 3 && x.shape.length === rank + 2,
    `an input [${x.shape.join(', ')}] for a kernel [${windows.kernel.join(', ')}]`,
  );
  const isAverage = pool.op === 'averagePool2d';
  // two averages, or an average that is a product, would round twice in int8
  const isDilated = windows.dilation.some((step) => step !== 1);
  const isFloat = x.dtype !== 'float32' && isAverage && (rank === 3 || isDilated);
  let from = x;
  if (isFloat) {
    from = { ...operator.temporary(x, x.shape, 'real'), dtype: 'float32' };
    delete from.quantization;
    operator.emit('dequantize', [x], {}, [from]);
  }
  const y = isFloat ? { ...from, name: `${from.name}/pooled`, shape: operator.output.shape } : operator.output;
  const isCounted = isAverage && pool.countsPadding;
  const counted = windows.after.map((n, d) => Math.min(n, partial.after[d]!));
  const source = isCounted ? padded(operator, from, windows.before, counted) : from;
  const rest = partial.after.map((n, d) => n - counted[d]!);
  const used = isCounted ? { ...partial, before: windows.before.map(() => 0), after: rest } : partial;
  poolImages(operator, pool.op, source, used, y);
  if (isFloat) operator.emit('quantize', [y], {});
}

/** Some of the spatial dimensions, in order. */
function only(windows: SpatialWindows, ...dimensions: number[]): SpatialWindows {
  const pick = (list: number[]): number[] => dimensions.map((d) => list[d]!);
  const { kernel, stride, dilation, before, after } = windows;
  return {
    kernel: pick(kernel),
    stride: pick(stride),
    dilation: pick(dilation),
    before: pick(before),
    after: pick(after),
  };
}

/** The windows of a sequence, as those of an image of one row or one column. */
function asImage({ kernel, stride, dilation, before, after }: SpatialWindows, axis: 0 | 1): SpatialWindows {
  const at = (value: number, [n]: number[]): number[] => (axis === 0 ? [n!, value] : [value, n!]);
  return {
    kernel: at(1, kernel),
    stride: at(1, stride),
    dilation: at(1, dilation),
    before: at(0, before),
    after: at(0, after),
  };
}

function poolImages(operator: OperatorImport, op: Pool['op'], x: Tensor, windows: SpatialWindows, y: Tensor): void {
  const [n, ...sizes] = x.shape.slice(0, -1) as [number, ...number[]];
  const C = x.shape.at(-1);
  const run = (from: Tensor, shape: number[], used: SpatialWindows, name: string): Tensor => {
    const image = operator.reshaped(from, shape, `${name}/image`);
    const [h, w] = windowCounts(shape.slice(1, 3), used) as Pair;
    const result = operator.temporary(from, [shape[0]!, h, w, C], name);
    poolImage(operator, op, image, used, result);
    return result;
  };
  if (sizes.length === 2) return poolImage(operator, op, x, windows, y);
  let pooled: Tensor;
  if (sizes.length === 1) {
    pooled = run(x, [n, 1, sizes[0]!, C], asImage(windows, 1), 'row');
  } else {
    const [d, h, w] = sizes as [number, number, number];
    const flat = run(x, [n * d, h, w, C], only(windows, 1, 2), 'slices');
    const pixels = flat.shape[1]! * flat.shape[2]!;
    pooled = run(flat, [n, d, pixels, C], asImage(only(windows, 0), 0), 'depth');
  }
  operator.emit('reshape', [pooled], {}, [y]);
}

function poolImage(operator: OperatorImport, op: Pool['op'], x: Tensor, windows: SpatialWindows, y: Tensor): void {
  const { kernel, stride, before, after, dilation } = windows;
  if (dilation.some((step, d) => step !== 1 && kernel[d]! > 1)) {
    if (op === 'maxPool2d') dilatedMaximum(operator, x, windows, y);
    else dilatedAverage(operator, x, windows, y);
    return;
  }
  operator.emit(op, [x], {
    kernel: kernel as Pair,
    stride: stride as Pair,
    padding: [before[0]!, before[1]!, after[0]!, after[1]!],
    activation: 'none',
  }, [y]);
}

/** The maximum of the taps of each column, and then of each row. */
function dilatedMaximum(operator: OperatorImport, x: Tensor, windows: SpatialWindows, y: Tensor): void {
  const { scale: [scale = 1] = [], zeroPoint: [zero = 0] = [] } = x.quantization ?? {};
  const lowest = x.dtype === 'float32' ? LOWEST : ((x.dtype === 'uint8' ? 0 : -128) - zero) * scale;
  const counts = windowCounts(x.shape.slice(1, 3), windows);
  let result = padded(operator, x, windows.before, windows.after, lowest);
  counts.forEach((count, d) => {
    const source = result;
    const shape = source.shape.with(d + 1, count);
    for (let k = 0; k < windows.kernel[d]!; k++) {
      const begin = shape.map((_, axis) => (axis === d + 1 ? k * windows.dilation[d]! : 0));
      const steps = shape.map((_, axis) => (axis === d + 1 ? windows.stride[d]! : 1));
      const tap = operator.temporary(x, shape, `tap_${d}_${k}`);
      operator.emit('slice', [source], { begin, stride: steps }, [tap]);
      if (k === 0) {
        result = tap;
        continue;
      }
      const larger = operator.temporary(x, shape, `maximum_${d}_${k}`);
      operator.emit('binary', [result, tap], { kind: 'maximum', activation: 'none' }, [larger]);
      result = larger;
    }
  });
  operator.emit('reshape', [result], {}, [y]);
}

/** The sum of the taps, times 1 / the number of elements in each window. */
function dilatedAverage(operator: OperatorImport, x: Tensor, windows: SpatialWindows, y: Tensor): void {
  const { kernel, stride, dilation, before, after } = windows;
  const C = x.shape[3]!;
  const [h, w] = windowCounts(x.shape.slice(1, 3), windows) as Pair;
  const inside = (d: 0 | 1, i: number): number => {
    const first = i * stride[d]! - before[d]!;
    return Array.from({ length: kernel[d]! }, (_, k) => first + k * dilation[d]!).filter((at) =>
      at >= 0 && at < x.shape[d + 1]!
    ).length;
  };
  const shares = Float32Array.from({ length: h * w }, (_, i) => 1 / (inside(0, Math.floor(i / w)) * inside(1, i % w)));
  operator.check(shares.every((share) => Number.isFinite(share)), 'windows that cover only padding');
  const ones = {
    ...operator.temporary(x, [1, ...kernel, C], 'ones'),
    data: new Float32Array(kernel[0]! * kernel[1]! * C).fill(1),
  };
  const sums = operator.temporary(x, y.shape, 'sums');
  operator.emit('depthwiseConv2d', [x, ones, null], {
    stride: stride as Pair,
    dilation: dilation as Pair,
    padding: [before[0]!, before[1]!, after[0]!, after[1]!] satisfies Padding,
    activation: 'none',
  }, [sums]);
  const factors = { ...operator.temporary(x, [1, h, w, 1], 'shares'), data: shares };
  operator.emit('binary', [sums, factors], { kind: 'mul', activation: 'none' }, [y]);
}
