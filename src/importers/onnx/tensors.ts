import { KletError } from '../../errors';
import type { ConstantData, DType } from '../../graph/graph';
import { decodeElements, type Constant, type StoredType } from '../shared/constants';
import { findFile, type ModelFiles } from '../shared/files';
import { UnsupportedTensor } from '../shared/unsupported';
import type { GraphProto, TensorProto } from './onnx_pb';

/** What an element type of ONNX (TensorProto.DataType) becomes. */
interface ElementType {
  name: string;
  dtype: DType;
  /** How raw data holds it. */
  stored: StoredType;
}

const types: Record<number, ElementType> = {
  1: { name: 'float', dtype: 'float32', stored: 'float32' },
  2: { name: 'uint8', dtype: 'uint8', stored: 'uint8' },
  3: { name: 'int8', dtype: 'int8', stored: 'int8' },
  4: { name: 'uint16', dtype: 'int32', stored: 'uint16' },
  5: { name: 'int16', dtype: 'int32', stored: 'int16' },
  6: { name: 'int32', dtype: 'int32', stored: 'int32' },
  7: { name: 'int64', dtype: 'int64', stored: 'int64' },
  9: { name: 'bool', dtype: 'bool', stored: 'bool' },
  10: { name: 'float16', dtype: 'float32', stored: 'float16' },
  11: { name: 'double', dtype: 'float32', stored: 'float64' },
  12: { name: 'uint32', dtype: 'int64', stored: 'uint32' },
  13: { name: 'uint64', dtype: 'int64', stored: 'uint64' },
  16: { name: 'bfloat16', dtype: 'float32', stored: 'bfloat16' },
  21: { name: 'uint4', dtype: 'uint8', stored: 'uint4' },
  22: { name: 'int4', dtype: 'int8', stored: 'int4' },
};

const refused: Record<number, string> = {
  8: 'string',
  14: 'complex64',
  15: 'complex128',
  17: 'float8e4m3fn',
  18: 'float8e4m3fnuz',
  19: 'float8e5m2',
  20: 'float8e5m2fnuz',
  23: 'float4e2m1',
};

/**
 * The element type of the graph for a type of ONNX. float16, bfloat16 and double become float32;
 * uint16 and int16 become int32, and the unsigned types of 32 and 64 bits become int64.
 *
 * @throws {UnsupportedTensor} for types that kinglet does not have
 */
export function elementType(code: number, tensor: string): ElementType {
  const type = types[code];
  if (!type) throw new UnsupportedTensor(`"${tensor}" (${refused[code] ?? `element type ${code}`})`);
  return type;
}

/** Decodes a constant. @param files - other files of the network, for external data */
export function decodeTensor(proto: TensorProto, files: ModelFiles, name = proto.name): Constant {
  const shape = proto.dims.map(Number);
  if (shape.some((d) => !(d >= 0 && d < 2 ** 31))) {
    throw new KletError('CORRUPT', `tensor "${name}" has the shape [${shape.join(', ')}]`);
  }
  const { dtype, stored } = elementType(proto.dataType, name);
  const count = shape.reduce((a, b) => a * b, 1);
  const data = decodeData(proto, stored, count, name, files);
  return { name, shape, dtype, data: dtype === 'int32' ? Int32Array.from(data) : data };
}

function decodeData(
  proto: TensorProto,
  stored: StoredType,
  count: number,
  name: string,
  files: ModelFiles,
): ConstantData {
  if (proto.dataLocation === 1) return decodeElements(stored, externalBytes(proto, name, files), count, name);
  if (proto.rawData.length > 0) return decodeElements(stored, proto.rawData, count, name);
  const values = typedValues(proto, stored);
  // two numbers of four bits fill one byte
  const isPacked = stored === 'int4' || stored === 'uint4';
  if (isPacked) return decodeElements(stored, Uint8Array.from(values as number[], (v) => v & 255), count, name);
  if (values.length !== count) {
    throw new KletError('CORRUPT', `tensor "${name}" has ${count} elements but ${values.length} values`);
  }
  return decodeElements(stored, bytesOf(stored, values), count, name);
}

/** The values of a tensor without raw data, which are in a field of a wider type. */
function typedValues(proto: TensorProto, stored: StoredType): number[] | bigint[] {
  switch (stored) {
    case 'float32':
      return proto.floatData;
    case 'float64':
      return proto.doubleData;
    case 'int64':
      return proto.int64Data;
    case 'uint32':
    case 'uint64':
      return proto.uint64Data;
    default:
      return proto.int32Data;
  }
}

/** Values as the bytes of their type, as raw data would hold them. */
function bytesOf(stored: StoredType, values: number[] | bigint[]): Uint8Array {
  const wide = values as bigint[];
  const numbers = values as number[];
  switch (stored) {
    case 'float32':
      return new Uint8Array(Float32Array.from(numbers).buffer);
    case 'float64':
      return new Uint8Array(Float64Array.from(numbers).buffer);
    case 'int64':
    case 'uint64':
      return new Uint8Array(BigInt64Array.from(wide, (v) => BigInt.asIntN(64, v)).buffer);
    case 'uint32':
      return new Uint8Array(Uint32Array.from(wide, Number).buffer);
    case 'int32':
      return new Uint8Array(Int32Array.from(numbers).buffer);
    case 'float16':
    case 'bfloat16':
    case 'int16':
    case 'uint16':
      return new Uint8Array(Uint16Array.from(numbers).buffer);
    default:
      return Uint8Array.from(numbers);
  }
}

/** The names of the files that hold constants of a graph. */
export function externalFiles(graph: GraphProto): string[] {
  const tensors = [...graph.initializer,
    ...graph.node.flatMap(({ attribute }) => attribute.flatMap(({ t }) => t ?? []))];
  const external = tensors.filter(({ dataLocation }) => dataLocation === 1);
  const locations = external.map(({ externalData }) => externalData.find(({ key }) => key === 'location')?.value ?? '');
  return [...new Set(locations)];
}

function externalBytes({ externalData }: TensorProto, name: string, files: ModelFiles): Uint8Array {
  const entries = new Map(externalData.map(({ key, value }) => [key, value]));
  const location = entries.get('location') ?? '';
  const file = findFile(files, location);
  if (!file) {
    throw new KletError(
      'BAD_ARGUMENT',
      `the data of "${name}" is in the file "${location}", which was not given; put it beside the network, or pass `
        + 'both files by name',
    );
  }
  const offset = Number(entries.get('offset') ?? 0);
  const length = Number(entries.get('length') ?? file.length - offset);
  if (!(offset >= 0 && length >= 0 && offset + length <= file.length)) {
    throw new KletError(
      'CORRUPT',
      `the data of "${name}" is at ${offset} to ${offset + length} of "${location}", which has ${file.length} bytes`,
    );
  }
  return file.subarray(offset, offset + length);
}
