import type { Graph, Tensor } from '../graph/graph';
import { checkGiven } from './check';

/** Words that tell the next value of a state from the one before. */
const times = new Set(['in', 'input', 'out', 'output', 'new', 'next', 'prev', 'previous', 'past', 'present', 'old',
  'last', 'cur', 'current', 'updated', 'init', 'initial', 'n', '0', 't']);

/**
 * Finds inputs that take the value of an output of the call before, as streaming networks of ONNX
 * have them. A pair has one type and shape, and names that differ only in words such as `new` or
 * `out`, or it is the only one of its type and shape behind the first input and the first output.
 *
 * @returns names of outputs, each with the name of its input, for `wireStates`
 * @throws KletError `INVALID_GRAPH` if the value is not a graph
 * @example
 * ```js
 * const b = new GraphBuilder('sum');
 * const x = b.input('x', [1]);
 * const state = b.input('state', [1]);
 * const add = { kind: 'add', activation: 'none' };
 * const next = b.node('binary', [x, state], add, { name: 'stateN' });
 * console.log(findStates(b.finish([next]))); // { stateN: 'state' }
 * ```
 */
export function findStates(graph: Graph): Record<string, string> {
  checkGiven(graph, 'findStates()');
  const pairs: [output: Tensor, input: Tensor][] = [];
  const isFree = (tensor: Tensor): boolean => !pairs.some((pair) => pair.includes(tensor));
  const pairUp = (inputs: readonly Tensor[], outputs: readonly Tensor[], isPair: IsPair): void => {
    for (const output of outputs) {
      const fits = (a: Tensor, b: Tensor): boolean => isFree(a) && isFree(b) && isAlike(a, b) && isPair(a, b);
      const [input, other] = inputs.filter((candidate) => fits(candidate, output));
      const isOnly = input && !other && outputs.filter((candidate) => fits(input, candidate)).length === 1;
      if (isOnly) pairs.push([output, input]);
    }
  };
  pairUp(graph.inputs, graph.outputs, (input, output) => input !== output && stemOf(input) === stemOf(output));
  pairUp(graph.inputs.slice(1), graph.outputs.slice(1), () => true);
  return Object.fromEntries(pairs.map(([output, input]) => [output.name, input.name]));
}

type IsPair = (input: Tensor, output: Tensor) => boolean;

function isAlike(a: Tensor, b: Tensor): boolean {
  return a.dtype === b.dtype && a.shape.join() === b.shape.join();
}

/** A name without the words that tell before from after: `h0`, `hn` and `new_h` are all `h`. */
function stemOf({ name }: Tensor): string {
  const words = name.replace(/:\d+$/, '').replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase().split(/[^a-z0-9]+/).flatMap(
    (word) => (/^[a-z](n|0|t)$/.test(word) ? [word[0]!] : word)
  );
  const stem = words.filter((word) => word !== '' && !times.has(word));
  return stem.length > 0 ? stem.join(' ') : `"${name}"`;
}
