import { KletError } from '../../errors';
import type { AnyNode, Graph, Tensor } from '../../graph/graph';
import { assembleGraph } from '../shared/assemble';
import { lastSupported, type Step } from '../shared/cut';
import { malformedOperator } from '../shared/fileOperator';
import { allocate } from '../shared/fold';
import type { ImportOptions } from '../shared/importer';
import { inputShapes, type Dimension } from '../shared/inputShapes';
import { joinBlocks } from '../shared/joinBlocks';
import { NodeEmitter } from '../shared/nodeEmitter';
import { foldAffine } from '../shared/foldAffine';
import { sinkTransposes } from '../shared/sinkTransposes';
import { UniqueNames } from '../shared/uniqueNames';
import { UnsupportedForm, UnsupportedList } from '../shared/unsupported';
import { dimensionsOf, elementType, NodeAttributes } from './attributes';
import { TfOperator, type Outcome, type Surroundings } from './operator';
import { mappingOf } from './operators/index';
import type { FunctionJson, GraphJson, NodeJson, PortJson } from './read';
import { isControl, referenceOf, Scope, skipped, type Given } from './scope';
import type { Weights } from './weights';

/** Functions that call each other deeper than this, or more often, do not end. */
const MAX_DEPTH = 64;
const MAX_CALLS = 10_000;

/** The names by which callers know the inputs and outputs. */
interface Signature {
  inputs: PortJson[];
  outputs: PortJson[];
}

/** The import of one graph. */
export class TfNetwork {
  private readonly names = new UniqueNames();
  private readonly emit = new NodeEmitter(this.names);
  private readonly functions: ReadonlyMap<string, FunctionJson>;
  private readonly refusals: { label: string; name: string }[] = [];
  private readonly unsupported = new UnsupportedList('float32, int32 and bool');
  /** Where the network could end before what is unsupported. */
  private ends: string[] = [];
  private depth = 0;
  private calls = 0;

  constructor(private readonly name: string, private readonly graph: GraphJson, private readonly weights: Weights) {
    this.functions = new Map(graph.functions.map((f) => [f.name, f]));
  }

  import(signature: Signature, options: ImportOptions): Graph {
    const scope = new Scope(this.graph.nodes);
    const outputs = this.outputsOf(scope, signature, options);
    const entries = inputsOf(scope, signature.inputs, outputs);
    // the interface keeps its names, whatever the names of nodes are
    const inputNames = new Map(entries.map((entry) => [entry, this.names.take(entry.key)]));
    const outputNames = outputs.map(({ key }) => this.names.take(key));
    const constants = this.setConstants(entries, options, scope);
    const open = entries.filter(({ key }) => !constants.has(key));
    const shapes = this.shapesOf(open, outputs, options, scope);
    const inputs: Tensor[] = [];
    for (const entry of open) {
      const made = this.unsupported.collect((): Tensor => {
        const name = inputNames.get(entry)!;
        return { name, shape: [...shapes.get(entry.key)!], dtype: typeOf(entry, scope) };
      });
      scope.set(referenceOf(entry.tensor).node, made ? [made] : skipped);
      if (made) inputs.push(made);
    }
    const results = this.run(scope, outputs.map(({ tensor }) => tensor), options.onProgress);
    this.report();
    const tensors = results.map((tensor, i) => {
      if (tensor) return tensor;
      throw new KletError('CORRUPT', `the output "${outputs[i]!.key}" is in a branch that is not taken`);
    });
    return this.assemble(inputs, tensors, outputNames);
  }

  /** The outputs: those of the file, or others of its values. */
  private outputsOf(scope: Scope, { outputs }: Signature, options: ImportOptions): PortJson[] {
    const own = outputs.length > 0 ? outputs : lastNodes(this.graph.nodes);
    return options.outputs?.map((name) => {
      const listed = own.find(({ key }) => key === name);
      if (listed) return listed;
      if (scope.node(referenceOf(name).node)) return { key: name, tensor: name };
      const names = own.map(({ key }) => `"${key}"`).join(', ');
      throw new KletError('BAD_ARGUMENT', `no node computes a value "${name}"; the outputs of the file are ${names}`);
    }) ?? own;
  }

  /** The shapes of the inputs. Open ones are not asked for if the network is unsupported. */
  private shapesOf(
    open: readonly PortJson[],
    outputs: readonly PortJson[],
    options: ImportOptions,
    scope: Scope,
  ): Map<string, readonly number[]> {
    try {
      return inputShapes(open.map((entry) => ({ name: entry.key, dimensions: dimensions(entry, scope) })), options);
    } catch (error) {
      if (!(error instanceof KletError && error.code === 'INVALID_GRAPH')) throw error;
      for (const { name, op } of scope.order(outputs.map(({ tensor }) => tensor))) {
        if (op === 'Const') this.constant(name);
        else if (!op.startsWith('Placeholder') && !mappingOf(op)) this.refusals.push({ label: op, name });
      }
      for (const entry of open) this.unsupported.collect(() => typeOf(entry, scope));
      this.report();
      throw error;
    }
  }

  private assemble(inputs: Tensor[], results: readonly Tensor[], names: readonly string[]): Graph {
    const producers = new Map<Tensor,
      AnyNode>(this.emit.nodes.flatMap((node) => node.outputs.map((tensor) => [tensor, node] as const)));
    const renamed = new Set<Tensor>();
    results.forEach((tensor, i) => {
      const node = producers.get(tensor);
      if (!node || renamed.has(tensor)) return;
      renamed.add(tensor);
      tensor.name = names[i]!;
      if (node.outputs[0] === tensor) node.name = tensor.name;
    });
    const graph = assembleGraph({
      name: this.name,
      inputs,
      outputs: results.map((tensor, i) => ({ tensor, name: names[i]! })),
      nodes: this.emit.nodes,
      states: [],
      carries: false,
    }, this.names);
    joinBlocks(graph);
    foldAffine(graph);
    sinkTransposes(graph, this.names);
    return graph;
  }

  /** Sets the inputs whose values the caller knows, and returns their names. */
  private setConstants(entries: readonly PortJson[], { constants = {} }: ImportOptions, scope: Scope): Set<string> {
    for (const [name, { shape, data }] of Object.entries(constants)) {
      const entry = entries.find(({ key }) => key === name);
      if (!entry) {
        const names = entries.map(({ key }) => `"${key}"`).join(', ');
        throw new KletError('BAD_ARGUMENT', `there is no input "${name}" to make constant; the inputs are ${names}`);
      }
      const dtype = typeOf(entry, scope);
      const values = allocate(dtype, data.length);
      for (let i = 0; i < data.length; i++) values[i] = data[i]!;
      scope.set(referenceOf(entry.tensor).node, [this.emit.constant(values, shape ?? [data.length], dtype)]);
    }
    return new Set(Object.keys(constants));
  }

  /** Imports the nodes that these outputs need, and returns them; undefined if unsupported. */
  private run(
    scope: Scope,
    results: readonly string[],
    onProgress?: ImportOptions['onProgress'],
  ): (Outcome | undefined)[] {
    const nodes = scope.order(results);
    const read = new Set([...results, ...nodes.flatMap(({ input }) => input)].map((text) => {
      const reference = referenceOf(text);
      return `${reference.node}:${scope.place(reference)}`;
    }));
    nodes.forEach((node, i) => {
      scope.set(node.name, this.runNode(node, scope, read));
      onProgress?.((i + 1) / nodes.length);
    });
    // of the whole network, whose nodes are run last
    this.ends = lastSupported(nodes.map((node) => stepOf(node, scope)), results);
    return results.map((result) => {
      const tensor = scope.get(result);
      return tensor === skipped ? undefined : tensor;
    });
  }

  private runNode(node: NodeJson, scope: Scope, read: ReadonlySet<string>): Given {
    const { name, op } = node;
    if (op === 'Const') return this.constant(name);
    const mapping = mappingOf(op);
    if (!mapping) {
      this.refusals.push({ label: op, name });
      return skipped;
    }
    const operands = node.input.filter((input) => !isControl(input)).map((input) => scope.get(input));
    if (operands.includes(skipped)) return skipped;
    // nothing follows from a branch that is not taken
    if (op !== 'Merge' && operands.includes(null)) return [];
    const surroundings: Surroundings = {
      isRead: (index) => read.has(`${name}:${index}`),
      call: (called, inputs) => this.call(called, inputs),
    };
    const attributes = new NodeAttributes(node.attr, name);
    const operator = new TfOperator(op, name, attributes, operands as Outcome[], this.emit, surroundings);
    const { prefix } = this.emit;
    const known = this.emit.nodes.length;
    this.emit.prefix = name;
    try {
      const outputs = this.unsupported.collect(() => [mapping(operator)].flat());
      outputs?.forEach((tensor, i) => tensor && this.emit.rename(tensor, i === 0 ? name : `${name}:${i}`, known));
      return outputs ?? skipped;
    } catch (error) {
      if (error instanceof UnsupportedForm) {
        this.refusals.push({ label: `${op} with ${error.message}`, name });
        return skipped;
      }
      throw error instanceof KletError ? error : malformedOperator(operator, error);
    } finally {
      this.emit.prefix = prefix;
    }
  }

  private constant(name: string): Given {
    const value = this.unsupported.collect(() => {
      const weight = this.weights.get(name);
      if (weight) return { ...weight, name: this.names.take(name) };
      throw new KletError('CORRUPT', `the constant "${name}" is not among the weights`);
    });
    return value ? [value] : skipped;
  }

  /** Imports the nodes of a function. */
  private call(name: string, inputs: readonly Tensor[]): Outcome[] {
    const called = this.functions.get(name);
    if (!called) throw new KletError('CORRUPT', `the function "${name}" is called, but the file does not have it`);
    if (this.depth >= MAX_DEPTH || this.calls++ >= MAX_CALLS) {
      throw new KletError('CORRUPT', `the function "${name}" calls itself, or functions are nested too deeply`);
    }
    const scope = new Scope(called.nodes);
    called.inputs.forEach((argument, i) => {
      const tensor = inputs[i];
      if (!tensor) throw new KletError('CORRUPT', `a call of "${name}" lacks its argument "${argument}"`);
      scope.set(argument, [tensor]);
    });
    this.depth++;
    try {
      const results = this.run(scope, called.outputs.map((result) => called.results.get(result) ?? result));
      if (results.includes(undefined)) throw new UnsupportedForm('a function with the operators listed here');
      return results as Outcome[];
    } finally {
      this.depth--;
    }
  }

  private report(): void {
    for (const { label, name } of [...this.refusals].reverse()) this.unsupported.addOperator(label, name);
    this.unsupported.report(() => 'replace them and convert again', this.ends);
  }
}

/** What a node reads and writes. Constants are no values where a network could end. */
function stepOf({ name, input, op }: NodeJson, scope: Scope): Step {
  const outputs = scope.given(name);
  const reads = input.filter((text) => !isControl(text)).map((text) => text.replace(/:0$/, ''));
  if (outputs === skipped) return { reads, writes: [name], isRefused: op !== 'Const' };
  const places = outputs.flatMap((tensor, i) => (tensor && !tensor.data ? [i === 0 ? name : `${name}:${i}`] : []));
  return { reads, writes: places, isRefused: false };
}

/** Without a signature, the outputs are what no node reads. */
function lastNodes(nodes: readonly NodeJson[]): PortJson[] {
  const read = new Set(nodes.flatMap(({ input }) => input.map((text) => referenceOf(text).node)));
  const last = nodes.filter(({ name, op }) => !read.has(name) && !['Const', 'NoOp', 'Placeholder'].includes(op));
  if (last.length === 0) throw new KletError('CORRUPT', 'the graph has no outputs');
  return last.map(({ name }) => ({ key: name, tensor: name }));
}

/** The inputs of the signature, and other placeholders that the outputs need. */
function inputsOf(scope: Scope, listed: readonly PortJson[], outputs: readonly PortJson[]): PortJson[] {
  const known = new Set(listed.map(({ tensor }) => referenceOf(tensor).node));
  for (const { key, tensor } of listed) {
    const { node } = referenceOf(tensor);
    if (!scope.node(node)) throw new KletError('CORRUPT', `the input "${key}" is "${node}", which the graph lacks`);
  }
  const probe = new Scope(scope.nodes);
  for (const node of known) probe.set(node, []);
  const needed = new Set(probe.order(outputs.map(({ tensor }) => tensor)));
  // in the order of the file
  const others = scope.nodes.filter((node) => node.op === 'Placeholder' && needed.has(node));
  return [...listed, ...others.map(({ name }) => ({ key: name, tensor: name }))];
}

/** What is known of an input's shape, from its node and the signature. */
function dimensions({ tensor, shape }: PortJson, scope: Scope): Dimension[] | undefined {
  const { name, op, attr } = scope.node(referenceOf(tensor).node)!;
  const attributes = new NodeAttributes(attr, name);
  const own = op.startsWith('Placeholder') ? dimensionsOf(attributes.shape('shape')) : undefined;
  const listed = dimensionsOf(shape);
  // an empty shape may be one that was not written
  if (!own || !listed || own.length !== listed.length) return own && own.length > 0 ? own : listed ?? own;
  return own.map((size, i) => (typeof size === 'number' ? size : listed[i]!));
}

function typeOf({ key, tensor, dtype }: PortJson, scope: Scope) {
  const { name, attr } = scope.node(referenceOf(tensor).node)!;
  return elementType(dtype ?? new NodeAttributes(attr, name).type('dtype'), key);
}
