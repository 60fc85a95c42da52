import type { Tensor } from '../../graph/graph';
import { FileOperator } from '../shared/fileOperator';
import type { NodeEmitter } from '../shared/nodeEmitter';
import type { NodeAttributes } from './attributes';

/** An output of a node: null if a `Switch` did not choose it. */
export type Outcome = Tensor | null;

/** What a mapping asks of the network around its operator. */
export interface Surroundings {
  /** Whether something reads the output at an index. */
  isRead(index: number): boolean;
  /** Imports the nodes of a function with these inputs, and returns its outputs. */
  call(name: string, inputs: readonly Tensor[]): Outcome[];
}

/** One node of a TensorFlow graph: its operator, attributes and inputs. */
export class TfOperator extends FileOperator {
  constructor(
    kind: string,
    name: string,
    readonly attributes: NodeAttributes,
    operands: readonly Outcome[],
    emit: NodeEmitter,
    readonly network: Surroundings,
  ) {
    super(kind, name, operands, emit);
  }

  /** A constant input of integers, such as axes, sizes or begins. */
  integers(i: number, what: string): number[] {
    const { data, dtype } = this.constant(i, what);
    this.check(dtype === 'int32', `${what} of type ${dtype}`);
    return Array.from(data);
  }

  /** Constant axes, counted from 0, each once, in ascending order. */
  axes(i: number, rank: number): number[] {
    const axes = this.integers(i, 'axes').map((axis) => this.axis(axis, rank));
    return [...new Set(axes)].sort((a, b) => a - b);
  }
}

/** Emits the nodes of an operator and returns its outputs. */
export type Mapping = (operator: TfOperator) => Tensor | Outcome[];
export type Mappings = Record<string, Mapping>;
