import { entriesOf, resultsOf, type AnyNode, type Graph, type Tensor } from './graph';

/** Maps each tensor to the node that computes it. */
export function producers(graph: Graph): Map<Tensor, AnyNode> {
  const map = new Map<Tensor, AnyNode>();
  for (const node of graph.nodes) for (const tensor of node.outputs) map.set(tensor, node);
  return map;
}

/**
 * Maps each tensor to the nodes that read it. Each use as a network output or next state adds an
 * `undefined` entry.
 */
export function consumers(graph: Graph): Map<Tensor, (AnyNode | undefined)[]> {
  const map = new Map<Tensor, (AnyNode | undefined)[]>();
  const add = (tensor: Tensor, node: AnyNode | undefined): void => {
    map.set(tensor, [...(map.get(tensor) ?? []), node]);
  };
  for (const node of graph.nodes) for (const tensor of node.inputs) if (tensor) add(tensor, node);
  for (const tensor of resultsOf(graph)) add(tensor, undefined);
  return map;
}

/**
 * Copies a graph, so that its nodes and tensors can be changed. Constant data is shared.
 */
export function cloneGraph(graph: Graph): Graph {
  const copies = new Map<Tensor, Tensor>();
  const copy = (tensor: Tensor): Tensor => {
    const known = copies.get(tensor);
    if (known) return known;
    const made: Tensor = {
      ...tensor,
      shape: [...tensor.shape],
      ...(tensor.quantization && { quantization: { ...tensor.quantization } }),
    };
    copies.set(tensor, made);
    return made;
  };
  return {
    name: graph.name,
    inputs: graph.inputs.map(copy),
    outputs: graph.outputs.map(copy),
    nodes: graph.nodes.map((node) =>
      ({
        ...node,
        inputs: node.inputs.map((t) => t && copy(t)),
        outputs: node.outputs.map(copy),
        attributes: { ...node.attributes },
      }) as AnyNode
    ),
    ...(graph.states &&
      { states: graph.states.map(({ value, next, initial }) => ({ value: copy(value), next: copy(next), initial })) }),
    ...(graph.carries && { carries: true }),
    ...(graph.reference && { reference: graph.reference }),
  };
}

/** All tensors, each once: inputs and states first, then in the order of the nodes. */
export function tensorsOf(graph: Graph): Tensor[] {
  const all = new Set<Tensor>(entriesOf(graph));
  for (const node of graph.nodes) {
    for (const tensor of node.inputs) if (tensor) all.add(tensor);
    for (const tensor of node.outputs) all.add(tensor);
  }
  for (const tensor of resultsOf(graph)) all.add(tensor);
  return [...all];
}
