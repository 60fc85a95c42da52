import { KletError } from '../errors';
import { elementCount, entriesOf, type Graph, type Tensor } from '../graph/graph';
import { operatorOf } from '../ops/index';

/**
 * Checks the invariants of a graph between passes: nodes come after the producers of their inputs,
 * every tensor has one producer, shapes are those that the operators infer, and constants have as
 * many elements as their shapes require.
 *
 * @param after the last pass, for the message
 * @throws KletError `INVALID_GRAPH`
 */
export function checkGraph(graph: Graph, after: string): void {
  const invalid = (what: string): KletError =>
    new KletError('INVALID_GRAPH', `"${graph.name}" after ${after}: ${what}`);
  const known = new Set<Tensor>(entriesOf(graph));
  const checkTensor = (tensor: Tensor): void => {
    if (!tensor.shape.every((d) => Number.isInteger(d) && d > 0)) {
      throw invalid(`tensor "${tensor.name}" has the shape [${
        tensor.shape.join(', ')
      }]; dimensions must be known and positive`);
    }
    if (tensor.data && tensor.data.length !== elementCount(tensor.shape)) {
      throw invalid(`constant "${tensor.name}" has ${tensor.data.length} elements for the shape [${
        tensor.shape.join(', ')
      }]`);
    }
  };
  entriesOf(graph).forEach(checkTensor);
  for (const side of ['inputs', 'outputs'] as const) {
    const names = new Set<string>();
    for (const { name } of new Set(graph[side])) {
      if (names.has(name)) throw invalid(`two of its ${side} are named "${name}"`);
      names.add(name);
    }
  }
  if (graph.outputs.length === 0) throw invalid('it has no outputs');
  for (const node of graph.nodes) {
    for (const tensor of node.inputs) {
      if (!tensor) continue;
      checkTensor(tensor);
      if (!tensor.data && !known.has(tensor)) {
        throw invalid(`${node.op} "${node.name}" reads "${tensor.name}", which nothing before it computes`);
      }
    }
    for (const tensor of node.outputs) {
      checkTensor(tensor);
      if (known.has(tensor)) throw invalid(`"${tensor.name}" is computed twice`);
      known.add(tensor);
    }
    const inferred = operatorOf(node.op).infer(node);
    node.outputs.forEach((tensor, i) => {
      const expected = inferred[i];
      if (!expected || expected.length !== tensor.shape.length || expected.some((d, j) => d !== tensor.shape[j])) {
        throw invalid(`${node.op} "${node.name}" gives [${
          expected?.join(', ') ?? 'nothing'
        }], its output "${tensor.name}" is declared as [${tensor.shape.join(', ')}]`);
      }
    });
  }
  for (const tensor of graph.outputs) {
    if (!tensor.data && !known.has(tensor)) throw invalid(`output "${tensor.name}" is computed by nothing`);
  }
  for (const { value, next, initial } of graph.states ?? []) {
    if (!next.data && !known.has(next)) {
      throw invalid(`"${next.name}", which the state "${value.name}" becomes, is computed by nothing`);
    }
    if (next.dtype !== value.dtype || next.shape.join() !== value.shape.join()) {
      throw invalid(`the state "${value.name}" (${value.dtype} [${
        value.shape.join(', ')
      }]) cannot become "${next.name}" (${next.dtype} [${next.shape.join(', ')}])`);
    }
    if (initial.length !== elementCount(value.shape)) {
      throw invalid(`the state "${value.name}" of shape [${
        value.shape.join(', ')
      }] begins with ${initial.length} elements`);
    }
  }
}
