import { KletError } from '../../src/errors';
import { elementCount, type AnyNode, type Graph, type Node, type Tensor, type TensorData } from '../../src/graph/graph';
import type { OperatorName } from '../../src/graph/operators';
import { operators } from '../../src/ops/index';
import { isQuantized, quantizeReal, realOf, scaleOf } from './requantize';

type Reference<K extends OperatorName> = (node: Node<K>, inputs: (TensorData | null)[]) => TensorData[];

/** `src/ops/NAME.ts` has its reference in `test/reference/NAME.ts`, as a function of that name. */
async function referenceOf(name: string): Promise<[string, unknown]> {
  const module = await import(/* @vite-ignore */ `./${name}.ts`) as Record<string, unknown>;
  return [name, module[name]];
}

/**
 * A second implementation of every operator in plain, slow, obvious loops. It is the specification
 * that the kernels are tested against. Shapes, types and quantization are those of the node's
 * tensors. The type of a returned array follows from the output's element type (Uint8Array for
 * bool, Int32Array for int64).
 */
export const reference = Object.fromEntries(await Promise.all(Object.keys(operators).map(referenceOf))) as {
  [K in OperatorName]: Reference<K>;
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
  if (!computesInt16(node)) return runInFloat(node, inputs);
  // The table's type pairs each name with its own node type, so calling it with a union of nodes
  // needs a cast.
  const run = reference[node.op] as (node: AnyNode, inputs: (TensorData | null)[]) => TensorData[];
  return run(node, inputs);
}

/** Whether a node has no int16 activations, or its reference computes on them. */
function computesInt16(node: AnyNode): boolean {
  const tensors = [...node.inputs.filter((tensor) => !tensor?.data), ...node.outputs];
  // the cell states of int8 layers are int16, too
  if (operators[node.op].isStateful || !tensors.some((tensor) => tensor?.dtype === 'int16')) return true;
  const { computesInt16: answer } = operators[node.op] as { computesInt16?: boolean | ((node: AnyNode) => boolean) };
  return typeof answer === 'function' ? answer(node) : answer === true;
}

/** Runs a node on the real values of its operands, and rounds its results. */
function runInFloat(node: AnyNode, inputs: (TensorData | null)[]): TensorData[] {
  const real = <T extends Tensor | null>(tensor: T): T =>
    (tensor && isQuantized(tensor) ? { name: tensor.name, shape: tensor.shape, dtype: 'float32' } : tensor) as T;
  const inFloat = { ...node, inputs: node.inputs.map(real), outputs: node.outputs.map(real) };
  const values = inputs.map((value, i) => {
    const tensor = node.inputs[i];
    return tensor && value && isQuantized(tensor) ? Float32Array.from(value, (q) => realOf(q, tensor)) : value;
  });
  return runNode(inFloat, values).map((value, i) => {
    const y = node.outputs[i]!;
    return isQuantized(y) ? Int16Array.from(value, (x) => quantizeReal(Math.fround(x / scaleOf(y)), y)) : value;
  });
}
