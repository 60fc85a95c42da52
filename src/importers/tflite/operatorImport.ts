import { KletError } from '../../errors';
import type { AnyNode, Tensor } from '../../graph/graph';
import type { Attributes, FusedActivation, OperatorName } from '../../graph/operators';
import { fusedActivations, type OperatorKind, type Options } from './schema';

/** A form of an operator that the IR cannot express. The importer collects these errors. */
export class UnsupportedForm extends Error {}

/** What a mapping can query about the network of its operator. */
export interface NetworkContext {
  /** The IR tensor with an index of the file. */
  tensor(index: number): Tensor;
  /** The value of the variable that is read into the tensor `output`. */
  variable(output: number): Tensor;
  uniqueName(wish: string): string;
  /** Scale and zero point of a tensor, which need not be supported otherwise. */
  quantizationOf(index: number): { scale: number; zeroPoint: number } | undefined;
}

export type Mapping<K extends OperatorKind> = (operator: OperatorImport<K>) => void;
export type Mappings = { [K in OperatorKind]?: Mapping<K> };

export const activationNames: Record<(typeof fusedActivations)[number], FusedActivation | 'tanh' | undefined> = {
  NONE: 'none',
  RELU: 'relu',
  RELU_N1_TO_1: 'reluN1To1',
  RELU6: 'relu6',
  TANH: 'tanh',
  SIGN_BIT: undefined,
};

type Activated = {
  [K in OperatorName]: Attributes[K] extends { activation: FusedActivation } ? K : never;
}[OperatorName];

/** One operator of the file and the IR nodes that it becomes. */
export class OperatorImport<K extends OperatorKind = OperatorKind> {
  readonly nodes: AnyNode[] = [];

  constructor(
    readonly kind: K,
    readonly options: Options<K>,
    readonly customOptions: Uint8Array,
    private readonly inputIndices: number[],
    private readonly outputIndices: number[],
    private readonly context: NetworkContext,
    private readonly intermediateIndices: number[] = [],
  ) {}

  get inputCount(): number {
    return this.inputIndices.length;
  }

  get outputs(): Tensor[] {
    return this.outputIndices.map((index) => this.context.tensor(index));
  }

  get output(): Tensor {
    if (this.outputIndices.length === 0) throw new KletError('CORRUPT', `a ${this.kind} has no output`);
    return this.context.tensor(this.outputIndices[0]!);
  }

  /** The value that a READ_VARIABLE reads. */
  get variable(): Tensor {
    return this.context.variable(this.outputIndices[0] ?? -1);
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
    const index = this.inputIndices[i] ?? -1;
    return index < 0 ? null : this.context.tensor(index);
  }

  has(i: number): boolean {
    return (this.inputIndices[i] ?? -1) >= 0;
  }

  /** Scale and zero point of a state input, which is kept from run to run. */
  quantizationOfState(i: number): { scale: number; zeroPoint: number } | undefined {
    return this.context.quantizationOf(this.inputIndices[i] ?? -1);
  }

  quantizationOfIntermediate(i: number): { scale: number; zeroPoint: number } | undefined {
    return this.context.quantizationOf(this.intermediateIndices[i] ?? -1);
  }

  get inputs(): Tensor[] {
    return this.inputIndices.map((_, i) => this.input(i));
  }

  constantInput(i: number, what: string): Tensor & { data: NonNullable<Tensor['data']> } {
    const tensor = this.input(i);
    if (!tensor.data) throw new UnsupportedForm(`its ${what} are computed at run time`);
    return tensor as Tensor & { data: NonNullable<Tensor['data']> };
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

  check(condition: boolean, form: string): void {
    if (!condition) throw new UnsupportedForm(form);
  }

  /** A tensor between two nodes of this operator, with `like`'s type and quantization. */
  temporary(like: Tensor, shape: number[], suffix: string): Tensor {
    const { dtype, quantization } = like;
    return {
      name: this.context.uniqueName(`${this.output.name}/${suffix}`),
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

  /** Emits a node with the operator's fused activation, as an attribute or as a second node. */
  emitActivated<N extends Activated>(
    op: N,
    inputs: (Tensor | null)[],
    code: number,
    attributes: Omit<Attributes[N], 'activation'>,
    output = this.output,
  ): void {
    const name = fusedActivations[code];
    const activation = name && activationNames[name];
    if (!activation) throw new UnsupportedForm(`fused activation ${name ?? code}`);
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
    if (tensor.data) return { ...tensor, name: this.context.uniqueName(`${tensor.name}/${suffix}`), shape };
    const result = this.temporary(tensor, shape, suffix);
    this.emit('reshape', [tensor], {}, [result]);
    return result;
  }
}
