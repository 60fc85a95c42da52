import { resultsOf, type AnyNode, type Graph, type Tensor } from '../../graph/graph';
import { operatorOf } from '../../ops/index';

/** Runs a network without inputs once and returns the values of its outputs, in order. */
export type Evaluate = (graph: Graph) => NonNullable<Tensor['data']>[];

/**
 * Evaluates nodes whose inputs are all constant and replaces their results by constants. Nodes with
 * a state are left alone, because their results differ from run to run.
 */
export function foldConstants(graph: Graph, evaluate: Evaluate): void {
  const constant = new Set<Tensor>();
  const folded: AnyNode[] = [];
  const rest: AnyNode[] = [];
  for (const node of graph.nodes) {
    const isConstant = node.inputs.length > 0 && !operatorOf(node.op).isStateful &&
      node.inputs.every((tensor) => !tensor || tensor.data || constant.has(tensor));
    (isConstant ? folded : rest).push(node);
    if (isConstant) node.outputs.forEach((tensor) => constant.add(tensor));
  }
  if (folded.length === 0) return;
  const needed = [...constant].filter((tensor) =>
    resultsOf(graph).includes(tensor) || rest.some((node) => node.inputs.includes(tensor))
  );
  if (needed.length > 0) {
    const values = evaluate({ name: `${graph.name} (constants)`, inputs: [], outputs: needed, nodes: folded });
    needed.forEach((tensor, i) => {
      tensor.data = values[i]!;
    });
  }
  graph.nodes = rest;
}
