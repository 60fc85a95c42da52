import { KletError } from '../errors';
import type { Attributes, OperatorName } from './operators';

/**
 * Element types of the IR. The core computes on `float32`, `int8`, `int16` and `int32`; the others
 * are converted. Activations of `int16` are symmetric: their zero point is 0.
 */
export type DType = 'float32' | 'int8' | 'uint8' | 'int16' | 'int32' | 'int64' | 'bool';

/**
 * The typed array that holds elements of a `DType` (int64 constants are held as int32, bool as
 * bytes).
 */
export type TensorData = Float32Array | Int8Array | Uint8Array | Int16Array | Int32Array;
/** int64 biases that do not fit in an int32 are held as doubles. */
export type ConstantData = TensorData | Float64Array;

/**
 * real = scale × (q − zeroPoint). The lists have one entry for the whole tensor, or one per index
 * along `axis`.
 */
export interface Quantization {
  scale: number[];
  zeroPoint: number[];
  /** The dimension that the entries belong to; meaningless (0) when there is one entry. */
  axis: number;
}

/**
 * A value between nodes. Dense and row-major; images are NHWC. A tensor with `data` is a constant.
 */
export interface Tensor {
  name: string;
  shape: number[];
  dtype: DType;
  quantization?: Quantization;
  data?: ConstantData;
  /**
   * Set for an int8 tensor that was uint8 in the imported network. The real values are the same,
   * but some operators round the unsigned integer.
   */
  wasUint8?: boolean;
}

/** One operator applied to tensors. Optional inputs that are absent are `null`. */
export interface Node<K extends OperatorName = OperatorName> {
  op: K;
  name: string;
  inputs: (Tensor | null)[];
  outputs: Tensor[];
  attributes: Attributes[K];
}

/**
 * Nodes of every kind, distinguished by `op`, so that `node.op === 'conv2d'` narrows the
 * attributes.
 */
export type AnyNode = { [K in OperatorName]: Node<K> }[OperatorName];

/**
 * A value that persists between runs. Nodes read `value`; at the end of a run it is replaced by
 * `next`, of the same type and shape.
 */
export interface State {
  value: Tensor;
  next: Tensor;
  /** The value before the first run. */
  initial: ConstantData;
}

/** A network. `nodes` are in topological order. */
export interface Graph {
  name: string;
  inputs: Tensor[];
  outputs: Tensor[];
  nodes: AnyNode[];
  /** Explicit states. Recurrent layers also have states of their own. */
  states?: State[];
  /**
   * Whether recurrent layers continue from one prediction to the next, as `states` do. By default
   * each prediction is a whole sequence.
   */
  carries?: boolean;
  /** What the samples of a calibration were like, for META. */
  reference?: object;
}

/** The tensors that have values before the first node runs: inputs and states. */
export function entriesOf(graph: Graph): Tensor[] {
  return [...graph.inputs, ...(graph.states ?? []).map((state) => state.value)];
}

/** The tensors needed after the last node: outputs and next states. */
export function resultsOf(graph: Graph): Tensor[] {
  return [...graph.outputs, ...(graph.states ?? []).map((state) => state.next)];
}

export function innermost(shape: readonly number[]): number {
  return shape[shape.length - 1]!;
}

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

const bytesPerElement: Record<DType, number> = { float32: 4, int8: 1, uint8: 1, int16: 2, int32: 4, int64: 4, bool: 1 };

/** Bytes one element takes in the arena (int64 is computed as int32). */
export function elementSize(dtype: DType): number {
  return bytesPerElement[dtype];
}

export function byteSize(tensor: Tensor): number {
  return elementCount(tensor.shape) * elementSize(tensor.dtype);
}

/** The per-tensor scale and zero point of a quantized tensor. */
export function perTensor(tensor: Tensor): { scale: number; zeroPoint: number } {
  const q = tensor.quantization;
  if (!q || q.scale.length !== 1) {
    throw new KletError(
      'UNSUPPORTED_TYPE',
      `tensor "${tensor.name}" (${tensor.dtype}) needs one scale and zero point, it has ${q?.scale.length ?? 'none'}`,
    );
  }
  return { scale: q.scale[0]!, zeroPoint: q.zeroPoint[0] ?? 0 };
}

/** The input at `index`. @throws KletError `INVALID_GRAPH` if it is absent. */
export function input(node: AnyNode, index: number): Tensor {
  const tensor = node.inputs[index];
  if (!tensor) throw new KletError('INVALID_GRAPH', `${node.op} "${node.name}" lacks its input ${index}`);
  return tensor;
}

/** The output at `index`, by default the first. */
export function output(node: AnyNode, index = 0): Tensor {
  const tensor = node.outputs[index];
  if (!tensor) throw new KletError('INVALID_GRAPH', `${node.op} "${node.name}" lacks its output ${index}`);
  return tensor;
}
