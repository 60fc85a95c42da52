import { elementCount, type Tensor } from '../../../graph/graph';
import { allocate } from '../../shared/fold';
import type { Mapping, Mappings, OnnxOperator } from '../operator';
import { elementType } from '../tensors';

// Operators whose result depends on sizes alone, or that select by a constant pattern.

/** The type of the attribute `dtype`, or that of the first input. */
function typeOf(operator: OnnxOperator, absent: Tensor['dtype']): Tensor['dtype'] {
  const code = operator.attributes.int('dtype', 0);
  return code === 0 ? absent : elementType(code, operator.name).dtype;
}

/** Ones on a diagonal. */
const eyeLike: Mapping = (operator) => {
  const { emit, attributes } = operator;
  const x = operator.input(0);
  const [rows, columns] = x.shape as [number, number];
  const dtype = typeOf(operator, x.dtype);
  const data = allocate(dtype, rows * columns);
  const k = attributes.int('k', 0);
  for (let i = Math.max(0, -k); i < rows && i + k < columns; i++) data[i * columns + i + k] = 1;
  return emit.constant(data, [rows, columns], dtype);
};

/** The upper or lower triangle of matrices; the rest is 0. */
const trilu: Mapping = (operator) => {
  const { emit, attributes } = operator;
  const x = operator.input(0);
  const [rows, columns] = x.shape.slice(-2) as [number, number];
  const k = operator.scalar(1, 'a diagonal') ?? 0;
  const isUpper = attributes.int('upper', 1) === 1;
  const keeps = Uint8Array.from({ length: rows * columns }, (_, i) => {
    const distance = i % columns - Math.floor(i / columns);
    return Number(isUpper ? distance >= k : distance <= k);
  });
  const zero = emit.constant(allocate(x.dtype, 1), [], x.dtype);
  return emit.node('select', [x, zero, emit.constant(keeps, [rows, columns], 'bool')], {});
};

/** A window of cosines: a0 − a1·cos(2πn/N) + a2·cos(4πn/N) */
function cosineWindow(a0: number, a1: number, a2: number): Mapping {
  return (operator) => {
    const { emit, attributes } = operator;
    const size = operator.scalar(0, 'a size') ?? 0;
    const N = attributes.int('periodic', 1) === 1 ? size : size - 1;
    const at = (n: number): number => a0 - a1 * Math.cos((2 * Math.PI * n) / N) + a2 * Math.cos((4 * Math.PI * n) / N);
    const data = Float32Array.from({ length: size }, (_, n) => (N === 0 ? 1 : at(n)));
    return emit.cast(
      emit.constant(data, [size], 'float32'),
      elementType(attributes.int('output_datatype', 1), '').dtype,
    );
  };
}

/** The elements where a constant condition holds. */
const compress: Mapping = (operator) => {
  const { emit, attributes } = operator;
  const x = operator.input(0);
  const chosen = Array.from(operator.constant(1, 'a condition').data).flatMap((is, i) => (is ? [i] : []));
  const isFlat = !attributes.has('axis');
  const from = isFlat ? emit.reshape(x, [elementCount(x.shape)]) : x;
  const axis = isFlat ? 0 : operator.axis(attributes.int('axis', 0), x.shape.length);
  operator.check(chosen.length > 0, 'a condition that holds nowhere');
  return emit.node('gather', [from, emit.integers(chosen)], { axis, batchDims: 0 });
};

/** The places of the elements of a constant that are not 0, as columns. */
const nonZero: Mapping = (operator) => {
  const { shape, data } = operator.constant(0, 'values');
  const places = Array.from(data).flatMap((value, i) => (value === 0 ? [] : [i]));
  const strides = shape.map((_, d) => elementCount(shape.slice(d + 1)));
  const rows = shape.flatMap((size, d) => places.map((place) => Math.floor(place / strides[d]!) % size));
  return operator.emit.constant(Int32Array.from(rows), [shape.length, places.length], 'int64');
};

/** The mel filters of ONNX's specification: triangles whose frequencies are equally far apart. */
const melWeightMatrix: Mapping = (operator) => {
  const { emit } = operator;
  const [bands, dftLength, rate, low, high] = [0, 1, 2, 3, 4].map((i) => operator.scalar(i, 'a parameter') ?? 0) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const bins = Math.floor(dftLength / 2) + 1;
  const mel = (hz: number): number => 2595 * Math.log10(1 + hz / 700);
  const step = (mel(high) - mel(low)) / (bands + 2);
  const edges = Array.from({ length: bands + 2 }, (_, i) => {
    const hz = 700 * (10 ** ((mel(low) + i * step) / 2595) - 1);
    return Math.floor(((dftLength + 1) * hz) / rate);
  });
  const data = new Float32Array(bins * bands);
  for (let band = 0; band < bands; band++) {
    const [left, center, right] = edges.slice(band, band + 3) as [number, number, number];
    if (left === center && center < bins) data[center * bands + band] = 1;
    for (let bin = left; bin < Math.min(center, bins); bin++) {
      data[bin * bands + band] = (bin - left) / (center - left);
    }
    if (left !== center && center < bins) data[center * bands + band] = 1;
    for (let bin = center + 1; bin < Math.min(right, bins); bin++) {
      data[bin * bands + band] = (right - bin) / (right - center);
    }
  }
  const matrix = emit.constant(data, [bins, bands], 'float32');
  return emit.cast(matrix, elementType(operator.attributes.int('output_datatype', 1), '').dtype);
};

export const constants: Mappings = {
  EyeLike: eyeLike,
  Trilu: trilu,
  HannWindow: cosineWindow(0.5, 0.5, 0),
  HammingWindow: cosineWindow(25 / 46, 21 / 46, 0),
  BlackmanWindow: cosineWindow(0.42, 0.5, 0.08),
  MelWeightMatrix: melWeightMatrix,
  Compress: compress,
  NonZero: nonZero,
};
