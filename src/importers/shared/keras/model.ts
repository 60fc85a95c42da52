import { KletError } from '../../../errors';
import { isObject, type JsonObject } from './config';

// The structure of a model in the dialects of Keras 1 to 3.

/** A layer as a file describes it. */
export interface LayerSpec {
  className: string;
  name: string;
  config: JsonObject;
  /** The module of its class, which Keras 3 writes. */
  module?: string;
  /** Under which name a class that is not of Keras was registered. */
  registeredName?: string;
  /** Its calls. */
  calls: Call[];
}

/** One call of a layer. */
export interface Call {
  args: unknown[];
  kwargs: JsonObject;
}

/** An output of a call of another layer, among the arguments of a call. */
export class Reference {
  constructor(readonly layer: string, readonly call: number, readonly index: number) {}
}

/** The layers of a model and how they are connected. */
export interface ModelSpec {
  isSequential: boolean;
  layers: LayerSpec[];
  /** Absent in sequential models. */
  inputs?: Reference[];
  outputs?: Reference[];
}

const models = new Set(['Sequential', 'Functional', 'Model', 'Network']);

/** Whether a layer is a model with layers of its own. */
export function isModel(spec: LayerSpec): boolean {
  return models.has(spec.className) || (Array.isArray(spec.config.layers) && Array.isArray(spec.config.output_layers));
}

export function layerSpec(json: unknown): LayerSpec {
  if (!isObject(json) || typeof json.class_name !== 'string') {
    throw new KletError('CORRUPT', 'the configuration has a layer without a class_name');
  }
  // the configuration of a sequential model of old versions is the list of its layers
  const config = Array.isArray(json.config) ? { layers: json.config } : json.config;
  if (!isObject(config)) throw new KletError('CORRUPT', `the configuration of a ${json.class_name} is no object`);
  const named = [json.name, config.name].find((name) => typeof name === 'string');
  const inbound = Array.isArray(json.inbound_nodes) ? json.inbound_nodes : [];
  const registeredName = typeof json.registered_name === 'string' ? json.registered_name : undefined;
  return {
    className: json.class_name,
    name: named ?? json.class_name.toLowerCase(),
    config,
    ...(typeof json.module === 'string' && { module: json.module }),
    ...(registeredName !== undefined && { registeredName }),
    calls: inbound.map((node) => callOf(node)),
  };
}

export function modelSpec({ className, name, config }: LayerSpec): ModelSpec {
  const { layers, input_layers: inputs, output_layers: outputs } = config;
  if (!Array.isArray(layers)) {
    throw new KletError(
      'UNSUPPORTED_OP',
      `the model "${name}" is a subclass (${className}) whose layers the file does not list; build the network `
        + 'from Input and layers with keras.Model(inputs, outputs), copy the weights to it and save that',
    );
  }
  const isSequential = !Array.isArray(outputs);
  return {
    isSequential,
    layers: layers.map(layerSpec),
    ...(!isSequential && { inputs: references(inputs, name), outputs: references(outputs, name) }),
  };
}

/** The inputs or outputs of a model: one reference, a list of them, or an object of them. */
function references(json: unknown, name: string): Reference[] {
  const one = referenceOf(json);
  if (one) return [one];
  const list = isObject(json) ? Object.values(json) : json;
  if (!Array.isArray(list)) throw new KletError('CORRUPT', `the model "${name}" does not list its inputs and outputs`);
  return list.flatMap((entry) => references(entry, name));
}

/** A reference [layer, call, index], which in nodes has arguments as a fourth entry. */
function referenceOf(json: unknown): Reference | undefined {
  if (!Array.isArray(json) || json.length < 3 || json.length > 4) return undefined;
  const [layer, call, index] = json as unknown[];
  const isReference = typeof layer === 'string' && Number.isInteger(call) && Number.isInteger(index);
  return isReference ? new Reference(layer, call as number, index as number) : undefined;
}

function callOf(node: unknown): Call {
  // Keras 3: { args, kwargs }
  if (isObject(node)) {
    const args = Array.isArray(node.args) ? node.args : [];
    return { args: args.map(keras3Value), kwargs: mapValues(isObject(node.kwargs) ? node.kwargs : {}, keras3Value) };
  }
  if (!Array.isArray(node)) throw new KletError('CORRUPT', 'an inbound node is neither a list nor an object');
  // operations of TensorFlow: one entry without a list around it
  const entries = typeof node[0] === 'string' ? [node] : node;
  const values = entries.map(entryOf);
  const kwargs: JsonObject = {};
  for (const entry of entries) {
    const last: unknown = Array.isArray(entry) ? entry[3] : undefined;
    if (isObject(last)) Object.assign(kwargs, mapValues(last, keras2Value));
  }
  return { args: values.length === 1 ? values : [values], kwargs };
}

/** A positional argument of Keras 2: a reference or, named `_CONSTANT_VALUE`, a value. */
function entryOf(json: unknown): unknown {
  if (Array.isArray(json) && json[0] === '_CONSTANT_VALUE') return json[2];
  return keras2Value(json);
}

function keras2Value(json: unknown): unknown {
  const reference = referenceOf(json);
  if (reference) return reference;
  if (Array.isArray(json)) return json[0] === '_CONSTANT_VALUE' ? json[2] : json.map(keras2Value);
  return isObject(json) ? mapValues(json, keras2Value) : json;
}

function keras3Value(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(keras3Value);
  if (!isObject(json)) return json;
  const config = isObject(json.config) ? json.config : {};
  if (json.class_name === '__keras_tensor__') {
    const [layer, call, index] = Array.isArray(config.keras_history) ? (config.keras_history as unknown[]) : [];
    if (typeof layer !== 'string') throw new KletError('CORRUPT', 'a keras tensor has no history');
    return new Reference(layer, Number(call), Number(index));
  }
  if (json.class_name === '__slice__' || json.class_name === 'slice') return mapValues(config, keras3Value);
  if (['__numpy__', '__tensor__', '__tuple__'].includes(String(json.class_name))) {
    return keras3Value(config.value ?? config.items ?? json.items);
  }
  return mapValues(json, keras3Value);
}

function mapValues(json: JsonObject, change: (value: unknown) => unknown): JsonObject {
  return Object.fromEntries(Object.entries(json).map(([key, value]) => [key, change(value)]));
}
