import { KletError } from '../../errors';
import { elementCount, type ConstantData, type DType, type Quantization, type Tensor } from '../../graph/graph';
import type { TfliteReader } from './reader';
import { expandSparse } from './sparsity';
import { tensorTypes, type Table, type TensorType } from './schema';

/** A tensor of an unsupported element type or quantization. The importer collects these errors. */
export class UnsupportedTensor extends Error {}

const maxElements = 2 ** 31;

const dtypes: Partial<Record<TensorType, DType>> = {
  FLOAT32: 'float32',
  INT8: 'int8',
  UINT8: 'uint8',
  INT32: 'int32',
  INT64: 'int64',
  BOOL: 'bool',
};
/** The types of constants and what they become; some are supported only in constants. */
const constantDtypes: Partial<Record<TensorType, DType>> = {
  ...dtypes,
  FLOAT16: 'float32',
  INT4: 'int8',
  INT16: 'int16',
};

/**
 * Converts a tensor of the file to a tensor of the IR named `name`. It is a constant if its buffer
 * is not empty.
 */
export function convertTensor(
  file: Uint8Array,
  buffers: Table<'Buffer'>[],
  source: Table<'Tensor'>,
  name: string,
  reader: TfliteReader,
): Tensor {
  const type = tensorTypes[source.type];
  const shape = source.shape;
  if (shape.some((dimension) => dimension < 0) || elementCount(shape) >= maxElements) {
    throw new KletError('CORRUPT', `tensor "${name}" has the shape [${shape.join(', ')}]`);
  }
  const bytes = bufferBytes(file, buffers, source, name);
  const isConstant = bytes.length > 0 || (source.buffer > 0 && elementCount(shape) === 0);
  const dtype = type && (isConstant ? constantDtypes : dtypes)[type];
  if (!dtype) throw new UnsupportedTensor(`"${name}" (${type?.toLowerCase() ?? `type ${source.type}`})`);

  const tensor: Tensor = { name, shape, dtype };
  if (dtype === 'int8' || dtype === 'uint8' || dtype === 'int16' || dtype === 'int32') {
    const quantization = convertQuantization(source, name, dtype);
    if (quantization) tensor.quantization = quantization;
  }
  if (isConstant && source.sparsity) {
    tensor.data = expandSparse(
      decode(type, bytes, Math.floor(bytes.length / (bytesPer[type] ?? 1)), name),
      source.sparsity,
      shape,
      name,
      reader,
    );
  } else if (isConstant) tensor.data = decode(type, bytes, elementCount(shape), name);
  return tensor;
}

function bufferBytes(file: Uint8Array, buffers: Table<'Buffer'>[], source: Table<'Tensor'>, name: string): Uint8Array {
  const buffer = buffers[source.buffer];
  if (!buffer) {
    if (source.buffer === 0) return new Uint8Array(0);
    throw new KletError(
      'CORRUPT',
      `tensor "${name}" refers to buffer ${source.buffer}, but the file has ${buffers.length} buffers`,
    );
  }
  // offsets 0 and 1 mean that the data is in place
  if (buffer.offset <= 1) return buffer.data;
  const end = buffer.offset + buffer.size;
  if (end > file.length) {
    throw new KletError(
      'CORRUPT',
      `tensor "${name}" has its data at bytes ${buffer.offset} to ${end}, but the file has ${file.length} bytes`,
    );
  }
  return file.subarray(buffer.offset, end);
}

const ranges = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  int32: [-(2 ** 31), 2 ** 31 - 1],
} as const;

function convertQuantization(
  { quantization, shape }: Table<'Tensor'>,
  name: string,
  dtype: keyof typeof ranges,
): Quantization | undefined {
  if (!quantization) return undefined;
  const { scale, zeroPoint, quantizedDimension } = quantization;
  if (quantization.detailsType !== 0) throw new UnsupportedTensor(`"${name}" (custom quantization)`);
  // some converters write a single scale of 0 for tensors without quantization
  if (scale.length === 0 || (scale.length === 1 && scale[0] === 0)) return undefined;
  const corrupt = (what: string) => new KletError('CORRUPT', `tensor "${name}" has ${what}`);
  if (scale.some((s) => !(s >= 0 && s < Infinity))) throw corrupt('a scale that is not a positive number');
  const [lowest, highest] = ranges[dtype];
  if (zeroPoint.some((z) => z < lowest || z > highest)) throw corrupt(`a zero point outside ${dtype}`);
  // biases of depthwise convolutions have the quantized dimension of their weights
  const axis = shape.length === 1 ? 0 : quantizedDimension;
  if (scale.length > 1 && scale.length !== shape[axis]) {
    throw corrupt(`${scale.length} scales along dimension ${quantizedDimension} of [${shape.join(', ')}]`);
  }
  if (zeroPoint.length > 1 && zeroPoint.length !== scale.length) {
    throw corrupt(`${scale.length} scales and ${zeroPoint.length} zero points`);
  }
  const zeroPoints = zeroPoint.length === scale.length ? zeroPoint : scale.map(() => zeroPoint[0] ?? 0);
  return { scale, zeroPoint: zeroPoints, axis: scale.length > 1 ? axis : 0 };
}

const bytesPer: Partial<Record<TensorType, number>> = {
  FLOAT32: 4,
  FLOAT16: 2,
  INT16: 2,
  INT32: 4,
  INT64: 8,
  INT4: 0.5,
};

function decode(type: TensorType, bytes: Uint8Array, count: number, name: string): ConstantData {
  const expected = Math.ceil(count * (bytesPer[type] ?? 1));
  if (bytes.length !== expected) {
    throw new KletError(
      'CORRUPT',
      `tensor "${name}" has ${count} elements (${expected} bytes) but its buffer holds ${bytes.length}`,
    );
  }
  const { buffer } = new Uint8Array(bytes); // a copy: the file's own bytes need not be aligned
  switch (type) {
    case 'FLOAT32':
      return new Float32Array(buffer);
    case 'FLOAT16':
      return Float32Array.from(new Uint16Array(buffer), halfToFloat);
    case 'INT16':
      return new Int16Array(buffer);
    case 'INT32':
      return new Int32Array(buffer);
    case 'INT64':
      return narrow(new BigInt64Array(buffer), name);
    case 'INT8':
      return new Int8Array(buffer);
    // two per byte, the lower half first
    case 'INT4':
      return Int8Array.from({ length: count }, (_, i) => ((bytes[i >> 1]! >> (4 * (i & 1))) << 28) >> 28);
    default:
      return new Uint8Array(buffer);
  }
}

/**
 * Narrows int64 to int32. Slices often end at the largest int64 ("all"), so the extremes saturate.
 */
function narrow(values: BigInt64Array, name: string): Int32Array {
  const extreme = 2n ** 63n - 1n;
  return Int32Array.from(values, (value) => {
    if (value === extreme) return 2 ** 31 - 1;
    if (value === -extreme - 1n) return -(2 ** 31);
    const number = Number(value);
    if (number !== (number | 0)) throw new UnsupportedTensor(`"${name}" (int64 value ${value} does not fit int32)`);
    return number;
  });
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
