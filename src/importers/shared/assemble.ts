import { KletError } from '../../errors';
import type { AnyNode, Graph, State, Tensor } from '../../graph/graph';
import type { UniqueNames } from './uniqueNames';

/** The parts of a network after all of its operators became nodes. */
interface Parts {
  name: string;
  inputs: Tensor[];
  /** The outputs, with names for those that become copies. */
  outputs: { tensor: Tensor; name?: string }[];
  /** In the order of execution. */
  nodes: AnyNode[];
  states: State[];
  /** Whether layers keep their state from one prediction to the next. */
  carries: boolean;
}

/**
 * Checks the nodes and makes a graph of them. An output that is also an input, a constant or an
 * earlier output becomes a copy.
 */
export function assembleGraph({ name, inputs, outputs, nodes, states, carries }: Parts, names: UniqueNames): Graph {
  const available = new Set(nodes.flatMap((node) => node.outputs));
  const copies: AnyNode[] = [];
  const results = outputs.map(({ tensor, name }) => {
    if (available.delete(tensor)) return tensor;
    const { data, ...like } = tensor;
    const copy: Tensor = { ...like, name: name ?? names.take(`${tensor.name}/output`) };
    // the name of a constant does not matter
    if (data && name === tensor.name) tensor.name = names.take(`${name}/constant`);
    copies.push({ op: 'reshape', name: copy.name, inputs: [tensor], outputs: [copy], attributes: {} });
    return copy;
  });
  const all = [...nodes, ...copies];
  checkNodes(all);
  return {
    name,
    inputs,
    outputs: results,
    nodes: all,
    ...(states.length > 0 && { states }),
    ...(carries && { carries: true }),
  };
}

function checkNodes(nodes: readonly AnyNode[]): void {
  for (const { op, name, outputs, attributes } of nodes) {
    for (const tensor of outputs) {
      if (tensor.shape.includes(0)) {
        throw new KletError(
          'INVALID_GRAPH',
          `tensor "${tensor.name}" has no elements (shape [${tensor.shape.join(', ')}])`,
        );
      }
    }
    for (const [key, value] of Object.entries(attributes)) {
      const numbers = [value].flat().filter((v) => typeof v === 'number');
      if (!numbers.every(Number.isFinite)) {
        throw new KletError('CORRUPT', `${op} "${name}" has the ${key} ${String(value)}`);
      }
    }
  }
}
