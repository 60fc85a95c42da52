import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { WireType } from '@bufbuild/protobuf/wire';
import { AttributeProtoSchema, ModelProtoSchema, type AttributeProto, type GraphProtoSchema, type NodeProtoSchema,
  type TensorProtoSchema } from '../../../src/importers/onnx/onnx_pb';

export type AttributeValue = number | string | number[] | { floats: number[] } | { float: number } | MessageInitShape<
  typeof TensorProtoSchema
> & { dataType: number } | { graph: OnnxGraph };

/** A node to write. Whole numbers become ints, other numbers floats. */
export interface OnnxNode {
  op: string;
  inputs: string[];
  outputs: string[];
  attributes?: Record<string, AttributeValue>;
  domain?: string;
}

/** An input or output: its shape, with names for open sizes, and its type (float by default). */
export interface OnnxValue {
  name: string;
  shape?: (number | string)[];
  type?: number;
}

/** A constant: float unless it has a type. */
export interface OnnxConstant {
  name: string;
  shape: number[];
  data: number[];
  type?: number;
}

export interface OnnxGraph {
  nodes: OnnxNode[];
  inputs: OnnxValue[];
  outputs: OnnxValue[];
  constants?: OnnxConstant[];
}

/** Element types of ONNX, by name. */
export const onnxTypes = { float: 1, uint8: 2, int8: 3, int32: 6, int64: 7, string: 8, bool: 9, double: 11 } as const;

/** The bytes of an ONNX file. */
export function writeOnnx(graph: OnnxGraph, version = 17): Uint8Array {
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      producerName: 'test',
      graph: graphOf(graph),
      opsetImport: [{ domain: '', version: BigInt(version) }],
    }),
  );
}

function graphOf({ nodes, inputs, outputs, constants = [] }: OnnxGraph): MessageInitShape<typeof GraphProtoSchema> {
  return {
    name: 'graph',
    node: nodes.map(nodeOf),
    input: inputs.map(valueOf),
    output: outputs.map(valueOf),
    initializer: constants.map(tensorOf),
  };
}

function nodeOf(
  { op, inputs, outputs, attributes = {}, domain = '' }: OnnxNode,
): MessageInitShape<typeof NodeProtoSchema> {
  return {
    opType: op,
    input: inputs,
    output: outputs,
    domain,
    attribute: Object.entries(attributes).map(([name, value]) => attributeOf(name, value)),
  };
}

/** The numbers of the fields `type` and of its values, which other readers of ONNX need. */
const TYPE = 20;
const attributeTypes = { f: 1, i: 2, s: 3, t: 4, g: 5, floats: 6, ints: 7 } as const;

function attributeOf(name: string, value: AttributeValue): AttributeProto {
  const content = contentOf(value);
  const attribute = create(AttributeProtoSchema, { name, ...content });
  const type = attributeTypes[Object.keys(content)[0] as keyof typeof attributeTypes];
  attribute.$unknown = [{ no: TYPE, wireType: WireType.Varint, data: Uint8Array.of(type) }];
  return attribute;
}

function contentOf(value: AttributeValue): MessageInitShape<typeof AttributeProtoSchema> {
  if (typeof value === 'string') return { s: new TextEncoder().encode(value) };
  if (typeof value === 'number') return Number.isInteger(value) ? { i: BigInt(value) } : { f: value };
  if (Array.isArray(value)) return { ints: value.map(BigInt) };
  if ('floats' in value) return { floats: value.floats };
  if ('float' in value) return { f: value.float };
  if ('graph' in value) return { g: graphOf(value.graph) };
  return { t: value };
}

function valueOf({ name, shape, type = onnxTypes.float }: OnnxValue) {
  const dim = shape?.map((size) => ({
    value: typeof size === 'number'
      ? { case: 'dimValue' as const, value: BigInt(size) }
      : { case: 'dimParam' as const, value: size },
  }));
  return {
    name,
    type: { value: { case: 'tensorType' as const, value: { elemType: type, ...(dim && { shape: { dim } }) } } },
  };
}

/** A tensor, as an initializer or an attribute. */
export function tensorOf(
  { name, shape, data, type = onnxTypes.float }: OnnxConstant,
): MessageInitShape<typeof TensorProtoSchema> & { dataType: number } {
  const dims = shape.map(BigInt);
  const tensor = { name, dims, dataType: type };
  if (type === onnxTypes.float) return { ...tensor, rawData: new Uint8Array(Float32Array.from(data).buffer) };
  if (type === onnxTypes.double) return { ...tensor, doubleData: data };
  return type === onnxTypes.int64 ? { ...tensor, int64Data: data.map(BigInt) } : { ...tensor, int32Data: data };
}
