import type { State, Tensor } from '../../graph/graph';
import { UnsupportedForm } from '../shared/unsupported';
import type { TfliteReader } from './reader';
import { optionsOf, type Options, type Table } from './schema';
import type { FileOperator, TensorTable } from './tensorTable';

/** A resource variable. */
interface Variable {
  name: string;
  /** Its value before the first run, or the reason why that is unknown. */
  initial: Tensor | string;
  /** The tensors that read it before the first assignment of a run. */
  reads: number[];
  /** The last tensor that a run assigns to it. */
  last?: number;
  /** Its value at the beginning of a run, if runs change it. */
  value?: Tensor;
}

/** The operators and tensors of a subgraph. */
interface Scope {
  operators: readonly FileOperator[];
  tensors: TensorTable;
}

/**
 * The resource variables of a subgraph. TensorFlow Lite runs operators in the order of the file, so
 * the result of a READ_VARIABLE follows from the ASSIGN_VARIABLEs before it. The value of the last
 * assignment is the initial value of the next run.
 */
export class Variables {
  private readonly byKey = new Map<string, Variable>();
  /**
   * The source of each READ_VARIABLE: the variable, if it still has its value from before the run,
   * or the tensor that was assigned to it since.
   */
  private readonly sources = new Map<number, Variable | number>();
  /** Unsupported forms of ASSIGN_VARIABLE, with the names of the tensors. */
  readonly refusals: [form: string, name: string][] = [];

  /** @param scopeOf returns the subgraph that a CALL_ONCE names */
  constructor(private readonly scope: Scope, private readonly reader: TfliteReader, scopeOf: (index: number) => Scope) {
    const { operators, tensors } = scope;
    const find = this.handles(operators);
    for (const { kind, source } of operators) {
      if (kind === 'CALL_ONCE') this.initialize(scopeOf(this.options('CALL_ONCE', source).initSubgraphIndex));
      const variable = find(source);
      const [output = -1] = source.outputs;
      if (kind === 'ASSIGN_VARIABLE') {
        if (variable) variable.last = source.inputs[1] ?? -1;
        else this.refusals.push(['a handle that is computed', tensors.name(source.inputs[1] ?? -1)]);
      } else if (kind === 'READ_VARIABLE' && variable) {
        this.sources.set(output, variable.last ?? variable);
        if (variable.last === undefined) variable.reads.push(output);
      }
    }
    // variables that no run changes are constants, such as weights that were not frozen
    for (const { initial, reads, last } of this.byKey.values()) {
      if (last !== undefined || typeof initial === 'string') continue;
      for (const index of reads) tensors.define(index, { ...initial, name: tensors.name(index) });
    }
  }

  /** The source of the READ_VARIABLE with the output `index`: a state, or the index of a tensor. */
  read(index: number): Tensor | number {
    const source = this.sources.get(index);
    if (source === undefined) throw new UnsupportedForm('a handle that is computed');
    return typeof source === 'number' ? source : this.valueOf(source);
  }

  /**
   * The states, kept from run to run. `readable` returns a tensor if it exists at the end of a run.
   */
  states(readable: (index: number) => Tensor | undefined): State[] {
    const states: State[] = [];
    for (const variable of this.byKey.values()) {
      const { initial, last, reads } = variable;
      const next = last !== undefined && reads.length > 0 && readable(last);
      if (!next || typeof initial === 'string') continue;
      try {
        const value = this.valueOf(variable);
        if (!isAlike(value, next)) {
          throw new UnsupportedForm('a value whose type, shape or quantization differs from the value read');
        }
        states.push({ value, next, initial: initial.data! });
      } catch (error) {
        if (!(error instanceof UnsupportedForm)) throw error;
        this.refusals.push([error.message, this.scope.tensors.name(last)]);
      }
    }
    return states;
  }

  private valueOf(variable: Variable): Tensor {
    const { name, initial, reads } = variable;
    const { tensors } = this.scope;
    if (typeof initial === 'string') throw new UnsupportedForm(initial);
    const like = tensors.get(reads[0]!);
    if (initial.dtype !== like.dtype || initial.shape.join() !== like.shape.join()) {
      throw new UnsupportedForm('an initial value of another type or shape');
    }
    return (variable.value ??= { ...like, name: tensors.uniqueNames.take(name || 'variable') });
  }

  /** Takes the initial values that a subgraph called once assigns. */
  private initialize({ operators, tensors }: Scope): void {
    const find = this.handles(operators);
    for (const { kind, source } of operators) {
      const variable = find(source);
      if (kind !== 'ASSIGN_VARIABLE' || !variable) continue;
      const index = source.inputs[1] ?? -1;
      const value = tensors.get(index);
      const by = operators[tensors.producers.get(index) ?? -1];
      variable.initial = value.data ? value : `an initial value that ${by?.kind ?? 'nothing'} computes`;
    }
  }

  /** Returns a function that finds the variable whose handle is an operator's input. */
  private handles(operators: readonly FileOperator[]): (source: Table<'Operator'>) => Variable | undefined {
    const keys = new Map<number, string>();
    for (const { kind, source } of operators) {
      if (kind !== 'VAR_HANDLE') continue;
      const { container, sharedName } = this.options('VAR_HANDLE', source);
      const key = JSON.stringify([container, sharedName]);
      keys.set(source.outputs[0] ?? -1, key);
      if (!this.byKey.has(key)) this.byKey.set(key, { name: sharedName, initial: 'no initial value', reads: [] });
    }
    return (source) => this.byKey.get(keys.get(source.inputs[0] ?? -1) ?? '');
  }

  private options<K extends 'VAR_HANDLE' | 'CALL_ONCE'>(kind: K, source: Table<'Operator'>): Options<K> {
    const [table, tag] = optionsOf(kind);
    return this.reader.table(table, source.builtinOptionsType === tag ? source.builtinOptions : 0) as Options<K>;
  }
}

function isAlike(a: Tensor, b: Tensor): boolean {
  const text = ({ quantization }: Tensor): string => JSON.stringify([quantization?.scale, quantization?.zeroPoint]);
  return a.dtype === b.dtype && a.shape.join() === b.shape.join() && text(a) === text(b);
}
