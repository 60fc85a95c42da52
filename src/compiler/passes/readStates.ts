import type { AnyNode, Graph, Tensor } from '../../graph/graph';
import { operatorOf } from '../../ops/index';
import { copyNode } from '../../ops/nodes';

/**
 * States are read through a copy, but where the reader copies anyway: what a run computes from one
 * keeps the old value to its end, whatever views of it there are, and a state that becomes another
 * takes what that one was.
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
