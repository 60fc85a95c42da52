import { entriesOf, type Graph, type Tensor } from '../../graph/graph';
import { copyNode } from '../../ops/nodes';

/**
 * Copies outputs that are constants, inputs or listed twice, so that each output has its own
 * memory.
 */
export function ownOutputs(graph: Graph): void {
  const seen = new Set<Tensor>(entriesOf(graph));
  graph.outputs = graph.outputs.map((tensor) => {
    if (!tensor.data && !seen.has(tensor)) {
      seen.add(tensor);
      return tensor;
    }
    const names = new Set([...seen, ...graph.outputs.filter((other) => other !== tensor)].map(({ name }) => name));
    const copy: Tensor = { ...tensor, name: tensor.name };
    for (let i = 1; names.has(copy.name); i++) copy.name = `${tensor.name}_${i}`;
    delete copy.data;
    graph.nodes.push(copyNode(tensor, copy));
    seen.add(copy);
    return copy;
  });
}
