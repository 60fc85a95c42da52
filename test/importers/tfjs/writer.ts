// Writes models of TensorFlow.js: model.json with a graph, and one file of weights.

type AttributeJson = Record<string, unknown>;

/** A node to write: its operator, inputs and attributes in their JSON form. */
export interface TfNode {
  name: string;
  op: string;
  inputs?: string[];
  attributes?: Record<string, AttributeJson>;
}

/** A constant: float32 unless it has a type. */
export interface TfConstant {
  shape: number[];
  data: number[];
  dtype?: 'float32' | 'int32' | 'bool';
}

/** A placeholder. Sizes of −1 are open, and no shape is one of unknown rank. */
export interface TfInput {
  shape?: number[];
  dtype?: string;
}

export interface TfGraph {
  inputs: Record<string, TfInput>;
  constants?: Record<string, TfConstant>;
  nodes: TfNode[];
  /** The names of the outputs and their tensors. */
  outputs: Record<string, string>;
  functions?: object[];
}

/** Attributes in their JSON form. */
export const attribute = {
  int: (value: number): AttributeJson => ({ i: String(value) }),
  float: (value: number): AttributeJson => ({ f: value }),
  bool: (value: boolean): AttributeJson => ({ b: value }),
  text: (value: string): AttributeJson => ({ s: btoa(value) }),
  type: (value: string): AttributeJson => ({ type: value }),
  ints: (...values: number[]): AttributeJson => ({ list: { i: values.map(String) } }),
  texts: (...values: string[]): AttributeJson => ({ list: { s: values.map((value) => btoa(value)) } }),
  func: (name: string): AttributeJson => ({ func: { name } }),
  shape: (shape?: readonly number[]): AttributeJson => ({ shape: shapeOf(shape) }),
};

function shapeOf(shape?: readonly number[]) {
  return shape ? { dim: shape.map((size) => ({ size: String(size) })) } : { unknownRank: true };
}

function bytesOf({ data, dtype = 'float32' }: TfConstant): Uint8Array {
  if (dtype === 'bool') return Uint8Array.from(data);
  const array = dtype === 'int32' ? Int32Array : Float32Array;
  return new Uint8Array(array.from(data).buffer);
}

/** The object of model.json, and the bytes of its weights. */
export function tfModel({ inputs, constants = {}, nodes, outputs, functions = [] }: TfGraph) {
  const all = Object.entries(constants);
  const weights = all.map(([name, { shape, dtype = 'float32' }]) => ({ name, shape, dtype }));
  const node = [
    ...Object.entries(inputs).map(([name, { shape, dtype = 'DT_FLOAT' }]) => ({
      name,
      op: 'Placeholder',
      attr: { dtype: { type: dtype }, shape: attribute.shape(shape) },
    })),
    ...all.map(([name]) => ({ name, op: 'Const', attr: {} })),
    ...nodes.map(({ name, op, inputs: input = [], attributes: attr = {} }) => ({ name, op, input, attr })),
  ];
  const signature = {
    inputs: Object
      .fromEntries(Object.entries(inputs).map((
        [name, { shape, dtype = 'DT_FLOAT' }],
      ) => [name, { name: `${name}:0`, dtype, tensorShape: shapeOf(shape) }])),
    outputs: Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, { name: tensor }])),
  };
  const model = {
    format: 'graph-model',
    signature,
    modelTopology: { node, library: { function: functions }, versions: { producer: 561 } },
    weightsManifest: all.length > 0 ? [{ paths: ['group1-shard1of1.bin'], weights }] : [],
  };
  const parts = all.map(([, constant]) => bytesOf(constant));
  const data = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  return { model, data };
}

/** A model as files: the bytes of model.json, and those of the weights by name. */
export function writeTfjs(graph: TfGraph): { json: Uint8Array; files: Record<string, Uint8Array> } {
  const { model, data } = tfModel(graph);
  return { json: toJson(model), files: { 'group1-shard1of1.bin': data } };
}

export function toJson(model: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(model));
}
