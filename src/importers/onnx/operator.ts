import type { Tensor } from '../../graph/graph';
import type { Constant, StoredType } from '../shared/constants';
import { FileOperator } from '../shared/fileOperator';
import type { NodeEmitter } from '../shared/nodeEmitter';
import type { NodeAttributes } from './attributes';
import type { GraphProto, TensorProto } from './onnx_pb';

/** What a mapping asks of the network around its operator. */
export interface Surroundings {
  /** Whether something reads the output at an index. */
  isRead(index: number): boolean;
  /** Imports the nodes of a subgraph with these inputs, and returns its outputs. */
  inline(graph: GraphProto, inputs: readonly Tensor[]): Tensor[];
  decode(tensor: TensorProto): Constant;
  /** The type that a tensor has in the file, which may be one that the graph lacks. */
  storedType(tensor: Tensor): StoredType;
  /** Maps an operator of this kind with other operands, in place of `operator`. */
  map(
    kind: string,
    operator: OnnxOperator,
    operands: readonly (Tensor | null)[],
    version: number,
    attributes?: NodeAttributes,
  ): Tensor | Tensor[];
}

/** One node of an ONNX file: its operator, attributes and inputs. */
export class OnnxOperator extends FileOperator {
  /**
   * @param version - The version of the operator set.
   * @param outputCount - The number of outputs that the node lists.
   */
  constructor(
    kind: string,
    name: string,
    readonly version: number,
    readonly attributes: NodeAttributes,
    operands: readonly (Tensor | null)[],
    readonly outputCount: number,
    emit: NodeEmitter,
    readonly network: Surroundings,
  ) {
    super(kind, name, operands, emit);
  }

  /** A list of integers that is an attribute in old operator sets and an input in new ones. */
  integers(i: number, attribute: string, what = attribute): number[] | undefined {
    return this.has(i) ? Array.from(this.constant(i, what).data) : this.attributes.ints(attribute);
  }
}

/** Emits the nodes of an operator and returns its outputs. */
export type Mapping = (operator: OnnxOperator) => Tensor | Tensor[];
export type Mappings = Record<string, Mapping>;
