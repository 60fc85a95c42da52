import { elementCount, type AnyNode, type ConstantData, type DType, type Quantization,
  type Tensor } from '../../graph/graph';
import type { Attributes, BinaryKind, OperatorName, UnaryKind } from '../../graph/operators';
import { operatorOf } from '../../ops/index';
import type { Constant } from './constants';
import { allocate, fold } from './fold';
import { movedIntegers, QuantizedValues } from './storedIntegers';
import { OperatorImport } from './operatorImport';
import type { UniqueNames } from './uniqueNames';

/** Properties of an output that its operator does not determine. */
export interface OutputForm {
  /** For operators whose attributes leave the shape open, such as reshape and slice. */
  shape?: readonly number[];
  /** By default the type of the first input; comparisons give bool. */
  dtype?: DType;
  /** By default the quantization of the first input, if the type is the same. */
  quantization?: Quantization | undefined;
}

/**
 * Emits the nodes of a network from the first to the last, with inferred shapes. Nodes whose inputs
 * are all constant are evaluated at once where `fold` can, so that sizes which a file computes
 * become numbers.
 */
export class NodeEmitter {
  readonly nodes: AnyNode[] = [];
  /** Prefix of the names of the tensors that are emitted. */
  prefix = '';
  readonly quantized = new QuantizedValues();

  constructor(readonly names: UniqueNames) {}

  /** Emits a node with one output. */
  node<N extends OperatorName>(
    op: N,
    inputs: (Tensor | null)[],
    attributes: Attributes[N],
    form: OutputForm = {},
  ): Tensor {
    return this.nodeWithOutputs(op, inputs, attributes, [form])[0]!;
  }

  /** Emits a node with an output for each form. */
  nodeWithOutputs<N extends OperatorName>(
    op: N,
    inputs: (Tensor | null)[],
    attributes: Attributes[N],
    forms: readonly OutputForm[],
  ): Tensor[] {
    const [first] = inputs;
    const outputs = forms.map((form): Tensor => {
      const dtype = form.dtype ?? first?.dtype ?? 'float32';
      const same = dtype === first?.dtype ? first.quantization : undefined;
      const quantization = 'quantization' in form ? form.quantization : same;
      return {
        name: this.names.take(this.prefix === '' ? op : `${this.prefix}/${op}`),
        shape: [...(form.shape ?? [])],
        dtype,
        ...(quantization && { quantization }),
      };
    });
    const node = { op, name: outputs[0]!.name, inputs, outputs, attributes } as AnyNode;
    if (!outputs.every(isEmpty)) {
      operatorOf(op).infer(node as never).forEach((shape, i) => {
        if (outputs[i]) outputs[i].shape = shape;
      });
    }
    if (outputs.every(isEmpty)) {
      outputs.forEach((tensor) => (tensor.data = allocate(tensor.dtype, 0)));
      return outputs;
    }
    const values = inputs.every((tensor) => !tensor || tensor.data) ? fold(node) : undefined;
    if (!values) {
      this.nodes.push(node);
      return outputs;
    }
    outputs.forEach((tensor, i) => (tensor.data = values[i]!));
    const integers = movedIntegers(node, this.quantized.stored);
    if (integers) this.quantized.stored.set(outputs[0]!, integers);
    return outputs;
  }

  constant(data: ConstantData, shape: readonly number[], dtype: DType, quantization?: Quantization): Constant {
    return {
      name: this.names.take(this.prefix === '' ? 'constant' : `${this.prefix}/constant`),
      shape: [...shape],
      dtype,
      data,
      ...(quantization && { quantization }),
    };
  }

  /** A float32 number that broadcasts to any shape. */
  number(value: number): Constant {
    return this.constant(Float32Array.of(value), [], 'float32');
  }

  /** A list of int64 numbers. */
  integers(values: readonly number[], dtype: DType = 'int64'): Constant {
    return this.constant(Int32Array.from(values), [values.length], dtype);
  }

  unary(kind: UnaryKind, x: Tensor, alpha?: number, beta?: number): Tensor {
    return this.node('unary', [x], {
      kind,
      ...(alpha !== undefined && { alpha }),
      ...(beta !== undefined && { beta }),
    });
  }

  binary(kind: BinaryKind, a: Tensor, b: Tensor | number): Tensor {
    const other = typeof b === 'number' ? this.like(a, b) : b;
    return this.node('binary', [a, other], { kind, activation: 'none' });
  }

  cast(x: Tensor, dtype: DType): Tensor {
    const whole = dtype === 'float32' ? this.quantized.whole.get(x) : undefined;
    if (whole) return whole;
    if (x.dtype === dtype) return x;
    if (dtype !== 'bool' || x.data) return this.node('cast', [x], {}, { dtype });
    const wide = x.dtype === 'float32' ? x : this.cast(x, 'int32');
    return this.node('compare', [wide, this.like(wide, 0)], { kind: 'notEqual' }, { dtype });
  }

  /** The same elements in another shape. */
  reshape(x: Tensor, shape: readonly number[]): Tensor {
    const isSame = x.shape.length === shape.length && x.shape.every((d, i) => d === shape[i]);
    return isSame ? x : this.node('reshape', [x], {}, { shape });
  }

  transpose(x: Tensor, perm: readonly number[]): Tensor {
    return perm.every((d, i) => d === i) ? x : this.node('transpose', [x], { perm: [...perm] });
  }

  broadcastTo(x: Tensor, shape: readonly number[]): Tensor {
    const isSame = x.shape.length === shape.length && x.shape.every((d, i) => d === shape[i]);
    return isSame ? x : this.node('broadcastTo', [x], {}, { shape });
  }

  concat(all: readonly Tensor[], axis: number): Tensor {
    const full = all.filter((part) => !isEmpty(part));
    const parts = full.length > 0 ? full : all.slice(0, 1);
    return parts.length === 1 ? parts[0]! : this.node('concat', parts, { axis, activation: 'none' });
  }

  /** The part of `x` that begins at the index `begin` and has this shape. */
  slice(x: Tensor, begin: readonly number[], shape: readonly number[], stride?: readonly number[]): Tensor {
    const step = stride ?? x.shape.map(() => 1);
    const isWhole = shape.every((d, i) => d === x.shape[i]) && step.every((s) => s === 1);
    return isWhole ? x : this.node('slice', [x], { begin: [...begin], stride: [...step] }, { shape });
  }

  /** Parts of these sizes along `axis`. */
  split(x: Tensor, axis: number, sizes: readonly number[]): Tensor[] {
    if (sizes.length === 1) return [x];
    return this.nodeWithOutputs('split', [x], { axis }, sizes.map((size) => ({ shape: x.shape.with(axis, size) })));
  }

  reduce(kind: Attributes['reduce']['kind'], x: Tensor, axes: readonly number[], keepDimensions: boolean): Tensor {
    const sorted = [...axes].sort((a, b) => a - b);
    const shape = keepDimensions
      ? x.shape.map((d, i) => (sorted.includes(i) ? 1 : d))
      : x.shape.filter((_, i) => !sorted.includes(i));
    return sorted.length === 0 ? x : this.node('reduce', [x], { kind, axes: sorted }, { shape });
  }

  /** Emits the nodes of a helper that takes its output, of this form, from an operator. */
  adopt(
    kind: string,
    form: { shape: readonly number[]; like: Tensor },
    emit: (operator: OperatorImport) => void,
  ): Tensor {
    const { data: _, ...like } = form.like;
    const output: Tensor = { ...like, name: this.names.take(`${this.prefix}/${kind}`), shape: [...form.shape] };
    const operator = new OperatorImport(kind, {}, [], [() => output], this.names);
    emit(operator);
    this.nodes.push(...operator.nodes);
    return output;
  }

  /**
   * Gives a tensor, and the node that computes it, the name that the file has for it. Nodes before
   * the one with the number `since` keep their names, because the file names them too.
   */
  rename(tensor: Tensor, name: string, since = 0): void {
    const node = this.nodes.slice(since).find(({ outputs }) => outputs.includes(tensor));
    if (!node || name === '' || tensor.name === name) return;
    tensor.name = this.names.take(name);
    if (node.outputs[0] === tensor) node.name = tensor.name;
  }

  /** A number as a constant of the type of `x`. */
  private like(x: Tensor, value: number): Constant {
    return x.dtype === 'float32' ? this.number(value) : this.constant(Int32Array.of(value), [], x.dtype);
  }
}

/** Whether a tensor has no elements. Such tensors hold lists of sizes or axes that are empty. */
function isEmpty({ shape }: Tensor): boolean {
  return shape.includes(0);
}

/** Whether a tensor is a constant whose elements all equal `value`. */
export function isConstantOf(tensor: Tensor | null | undefined, value: number): boolean {
  return Boolean(tensor?.data && elementCount(tensor.shape) > 0 && tensor.data.every((v) => v === value));
}
