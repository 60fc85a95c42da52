import { KletError } from '../../errors';
import type { NodeJson } from './read';
import type { Outcome } from './operator';

/** What a node gave: its outputs, or `skipped` if it, or one before it, is unsupported. */
export type Given = readonly Outcome[] | typeof skipped;

/** Marks a node that cannot be imported, because it or one before it is unsupported. */
export const skipped = Symbol('skipped');

/** A reference to an output of a node. */
interface Reference {
  node: string;
  /** The name of the output in the node's definition, as functions use it. */
  output?: string;
  index: number;
}

/**
 * Reads a reference: `name`, `name:1`, or in functions `name:output:1`. Those that begin with `^`
 * only order nodes.
 */
export function referenceOf(text: string): Reference {
  const [node, ...rest] = text.replace(/^\^/, '').split(':') as [string, ...string[]];
  const index = rest.length === 0 ? 0 : Number(rest.at(-1));
  return { node, index, ...(rest.length === 2 && { output: rest[0]! }) };
}

export const isControl = (input: string): boolean => input.startsWith('^');

/** Outputs behind the first one that have a name of their own, by operator. */
const outputPlaces: Record<string, readonly string[]> = {
  Switch: ['output_false', 'output_true'],
  Merge: ['output', 'value_index'],
  TopKV2: ['values', 'indices'],
  MaxPoolWithArgmax: ['output', 'argmax'],
};

/** The nodes of a graph or function, and what they gave so far. */
export class Scope {
  private readonly outputs = new Map<string, Given>();
  private readonly byName: ReadonlyMap<string, NodeJson>;

  constructor(readonly nodes: readonly NodeJson[]) {
    this.byName = new Map(nodes.map((node) => [node.name, node]));
  }

  node(name: string): NodeJson | undefined {
    return this.byName.get(name);
  }

  has(name: string): boolean {
    return this.outputs.has(name);
  }

  set(name: string, outputs: Given): void {
    this.outputs.set(name, outputs);
  }

  /** What a node gave; `skipped` if it was not computed. */
  given(name: string): Given {
    return this.outputs.get(name) ?? skipped;
  }

  /** The output that a reference means; `skipped` if it was not computed. */
  get(text: string): Outcome | typeof skipped {
    const reference = referenceOf(text);
    const outputs = this.given(reference.node);
    if (outputs === skipped) return skipped;
    // a node that a Switch did not choose has no outputs at all
    if (outputs.length === 0) return null;
    const tensor = outputs[this.place(reference)];
    if (tensor === undefined) throw new KletError('CORRUPT', `"${text}" is an output that the node does not have`);
    return tensor;
  }

  /** The number of an output among those of its node. */
  place({ node, output, index }: Reference): number {
    const places = outputPlaces[this.byName.get(node)?.op ?? ''];
    const first = output === undefined ? 0 : places?.indexOf(output) ?? 0;
    return Math.max(first, 0) + index;
  }

  /**
   * The nodes that these outputs need and that have given nothing yet, each after those it reads.
   *
   * @throws {KletError} `CORRUPT` if a node is missing, or if nodes need each other
   */
  order(results: readonly string[]): NodeJson[] {
    const ordered: NodeJson[] = [];
    const done = new Set<string>();
    /** The nodes on the way to the one that is visited, with the inputs that were followed. */
    const path: { node: NodeJson; next: number }[] = [];
    const enter = (name: string, reader: string): void => {
      if (done.has(name) || this.outputs.has(name)) return;
      const from = path.findIndex(({ node }) => node.name === name);
      if (from >= 0) return this.checkLoop(path.slice(from).map(({ node }) => node));
      const node = this.byName.get(name);
      if (!node) throw new KletError('CORRUPT', `${reader} reads "${name}", which the graph does not have`);
      path.push({ node, next: 0 });
    };
    for (const result of results) {
      enter(referenceOf(result).node, 'the signature');
      while (path.length > 0) {
        const last = path.at(-1);
        const input = last.node.input[last.next++];
        if (input === undefined) {
          done.add(last.node.name);
          ordered.push(last.node);
          path.pop();
        } else if (!isControl(input)) {
          enter(referenceOf(input).node, `"${last.node.name}"`);
        }
      }
    }
    return ordered;
  }

  /** Loops of TensorFlow 1 go through a NextIteration, which is refused as an operator. */
  private checkLoop(nodes: readonly NodeJson[]): void {
    if (nodes.some(({ op }) => op === 'NextIteration')) return;
    const names = nodes.slice(0, 5).map(({ name }) => `"${name}"`);
    throw new KletError('CORRUPT', `nodes read each other in a circle: ${names.join(', ')}`);
  }
}
