import { KletError } from '../../errors';
import type { Tensor } from '../../graph/graph';
import type { Constant } from '../shared/constants';
import type { NodeEmitter } from '../shared/nodeEmitter';
import { UnsupportedForm } from '../shared/unsupported';
import type { NodeAttributes } from './attributes';
import type { GraphProto, TensorProto } from './onnx_pb';

/** What a mapping asks of the network around its operator. */
export interface Surroundings {
  /** Whether something reads the output at an index. */
  isRead(index: number): boolean;
  /** Imports the nodes of a subgraph with these inputs, and returns its outputs. */
  inline(graph: GraphProto, inputs: readonly Tensor[]): Tensor[];
  decode(tensor: TensorProto): Constant;
}

/** One node of an ONNX file: its operator, attributes and inputs. */
export class OnnxOperator {
  /**
   * @param kind - The operator, such as `Conv`.
   * @param name - The first output, for messages.
   * @param version - The version of the operator set.
   * @param operands - The inputs; null for an optional input that is absent.
   * @param outputCount - The number of outputs that the node lists.
   * @param emit - Emits the nodes of the graph.
   */
  constructor(
    readonly kind: string,
    readonly name: string,
    readonly version: number,
    readonly attributes: NodeAttributes,
    readonly operands: readonly (Tensor | null)[],
    readonly outputCount: number,
    readonly emit: NodeEmitter,
    readonly network: Surroundings,
  ) {}

  get inputCount(): number {
    return this.operands.length;
  }

  /** All inputs, which must be present. */
  get inputs(): Tensor[] {
    return this.operands.map((_, i) => this.input(i));
  }

  input(i: number): Tensor {
    const tensor = this.optional(i);
    if (!tensor) throw new KletError('CORRUPT', `${this.kind} "${this.name}" lacks its input ${i}`);
    return tensor;
  }

  optional(i: number): Tensor | null {
    return this.operands[i] ?? null;
  }

  has(i: number): boolean {
    return Boolean(this.operands[i]);
  }

  constant(i: number, what: string): Constant {
    const tensor = this.input(i);
    if (!tensor.data) throw new UnsupportedForm(`${what} that are computed at run time`);
    return tensor as Constant;
  }

  /** A list of integers that is an attribute in old operator sets and an input in new ones. */
  integers(i: number, attribute: string, what = attribute): number[] | undefined {
    return this.has(i) ? Array.from(this.constant(i, what).data) : this.attributes.ints(attribute);
  }

  /** A single number that is an optional constant input. */
  scalar(i: number, what: string): number | undefined {
    if (!this.has(i)) return undefined;
    const { data } = this.constant(i, what);
    if (data.length !== 1) throw new UnsupportedForm(`${data.length} numbers as ${what}`);
    return data[0]!;
  }

  /** An axis counted from 0; negative ones count from the end. */
  axis(axis: number, rank: number): number {
    const positive = axis < 0 ? axis + rank : axis;
    if (!(positive >= 0 && positive < Math.max(rank, 1))) {
      throw new KletError('CORRUPT', `${this.kind} "${this.name}" has the axis ${axis} of ${rank} dimensions`);
    }
    return positive;
  }

  /** Refuses the operator unless `condition` holds; `form` completes "OPERATOR with …". */
  check(condition: boolean, form: string): void {
    if (!condition) throw new UnsupportedForm(form);
  }
}

/** Emits the nodes of an operator and returns its outputs. */
export type Mapping = (operator: OnnxOperator) => Tensor | Tensor[];
export type Mappings = Record<string, Mapping>;
