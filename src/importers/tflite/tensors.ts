import { KletError } from '../../errors';
import { elementCount, type DType, type Quantization, type Tensor } from '../../graph/graph';
import { decodeElements, decodeLongSteps, storedCount, type StoredType } from '../shared/constants';
import { checkedQuantization, isQuantizedType, type QuantizedType } from '../shared/quantization';
import { UnsupportedTensor } from '../shared/unsupported';
import type { TfliteReader } from './reader';
import { expandSparse } from './sparsity';
import { tensorTypes, type Table, type TensorType } from './schema';

const maxElements = 2 ** 31;

const dtypes: Partial<Record<TensorType, DType>> = {
  FLOAT32: 'float32',
  INT8: 'int8',
  INT16: 'int16',
  UINT8: 'uint8',
  INT32: 'int32',
  INT64: 'int64',
  BOOL: 'bool',
};
/** The types of constants and what they become; some are supported only in constants. */
const constantDtypes: Partial<Record<TensorType, DType>> = { ...dtypes, FLOAT16: 'float32', INT4: 'int8' };

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
  // of complex numbers, the real and imaginary parts
  if (type === 'COMPLEX64' && !isConstant) return { name, shape: [...shape, 2], dtype: 'float32' };
  const dtype = type && (isConstant ? constantDtypes : dtypes)[type];
  if (!dtype) throw new UnsupportedTensor(`"${name}" (${type?.toLowerCase() ?? `type ${source.type}`})`);

  const tensor: Tensor = { name, shape, dtype };
  if (isQuantizedType(dtype)) {
    const quantization = convertQuantization(source, name, dtype);
    if (quantization) tensor.quantization = quantization;
    if (dtype === 'int16' && !isConstant && quantization?.zeroPoint[0] !== 0) {
      throw new UnsupportedTensor(`"${name}" (int16 without a scale, or with a zero point)`);
    }
  }
  if (!isConstant) return tensor;
  const stored = type.toLowerCase() as StoredType;
  if (type === 'INT64' && source.quantization?.scale.length) {
    tensor.data = decodeLongSteps(bytes, elementCount(shape), name);
    return tensor;
  }
  tensor.data = source.sparsity
    ? expandSparse(
      decodeElements(stored, bytes, storedCount(stored, bytes.length), name),
      source.sparsity,
      shape,
      name,
      reader,
    )
    : decodeElements(stored, bytes, elementCount(shape), name);
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

function convertQuantization(
  { quantization, shape }: Table<'Tensor'>,
  name: string,
  dtype: QuantizedType,
): Quantization | undefined {
  if (!quantization) return undefined;
  const { scale, zeroPoint, quantizedDimension } = quantization;
  if (quantization.detailsType !== 0) throw new UnsupportedTensor(`"${name}" (custom quantization)`);
  // some converters write a single scale of 0 for tensors without quantization
  if (scale.length === 0 || (scale.length === 1 && scale[0] === 0)) return undefined;
  // biases of depthwise convolutions have the quantized dimension of their weights
  const axis = shape.length === 1 ? 0 : quantizedDimension;
  return checkedQuantization({ name, shape, dtype }, scale, zeroPoint, axis);
}
