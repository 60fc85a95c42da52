import { show } from '../arguments';
import { KletError } from '../errors';
import { checkForm, malformed } from '../graph/check';
import { elementCount, entriesOf, type AnyNode, type Graph, type Tensor } from '../graph/graph';
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
    const inferred = inferredBy(node);
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

/**
 * The shapes of a node's outputs.
 *
 * @throws KletError `INVALID_GRAPH` if its attributes are malformed
 */
function inferredBy(node: AnyNode): number[][] {
  try {
    return operatorOf(node.op).infer(node);
  } catch (cause) {
    throw malformed(node, cause);
  }
}

/**
 * Checks a graph that a caller passes to a public function.
 *
 * @throws KletError `INVALID_GRAPH` or `BAD_ARGUMENT`
 */
export function checkGiven(graph: Graph, of: string): void {
  checkForm(graph);
  checkGraph(graph, of);
}

/** Distinguishes a sequence of inputs from one input that is given as an array of numbers. */
export function isSequence<T>(sample: T | readonly T[]): sample is readonly T[] {
  return Array.isArray(sample) && typeof sample[0] === 'object';
}

/** @throws KletError `BAD_ARGUMENT` if samples are not a list of inputs */
export function checkSamples(samples: unknown, of: string): void {
  const iterable = samples as { [Symbol.iterator]?: unknown } | null | undefined;
  const isList = typeof iterable?.[Symbol.iterator] === 'function' && !ArrayBuffer.isView(samples);
  if (isList && typeof samples !== 'string') return;
  throw new KletError(
    'BAD_ARGUMENT',
    `${of} needs samples, an array of inputs that are typical for the network, not ${show(samples)}`,
  );
}
