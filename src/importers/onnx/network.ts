import { KletError } from '../../errors';
import type { DType, Graph, Tensor } from '../../graph/graph';
import { assembleGraph } from '../shared/assemble';
import type { Constant, StoredType } from '../shared/constants';
import { lastSupported, type Step } from '../shared/cut';
import type { ModelFiles } from '../shared/files';
import { malformedOperator } from '../shared/fileOperator';
import { allocate } from '../shared/fold';
import type { ImportOptions } from '../shared/importer';
import { inputShapes } from '../shared/inputShapes';
import { NodeEmitter } from '../shared/nodeEmitter';
import { prepareInt8 } from '../shared/prepareInt8';
import { sinkTransposes } from '../shared/sinkTransposes';
import { UniqueNames } from '../shared/uniqueNames';
import { UnsupportedForm, UnsupportedList, UnsupportedTensor } from '../shared/unsupported';
import { NodeAttributes } from './attributes';
import { dimensionsOf } from './inputs';
import type { FunctionProto, GraphProto, NodeProto, ValueInfoProto } from './onnx_pb';
import { OnnxOperator, type Mapping, type Surroundings } from './operator';
import { mappingOf } from './operators/index';
import { readModel } from './read';
import { decodeTensor, elementType } from './tensors';

/** Operator sets and functions that nodes of a graph may use. */
interface Definitions {
  versions: ReadonlyMap<string, number>;
  functions: ReadonlyMap<string, FunctionProto>;
}

/** The values of a graph by name; those of the graph around it are visible too. */
class Scope {
  private readonly values = new Map<string, Tensor | undefined>();

  constructor(private readonly outer?: Scope) {}

  set(name: string, tensor: Tensor | undefined): void {
    if (name !== '') this.values.set(name, tensor);
  }

  has(name: string): boolean {
    return this.values.has(name) || (this.outer?.has(name) ?? false);
  }

  /** The value; undefined if an unsupported operator should have computed it. */
  get(name: string): Tensor | undefined {
    if (this.values.has(name)) return this.values.get(name);
    if (!this.outer) throw new KletError('INVALID_GRAPH', `the value "${name}" is read before it is computed`);
    return this.outer.get(name);
  }
}

/** Marks an operator that cannot be imported because one before it could not. */
const skipped = Symbol('skipped');

/** The import of one file. */
export class OnnxNetwork {
  private readonly names = new UniqueNames();
  private readonly emit = new NodeEmitter(this.names);
  private readonly refusals: { label: string; name: string }[] = [];
  /** Types of tensors in the file. */
  private readonly types = new Map<Tensor, StoredType>();
  private readonly tensorRefusals = new UnsupportedList('float32, int8, uint8, int32, int64 and bool');

  /** Where the network could end before what is unsupported. */
  private ends: string[] = [];

  constructor(private readonly name: string, private readonly files: ModelFiles) {}

  import(bytes: Uint8Array, options: ImportOptions): Graph {
    const model = readModel(bytes);
    const { graph } = model;
    const definitions: Definitions = {
      versions: new Map(model.opsetImport.map(({ domain, version }) => [domainName(domain), Number(version)])),
      functions: new Map(model.functions.map((f) => [`${domainName(f.domain)}:${f.name}`, f])),
    };
    const scope = new Scope();
    const initialized = new Set(graph.initializer.map(({ name }) => name));
    const entries = graph.input.filter(({ name }) => !initialized.has(name));
    const constants = this.constantInputs(entries, options, scope);
    const open = entries.filter(({ name }) => !constants.has(name));
    const shapes = inputShapes(open.map((entry) => ({ name: entry.name, dimensions: dimensionsOf(entry) })), options);
    const inputs: Tensor[] = [];
    for (const entry of open) {
      const { name } = entry;
      const made = this.collect((): Tensor => {
        const shape = inLayout(shapes.get(name)!, options);
        return { name: this.names.take(name), shape, dtype: dtypeOf(entry) };
      });
      scope.set(name, made && fromLayout(made, this.emit, options));
      if (made) inputs.push(made);
    }
    const wished = outputNames(graph, options);
    const results = this.run(graph, wished, scope, definitions, options.onProgress);
    this.report();
    const named = new Set(wished);
    const outputs = results.map((tensor, i) => {
      const name = wished[i]!;
      if (!tensor) throw new KletError('CORRUPT', `nothing in the file computes the output "${name}"`);
      return { tensor: toLayout(tensor, this.emit, options), name };
    });
    for (const { tensor, name } of outputs) if (!named.has(tensor.name)) this.emit.rename(tensor, name);
    const assembled = assembleGraph({
      name: this.name,
      inputs,
      outputs,
      nodes: this.emit.nodes,
      states: [],
      carries: false,
    }, this.names);
    prepareInt8(assembled, this.emit.quantized, this.names);
    sinkTransposes(assembled, this.names);
    return assembled;
  }

  /** Sets the inputs whose values the caller knows, and returns their names. */
  private constantInputs(
    entries: readonly ValueInfoProto[],
    { constants = {} }: ImportOptions,
    scope: Scope,
  ): Set<string> {
    for (const [name, { shape, data }] of Object.entries(constants)) {
      const entry = entries.find((e) => e.name === name);
      if (!entry) {
        const names = entries.map((e) => `"${e.name}"`).join(', ');
        throw new KletError('BAD_ARGUMENT', `there is no input "${name}" to make constant; the inputs are ${names}`);
      }
      const dtype = dtypeOf(entry);
      const values = allocate(dtype, data.length);
      for (let i = 0; i < data.length; i++) values[i] = data[i]!;
      const made = [...shape ?? constantShape(entry, data.length)];
      scope.set(name, { name: this.names.take(name), shape: made, dtype, data: values });
    }
    return new Set(Object.keys(constants));
  }

  /** Imports the nodes of a graph that its outputs need, and returns the outputs. */
  private run(
    graph: GraphProto,
    results: readonly string[],
    scope: Scope,
    definitions: Definitions,
    onProgress?: ImportOptions['onProgress'],
  ): (Tensor | undefined)[] {
    for (const proto of graph.initializer) {
      scope.set(proto.name, this.collect(() => this.decode(proto)));
    }
    this.runNodes(graph.node, results, scope, definitions, onProgress);
    return results.map((name) => scope.get(name));
  }

  private runNodes(
    nodes: readonly NodeProto[],
    results: readonly string[],
    scope: Scope,
    definitions: Definitions,
    onProgress?: ImportOptions['onProgress'],
  ): void {
    const needed = neededNodes(nodes, results);
    const read = new Set([...results, ...needed.flatMap(namesRead)]);
    const steps: Step[] = [];
    for (const node of needed) {
      const outputs = this.runNode(node, read, scope, definitions);
      node.output.forEach((name, i) => scope.set(name, outputs === skipped ? undefined : outputs[i]));
      const writes = node.output.filter((name) => name !== '' && !scope.get(name)?.data);
      steps.push({ reads: namesRead(node), writes, isRefused: outputs === skipped });
      onProgress?.(steps.length / needed.length);
    }
    // of the whole network, whose nodes are run last
    this.ends = lastSupported(steps, results);
  }

  private runNode(
    node: NodeProto,
    read: ReadonlySet<string>,
    scope: Scope,
    definitions: Definitions,
  ): readonly Tensor[] | typeof skipped {
    const domain = domainName(node.domain);
    const label = domain === '' ? node.opType : `${domain}::${node.opType}`;
    const name = node.output.find((output) => output !== '') ?? node.name;
    const called = definitions.functions.get(`${domain}:${node.opType}`);
    const mapping = called
      ? (operator: OnnxOperator) => this.call(called, node, operator.operands, definitions)
      : mappingOf(domain, node.opType);
    if (!mapping) {
      this.refusals.push({ label, name });
      return skipped;
    }
    const operands = node.input.map((input) => (input === '' ? null : scope.get(input)));
    if (operands.includes(undefined)) return skipped;
    const surroundings: Surroundings = {
      isRead: (index) => read.has(node.output[index] ?? ''),
      inline: (graph, inputs) => this.inline(graph, inputs, scope, definitions),
      decode: (tensor) => this.decode(tensor),
      storedType: (tensor) => this.types.get(tensor) ?? tensor.dtype,
      map: (kind, { name, attributes }, inputs, version, changed = attributes) => {
        const mapping = mappingOf('', kind);
        if (!mapping) throw new UnsupportedForm(`${kind} inside`);
        return mapping(new OnnxOperator(kind, name, version, changed, inputs, 1, this.emit, surroundings));
      },
    };
    const operator = new OnnxOperator(
      node.opType,
      name,
      definitions.versions.get(domain) ?? 1,
      new NodeAttributes(node.attribute),
      operands as (Tensor | null)[],
      node.output.length,
      this.emit,
      surroundings,
    );
    return this.map(mapping, operator, label, node.output);
  }

  private map(
    mapping: Mapping,
    operator: OnnxOperator,
    label: string,
    names: readonly string[],
  ): readonly Tensor[] | typeof skipped {
    const { name } = operator;
    const { prefix } = this.emit;
    const known = this.emit.nodes.length;
    this.emit.prefix = name;
    try {
      const outputs = this.collect(() => [mapping(operator)].flat());
      outputs?.forEach((tensor, i) => this.emit.rename(tensor, names[i] ?? '', known));
      return outputs ?? skipped;
    } catch (error) {
      if (error instanceof UnsupportedForm) {
        this.refusals.push({ label: `${label} with ${error.message}`, name });
        return skipped;
      }
      throw error instanceof KletError ? error : malformedOperator(operator, error);
    } finally {
      this.emit.prefix = prefix;
    }
  }

  /** Imports the nodes of a subgraph, which may read the values around it. */
  private inline(graph: GraphProto, inputs: readonly Tensor[], outer: Scope, definitions: Definitions): Tensor[] {
    const scope = new Scope(outer);
    graph.input.forEach(({ name }, i) => scope.set(name, inputs[i]));
    const results = this.run(graph, graph.output.map(({ name }) => name), scope, definitions);
    if (results.includes(undefined)) throw new UnsupportedForm('a subgraph with the operators listed here');
    return results as Tensor[];
  }

  /** Imports the nodes of a function. */
  private call(
    called: FunctionProto,
    node: NodeProto,
    inputs: readonly (Tensor | null)[],
    outer: Definitions,
  ): Tensor[] {
    const scope = new Scope();
    called.input.forEach((name, i) => scope.set(name, inputs[i] ?? undefined));
    const given = new Map([...called.attributeProto, ...node.attribute].map((a) => [a.name, a]));
    // an attribute of the body may refer to one of the call
    const body = called.node.map((inner) => ({
      ...inner,
      attribute: inner.attribute.flatMap((attribute) => {
        if (attribute.refAttrName === '') return [attribute];
        const value = given.get(attribute.refAttrName);
        return value ? [{ ...value, name: attribute.name }] : [];
      }),
    }));
    const versions = new Map(called.opsetImport.map(({ domain, version }) => [domainName(domain), Number(version)]));
    this.runNodes(body, called.output, scope, { ...outer, versions: new Map([...outer.versions, ...versions]) });
    const results = called.output.map((name) => scope.get(name));
    if (results.includes(undefined)) throw new UnsupportedForm('a body with the operators listed here');
    return results as Tensor[];
  }

  private decode(proto: Parameters<typeof decodeTensor>[0]): Constant {
    const tensor = decodeTensor(proto, this.files, this.names.take(proto.name || 'constant'));
    this.types.set(tensor, elementType(proto.dataType, proto.name).stored);
    return tensor;
  }

  /** The result of `attempt`, or undefined if a tensor has an unsupported type. */
  private collect<T>(attempt: () => T): T | undefined {
    return this.tensorRefusals.collect(attempt);
  }

  private report(): void {
    for (const { label, name } of [...this.refusals].reverse()) this.tensorRefusals.addOperator(label, name);
    this.tensorRefusals.report(() => 'replace them and export again', this.ends);
  }
}

/** The outputs: those of the file, or others of its values. */
function outputNames(graph: GraphProto, { outputs }: ImportOptions): string[] {
  if (!outputs) return graph.output.map(({ name }) => name);
  const known = new Set([...graph.node.flatMap(({ output }) => output), ...graph.input.map(({ name }) => name)]);
  for (const name of outputs) {
    if (known.has(name)) continue;
    const names = graph.output.map((output) => `"${output.name}"`).join(', ');
    throw new KletError('BAD_ARGUMENT', `no node computes a value "${name}"; the outputs of the file are ${names}`);
  }
  return [...outputs];
}

/** The shape of a constant input without one: that of the file, if all of its sizes are known. */
function constantShape({ type }: ValueInfoProto, count: number): number[] {
  const dimensions = type?.value.case === 'tensorType' ? type.value.value.shape?.dim : undefined;
  const sizes = dimensions?.map(({ value }) => (value.case === 'dimValue' ? Number(value.value) : NaN));
  return sizes?.reduce((a, b) => a * b, 1) === count ? sizes : [count];
}

/** Whether a tensor is an image, whose channels `layout` moves to the end. */
function isMoved({ length }: readonly number[], { layout }: ImportOptions): boolean {
  return layout === 'nhwc' && length === 4;
}

function inLayout(shape: readonly number[], options: ImportOptions): number[] {
  return isMoved(shape, options) ? [0, 2, 3, 1].map((d) => shape[d]!) : [...shape];
}

function fromLayout(tensor: Tensor, emit: NodeEmitter, options: ImportOptions): Tensor {
  return isMoved(tensor.shape, options) ? emit.transpose(tensor, [0, 3, 1, 2]) : tensor;
}

function toLayout(tensor: Tensor, emit: NodeEmitter, options: ImportOptions): Tensor {
  return isMoved(tensor.shape, options) ? emit.transpose(tensor, [0, 2, 3, 1]) : tensor;
}

/** The nodes that the results need, in order. */
function neededNodes(nodes: readonly NodeProto[], results: readonly string[]): NodeProto[] {
  const wanted = new Set(results);
  const needed: NodeProto[] = [];
  for (const node of [...nodes].reverse()) {
    if (!node.output.some((name) => name !== '' && wanted.has(name))) continue;
    needed.push(node);
    namesRead(node).forEach((name) => wanted.add(name));
  }
  return needed.reverse();
}

/** The values that a node reads, also in its subgraphs. */
function namesRead(node: NodeProto): string[] {
  const inner = node.attribute.flatMap(({ g }) =>
    g ? [...g.node.flatMap(namesRead), ...g.output.map(({ name }) => name)] : []
  );
  return [...node.input, ...inner].filter((name) => name !== '');
}

function dtypeOf({ name, type }: ValueInfoProto): DType {
  if (type?.value.case !== 'tensorType') throw new UnsupportedTensor(`"${name}" (${type?.value.case ?? 'no type'})`);
  return elementType(type.value.value.elemType, name).dtype;
}

/** The domain of ONNX's own operators has two names. */
function domainName(domain: string): string {
  return domain === 'ai.onnx' ? '' : domain;
}
