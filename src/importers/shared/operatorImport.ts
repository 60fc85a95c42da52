import { KletError } from '../../errors';
import type { AnyNode, Tensor } from '../../graph/graph';
import type { Attributes, CellActivation, FusedActivation, OperatorName } from '../../graph/operators';
import type { Constant } from './constants';
import type { UniqueNames } from './uniqueNames';
import { UnsupportedForm } from './unsupported';

/**
 * A tensor that an operator of the file reads or writes. It is looked up when a mapping asks for
 * it, so that an input without use (such as the sizes of a reshape) is never converted or computed.
 */
export type Operand = () => Tensor;

type Activated = {
  [K in OperatorName]: Attributes[K] extends { activation: FusedActivation } ? K : never;
}[OperatorName];

/** One operator of a file and the nodes that it becomes. */
export class OperatorImport<Options = unknown> {
  readonly nodes: AnyNode[] = [];

  /**
   * @param kind - The operator's name in its format.
   * @param options - Its attributes.
   * @param operands - Its inputs; null for an optional input that is absent.
   * @param results - Its outputs.
   * @param names - The names of the network's tensors.
   */
  constructor(
    readonly kind: string,
    readonly options: Options,
    private readonly operands: readonly (Operand | null)[],
    readonly results: readonly Operand[],
    private readonly names: UniqueNames,
  ) {}

  get outputs(): Tensor[] {
    return this.results.map((result) => result());
  }

  get output(): Tensor {
    const [first] = this.results;
    if (!first) throw new KletError('CORRUPT', `a ${this.kind} has no output`);
    return first();
  }

  /** All inputs, which must be present. */
  get inputs(): Tensor[] {
    return this.operands.map((_, i) => this.input(i));
  }

  /** A required input; `rank` is its number of dimensions, if given. */
  input(i: number, rank?: number): Tensor {
    const tensor = this.optionalInput(i);
    if (!tensor) throw new KletError('CORRUPT', `${this.kind} "${this.output.name}" lacks input ${i}`);
    if (rank !== undefined && tensor.shape.length !== rank) {
      throw new UnsupportedForm(`input ${i} has the shape [${tensor.shape.join(', ')}], not ${rank} dimensions`);
    }
    return tensor;
  }

  optionalInput(i: number): Tensor | null {
    return this.operands[i]?.() ?? null;
  }

  has(i: number): boolean {
    return Boolean(this.operands[i]);
  }

  constantInput(i: number, what: string): Constant {
    const tensor = this.input(i);
    if (!tensor.data) throw new UnsupportedForm(`its ${what} are computed at run time`);
    return tensor as Constant;
  }

  /** A constant input of integers, such as axes, sizes or begins. */
  integers(i: number, what: string): number[] {
    const tensor = this.constantInput(i, what);
    if (tensor.dtype !== 'int32' && tensor.dtype !== 'int64') {
      throw new KletError('CORRUPT', `${this.kind} "${this.output.name}" has ${tensor.dtype} ${what}`);
    }
    return Array.from(tensor.data);
  }

  /** An axis counted from 0; negative ones count from the end. */
  axis(axis: number, rank: number): number {
    const positive = axis < 0 ? axis + rank : axis;
    if (!(positive >= 0 && positive < rank)) {
      throw new KletError('CORRUPT', `${this.kind} "${this.output.name}" has the axis ${axis} of ${rank} dimensions`);
    }
    return positive;
  }

  /** Refuses the operator unless `condition` holds; `form` completes "OPERATOR with …". */
  check(condition: boolean, form: string): void {
    if (!condition) throw new UnsupportedForm(form);
  }

  /** A tensor between two nodes of this operator, with `like`'s type and quantization. */
  temporary(like: Tensor, shape: number[], suffix: string): Tensor {
    const { dtype, quantization } = like;
    return {
      name: this.names.take(`${this.output.name}/${suffix}`),
      shape,
      dtype,
      ...(quantization && { quantization }),
    };
  }

  emit<N extends OperatorName>(
    op: N,
    inputs: (Tensor | null)[],
    attributes: Attributes[N],
    outputs: Tensor[] = [this.output],
  ): void {
    this.nodes.push({ op, name: outputs[0]!.name, inputs, outputs, attributes } as AnyNode);
  }

  /**
   * Emits a node with a fused activation, which becomes an attribute or, for tanh, a second node.
   */
  emitActivated<N extends Activated>(
    op: N,
    inputs: (Tensor | null)[],
    activation: CellActivation,
    attributes: Omit<Attributes[N], 'activation'>,
    output = this.output,
  ): void {
    if (activation !== 'tanh') return this.emit(op, inputs, { ...attributes, activation } as Attributes[N], [output]);
    this.check(output.dtype === 'float32', 'fused TANH on quantized values');
    const linear = this.temporary(output, output.shape, 'linear');
    this.emit(op, inputs, { ...attributes, activation: 'none' } as unknown as Attributes[N], [linear]);
    this.emit('unary', [linear], { kind: 'tanh' }, [output]);
  }

  /**
   * `tensor` with another shape: itself if the shapes are equal, otherwise the output of a reshape
   * node.
   */
  reshaped(tensor: Tensor, shape: number[], suffix: string): Tensor {
    if (tensor.shape.length === shape.length && tensor.shape.every((d, i) => d === shape[i])) return tensor;
    if (tensor.data) return { ...tensor, name: this.names.take(`${tensor.name}/${suffix}`), shape };
    const result = this.temporary(tensor, shape, suffix);
    this.emit('reshape', [tensor], {}, [result]);
    return result;
  }
}
