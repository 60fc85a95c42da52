import { byteSize, resultsOf, type AnyNode, type Graph, type Tensor } from '../../graph/graph';
import { operatorOf } from '../../ops/index';
import type { RowWindow } from '../../ops/operator';

// A graph as seen by strips: which nodes compute rows from rows, and which tensors have rows.

/** A node that can compute its output strip by strip. */
export interface RowNode {
  node: AnyNode;
  window: RowWindow;
  output: Tensor;
  /** The operands that are read row by row, and their indices. */
  images: { tensor: Tensor; operand: number }[];
}

export interface RowGraph {
  /** For each node of the graph, its form in rows, if it has one. */
  nodes: (RowNode | undefined)[];
  /** The nodes that read a tensor, in order. */
  readers: Map<Tensor, number[]>;
  /** Tensors that must exist as a whole at the end of a run. */
  results: ReadonlySet<Tensor>;
}

export function rowsOf({ shape }: Tensor): number {
  return shape[1]!;
}

export function rowBytes(tensor: Tensor): number {
  return byteSize(tensor) / rowsOf(tensor);
}

export function rowGraphOf(graph: Graph): RowGraph {
  const readers = new Map<Tensor, number[]>();
  graph.nodes.forEach(({ inputs }, index) => {
    for (const tensor of new Set(inputs)) {
      if (tensor && !tensor.data) readers.set(tensor, [...(readers.get(tensor) ?? []), index]);
    }
  });
  return { nodes: graph.nodes.map(rowNodeOf), readers, results: new Set(resultsOf(graph)) };
}

/** The node as one that computes rows from rows. Undefined if it must run as a whole. */
function rowNodeOf(node: AnyNode): RowNode | undefined {
  const form = operatorOf(node.op).rows;
  const [output] = node.outputs;
  if (!form || node.outputs.length !== 1 || !output || !isImage(output)) return undefined;
  const images = (form.images?.(node) ?? [0]).map((operand) => ({ operand, tensor: node.inputs[operand]! }));
  if (images.length === 0 || images.some(({ tensor }) => !isImage(tensor) || tensor.data)) return undefined;
  const window = form.window(node);
  return window && { node, window, output, images };
}

/** Only in an array of one image are the bytes of its rows consecutive. */
function isImage({ shape }: Tensor): boolean {
  return shape.length === 4 && shape[0] === 1;
}
