import { Builder } from 'flatbuffers';
import { fusedActivations, operatorKinds, optionsOf, paddings, tables, tensorTypes, type OperatorKind, type Options,
  type TableName, type TensorType } from '../../src/importers/tflite/schema';

/**
 * A tensor to write; a constant if it has `data`. The data are plain numbers for FLOAT16 and INT64
 * too; Infinity stands for the largest INT64.
 */
export interface TfliteTensor {
  name: string;
  shape: number[];
  type: TensorType;
  data?: ArrayLike<number>;
  quantization?: { scale: number | number[]; zeroPoint?: number | number[]; axis?: number; min?: number[];
    max?: number[] };
  shapeSignature?: number[];
  isVariable?: boolean;
}

type Named<T> = {
  [F in keyof T]?: T[F] | (F extends 'padding' ? (typeof paddings)[number]
    : F extends 'fusedActivationFunction' ? (typeof fusedActivations)[number]
    : F extends `${string}Type` ? TensorType
    : never);
};

/** An operator to write. Tensors are named or numbered; `null` is an absent optional input. */
export interface TfliteOperator<K extends string = string> {
  kind: K;
  inputs: (string | number | null)[];
  outputs: (string | number)[];
  intermediates?: (string | number)[];
  options?: K extends OperatorKind ? Named<Options<K>> : Record<string, unknown>;
  customCode?: string;
  customOptions?: Uint8Array;
  version?: number;
}

/** Maps names in the signature `key` (serving_default) to tensors. */
export interface Signature {
  key?: string;
  inputs: Record<string, string | number>;
  outputs: Record<string, string | number>;
}

export interface TfliteNetwork {
  tensors: TfliteTensor[];
  operators: TfliteOperator[];
  inputs: (string | number)[];
  outputs: (string | number)[];
  /** The subgraphs after the main one. */
  others?: Pick<TfliteNetwork, 'tensors' | 'operators' | 'inputs' | 'outputs'>[];
  signature?: Signature;
  signatures?: Signature[];
  /** The TFLite metadata: a FlatBuffer with the identifier M001. */
  metadata?: Uint8Array;
  /** Whether constants follow the FlatBuffer, as in files above 2 GB. */
  areBuffersOutside?: boolean;
}

/** Writes a .tflite file that TensorFlow Lite loads. */
export function writeTflite(network: TfliteNetwork): Uint8Array {
  const tensors = [network, ...(network.others ?? [])].flatMap((subgraph) => subgraph.tensors);
  const constants = tensors.flatMap((t) => (t.data ? [encodeData(t.type, t.data)] : []));
  const buffers = [new Uint8Array(0), ...constants, ...(network.metadata ? [network.metadata] : [])];
  if (!network.areBuffersOutside) return encodeModel(network, buffers.map((data) => ({ data })));
  const rangesFrom = (start: number) => {
    let offset = start;
    return buffers.map(({ length }) => {
      const entry = { offset, size: length };
      offset += (length + 15) & ~15;
      return entry;
    });
  };
  // Offsets have a fixed width, so the FlatBuffer keeps its size when it is written with the final
  // ones.
  const start = (encodeModel(network, rangesFrom(16)).length + 15) & ~15;
  const ranges = rangesFrom(start);
  const last = ranges[ranges.length - 1]!;
  const file = new Uint8Array(last.offset + last.size);
  file.set(encodeModel(network, ranges));
  buffers.forEach((data, i) => file.set(data, ranges[i]!.offset));
  return file;
}

/** Writes TFLite metadata. `options` of process units are `{ table, fields }`. */
export function writeMetadata(fields: Record<string, unknown>): Uint8Array {
  const builder = new Builder(256);
  builder.finish(writeTable(builder, 'ModelMetadata', fields), 'M001');
  return builder.asUint8Array();
}

type Fields = Record<string, unknown>;

function encodeModel(network: TfliteNetwork, buffers: Fields[]): Uint8Array {
  const subgraphs = [network, ...(network.others ?? [])];
  const finder = ({ tensors }: Pick<TfliteNetwork, 'tensors'>) => (reference: string | number | null) => {
    if (reference === null) return -1;
    const index = typeof reference === 'number' ? reference : tensors.findIndex((t) => t.name === reference);
    if (index < 0) throw new Error(`there is no tensor "${reference}"`);
    return index;
  };
  const find = finder(network);
  const codes = [...new Map(subgraphs.flatMap(({ operators }) => operators).map((o) => [codeKey(o), o])).values()];
  let nextBuffer = 1;
  const tensorMaps = (entries: Record<string, string | number>) =>
    Object.entries(entries).map(([name, tensor]) => ({ name, tensorIndex: find(tensor) }));
  const model = {
    version: 3,
    description: 'kinglet test network',
    operatorCodes: codes.map((operator) => {
      const code = operatorKinds.indexOf(operator.kind as OperatorKind);
      if (code < 0) throw new Error(`there is no operator ${operator.kind}`);
      return {
        deprecatedBuiltinCode: Math.min(code, 127),
        builtinCode: code,
        customCode: operator.customCode,
        version: operator.version ?? 1,
      };
    }),
    buffers,
    subgraphs: subgraphs.map(({ tensors, operators, inputs, outputs }, i) => ({
      name: i === 0 ? 'main' : `subgraph ${i}`,
      inputs: inputs.map(finder({ tensors })),
      outputs: outputs.map(finder({ tensors })),
      tensors: tensors.map((tensor) => ({
        name: tensor.name,
        shape: tensor.shape,
        type: tensorTypes.indexOf(tensor.type),
        hasRank: true,
        shapeSignature: tensor.shapeSignature,
        isVariable: tensor.isVariable ?? false,
        buffer: tensor.data ? nextBuffer++ : 0,
        quantization: tensor.quantization &&
          {
            ...tensor.quantization,
            scale: [tensor.quantization.scale].flat(),
            zeroPoint: zeroPoints(tensor.quantization),
            quantizedDimension: tensor.quantization.axis ?? 0,
          },
      })),
      operators: operators.map((operator) => {
        const [table, tag] = optionsOf(operator.kind);
        return {
          opcodeIndex: codes.findIndex((code) => codeKey(code) === codeKey(operator)),
          inputs: operator.inputs.map(finder({ tensors })),
          outputs: operator.outputs.map(finder({ tensors })),
          intermediates: operator.intermediates?.map(finder({ tensors })),
          builtinOptionsType: tag,
          builtinOptions: tag ? { table, fields: withNumbers(operator.options ?? {}) } : undefined,
          customOptions: operator.customOptions,
        };
      }),
    })),
    metadata: network.metadata && [{ name: 'TFLITE_METADATA', buffer: buffers.length - 1 }],
    signatureDefs: (network.signatures ?? (network.signature ? [network.signature] : [])).map((signature) => ({
      inputs: tensorMaps(signature.inputs),
      outputs: tensorMaps(signature.outputs),
      signatureKey: signature.key ?? 'serving_default',
      subgraphIndex: 0,
    })),
  };
  const builder = new Builder(1024);
  builder.finish(writeTable(builder, 'Model', model), 'TFL3');
  return builder.asUint8Array();
}

const codeKey = (operator: TfliteOperator) => `${operator.kind} ${operator.customCode ?? ''} ${operator.version ?? 1}`;

function zeroPoints({ scale, zeroPoint = 0 }: NonNullable<TfliteTensor['quantization']>): number[] {
  return Array.isArray(zeroPoint) ? zeroPoint : [scale].flat().map(() => zeroPoint);
}

/** The names of the enumerations by field; all other fields of this kind are element types. */
const enumerations: Record<string, readonly string[]> = {
  padding: paddings,
  fusedActivationFunction: fusedActivations,
};

/** Replaces the names of enumerators in options by their numbers. */
function withNumbers(options: Fields): Fields {
  return Object.fromEntries(Object.entries(options).map(([field, value]) => {
    if (typeof value !== 'string' || field === 'container' || field === 'sharedName') return [field, value];
    const list = enumerations[field] ?? tensorTypes;
    const index = list.findIndex((name) => name === value);
    if (index < 0) throw new Error(`there is no ${field} ${value}`);
    return [field, index];
  }));
}

function writeTable(builder: Builder, name: TableName, value: Fields): number {
  const fields = Object.entries(tables[name] as Record<string, readonly [number, string, number?]>);
  const unknown = Object.keys(value).find((key) =>
    name.endsWith('Options') && !fields.some(([field]) => field === key)
  );
  if (unknown) throw new Error(`${name} has no ${unknown}`);
  // Vectors, strings and tables must be written before the table that refers to them.
  const offsets = new Map(fields.flatMap(([field, [, type]]) => {
    const content = value[field];
    return content === undefined || type in scalars ? [] : [[field, writeReferred(builder, type, content)] as const];
  }));
  builder.startObject(1 + Math.max(-1, ...fields.map(([, [id]]) => id)));
  for (const [field, [id, type, initial = 0]] of fields) {
    const content = value[field];
    if (content === undefined) continue;
    const offset = offsets.get(field);
    if (offset !== undefined) builder.addFieldOffset(id, offset, 0);
    else scalars[type]!.field(builder, id, Number(content), initial);
  }
  return builder.endObject();
}

function writeReferred(builder: Builder, type: string, content: unknown): number {
  if (type === 'string') return builder.createString(content as string);
  if (type === 'union') {
    const { table, fields } = content as { table: TableName; fields: Fields };
    return writeTable(builder, table, fields);
  }
  if (!type.startsWith('[')) return writeTable(builder, type as TableName, content as Fields);
  if (type === '[uint8]') {
    builder.prep(16, (content as Uint8Array).length);
    return builder.createByteVector(content as Uint8Array);
  }
  const element = type.slice(1, -1);
  const values = content as unknown[];
  const scalar = scalars[element];
  const offsets = scalar ? [] : values.map((entry) => writeReferred(builder, element, entry));
  builder.startVector(scalar?.size ?? 4, values.length, scalar?.size ?? 4);
  for (let i = values.length - 1; i >= 0; i--) {
    if (scalar) scalar.add(builder, values[i] as number);
    else builder.addOffset(offsets[i]!);
  }
  return builder.endVector();
}

interface Scalar {
  size: number;
  add(builder: Builder, value: number): void;
  field(builder: Builder, id: number, value: number, initial: number): void;
}
const int8: Scalar = { size: 1, add: (b, v) => b.addInt8(v), field: (b, id, v, d) => b.addFieldInt8(id, v, d) };
const int32: Scalar = { size: 4, add: (b, v) => b.addInt32(v), field: (b, id, v, d) => b.addFieldInt32(id, v, d) };
const int64: Scalar = {
  size: 8,
  add: (b, v) => b.addInt64(BigInt(v)),
  field: (b, id, v, d) => b.addFieldInt64(id, BigInt(v), BigInt(d)),
};
const scalars: Record<string, Scalar> = {
  bool: int8,
  int8,
  uint8: int8,
  int32,
  uint32: int32,
  int64,
  uint64: int64,
  float32: { size: 4, add: (b, v) => b.addFloat32(v), field: (b, id, v, d) => b.addFieldFloat32(id, v, d) },
};

/** Encodes a tensor's elements. */
export function encodeData(type: TensorType, data: ArrayLike<number>): Uint8Array {
  const bytes = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  switch (type) {
    case 'FLOAT32':
      return bytes(Float32Array.from(data));
    case 'FLOAT16':
      return bytes(Uint16Array.from(data, floatToHalf));
    case 'INT32':
      return bytes(Int32Array.from(data));
    case 'INT16':
      return bytes(Int16Array.from(data));
    case 'INT64':
      return bytes(BigInt64Array
        .from(Array.from(data, (value) => (value === Infinity ? 2n ** 63n - 1n : BigInt(value)))));
    case 'INT4':
      return Uint8Array.from(
        { length: (data.length + 1) >> 1 },
        (_, i) => (data[2 * i]! & 15) | (((data[2 * i + 1] ?? 0) & 15) << 4),
      );
    default:
      return bytes(Int8Array.from(data));
  }
}

/** Rounds half to even, as hardware does. Values beyond the range become infinity. */
function floatToHalf(value: number): number {
  const sign = Object.is(value, -0) || value < 0 ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (magnitude >= 65520) return sign | 0x7c00;
  const exponent = Math.max(Math.floor(Math.log2(magnitude)), -14);
  const significand = magnitude / 2 ** (exponent - 10);
  const floor = Math.floor(significand);
  const fraction = significand - floor;
  const rounded = fraction > 0.5 || (fraction === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
  // a significand that rounds up to 2048 carries into the exponent
  return sign | (rounded < 1024 ? rounded : ((exponent + 14) << 10) + rounded);
}
