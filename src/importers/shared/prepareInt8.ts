import { resultsOf, type Graph } from '../../graph/graph';
import { foldAffine } from './foldAffine';
import { fuseQuantized } from './fuseQuantized';
import { integerProducts } from './integerProducts';
import { raiseQuantize } from './raiseQuantize';
import type { QuantizedValues } from './storedIntegers';
import type { UniqueNames } from './uniqueNames';

/**
 * Makes int8 operators of float operators between dequantize and quantize nodes, as far as kinglet
 * has them. The others stay float.
 */
export function prepareInt8(graph: Graph, values: QuantizedValues, names: UniqueNames): void {
  dropUnread(graph);
  integerProducts(graph, values);
  foldAffine(graph, values.stored);
  if (graph.nodes.some(({ op }) => op === 'quantize' || op === 'dequantize')) {
    raiseQuantize(graph, names);
    fuseQuantized(graph, values.stored, names);
  }
  dropUnread(graph);
}

/** Removes nodes that no result needs. */
function dropUnread(graph: Graph): void {
  const needed = new Set(resultsOf(graph));
  graph.nodes = [...graph.nodes].reverse().filter((node) => {
    const isRead = node.outputs.some((tensor) => needed.has(tensor));
    if (isRead) node.inputs.forEach((tensor) => tensor && needed.add(tensor));
    return isRead;
  }).reverse();
}
