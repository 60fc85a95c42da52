import { expect } from 'vitest';
import { checkGraph } from '../../../src/compiler/check';
import { GraphBuilder } from '../../../src/compiler/index';
import { cloneGraph } from '../../../src/graph/edit';
import type { Graph, Quantization, Tensor, TensorData } from '../../../src/graph/graph';
import type { OperatorName } from '../../../src/graph/operators';
import { Random } from '../../helpers/random';
import { compare, exact, randomInputs } from '../../ops/suite';
import { runReference } from '../../reference/index';
import { allocate } from '../../reference/support';

// A pass may rewrite anything as long as every output keeps its value, its position and, except for
// copies, its name.

export { GraphBuilder };

/**
 * Runs a pass on a copy and compares the reference's outputs before and after.
 *
 * @returns the copy
 */
export function checkPass(graph: Graph, pass: (graph: Graph) => void): Graph {
  const work = cloneGraph(graph);
  pass(work);
  checkGraph(work, 'the pass');
  for (const seed of [1, 2]) {
    const inputs = randomInputs(graph, seed);
    const before = runReference(graph, inputs);
    const after = runReference(work, inputs);
    graph.outputs.forEach((t, i) =>
      compare(`"${t.name}"`, t.shape, before.get(t.name)!, after.get(work.outputs[i]!.name)!, exact)
    );
  }
  return work;
}

/** The operators, in order. */
export function operatorsOf(graph: Graph): OperatorName[] {
  return graph.nodes.map((node) => node.op);
}

export function steps(scale: number, zeroPoint: number): Quantization {
  return { scale: [scale], zeroPoint: [zeroPoint], axis: 0 };
}

/** Random values as a constant. */
export function constantOf(
  b: GraphBuilder,
  shape: number[],
  dtype: Tensor['dtype'] = 'float32',
  quantization?: Quantization,
): Tensor {
  return b.constant(new Random(shape.length).fill(allocate({ name: '', shape, dtype })), shape, quantization);
}

/** Evaluates a network of constants by the reference. */
export function evaluate(graph: Graph): TensorData[] {
  const values = runReference(graph, {});
  return graph.outputs.map((t) => values.get(t.name)!);
}

export { expect };
