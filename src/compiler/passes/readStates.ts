import type { AnyNode, Graph, Tensor } from '../../graph/graph';
import { operatorOf } from '../../ops/index';
import { copyNode } from '../../ops/nodes';

/**
 * Inserts a copy before each read of a state, unless the reader copies anyway. All reads in one run
 * then see the old value, even through views, and when state A is updated from state B it gets B's
 * old value.
 */
export function readStates(graph: Graph): void {
  const copies: AnyNode[] = [];
  for (const state of graph.states ?? []) {
    const { value } = state;
    const copy: Tensor = { ...value, name: `${value.name} (before)` };
    let isRead = false;
    const through = (tensor: Tensor): Tensor => {
      if (tensor !== value) return tensor;
      isRead = true;
      return copy;
    };
    for (const node of graph.nodes) {
      if (operatorOf(node.op).copiesInputs) continue;
      node.inputs = node.inputs.map((tensor) => tensor && through(tensor));
    }
    graph.outputs = graph.outputs.map(through);
    for (const other of graph.states!) if (other !== state) other.next = through(other.next);
    if (isRead) copies.push(copyNode(value, copy));
  }
  graph.nodes.unshift(...copies);
}
