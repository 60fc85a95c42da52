import { checkOptions, checkString, type Options } from '../arguments';
import { KletError } from '../errors';
import { checkData, checkForm, checkNode, checkQuantization, checkShape, checkTensor, malformed } from '../graph/check';
import { elementCount, type AnyNode, type DType, type Graph, type Node, type Quantization, type State, type Tensor,
  type TensorData } from '../graph/graph';
import type { Attributes, OperatorName } from '../graph/operators';
import { operatorOf } from './index';

/** Optional properties of a node besides its operator, inputs and attributes. */
export interface NodeOptions {
  name?: string;
  dtype?: DType;
  /** The element type of each output, if they differ. */
  dtypes?: DType[];
  /**
   * The output's shape, for operators whose attributes do not determine it (reshape, slice,
   * resize2d, …).
   */
  shape?: number[];
  quantization?: Quantization;
}

function dtypeOf(data: TensorData): DType {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Int8Array) return 'int8';
  if (data instanceof Uint8Array) return 'uint8';
  if (data instanceof Int16Array) return 'int16';
  return 'int32';
}

const nodeOptions = {
  name: 'string',
  dtype: 'string',
  dtypes: 'object',
  shape: 'object',
  quantization: 'object',
} satisfies Options<NodeOptions>;

/**
 * Builds a network by hand.
 *
 * @example
 * ```js
 * const b = new GraphBuilder('twice');
 * const x = b.input('x', [1, 4]);
 * const two = b.constant(new Float32Array([2]), [1]);
 * const y = b.node('binary', [x, two], { kind: 'mul', activation: 'none' }, { name: 'y' });
 * const bytes = compile(b.finish([y]));
 * ```
 */
export class GraphBuilder {
  private readonly nodes: AnyNode[] = [];
  private readonly inputs: Tensor[] = [];
  private readonly states: State[] = [];
  private readonly names = new Set<string>();

  constructor(private readonly name: string) {
    checkString(name, 'the name of the network');
  }

  input(name: string, shape: number[], dtype: DType = 'float32', quantization?: Quantization): Tensor {
    checkString(name, 'the name of an input');
    const tensor: Tensor = { name: this.unique(name), shape, dtype, ...(quantization && { quantization }) };
    checkTensor(tensor, 'an input');
    this.inputs.push(tensor);
    return tensor;
  }

  /** A constant; the array's type is the element type. */
  constant(data: TensorData, shape: number[], quantization?: Quantization, name = 'constant'): Tensor {
    checkString(name, 'the name of a constant');
    checkData(data, `the data of "${name}"`);
    checkShape(shape, `"${name}"`);
    const dtype = dtypeOf(data);
    if (elementCount(shape) !== data.length) {
      throw new KletError(
        'INVALID_GRAPH',
        `a constant of shape [${shape.join(', ')}] has ${elementCount(shape)} elements, not ${data.length}`,
      );
    }
    const tensor: Tensor = { name: this.unique(name), shape, dtype, data, ...(quantization && { quantization }) };
    checkTensor(tensor, 'a constant');
    return tensor;
  }

  /**
   * Adds a state, a value that persists between runs. It is `initial` before the first run, and
   * `assign` sets its next value. The array's type is the element type.
   */
  state(name: string, shape: number[], initial: TensorData, quantization?: Quantization): Tensor {
    const { data: _, ...value } = this.constant(initial, shape, quantization, name);
    this.states.push({ value, next: value, initial });
    return value;
  }

  /** Sets the value that a state takes at the end of a run. */
  assign(state: Tensor, next: Tensor): void {
    checkTensor(state, 'the state');
    checkTensor(next, 'the next value of the state');
    const known = this.states.find(({ value }) => value === state);
    if (!known) throw new KletError('INVALID_GRAPH', `"${state.name}" is no state`);
    known.next = next;
  }

  /** Adds an operator with one output and infers the output's shape. */
  node<K extends OperatorName>(
    op: K,
    inputs: (Tensor | null)[],
    attributes: Attributes[K],
    options: NodeOptions = {},
  ): Tensor {
    checkOptions(options, nodeOptions, 'node()');
    return this.nodeWithOutputs(op, inputs, attributes, [options.shape ?? []], options)[0]!;
  }

  /** Adds an operator with several outputs (split) of the given shapes. */
  nodeWithOutputs<K extends OperatorName>(
    op: K,
    inputs: (Tensor | null)[],
    attributes: Attributes[K],
    shapes: number[][],
    options: NodeOptions = {},
  ): Tensor[] {
    checkOptions(options, nodeOptions, 'node()');
    checkString(op, 'the operator');
    const operator = operatorOf(op);
    const name = this.unique(options.name ?? op);
    checkNode(op, name, inputs, attributes);
    if (!Array.isArray(shapes)) throw new KletError('INVALID_GRAPH', `the shapes of ${op} "${name}" must be an array`);
    for (const shape of shapes) if (!isOpen(shape)) checkShape(shape, `an output of ${op} "${name}"`);
    const first = inputs[0];
    const outputs = shapes.map((shape, i): Tensor => ({
      name: i === 0 ? name : this.unique(`${name}_${i}`),
      shape,
      dtype: options.dtypes?.[i] ?? options.dtype ?? first?.dtype ?? 'float32',
      ...(options.quantization && { quantization: options.quantization }),
    }));
    const node: Node<K> = { op, name, inputs, outputs, attributes };
    let inferred: number[][];
    try {
      inferred = operator.infer(node);
    } catch (cause) {
      throw malformed(node as AnyNode, cause);
    }
    outputs.forEach((output) => {
      if (output.quantization) checkQuantization(output.quantization, `"${output.name}"`);
    });
    outputs.forEach((output, i) => {
      output.shape = inferred[i] ?? output.shape;
    });
    this.nodes.push(node as AnyNode);
    return outputs;
  }

  finish(outputs: Tensor[]): Graph {
    const graph: Graph = {
      name: this.name,
      inputs: this.inputs,
      outputs,
      nodes: this.nodes,
      ...(this.states.length > 0 && { states: this.states }),
    };
    checkForm(graph);
    return graph;
  }

  private unique(name: string): string {
    let candidate = name;
    for (let i = 1; this.names.has(candidate); i++) candidate = `${name}_${i}`;
    this.names.add(candidate);
    return candidate;
  }
}

/** Whether the operator determines the output's shape. */
function isOpen(shape: unknown): boolean {
  return Array.isArray(shape) && shape.length === 0;
}
