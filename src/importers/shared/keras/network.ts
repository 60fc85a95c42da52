import { KletError } from '../../../errors';
import { elementCount, type DType, type Graph, type State, type Tensor } from '../../../graph/graph';
import { assembleGraph } from '../assemble';
import { lastSupported, type Step } from '../cut';
import { allocate } from '../fold';
import type { ImportOptions } from '../importer';
import { NodeEmitter } from '../nodeEmitter';
import { inputShapes, type OpenInput } from '../inputShapes';
import { foldAffine } from '../foldAffine';
import { sinkTransposes } from '../sinkTransposes';
import { UniqueNames } from '../uniqueNames';
import { UnsupportedForm, UnsupportedList, UnsupportedTensor } from '../unsupported';
import { isObject, type JsonObject } from './config';
import { KerasLayer, tensorsIn, type Surroundings } from './layer';
import { currentSpec, mappingOf } from './layers/index';
import { begunMask, inheritedMask, type Mask } from './layers/masks';
import { operationName } from './layers/operations';
import { isModel, layerSpec, modelSpec, Reference, type Call, type LayerSpec, type ModelSpec } from './model';
import { snakeCase } from './snakeCase';
import type { WeightPlace, WeightSource } from './weights';

/** A network of Keras as a file holds it. */
export interface KerasFile {
  /** The model: an object with `class_name` and `config`. */
  model: unknown;
  /** The version of Keras that wrote it, such as `2.15.0`. */
  version: string;
  weights: WeightSource;
}

/** An input of the network, with its element type in Keras's words. */
type InputPort = OpenInput & { dtype: string };

/** The layers of a model with the places of their weights. */
interface Layers {
  spec: ModelSpec;
  byName: Map<string, { layer: LayerSpec; place: WeightPlace; firstCall: number }>;
}

/** Thrown for layers that cannot be imported because one before them could not. */
class Skipped extends Error {}

/** Reads a network of Keras. */
export function importKeras(file: KerasFile, options: ImportOptions): Graph {
  return new KerasNetwork(file, options).import();
}

class KerasNetwork implements Surroundings {
  readonly version: number;
  readonly weights: WeightSource;
  private readonly names = new UniqueNames();
  private readonly emit = new NodeEmitter(this.names);
  private readonly refusals: { label: string; name: string }[] = [];
  private readonly tensorRefusals = new UnsupportedList('float32, int32, int64 and bool');
  private readonly masks = new Map<Tensor, Mask>();
  private readonly states: State[] = [];
  /** Layers of a sequential network whose outputs the caller wants instead of the last one's. */
  private readonly wanted: ReadonlySet<string>;
  /** Where the network could end before what is unsupported. */
  private ends: string[] = [];
  private depth = 0;

  constructor(private readonly file: KerasFile, private readonly options: ImportOptions) {
    this.version = Number.parseInt(file.version, 10) || 2;
    this.weights = file.weights;
    this.wanted = new Set(options.outputs);
  }

  import(): Graph {
    const { name = 'network' } = this.options;
    const root = layerSpec(this.file.model);
    const layers = withOutputs(layersOf(modelSpec(root), []), this.options);
    const all = inputPorts(root, layers.spec);
    const constants = this.constantInputs(all);
    const ports = all.filter((port) => !constants.has(port.name));
    const shapes = inputShapes(ports, this.options);
    const inputs = ports.map((port): Tensor => {
      const tensor = { name: this.names.take(port.name), shape: [...shapes.get(port.name)!] };
      return { ...tensor, dtype: this.tensorRefusals.collect(() => elementType(port.dtype, port.name)) ?? 'float32' };
    });
    const names = outputNames(layers.spec, this.options).map((wish) => this.names.take(wish));
    const results = this.attempt(() => {
      const open = [...inputs];
      return this.runModel(layers, all.map((port) => constants.get(port.name) ?? open.shift()!));
    });
    this.report();
    const outputs = results!.map((tensor, i) => ({ tensor, name: names[i] ?? this.names.take('output') }));
    for (const node of this.emit.nodes) {
      outputs.forEach(({ tensor, name: own }) => {
        if (!node.outputs.includes(tensor) || names.includes(tensor.name)) return;
        if (node.outputs[0] === tensor) node.name = own;
        tensor.name = own;
      });
    }
    const graph = assembleGraph(
      { name, inputs, outputs, nodes: this.emit.nodes, states: this.states, carries: false },
      this.names,
    );
    foldAffine(graph);
    sinkTransposes(graph, this.names);
    return graph;
  }

  maskOf(tensor: Tensor): Tensor | undefined {
    return this.masks.get(tensor)?.();
  }

  addState(value: Tensor, next: Tensor): void {
    this.states.push({ value, next, initial: new Float32Array(elementCount(value.shape)) });
  }

  run(given: LayerSpec, place: WeightPlace, args: readonly unknown[], kwargs: JsonObject): Tensor[] {
    const spec = currentSpec(given);
    const { prefix } = this.emit;
    const known = this.emit.nodes.length;
    this.emit.prefix = prefix === '' ? spec.name : `${prefix}/${spec.name}`;
    try {
      if (isModel(spec)) {
        return this.nested(() => this.runModel(layersOf(modelSpec(spec), place), tensorsIn([args, kwargs])));
      }
      const mapping = mappingOf(spec);
      if (!mapping) throw new UnsupportedForm();
      const layer = new KerasLayer(spec, place, args, kwargs, this.emit, this);
      const outputs = this.nested(() => [mapping(layer)].flat());
      outputs.forEach((tensor) => this.emit.rename(tensor, this.emit.prefix, known));
      const mask = begunMask(layer) ?? inheritedMask(layer, this.masks);
      if (mask) outputs.slice(0, 1).forEach((tensor) => this.masks.set(tensor, mask));
      return outputs;
    } catch (error) {
      if (error instanceof UnsupportedTensor) {
        this.tensorRefusals.collect(() => {
          throw error;
        });
      } else if (error instanceof UnsupportedForm) {
        const form = error.message === '' ? '' : ` with ${error.message}`;
        this.refusals.push({ label: `${labelOf(spec)}${form}`, name: spec.name });
      } else throw error;
      throw new Skipped();
    } finally {
      this.emit.prefix = prefix;
    }
  }

  /** The inputs whose values the caller knows. */
  private constantInputs(ports: readonly InputPort[]): Map<string, Tensor> {
    return new Map(Object.entries(this.options.constants ?? {}).map(([name, { data, shape }]) => {
      const port = ports.find((p) => p.name === name);
      if (!port) {
        const names = ports.map((p) => `"${p.name}"`).join(', ');
        throw new KletError('BAD_ARGUMENT', `there is no input "${name}" to make constant; the inputs are ${names}`);
      }
      const stated = port.dimensions?.map((size, i) => (i === 0 && typeof size === 'string' ? 1 : size));
      const isKnown = stated?.every((size) => typeof size === 'number') && elementCount(stated) === data.length;
      const dtype = elementType(port.dtype, name);
      const values = allocate(dtype, data.length);
      values.set(Array.from(data));
      return [name, this.emit.constant(values, shape ?? (isKnown ? stated : [data.length]), dtype)];
    }));
  }

  /** Reports the part of the layers that are imported, of the outermost model. */
  private progress(part: number): void {
    if (this.depth === 0) this.options.onProgress?.(part);
  }

  private runModel(layers: Layers, inputs: readonly Tensor[]): Tensor[] {
    return layers.spec.isSequential ? this.runSequence(layers, inputs) : this.runGraph(layers, inputs);
  }

  private runSequence({ spec, byName }: Layers, inputs: readonly Tensor[]): Tensor[] {
    let values = [...inputs];
    let isSkipped = false;
    const steps: Step[] = [];
    const taken = new Map<string, Tensor>();
    let previous: string[] = [];
    const count = spec.layers.filter(({ className }) => className !== 'InputLayer').length;
    for (const { className, name } of spec.layers) {
      if (className === 'InputLayer') continue;
      const { layer, place } = byName.get(name)!;
      const outputs = isSkipped ? this.tryUnknown(layer) : this.attempt(() => this.run(layer, place, values, {}));
      if (outputs) values = outputs;
      else isSkipped = true;
      steps.push({ reads: previous, writes: [name], isRefused: !outputs });
      previous = [name];
      this.progress(steps.length / count);
      if (outputs?.[0] && this.wanted.has(name)) taken.set(name, outputs[0]);
    }
    if (this.depth === 0) this.ends = lastSupported(steps, previous);
    if (this.depth === 0 && this.wanted.size > 0 && taken.size === this.wanted.size) {
      return [...this.wanted].map((name) => taken.get(name)!);
    }
    if (isSkipped) throw new Skipped();
    return values;
  }

  private runGraph({ spec, byName }: Layers, inputs: readonly Tensor[]): Tensor[] {
    const results = new Map<string, Tensor[] | 'running' | undefined>();
    const keyOf = (layer: string, call: number): string => `${call}:${layer}`;
    if (inputs.length < spec.inputs!.length) {
      throw new KletError('CORRUPT', `a model has ${spec.inputs!.length} inputs but is given ${inputs.length}`);
    }
    spec.inputs!.forEach(({ layer }, i) => results.set(keyOf(layer, 0), [inputs[i]!]));
    const valueOf = (reference: Reference): Tensor => {
      const entry = byName.get(reference.layer);
      if (!entry) throw new KletError('CORRUPT', `the layer "${reference.layer}" is read but does not exist`);
      const { layer, place, firstCall } = entry;
      const number = reference.call - firstCall;
      const key = keyOf(reference.layer, number);
      if (!results.has(key)) {
        const call = layer.calls[number];
        if (!call) {
          throw new KletError(
            'CORRUPT',
            `the layer "${layer.name}" has no call ${reference.call} (of ${layer.calls.length})`,
          );
        }
        results.set(key, 'running');
        results.set(key, this.attempt(() => this.runCall(layer, place, call, valueOf)));
      }
      const outputs = results.get(key);
      if (outputs === 'running') throw new KletError('INVALID_GRAPH', `the layer "${layer.name}" reads its own output`);
      if (!outputs) throw new Skipped();
      const output = outputs[reference.index];
      if (!output) {
        throw new KletError(
          'CORRUPT',
          `the layer "${layer.name}" has ${outputs.length} outputs, not ${reference.index + 1}`,
        );
      }
      return output;
    };
    // in the order of the file, so that no chain of calls is deep
    const needed = neededCalls(spec, byName);
    spec.layers.forEach(({ name, calls }, place) => {
      const { firstCall } = byName.get(name)!;
      calls.forEach((_, i) => {
        if (needed.has(keyOf(name, i))) this.attempt(() => [valueOf(new Reference(name, i + firstCall, 0))]);
      });
      this.progress((place + 1) / spec.layers.length);
    });
    if (this.depth === 0) {
      const steps = spec.layers.flatMap(({ name, calls }): Step[] =>
        calls.map(({ args, kwargs }, i) => ({
          reads: namesIn([args, kwargs]),
          writes: [name],
          isRefused: needed.has(keyOf(name, i)) && !results.get(keyOf(name, i)),
        }))
      );
      this.ends = lastSupported(steps, spec.outputs!.map(({ layer }) => layer));
    }
    return spec.outputs!.map(valueOf);
  }

  private runCall(
    layer: LayerSpec,
    place: WeightPlace,
    { args, kwargs }: Call,
    valueOf: (reference: Reference) => Tensor,
  ): Tensor[] {
    let isSkipped = false;
    const resolve = (value: unknown): unknown => {
      if (value instanceof Reference) {
        const found = this.attempt(() => [valueOf(value)]);
        if (!found) isSkipped = true;
        return found?.[0];
      }
      if (Array.isArray(value)) return value.map(resolve);
      return isObject(value) ? Object.fromEntries(Object.entries(value).map(([key, v]) => [key, resolve(v)])) : value;
    };
    const [resolvedArgs, resolvedKwargs] = [args.map(resolve), resolve(kwargs) as JsonObject];
    if (!isSkipped) return this.run(layer, place, resolvedArgs, resolvedKwargs);
    this.tryUnknown(layer);
    throw new Skipped();
  }

  /** Lists a layer after an unsupported one, if it is unsupported too. */
  private tryUnknown(layer: LayerSpec): undefined {
    if (isModel(layer)) modelSpec(layer).layers.forEach((inner) => this.tryUnknown(inner));
    else if (!mappingOf(currentSpec(layer))) this.refusals.push({ label: labelOf(layer), name: layer.name });
    return undefined;
  }

  /** The outputs of a layer, or undefined if it or one before it is unsupported. */
  private attempt(run: () => Tensor[]): Tensor[] | undefined {
    try {
      return run();
    } catch (error) {
      if (error instanceof Skipped) return undefined;
      throw error;
    }
  }

  private nested<T>(run: () => T): T {
    if (++this.depth > 64) throw new KletError('CORRUPT', 'models are nested deeper than 64 levels');
    try {
      return run();
    } finally {
      this.depth--;
    }
  }

  private report(): void {
    const seen = new Set<string>();
    for (const { label, name } of [...this.refusals].reverse()) {
      const key = `${label} ${name}`;
      if (!seen.has(key)) this.tensorRefusals.addOperator(label, name);
      seen.add(key);
    }
    this.tensorRefusals.report(() => 'replace these layers and save the network again', this.ends);
  }
}

/** The layers by name, with the places of their weights. */
function layersOf(spec: ModelSpec, place: WeightPlace): Layers {
  const counts = new Map<string, number>();
  const byName: Layers['byName'] = new Map();
  const highest = new Map<string, number>();
  const note = (value: unknown): void => {
    if (value instanceof Reference) highest.set(value.layer, Math.max(highest.get(value.layer) ?? 0, value.call));
    else if (Array.isArray(value)) value.forEach(note);
    else if (isObject(value)) Object.values(value).forEach(note);
  };
  for (const { calls } of spec.layers) for (const { args, kwargs } of calls) note([args, kwargs]);
  note(spec.outputs);
  for (const layer of spec.layers) {
    if (byName.has(layer.name)) throw new KletError('CORRUPT', `two layers have the name "${layer.name}"`);
    const key = snakeCase(layer.className);
    const ordinal = counts.get(key) ?? 0;
    counts.set(key, ordinal + 1);
    byName.set(layer.name, {
      layer,
      place: [...place, { className: layer.className, name: layer.name, ordinal }],
      // the first call of a model is that which made it, in files of Keras 2
      firstCall: isModel(layer) && (highest.get(layer.name) ?? 0) >= Math.max(layer.calls.length, 1) ? 1 : 0,
    });
  }
  return { spec, byName };
}

/** The layers whose outputs the caller wants, instead of those in the file. */
function withOutputs({ spec, byName }: Layers, { outputs }: ImportOptions): Layers {
  if (!outputs) return { spec, byName };
  for (const name of outputs) {
    if (byName.has(name)) continue;
    const names = spec.layers.map((layer) => `"${layer.name}"`).join(', ');
    throw new KletError('BAD_ARGUMENT', `there is no layer "${name}"; the layers are ${names}`);
  }
  if (!spec.isSequential) {
    const wanted = outputs.map((name) => new Reference(name, byName.get(name)!.firstCall, 0));
    return { spec: { ...spec, outputs: wanted }, byName };
  }
  const last = spec.layers.findLastIndex(({ name }) => outputs.includes(name));
  return { spec: { ...spec, layers: spec.layers.slice(0, last + 1) }, byName };
}

/** The layers that arguments refer to. */
function namesIn(value: unknown): string[] {
  if (value instanceof Reference) return [value.layer];
  if (Array.isArray(value)) return value.flatMap(namesIn);
  return isObject(value) ? Object.values(value).flatMap(namesIn) : [];
}

/** The calls that the outputs depend on, as `call:layer`. */
function neededCalls(spec: ModelSpec, byName: Layers['byName']): Set<string> {
  const needed = new Set<string>();
  const waiting: unknown[] = [...spec.outputs!];
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (value instanceof Reference) {
      const entry = byName.get(value.layer);
      const number = value.call - (entry?.firstCall ?? 0);
      const key = `${number}:${value.layer}`;
      if (needed.has(key)) continue;
      needed.add(key);
      const call = entry?.layer.calls[number];
      if (call) waiting.push(call.args, call.kwargs);
    } else if (Array.isArray(value)) waiting.push(...(value as unknown[]));
    else if (isObject(value)) waiting.push(...Object.values(value));
  }
  return needed;
}

/** A class of another package with its name there, and a function by its name. */
function labelOf(spec: LayerSpec): string {
  const { className, registeredName } = spec;
  const isForeign = registeredName !== undefined && registeredName !== className && registeredName.includes('>');
  return isForeign ? registeredName : operationName(spec);
}

/** The names of the outputs: those of the layers that compute them. */
function outputNames({ layers, outputs }: ModelSpec, options: ImportOptions): string[] {
  return (options.outputs && [...options.outputs]) ?? outputs?.map(({ layer }) => layer) ??
    [layers.at(-1)?.name ?? 'output'];
}

/** The inputs of a network with the shapes that its layers state. */
function inputPorts(root: LayerSpec, spec: ModelSpec): InputPort[] {
  if (!spec.isSequential) {
    return spec.inputs!.map(({ layer: name }) => {
      const layer = spec.layers.find((l) => l.name === name);
      if (!layer) throw new KletError('CORRUPT', `the input "${name}" does not exist`);
      return portOf(layer) ?? { name, dimensions: undefined, dtype: 'float32' };
    });
  }
  const [first] = spec.layers;
  if (!first) throw new KletError('CORRUPT', `the model "${root.name}" has no layers`);
  if (isModel(first)) {
    const inner = modelSpec(first);
    return inputPorts(first, inner);
  }
  const build = root.config.build_input_shape;
  const stated = portOf(first) ?? { name: first.name, dimensions: dimensionsOf(build), dtype: 'float32' };
  return [stated];
}

/** The shape that a layer states for its input, if any. */
function portOf({ name, config }: LayerSpec): InputPort | undefined {
  const wrapped = isObject(config.layer) && isObject(config.layer.config) ? config.layer.config : {};
  const shape = dimensionsOf(config.batch_shape ?? config.batch_input_shape ?? wrapped.batch_input_shape) ??
    withBatch(dimensionsOf(config.input_shape)) ??
    (Number.isInteger(config.input_dim) ? withBatch([config.input_dim as number]) : undefined);
  if (!shape) return undefined;
  const stated = typeof config.dtype === 'string' ? config.dtype : 'float32';
  return { name, dimensions: shape, dtype: stated };
}

function withBatch(dimensions: (number | string)[] | undefined): (number | string)[] | undefined {
  return dimensions && ['dimension 0', ...dimensions];
}

function dimensionsOf(json: unknown): (number | string)[] | undefined {
  if (!Array.isArray(json)) return undefined;
  return json.map((
    size: unknown,
    i,
  ) => (Number.isInteger(size) && (size as number) > 0 ? (size as number) : `dimension ${i}`));
}

/** Types of inputs; the floating-point types become float32. */
function elementType(dtype: string, name: string): DType {
  switch (dtype) {
    case 'float16':
    case 'bfloat16':
    case 'float32':
    case 'float64':
    case 'mixed_float16':
    case 'mixed_bfloat16':
      return 'float32';
    case 'int8':
    case 'int16':
    case 'uint16':
    case 'int32':
      return 'int32';
    case 'uint32':
    case 'int64':
      return 'int64';
    case 'uint8':
      return 'uint8';
    case 'bool':
      return 'bool';
    default:
      throw new UnsupportedTensor(`"${name}" (${dtype})`);
  }
}
