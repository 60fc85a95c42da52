import { elementCount, type Tensor } from '../../../graph/graph';
import { withPartialWindows, type SpatialWindows } from '../../shared/windows';
import type { Mapping, OnnxOperator } from '../operator';
import { fromImage, paddingOf, pair, toImage, windowsOf } from './windows';

// The places of the maxima of a pool, and its reverse, which puts elements at such places.

/** The input of a pool. Integers without a scale are exact in float32. */
export function realInput(operator: OnnxOperator): Tensor {
  const x = operator.input(0);
  return x.quantization ? x : operator.emit.cast(x, 'float32');
}

/**
 * The windows of a pool as given, and with those that `ceil_mode` adds, of which the last may reach
 * past the end.
 */
export function poolWindows(operator: OnnxOperator): [given: SpatialWindows, partial: SpatialWindows] {
  const { attributes } = operator;
  const sizes = operator.input(0).shape.slice(2);
  const windows = windowsOf(operator, sizes, attributes.ints('kernel_shape') ?? sizes);
  return [windows, attributes.int('ceil_mode', 0) === 1 ? withPartialWindows(sizes, windows) : windows];
}

/** The places of the maxima in the input of a pool, counted over all its dimensions. */
export function maxima(operator: OnnxOperator): Tensor {
  const { emit, attributes } = operator;
  const x = realInput(operator);
  const [, windows] = poolWindows(operator);
  operator.check(x.shape.length === 3 || x.shape.length === 4, `indices over ${x.shape.length - 2} dimensions`);
  operator.check(windows.dilation.every((d) => d === 1), `indices and a dilation of ${windows.dilation.join(', ')}`);
  const image = toImage(emit, x);
  const [n, c] = x.shape as [number, number];
  const [, rows, columns] = image.shape as [number, number, number];
  const places = emit.node('maxPoolIndices', [image], {
    kernel: pair(windows.kernel, 1),
    stride: pair(windows.stride, 1),
    padding: paddingOf(windows),
  }, { dtype: 'int64', quantization: undefined });
  const whole = (value: number): Tensor => emit.constant(Int32Array.of(value), [], 'int64');
  let place = fromImage(emit, places, x.shape.length);
  if (attributes.int('storage_order', 0) === 1) {
    // columns one after the other
    const row = emit.node('arithmetic', [place, whole(columns)], { kind: 'floorDiv' });
    const column = emit.binary('sub', place, emit.binary('mul', row, whole(columns)));
    place = emit.binary('add', emit.binary('mul', column, whole(rows)), row);
  }
  const first = Int32Array.from({ length: n * c }, (_, i) => i * rows * columns);
  return emit.binary('add', place, emit.constant(first, [n, c, ...x.shape.slice(2).map(() => 1)], 'int64'));
}

/** Puts the elements of x at the places of maxima. Sizes above those of the pool's input are 0. */
export const maxUnpool: Mapping = (operator) => {
  const { emit } = operator;
  const [x, places] = [operator.input(0), operator.input(1)];
  const [n, c, ...sizes] = x.shape as [number, number, ...number[]];
  const windows = windowsOf(operator, sizes, operator.attributes.ints('kernel_shape') ?? []);
  const pooled = sizes.map((size, i) =>
    (size - 1) * windows.stride[i]! + windows.kernel[i]! - windows.before[i]! - windows.after[i]!
  );
  const shape = [n, c, ...pooled];
  const full = operator.has(2) ? Array.from(operator.constant(2, 'a shape').data) : shape;
  operator.check(
    full.length === shape.length && full.every((size, i) => size >= shape[i]!),
    `the shape ${full.join(', ')}, less than ${shape.join(', ')}`,
  );
  const count = elementCount(shape);
  const zeros = emit.constant(new Float32Array(count), [count], 'float32');
  const flat = [elementCount(x.shape)];
  const y = emit.node('scatterElements', [zeros, emit.reshape(places, flat), emit.reshape(x, flat)], {
    axis: 0,
    reduction: 'none',
  });
  const result = emit.reshape(y, shape);
  const after = full.map((size, i) => size - shape[i]!);
  if (after.every((size) => size === 0)) return result;
  return emit.node('pad', [result], { before: full.map(() => 0), after, mode: 'constant', value: 0 });
};
