import { KletError } from '../../errors';
import { elementCount, type ConstantData, type DType, type Quantization, type Tensor } from '../../graph/graph';
import { UnsupportedTensor } from './unsupported';

export type Constant = Tensor & { data: ConstantData };

/**
 * Element types of constants in files. The floating-point types become float32, int4 and uint4
 * become int8 and uint8, uint16 becomes int32, and uint32 and uint64 become int64.
 */
export type StoredType = DType | 'float16' | 'float64' | 'bfloat16' | 'int4' | 'uint4' | 'uint16' | 'uint32' | 'uint64';

const bitsPer: Record<StoredType, number> = {
  float32: 32,
  float16: 16,
  float64: 64,
  bfloat16: 16,
  int8: 8,
  uint8: 8,
  int16: 16,
  uint16: 16,
  int32: 32,
  uint32: 32,
  int64: 64,
  uint64: 64,
  bool: 8,
  int4: 4,
  uint4: 4,
};

/** The number of elements that fill `bytes` bytes. */
export function storedCount(type: StoredType, bytes: number): number {
  return Math.floor((bytes * 8) / bitsPer[type]);
}

/** The bytes of `count` elements. */
export function storedBytes(type: StoredType, count: number): number {
  return Math.ceil((count * bitsPer[type]) / 8);
}

/** Decodes `count` little-endian elements, which must fill `bytes`. */
export function decodeElements(type: StoredType, bytes: Uint8Array, count: number, name: string): ConstantData {
  const expected = storedBytes(type, count);
  if (bytes.length !== expected) {
    throw new KletError(
      'CORRUPT',
      `tensor "${name}" has ${count} elements (${expected} bytes) but its buffer holds ${bytes.length}`,
    );
  }
  const { buffer } = new Uint8Array(bytes); // a copy: the file's own bytes need not be aligned
  switch (type) {
    case 'float32':
      return new Float32Array(buffer);
    case 'float16':
      return Float32Array.from(new Uint16Array(buffer), halfToFloat);
    case 'float64':
      return Float32Array.from(new Float64Array(buffer));
    case 'bfloat16':
      return Float32Array.from(new Uint16Array(buffer), bfloatToFloat);
    case 'int16':
      return new Int16Array(buffer);
    case 'uint16':
      return Int32Array.from(new Uint16Array(buffer));
    case 'uint32':
      return narrow(Array.from(new Uint32Array(buffer), BigInt), name);
    case 'uint64':
      return narrow(new BigUint64Array(buffer), name);
    case 'int32':
      return new Int32Array(buffer);
    case 'int64':
      return narrow(new BigInt64Array(buffer), name);
    case 'int8':
      return new Int8Array(buffer);
    // two per byte, the lower half first
    case 'int4':
      return Int8Array.from({ length: count }, (_, i) => ((bytes[i >> 1]! >> (4 * (i & 1))) << 28) >> 28);
    case 'uint4':
      return Uint8Array.from({ length: count }, (_, i) => (bytes[i >> 1]! >> (4 * (i & 1))) & 15);
    default:
      return new Uint8Array(buffer);
  }
}

/**
 * Decodes `count` int64 integers in units of a scale, such as biases of int16 activations. Doubles
 * hold those that do not fit in an int32.
 */
export function decodeLongSteps(bytes: Uint8Array, count: number, name: string): Int32Array | Float64Array {
  if (bytes.length !== count * 8) return decodeElements('int64', bytes, count, name) as Int32Array;
  const values = Float64Array.from(new BigInt64Array(new Uint8Array(bytes).buffer) as never, Number);
  if (values.every((value) => value === (value | 0))) return Int32Array.from(values);
  const large = values.find((value) => !Number.isSafeInteger(value));
  if (large !== undefined) throw new UnsupportedTensor(`"${name}" (int64 value ${large} is beyond 2^53)`);
  return values;
}

/**
 * Narrows int64 to int32. Slices often end at the largest int64 ("all"), or near it, so that values
 * beyond any size saturate.
 */
function narrow(values: BigInt64Array | BigUint64Array | bigint[], name: string): Int32Array {
  return Int32Array.from(values as ArrayLike<bigint>, (value) => {
    if (value > 2n ** 62n) return 2 ** 31 - 1;
    if (value < -(2n ** 62n)) return -(2 ** 31);
    const number = Number(value);
    if (number !== (number | 0)) throw new UnsupportedTensor(`"${name}" (int64 value ${value} does not fit int32)`);
    return number;
  });
}

function bfloatToFloat(bits: number): number {
  return new Float32Array(Uint32Array.of(bits << 16).buffer)[0]!;
}

function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
}

/** Dequantizes a constant to float32. Float constants are returned unchanged. */
export function dequantizeConstant(tensor: Tensor): Tensor {
  const { data, shape, quantization } = tensor;
  if (!data || tensor.dtype === 'float32') return tensor;
  if (!quantization) throw new UnsupportedTensor(`"${tensor.name}" (${tensor.dtype} without a scale)`);
  const { scale, zeroPoint, axis } = quantization;
  const stride = elementCount(shape.slice(axis + 1));
  const real = Float32Array.from(data as Int8Array, (value, i) => {
    const channel = scale.length > 1 ? Math.floor(i / stride) % scale.length : 0;
    return scale[channel]! * (value - zeroPoint[channel]!);
  });
  return { name: tensor.name, shape, dtype: 'float32', data: real };
}

/**
 * Concatenates the rows of constants, such as the weights of a layer's gates, with a scale for each
 * row.
 */
export function stackRows(parts: Constant[], name: string): Constant {
  const [first] = parts as [Constant];
  const rows = parts.reduce((sum, part) => sum + part.shape[0]!, 0);
  const data =
    new (first.data.constructor as new(length: number) => Int8Array)(parts.reduce(
      (sum, part) => sum + part.data.length,
      0,
    ));
  let at = 0;
  for (const part of parts) {
    data.set(part.data, at);
    at += part.data.length;
  }
  const quantization: Quantization | undefined = first.quantization &&
    {
      scale: parts.flatMap((part) => perRow(part, part.quantization?.scale ?? [NaN])),
      zeroPoint: parts.flatMap((part) => perRow(part, part.quantization?.zeroPoint ?? [0])),
      axis: 0,
    };
  return {
    name,
    shape: [rows, ...first.shape.slice(1)],
    dtype: first.dtype,
    data,
    ...(quantization && { quantization }),
  };
}

function perRow({ shape }: Tensor, entries: number[]): number[] {
  return entries.length === 1 ? Array.from({ length: shape[0]! }, () => entries[0]!) : entries;
}

/** A constant whose dimension i is dimension perm[i] of the given one. */
export function permuted(tensor: Constant, perm: readonly number[]): Constant {
  const { data, shape, quantization } = tensor;
  const to = perm.map((axis) => shape[axis]!);
  const strides = perm.map((axis) => elementCount(shape.slice(axis + 1)));
  const moved = new (data.constructor as new(length: number) => Int8Array)(data.length);
  const position = to.map(() => 0);
  let from = 0;
  for (let i = 0; i < moved.length; i++) {
    moved[i] = data[from]!;
    for (let d = to.length - 1; d >= 0; d--) {
      from += strides[d]!;
      if (++position[d]! < to[d]!) break;
      from -= to[d]! * strides[d]!;
      position[d] = 0;
    }
  }
  return {
    ...tensor,
    shape: to,
    data: moved,
    ...(quantization && { quantization: { ...quantization, axis: perm.indexOf(quantization.axis) } }),
  };
}

/** Concatenates the columns of float constants [rows][a] and [rows][b]. */
export function joinColumns(a: Constant, b: Constant): Constant {
  const [rows = 0, ka = 0] = a.shape;
  const [, kb = 0] = b.shape;
  const data = new Float32Array(rows * (ka + kb));
  for (let row = 0; row < rows; row++) {
    data.set(a.data.subarray(row * ka, (row + 1) * ka), row * (ka + kb));
    data.set(b.data.subarray(row * kb, (row + 1) * kb), row * (ka + kb) + ka);
  }
  return { name: a.name, shape: [rows, ka + kb], dtype: 'float32', data };
}
