import { KletError } from '../../errors';
import type { AnyNode, Graph, Tensor } from '../../graph/graph';
import { operatorOf } from '../../ops/index';
import { OperatorImport, UnsupportedForm, type Mapping } from './operatorImport';
import { customMappings, mappings } from './operators';
import { TfliteReader } from './reader';
import { operatorKinds, operatorOptions, type OperatorKind, type Table } from './schema';
import { UnsupportedTensor } from './tensors';
import { TensorTable, type FileOperator } from './tensorTable';
import { Variables } from './variables';

/**
 * Reads a TensorFlow Lite network into the IR.
 *
 * Inputs and outputs keep their order. They are named by the file's signature, or by their tensors
 * if there is none. Operators whose results are not used are left out.
 *
 * @param bytes - A .tflite file.
 * @param options.name - Name of the network, also used in error messages.
 * @throws {KletError} `BAD_MAGIC`, `CORRUPT` or `INVALID_GRAPH` for malformed files,
 *   `UNSUPPORTED_OP` with a list of all unsupported operators, `UNSUPPORTED_TYPE` with a list of
 *   all tensors of unsupported types.
 */
export function importTflite(bytes: Uint8Array, options: { name?: string } = {}): Graph {
  const name = options.name ?? 'network';
  try {
    return new TfliteImport(bytes, name).graph();
  } catch (error) {
    if (error instanceof KletError) {
      throw new KletError(error.code, `${name}: ${error.message}`, { cause: error.cause });
    }
    if (error instanceof UnsupportedTensor) {
      throw new KletError('UNSUPPORTED_TYPE', `${name}: tensor ${error.message} is not supported`);
    }
    throw new KletError('CORRUPT', `${name}: the file is malformed (${(error as Error).message})`, { cause: error });
  }
}

class TfliteImport {
  private readonly reader: TfliteReader;
  private readonly subgraph: Table<'SubGraph'>;
  readonly operators: FileOperator[];
  readonly tensors: TensorTable;
  private readonly variables: Variables;
  /** Tensors that are outputs or that operators after the current one read. */
  private readonly demanded = new Set<number>();
  private readonly unsupportedOperators = new Map<string, string[]>();
  private readonly unsupportedTensors = new Set<string>();

  constructor(bytes: Uint8Array, private readonly name: string) {
    this.reader = new TfliteReader(bytes);
    const model = this.reader.model();
    const signature = model.signatureDefs.find((s) => s.signatureKey === 'serving_default') ?? model.signatureDefs[0];
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
    const wishes =
      new Map([...(signature?.inputs ?? []), ...(signature?.outputs ?? [])].map((
        entry,
      ) => [entry.tensorIndex, entry.name]));
    this.tensors = new TensorTable(bytes, model.buffers, subgraph, this.operators, wishes, this.reader);
    this.variables = new Variables(this, this.reader, (index) => {
      const called = model.subgraphs[index];
      if (!called) throw new KletError('CORRUPT', `CALL_ONCE names the subgraph ${index} of ${model.subgraphs.length}`);
      const operators = operatorsOf(called);
      return { operators, tensors: new TensorTable(bytes, model.buffers, called, operators, new Map(), this.reader) };
    });
  }

  graph(): Graph {
    const inputs = this.subgraph.inputs.flatMap((index) => this.collect(() => this.tensors.get(index)) ?? []);
    const results = this.subgraph.outputs.flatMap((index) =>
      this.collect(() => this.readable(index, this.operators.length)) ?? []
    );
    const states = this.variables.states((index) => this.collect(() => this.readable(index, this.operators.length)));
    for (const [form, name] of this.variables.refusals) this.noteUnsupported(`ASSIGN_VARIABLE with ${form}`, name);
    // From the last operator to the first, because the inputs that an operator needs are known only
    // once it became nodes (a RESHAPE does not need its shape)
    const lowered: AnyNode[][] = [];
    for (let i = this.operators.length - 1; i >= 0; i--) {
      if (this.operators[i]!.source.outputs.some((index) => this.demanded.has(index))) lowered.push(this.lower(i));
    }
    this.reportUnsupported();
    const nodes = lowered.reverse().flat();
    const available = new Set(nodes.flatMap((node) => node.outputs));
    const outputs = results.map((tensor) => (available.delete(tensor) ? tensor : this.copied(tensor, nodes)));
    this.checkNodes(nodes);
    // TensorFlow Lite's layers keep their state from call to call
    return {
      name: this.name,
      inputs,
      outputs,
      nodes,
      ...(states.length > 0 && { states }),
      ...(nodes.some(({ op }) => operatorOf(op).isStateful) && { carries: true }),
    };
  }

  private lower(position: number): AnyNode[] {
    const { kind, customName, source } = this.operators[position]!;
    const label = kind === 'CUSTOM' ? `custom operator ${customName}` : kind;
    const name = this.tensors.name(source.outputs[0] ?? -1);
    const mapping = (kind === 'CUSTOM' ? customMappings.get(customName) : mappings[kind as OperatorKind]) as Mapping<
      OperatorKind
    > | undefined;
    if (!mapping) {
      this.noteUnsupported(label, name);
      this.demandInputs(source);
      return [];
    }
    const [table, tag] = operatorOptions[kind as OperatorKind];
    const operator = new OperatorImport<OperatorKind>(
      kind as OperatorKind,
      this.reader.table(table, source.builtinOptionsType === tag ? source.builtinOptions : 0),
      source.customOptions,
      source.inputs,
      source.outputs,
      {
        tensor: (index) => this.readable(index, position),
        variable: (index) => this.held(index, position),
        uniqueName: (wish) => this.tensors.uniqueName(wish),
        quantizationOf: (index) => this.tensors.quantizationOf(index),
      },
      source.intermediates,
    );
    try {
      mapping(operator);
    } catch (error) {
      if (error instanceof UnsupportedForm) this.noteUnsupported(`${label} with ${error.message}`, name);
      else if (error instanceof UnsupportedTensor) this.unsupportedTensors.add(error.message);
      else throw error;
      this.demandInputs(source);
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
   * Demands the inputs of an unsupported operator, so that one error lists everything that is
   * unsupported.
   */
  private demandInputs(source: Table<'Operator'>): void {
    for (const index of source.inputs) if (index >= 0) this.collect(() => this.demand(index));
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

  /** A copy for an output that is also an input, a constant or an earlier output. */
  private copied(tensor: Tensor, nodes: AnyNode[]): Tensor {
    const { data: _, ...like } = tensor;
    const copy: Tensor = { ...like, name: this.tensors.uniqueName(`${tensor.name}/output`) };
    nodes.push({ op: 'reshape', name: copy.name, inputs: [tensor], outputs: [copy], attributes: {} });
    return copy;
  }

  private checkNodes(nodes: AnyNode[]): void {
    for (const { op, name, outputs, attributes } of nodes) {
      for (const tensor of outputs) {
        if (tensor.shape.includes(0)) {
          throw new KletError(
            'INVALID_GRAPH',
            `tensor "${tensor.name}" has no elements (shape [${tensor.shape.join(', ')}])`,
          );
        }
      }
      for (const [key, value] of Object.entries(attributes)) {
        const numbers = [value].flat().filter((v) => typeof v === 'number');
        if (!numbers.every(Number.isFinite)) {
          throw new KletError('CORRUPT', `${op} "${name}" has the ${key} ${String(value)}`);
        }
      }
    }
  }

  private collect<T>(attempt: () => T): T | undefined {
    try {
      return attempt();
    } catch (error) {
      if (!(error instanceof UnsupportedTensor)) throw error;
      this.unsupportedTensors.add(error.message);
      return undefined;
    }
  }

  private noteUnsupported(label: string, name: string): void {
    this.unsupportedOperators.set(label, [name, ...(this.unsupportedOperators.get(label) ?? [])]);
  }

  private reportUnsupported(): void {
    const tensors = [...this.unsupportedTensors].map((tensor) => `  tensor ${tensor}`);
    const operators = [...this.unsupportedOperators].reverse().map(([label, names]) =>
      `  ${label} (${names.length}): ${names.map((n) => `"${n}"`).join(', ')}`
    );
    if (operators.length > 0) {
      throw new KletError(
        'UNSUPPORTED_OP',
        ['the network uses unsupported operators; replace them and convert again', ...operators, ...tensors].join('\n'),
      );
    }
    if (tensors.length > 0) {
      throw new KletError(
        'UNSUPPORTED_TYPE',
        ['the network has tensors of unsupported types; use float32, int8 or uint8', ...tensors].join('\n'),
      );
    }
  }
}
