import { KletError } from '../../errors';
import { byteSize, resultsOf, type AnyNode, type Graph, type Tensor } from '../../graph/graph';
import { operatorOf } from '../../ops/index';

/** Bytes that folded constants may take in any network. */
const FREE_BYTES = 2 ** 26;
/** Larger ones may have this many times the bytes of the constants that the network has. */
const MOST_GROWTH = 4;

/** Runs a network without inputs once and returns the values of its outputs, in order. */
export type Evaluate = (graph: Graph) => NonNullable<Tensor['data']>[];

/**
 * Evaluates nodes whose inputs are all constant and replaces their results by constants. Nodes with
 * a state are left alone, because their results differ from run to run.
 *
 * @throws KletError `OUT_OF_MEMORY` if constants would become much larger than those of the graph
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
  const given = new Set(graph.nodes.flatMap(({ inputs }) => inputs).filter((tensor) => tensor?.data));
  const limit = Math.max(FREE_BYTES, MOST_GROWTH * [...given].reduce((sum, tensor) => sum + byteSize(tensor!), 0));
  for (const node of folded) {
    for (const tensor of node.outputs) {
      if (byteSize(tensor) > limit) throw tooLarge(node, `a constant of ${byteSize(tensor)} bytes`, limit);
    }
  }
  const read = new Set([...resultsOf(graph), ...rest.flatMap(({ inputs }) => inputs)]);
  const needed = [...constant].filter((tensor) => read.has(tensor));
  let sum = 0;
  for (const node of folded) {
    for (const tensor of node.outputs) {
      if (read.has(tensor)) sum += byteSize(tensor);
      if (sum > limit) throw tooLarge(node, `constants of ${sum} bytes with those before it`, limit);
    }
  }
  if (needed.length > 0) {
    const values = evaluate({ name: `${graph.name} (constants)`, inputs: [], outputs: needed, nodes: folded });
    needed.forEach((tensor, i) => {
      tensor.data = values[i]!;
    });
  }
  graph.nodes = rest;
}

function tooLarge({ op, name }: AnyNode, what: string, limit: number): KletError {
  return new KletError(
    'OUT_OF_MEMORY',
    `node "${name}" (${op}) has constant inputs and makes ${what}; the limit is ${limit}, ` +
      `the larger of 64 MiB and ${MOST_GROWTH} times the constants of the network`,
  );
}
