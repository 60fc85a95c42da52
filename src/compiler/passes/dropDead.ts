import { resultsOf, type Graph, type Tensor } from '../../graph/graph';

/** Removes nodes whose results are not used. */
export function dropDead(graph: Graph): void {
  const needed = new Set<Tensor>(resultsOf(graph));
  graph.nodes = [...graph.nodes].reverse().filter((node) => {
    if (!node.outputs.some((tensor) => needed.has(tensor))) return false;
    for (const tensor of node.inputs) if (tensor) needed.add(tensor);
    return true;
  }).reverse();
}
