import { KletError } from '../../errors';
import type { AnyNode, Graph, Tensor } from '../../graph/graph';
import { operatorOf } from '../../ops/index';
import { assembleGraph } from '../shared/assemble';
import { lastSupported } from '../shared/cut';
import { joinBlocks } from '../shared/joinBlocks';
import { UnsupportedList, UnsupportedTensor } from '../shared/unsupported';
import type { ImportOptions } from '../shared/importer';
import { adviceFor } from './advice';
import type { Scope } from './loops/body';
import { Loops } from './loops/loop';
import { resolveShapes, withShapes } from './openShapes';
import { narrowInputs } from './narrowing';
import { TfliteOperator, type Mapping } from './operator';
import { customMappings, mappings } from './operators';
import { complexKinds } from './operators/spectrum';
import { TfliteReader } from './reader';
import { operatorKinds, optionsOf, type OperatorKind, type Table } from './schema';
import { chooseSignature, chosenOutputs, namedOutputs, type NamedOutput } from './signatures';
import { TensorTable, type FileOperator } from './tensorTable';
import { Variables } from './variables';

/** The import of one file: its main subgraph becomes a graph. */
export class TfliteImport {
  private readonly reader: TfliteReader;
  private subgraph: Table<'SubGraph'>;
  readonly operators: FileOperator[];
  readonly tensors: TensorTable;
  private readonly variables: Variables;
  private readonly loops: Loops;
  /** Layers that start from zeros in every run, although other layers of the network do not. */
  private readonly restarting: string[] = [];
  /** Layers that are loops in the file; none of them keeps its state between runs. */
  private readonly loopLayers = new Set<string>();
  /** Tensors that are outputs or that operators after the current one read. */
  private readonly demanded = new Set<number>();
  private readonly unsupported = new UnsupportedList('float32, int8, uint8 or int16');

  private readonly results: NamedOutput[];
  private readonly onProgress: ImportOptions['onProgress'];
  /** The positions of operators that are unsupported. */
  private readonly refused = new Set<number>();
  /** Shapes of inputs that the caller gave, by tensor index. */
  private readonly given: ReadonlyMap<number, readonly number[]>;

  constructor(
    bytes: Uint8Array,
    private readonly name: string,
    { signature: key, shapes, outputs: wished, onProgress }: ImportOptions = {},
  ) {
    this.onProgress = onProgress;
    this.reader = new TfliteReader(bytes);
    const model = this.reader.model();
    const signature = chooseSignature(model.signatureDefs, key);
    const subgraph = model.subgraphs[signature?.subgraphIndex ?? 0];
    if (!subgraph) throw new KletError('CORRUPT', `the file has ${model.subgraphs.length} subgraphs`);
    this.subgraph = subgraph;
    const operatorsOf = ({ operators }: Table<'SubGraph'>): FileOperator[] =>
      operators.map((source) => {
        const code = model.operatorCodes[source.opcodeIndex];
        if (!code) {
          throw new KletError(
            'CORRUPT',
            `an operator has the code ${source.opcodeIndex} of ${model.operatorCodes.length}`,
          );
        }
        // codes above 127 are in the second field only
        const builtin = Math.max(code.deprecatedBuiltinCode, code.builtinCode);
        return { kind: operatorKinds[builtin] ?? `operator ${builtin}`, customName: code.customCode, source };
      });
    this.operators = operatorsOf(subgraph);
    // a tensor that is an input, or several outputs, keeps the first of its names; copies get the
    // others
    const wishes = new Map<number, string>();
    for (const { tensorIndex, name } of signature?.inputs ?? []) wishes.set(tensorIndex, name);
    const results = wished ? chosenOutputs(subgraph, signature, wished) : namedOutputs(subgraph.outputs, signature);
    const copies = results.filter(({ index, name }) => {
      if (!name) return false;
      const isCopy = wishes.has(index);
      if (!isCopy) wishes.set(index, name);
      return isCopy;
    });
    this.given = this.givenShapes(wishes, shapes);
    const resolved = resolveShapes(subgraph, this.operators, model.buffers, this.reader, this.given);
    this.subgraph = narrowInputs(withShapes(subgraph, resolved), this.operators);
    this.tensors = new TensorTable(
      bytes,
      model.buffers,
      this.subgraph,
      this.operators,
      wishes,
      this.reader,
      copies.map(({ name }) => name!),
    );
    for (const [index, values] of resolved.integers) this.tensors.defineIntegers(index, values);
    copies.forEach((copy, i) => (copy.name = this.tensors.reserved[i]!));
    this.results = results;
    const scopeOf = (kind: string) => (index: number, shapes: readonly (readonly number[])[] = []): Scope => {
      const called = model.subgraphs[index];
      if (!called) throw new KletError('CORRUPT', `${kind} names the subgraph ${index} of ${model.subgraphs.length}`);
      const { inputs, outputs } = called;
      const operators = operatorsOf(called);
      const given = new Map(shapes.flatMap((shape, i) => (i in inputs ? [[inputs[i]!, shape] as const] : [])));
      const resolved = resolveShapes(called, operators, model.buffers, this.reader, given);
      const sized = withShapes(called, resolved);
      const tensors = new TensorTable(bytes, model.buffers, sized, operators, new Map(), this.reader);
      for (const [tensor, values] of resolved.integers) tensors.defineIntegers(tensor, values);
      return { inputs, outputs, operators, tensors };
    };
    this.variables = new Variables(this, this.reader, scopeOf('CALL_ONCE'));
    const { inputs, outputs } = subgraph;
    this.loops = new Loops(
      { inputs, outputs, operators: this.operators, tensors: this.tensors },
      this.reader,
      scopeOf('WHILE'),
    );
  }

  graph(): Graph {
    for (const index of this.subgraph.inputs) if (!this.given.has(index)) this.checkSizes(index);
    const inputs = this.subgraph.inputs.flatMap((index) =>
      this.unsupported.collect(() => this.tensors.get(index)) ?? []
    );
    const outputs = this.results.flatMap(({ index, name }) => {
      const tensor = this.unsupported.collect(() => this.readable(index, this.operators.length));
      return tensor ? { tensor, ...(name && { name }) } : [];
    });
    const states = this.variables.states((index) =>
      this.unsupported.collect(() => this.readable(index, this.operators.length))
    );
    for (const [form, name] of this.variables.refusals) {
      this.unsupported.addOperator(`ASSIGN_VARIABLE with ${form}`, name);
    }
    // Operators are converted from the last to the first, because the inputs that an operator needs
    // are known only after its conversion (a RESHAPE does not need its shape)
    const lowered: AnyNode[][] = [];
    for (let i = this.operators.length - 1; i >= 0; i--) {
      if (this.operators[i]!.source.outputs.some((index) => this.demanded.has(index))) lowered.push(this.lower(i));
      this.onProgress?.(1 - i / this.operators.length);
    }
    const nodes = lowered.reverse().flat();
    const carries = nodes.some(({ op, name }) => operatorOf(op).isStateful && !this.loopLayers.has(name));
    if (carries || states.length > 0) {
      for (const name of this.restarting) {
        this.unsupported.addOperator('WHILE beside layers or variables that keep their state between runs', name);
      }
    }
    this.unsupported.report(adviceFor, this.ends());
    const graph = assembleGraph({
      name: this.name,
      inputs,
      outputs,
      nodes,
      states,
      // TensorFlow Lite's layers keep their state from call to call
      carries,
    }, this.tensors.uniqueNames);
    joinBlocks(graph);
    return graph;
  }

  /** The caller's shapes, which have the names of inputs. */
  private givenShapes(
    wishes: ReadonlyMap<number, string>,
    shapes: Readonly<Record<string, readonly number[]>> = {},
  ): Map<number, readonly number[]> {
    const { inputs, tensors } = this.subgraph;
    const nameOf = (index: number): string => wishes.get(index) ?? tensors[index]?.name ?? '';
    return new Map(Object.entries(shapes).map(([name, shape]) => {
      const index = name === '' && inputs.length === 1 ? inputs[0] : inputs.find((input) => nameOf(input) === name);
      const rank = tensors[index ?? -1]?.shape.length;
      if (index === undefined || rank === undefined) {
        const names = inputs.map((input) => `"${nameOf(input)}"`).join(', ');
        throw new KletError('BAD_ARGUMENT', `there is no input "${name}" to give a shape; the inputs are ${names}`);
      }
      if (shape.length !== rank) {
        throw new KletError(
          'BAD_ARGUMENT',
          `the shape of "${nameOf(index)}" must have ${rank} dimensions, not ${shape.length}`,
        );
      }
      return [index, shape];
    }));
  }

  /**
   * Refuses an image input whose size is open, because the file then has a placeholder of one
   * pixel.
   */
  private checkSizes(index: number): void {
    const { shape = [], shapeSignature = [] } = this.subgraph.tensors[index] ?? {};
    const open = shape.slice(1).filter((_, i) => shapeSignature[i + 1] === -1);
    if (shape.length < 4 || open.length === 0 || !open.every((size) => size === 1)) return;
    const text = (sizes: readonly number[]): string => `[${sizes.join(', ')}]`;
    throw new KletError(
      'INVALID_GRAPH',
      `the size of the input "${this.tensors.name(index)}" is open (${text(shapeSignature)}), and the file has ` +
        `${text(shape)} in its place; say the size, for example with --shape 1,224,224,3 or the option "shapes"`,
    );
  }

  /** Where the network could end before the operators that are unsupported. */
  private ends(): string[] {
    if (this.refused.size === 0) return [];
    const named = (indices: readonly number[]): string[] =>
      indices.filter((index) => this.isComputed(index)).map((index) => this.tensors.name(index));
    const steps = this.operators.map(({ source }, i) => ({
      reads: named(source.inputs),
      writes: named(source.outputs),
      isRefused: this.refused.has(i),
    }));
    return lastSupported(steps, named(this.results.map(({ index }) => index)));
  }

  /** Whether an operator computes a tensor of a supported type at run time. */
  private isComputed(index: number): boolean {
    // a list is a part of the loop that fills it
    if (!this.tensors.producers.has(index) || this.tensors.isList(index)) return false;
    try {
      return !this.tensors.get(index).data;
    } catch (error) {
      if (error instanceof UnsupportedTensor || error instanceof KletError) return false;
      throw error;
    }
  }

  private lower(position: number): AnyNode[] {
    const { kind, customName, source } = this.operators[position]!;
    const label = kind === 'CUSTOM' ? `custom operator ${customName}` : kind;
    const name = this.tensors.name(source.outputs[0] ?? -1);
    const mapping = (kind === 'CUSTOM' ? customMappings.get(customName) : mappings[kind as OperatorKind]) as Mapping<
      OperatorKind
    > | undefined;
    const operands = [...source.inputs, ...source.outputs];
    const isComplex = operands.some((index) => this.tensors.isComplex(index));
    const isForbidden = isComplex && !complexKinds.has(kind);
    if (!mapping || isForbidden) {
      this.unsupported.addOperator(isForbidden ? `${label} of complex numbers` : label, name);
      this.refused.add(position);
      this.demandInputs(source);
      return [];
    }
    const [table, tag] = optionsOf(kind);
    const operand = (index: number) => () => this.readable(index, position);
    const operator = new TfliteOperator<OperatorKind>(
      kind as OperatorKind,
      this.reader.table(table, source.builtinOptionsType === tag ? source.builtinOptions : 0),
      source.inputs.map((index) => (index < 0 ? null : operand(index))),
      source.outputs.map(operand),
      this.tensors.uniqueNames,
      {
        customOptions: source.customOptions,
        variable: () => this.held(source.outputs[0] ?? -1, position),
        loop: () => this.loops.at(position),
        isRead: (i) => this.demanded.has(source.outputs[i] ?? -1),
        quantizationOfState: (i) => this.tensors.quantizationOf(source.inputs[i] ?? -1),
        quantizationOfIntermediate: (i) => this.tensors.quantizationOf(source.intermediates[i] ?? -1),
      },
    );
    if (!this.unsupported.collectOperator(label, name, () => mapping(operator))) {
      this.refused.add(position);
      this.demandInputs(source);
    }
    if (kind === 'WHILE') {
      for (const { op, name } of operator.nodes) {
        if (!operatorOf(op).isStateful) continue;
        this.loopLayers.add(name);
        if (operator.loop.starts.length === 0) this.restarting.push(name);
      }
    }
    return operator.nodes;
  }

  private demand(index: number): Tensor {
    this.demanded.add(index);
    const tensor = this.tensors.get(index);
    if (tensor.data) this.demanded.delete(index);
    return tensor;
  }

  /**
   * Converts the inputs of an unsupported operator as well, so that one error lists everything that
   * is unsupported.
   */
  private demandInputs(source: Table<'Operator'>): void {
    for (const index of source.inputs) {
      // a list is a part of the loop that fills it
      if (index >= 0 && !this.tensors.isList(index)) this.unsupported.collect(() => this.demand(index));
    }
  }

  /** A tensor that the operator at `position` reads or writes; its producer must not come later. */
  private readable(index: number, position: number): Tensor {
    const tensor = this.demand(index);
    const producer = this.tensors.producers.get(index);
    if (producer !== undefined && producer > position) {
      throw new KletError('INVALID_GRAPH', `tensor "${tensor.name}" is read before it is computed`);
    }
    if (producer === undefined && !tensor.data && !this.subgraph.inputs.includes(index)) {
      throw new KletError('INVALID_GRAPH', `tensor "${tensor.name}" is read but nothing computes it`);
    }
    return tensor;
  }

  /** The value that the READ_VARIABLE at `position` reads. */
  private held(output: number, position: number): Tensor {
    const source = this.variables.read(output);
    return typeof source === 'number' ? this.readable(source, position) : source;
  }
}
