import { KletError } from '../errors';
import { elementCount, type AnyNode, type DType, type Graph, type Node, type Quantization, type State, type Tensor,
  type TensorData } from '../graph/graph';
import type { Attributes, OperatorName } from '../graph/operators';
import { operatorOf } from './index';

/** Optional properties of a node besides its operator, inputs and attributes. */
export interface NodeOptions {
  name?: string;
  dtype?: DType;
  /** For operators whose attributes leave the output's shape open (reshape, slice, resize2d, …). */
  shape?: number[];
  quantization?: Quantization;
}

function dtypeOf(data: TensorData): DType {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Int8Array) return 'int8';
  if (data instanceof Uint8Array) return 'uint8';
  return 'int32';
}

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

  constructor(private readonly name: string) {}

  input(name: string, shape: number[], dtype: DType = 'float32', quantization?: Quantization): Tensor {
    const tensor: Tensor = { name: this.unique(name), shape, dtype, ...(quantization && { quantization }) };
    this.inputs.push(tensor);
    return tensor;
  }

  /** A constant; the array's type is the element type. */
  constant(data: TensorData, shape: number[], quantization?: Quantization, name = 'constant'): Tensor {
    const dtype = dtypeOf(data);
    if (elementCount(shape) !== data.length) {
      throw new KletError(
        'INVALID_GRAPH',
        `a constant of shape [${shape.join(', ')}] has ${elementCount(shape)} elements, not ${data.length}`,
      );
    }
    return { name: this.unique(name), shape, dtype, data, ...(quantization && { quantization }) };
  }

  /**
   * A value that is kept from run to run, holding `initial` before the first; `assign` says what it
   * becomes. The array's type is the element type.
   */
  state(name: string, shape: number[], initial: TensorData, quantization?: Quantization): Tensor {
    const { data: _, ...value } = this.constant(initial, shape, quantization, name);
    this.states.push({ value, next: value, initial });
    return value;
  }

  /** What a state becomes when the run is over. */
  assign(state: Tensor, next: Tensor): void {
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
    const name = this.unique(options.name ?? op);
    const first = inputs[0];
    const outputs = shapes.map((shape, i): Tensor => ({
      name: i === 0 ? name : this.unique(`${name}_${i}`),
      shape,
      dtype: options.dtype ?? first?.dtype ?? 'float32',
      ...(options.quantization && { quantization: options.quantization }),
    }));
    const node: Node<K> = { op, name, inputs, outputs, attributes };
    const inferred = operatorOf(op).infer(node);
    outputs.forEach((output, i) => {
      output.shape = inferred[i] ?? output.shape;
    });
    this.nodes.push(node as AnyNode);
    return outputs;
  }

  finish(outputs: Tensor[]): Graph {
    return {
      name: this.name,
      inputs: this.inputs,
      outputs,
      nodes: this.nodes,
      ...(this.states.length > 0 && { states: this.states }),
    };
  }

  private unique(name: string): string {
    let candidate = name;
    for (let i = 1; this.names.has(candidate); i++) candidate = `${name}_${i}`;
    this.names.add(candidate);
    return candidate;
  }
}
