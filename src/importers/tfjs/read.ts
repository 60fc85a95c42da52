import { show } from '../../arguments';
import { KletError } from '../../errors';

/** A value of an attribute, in the JSON form of TensorFlow's AttrValue. */
export interface AttributeValue {
  type?: string | number;
  shape?: ShapeJson;
  i?: string | number;
  f?: string | number;
  b?: boolean;
  s?: unknown;
  func?: { name?: string };
  list?: { i?: (string | number)[]; s?: unknown[]; f?: (string | number)[]; type?: (string | number)[] };
}

/** A shape. Sizes of −1 are open. */
export interface ShapeJson {
  dim?: { size?: string | number }[];
  unknownRank?: boolean;
}

/** A node of a graph. */
export interface NodeJson {
  name: string;
  op: string;
  input: string[];
  attr: Record<string, AttributeValue>;
}

/** A function that nodes can call. */
export interface FunctionJson {
  name: string;
  /** The names of its arguments and results. */
  inputs: string[];
  outputs: string[];
  nodes: NodeJson[];
  /** The values of the results, by the names of the results. */
  results: ReadonlyMap<string, string>;
}

/** An input or output of the network. */
export interface PortJson {
  /** The name by which callers know it. */
  key: string;
  /** The tensor in the graph. */
  tensor: string;
  dtype?: string | number;
  shape?: ShapeJson;
}

/** How weights of one type are stored. */
export interface WeightJson {
  name: string;
  shape: number[];
  dtype: string;
  quantization?: { dtype: string; scale: number; min: number };
}

/** Weights that are in the same files, one after the other. */
export interface WeightGroupJson {
  paths: string[];
  weights: WeightJson[];
}

/** A graph of TensorFlow. */
export interface GraphJson {
  nodes: NodeJson[];
  functions: FunctionJson[];
}

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function corrupt(what: string): KletError {
  return new KletError('CORRUPT', what);
}

function list(value: unknown, what: string): unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw corrupt(`${what} is no list`);
  return value as unknown[];
}

function text(value: unknown, what: string): string {
  if (typeof value !== 'string') throw corrupt(`${what} is no text`);
  return value;
}

function object(value: unknown, what: string): Json {
  if (!isObject(value)) throw corrupt(`${what} is no object`);
  return value;
}

/** Whether the bytes are JSON with the network or the weights of a TensorFlow.js model. */
export function looksLikeModel(bytes: Uint8Array): boolean {
  let at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  while (bytes[at] === 0x20 || (bytes[at]! >= 0x09 && bytes[at]! <= 0x0d)) at++;
  if (bytes[at] !== 0x7b) return false;
  return /"(modelTopology|weightsManifest)"\s*:/.test(new TextDecoder().decode(bytes));
}

/** Parses model.json. @throws {KletError} `CORRUPT` */
export function readModel(bytes: Uint8Array): Json {
  let model: unknown;
  try {
    model = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new KletError('CORRUPT', `the file is no complete JSON (${(error as Error).message})`, { cause: error });
  }
  return object(model, 'the file');
}

/** The graph of a model, or undefined if it consists of layers. */
export function graphOf(model: Json): GraphJson | undefined {
  const topology = object(model.modelTopology ?? {}, 'modelTopology');
  if (!('node' in topology)) return undefined;
  const library = isObject(topology.library) ? topology.library : {};
  return {
    nodes: list(topology.node, 'the list of nodes').map(nodeOf),
    functions: list(library.function, 'the list of functions').map(functionOf),
  };
}

/** The layers of a model, in one of the places where versions of the converter put them. */
export function layersOf(model: Json): { model: unknown; version: string } {
  const topology = object(model.modelTopology ?? {}, 'modelTopology');
  const { model_config: config = topology, keras_version: version } = topology;
  if (!isObject(config) || !('class_name' in config)) throw corrupt('modelTopology has neither nodes nor layers');
  return { model: config, version: typeof version === 'string' ? version : '' };
}

function nodeOf(value: unknown): NodeJson {
  const { name, op, input, attr } = object(value, 'a node');
  const called = text(name, 'the name of a node');
  return {
    name: called,
    op: text(op, `the operator of "${called}"`),
    input: list(input, `the inputs of "${called}"`).map((source) => text(source, `an input of "${called}"`)),
    attr: object(attr ?? {}, `the attributes of "${called}"`) as NodeJson['attr'],
  };
}

function functionOf(value: unknown): FunctionJson {
  const { signature, nodeDef, ret } = object(value, 'a function');
  const { name, inputArg, outputArg } = object(signature, 'the signature of a function');
  const called = text(name, 'the name of a function');
  const names = (all: unknown): string[] =>
    list(all, `the arguments of "${called}"`).map((argument) =>
      text(object(argument, `an argument of "${called}"`).name, `the name of an argument of "${called}"`)
    );
  const results = Object.entries(object(ret ?? {}, `the results of "${called}"`));
  return {
    name: called,
    inputs: names(inputArg),
    outputs: names(outputArg),
    nodes: list(nodeDef, `the nodes of "${called}"`).map(nodeOf),
    results: new Map(results.map(([result, source]) => [result, text(source, `a result of "${called}"`)])),
  };
}

/**
 * The inputs and outputs that the file names, in its order. Their names are without the `:0` of a
 * node's first output.
 */
export function signatureOf(model: Json): { inputs: PortJson[]; outputs: PortJson[] } {
  const metadata = isObject(model.userDefinedMetadata) ? model.userDefinedMetadata : {};
  const signature = [model.signature, metadata.signature].find(isObject) ?? {};
  const ports = (side: unknown): PortJson[] => {
    if (!isObject(side)) return [];
    return Object.entries(side).map(([key, value]) => {
      const { name, dtype, tensorShape } = object(value, `"${key}" of the signature`);
      return {
        key: key.replace(/:0$/, ''),
        tensor: typeof name === 'string' ? name : key,
        dtype: dtype as string,
        ...(isObject(tensorShape) && { shape: tensorShape }),
      };
    });
  };
  return { inputs: ports(signature.inputs), outputs: ports(signature.outputs) };
}

/** The weights that the file lists. */
export function weightGroupsOf(model: Json): WeightGroupJson[] {
  return list(model.weightsManifest, 'weightsManifest').map((value) => {
    const { paths, weights } = object(value, 'a group of weights');
    return {
      paths: list(paths, 'the paths of weights').map((path) => text(path, 'the path of weights')),
      weights: list(weights, 'the list of weights').map(weightOf),
    };
  });
}

function weightOf(value: unknown): WeightJson {
  const { name, shape, dtype, quantization } = object(value, 'a weight');
  const called = text(name, 'the name of a weight');
  const sizes = list(shape, `the shape of "${called}"`).map((size, i) => {
    if (Number.isInteger(size) && (size as number) >= 0) return size as number;
    throw corrupt(`the weight "${called}" has ${show(size)} as size ${i} of its shape`);
  });
  const count = sizes.reduce((a, b) => a * b, 1);
  if (count >= 2 ** 31) throw corrupt(`the weight "${called}" has ${count} elements`);
  const weight = { name: called, shape: sizes, dtype: text(dtype, `the type of "${called}"`) };
  if (!isObject(quantization)) return weight;
  const { dtype: stored, scale = 1, min = 0 } = quantization;
  if (!Number.isFinite(scale) || !Number.isFinite(min)) {
    throw corrupt(`the weight "${called}" has the scale ${show(scale)} and the minimum ${show(min)}`);
  }
  const quantized = {
    dtype: text(stored, `the stored type of "${called}"`),
    scale: scale as number,
    min: min as number,
  };
  return { ...weight, quantization: quantized };
}
