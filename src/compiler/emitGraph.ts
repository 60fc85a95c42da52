import { KletError } from '../errors';
import { malformed } from '../graph/check';
import { elementCount, entriesOf, type AnyNode, type Graph, type State } from '../graph/graph';
import type { Emitter } from '../ops/emitter';
import { operatorOf } from '../ops/index';
import { reshapeNode } from '../ops/nodes';
import { emitCopy } from '../ops/shared/emit';
import { divideTensors, lowerSegment } from './strips/lower';
import type { RowGraph } from './strips/rowGraph';
import type { Segment } from './strips/schedule';

/** The parts of a network that run in strips of rows. */
export interface Strips {
  rows: RowGraph;
  segments: readonly Segment[];
}

/**
 * Emits the records of a node, or of a part of its rows.
 *
 * @param whole the node of the graph
 */
export type LowerNode = (node: AnyNode, emit: Emitter, whole: AnyNode) => void;

/** Where the records of some nodes are: of one node, or of those of a segment. */
export interface EmittedNodes {
  from: number;
  to: number;
  firstRecord: number;
  /** Set for a segment. */
  strips?: number;
}

const lowerByOperator: LowerNode = (node, emit) => operatorOf(node.op).lower(node, emit);

/**
 * Emits the records of a graph.
 *
 * @returns where the records of its nodes are
 * @throws KletError `UNSUPPORTED_OP` with a list of all operators in unsupported forms
 */
export function emitGraph(graph: Graph, emit: Emitter, strips?: Strips, lowerNode = lowerByOperator): EmittedNodes[] {
  for (const tensor of graph.inputs) emit.allocate(tensor);
  for (const { value, initial } of graph.states ?? []) emit.persist(value, initial);
  if (strips) divideTensors(strips, emit);
  for (const tensor of entriesOf(graph)) emit.touch(tensor, -1);
  const refusals: string[] = [];
  const segments = new Map(strips?.segments.map((segment) => [segment.from, segment]));
  const emitted: EmittedNodes[] = [];
  for (let n = 0; n < graph.nodes.length;) {
    const node = graph.nodes[n]!;
    const segment = segments.get(n);
    const to = segment?.to ?? n + 1;
    emitted.push({ from: n, to, firstRecord: emit.records.length });
    try {
      if (segment) emitted.at(-1).strips = lowerSegment(strips!.rows, segment, emit, lowerNode);
      else lowerNode(node, emit, node);
    } catch (error) {
      if (!(error instanceof KletError) || error.code !== 'UNSUPPORTED_OP') throw malformed(node, error);
      refusals.push(error.message);
    }
    n = to;
  }
  if (refusals.length > 0) {
    throw new KletError(
      'UNSUPPORTED_OP',
      `"${graph.name}" has ${refusals.length} operators in a form that kinglet does not have:\n${
        refusals.map((line) => `  ${line}`).join('\n')
      }`,
    );
  }
  for (const state of graph.states ?? []) emitAssignment(state, emit);
  for (const tensor of graph.outputs) emit.touch(tensor, emit.records.length);
  return emitted;
}

/** Emits the copy of a state's next value to the state, the last step of a run. */
function emitAssignment({ value, next }: State, emit: Emitter): void {
  if (next === value) return;
  emitCopy(reshapeNode(next, value), emit, next, value, [elementCount(value.shape)], [1], [1]);
}
