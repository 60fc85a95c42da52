import { KletError } from '../../src/errors';
import { elementCount, type AnyNode, type Graph, type Node, type TensorData } from '../../src/graph/graph';
import type { OperatorName } from '../../src/graph/operators';
import { argmax } from './argmax';
import { averagePool2d } from './averagePool2d';
import { batchMatmul } from './batchMatmul';
import { binary } from './binary';
import { broadcastTo } from './broadcastTo';
import { cast } from './cast';
import { concat } from './concat';
import { conv2d } from './conv2d';
import { depthToSpace } from './depthToSpace';
import { depthwiseConv2d } from './depthwiseConv2d';
import { dequantize } from './dequantize';
import { fullyConnected } from './fullyConnected';
import { gather } from './gather';
import { gru } from './gru';
import { l2Normalize } from './l2Normalize';
import { logSoftmax } from './logSoftmax';
import { lstm } from './lstm';
import { maxPool2d } from './maxPool2d';
import { pad } from './pad';
import { prelu } from './prelu';
import { quantize } from './quantize';
import { reduce } from './reduce';
import { reshape } from './reshape';
import { resize2d } from './resize2d';
import { rnn } from './rnn';
import { slice } from './slice';
import { softmax } from './softmax';
import { spaceToDepth } from './spaceToDepth';
import { split } from './split';
import { svdf } from './svdf';
import { transpose } from './transpose';
import { transposeConv2d } from './transposeConv2d';
import { unary } from './unary';

/**
 * A second implementation of every operator in plain, slow, obvious loops. It is the specification
 * that the kernels are tested against. Shapes, types and quantization are those of the node's
 * tensors. The type of a returned array follows from the output's element type (Uint8Array for
 * bool, Int32Array for int64).
 */
export const reference: { [K in OperatorName]: (node: Node<K>, inputs: (TensorData | null)[]) => TensorData[] } = {
  conv2d,
  depthwiseConv2d,
  transposeConv2d,
  fullyConnected,
  batchMatmul,
  averagePool2d,
  maxPool2d,
  reduce,
  binary,
  unary,
  prelu,
  softmax,
  logSoftmax,
  l2Normalize,
  concat,
  split,
  slice,
  reshape,
  transpose,
  pad,
  resize2d,
  depthToSpace,
  spaceToDepth,
  broadcastTo,
  argmax,
  cast,
  quantize,
  dequantize,
  gather,
  gru,
  lstm,
  rnn,
  svdf,
};

/**
 * Runs a whole network.
 * @param inputs the values of the graph's inputs, by tensor name
 * @returns the values of all tensors by name, including constants and inputs, so that a failing
 *   comparison can name the first layer that differs
 */
export function runReference(graph: Graph, inputs: Record<string, TensorData>): Map<string, TensorData> {
  const values = new Map<string, TensorData>();
  for (const tensor of graph.inputs) {
    const value = inputs[tensor.name];
    if (!value) throw new KletError('MISSING_INPUT', `graph "${graph.name}" needs its input "${tensor.name}"`);
    const count = elementCount(tensor.shape);
    if (value.length !== count) {
      const shape = tensor.shape.join(', ');
      throw new KletError(
        'SHAPE_MISMATCH',
        `input "${tensor.name}" has ${value.length} elements; its shape [${shape}] needs ${count}`,
      );
    }
    values.set(tensor.name, value);
  }
  for (const node of graph.nodes) {
    const operands = node.inputs.map((tensor) => {
      if (!tensor) return null;
      const value = (tensor.data ?? values.get(tensor.name)) as TensorData | undefined;
      if (!value) {
        throw new KletError(
          'INVALID_GRAPH',
          `${node.op} "${node.name}" reads "${tensor.name}" before any node writes it`,
        );
      }
      values.set(tensor.name, value);
      return value;
    });
    const results = runNode(node, operands);
    node.outputs.forEach((tensor, i) => values.set(tensor.name, results[i]!));
  }
  // After constant folding, an output can be a constant.
  for (const tensor of graph.outputs) if (tensor.data) values.set(tensor.name, tensor.data as TensorData);
  return values;
}

/** Runs one node on the given values. */
export function runNode(node: AnyNode, inputs: (TensorData | null)[]): TensorData[] {
  // The table's type pairs each name with its own node type, so calling it with a union of nodes
  // needs a cast.
  const run = reference[node.op] as (node: AnyNode, inputs: (TensorData | null)[]) => TensorData[];
  return run(node, inputs);
}
