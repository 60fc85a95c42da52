import { byteSize, entriesOf, type Graph, type Tensor } from '../../graph/graph';
import type { Buffer, Emitter } from '../../ops/emitter';
import type { EmittedNodes } from '../emitGraph';

// What a network takes without strips, node by node.

// Costs in multiply-adds, fitted to measurements. Only comparisons matter.

/** Of a record: its dispatch and the setup of its kernel. */
export const RECORD_COST = 16384;
/** To prepare a weight for its kernel, which every record does anew. */
export const WEIGHT_COST = 16;
/** To compute an element without a product. */
const ELEMENT_COST = 4;

export interface Baseline {
  emit: Emitter;
  /** For each node, the bytes in use while it runs. */
  inUse: number[];
  /** For each node, the bytes of buffers that hold no tensor of the graph. */
  temporary: number[];
  /** For each node, an estimate of its time, and the bytes of its weights. */
  time: number[];
  weights: number[];
  /** Buffers that hold tensors of the graph, with the first and the last node that use them. */
  lives: Life[];
}

export interface Life {
  tensors: Set<Tensor>;
  bytes: number;
  first: number;
  last: number;
}

/** @param emitted one entry for each node */
export function baselineOf(graph: Graph, emit: Emitter, emitted: readonly EmittedNodes[]): Baseline {
  const tensors = new Map<Buffer, Set<Tensor>>();
  for (const tensor of [...entriesOf(graph), ...graph.nodes.flatMap(({ outputs }) => outputs)]) {
    const { buffer } = emit.locate(tensor) ?? {};
    if (buffer) tensors.set(buffer, (tensors.get(buffer) ?? new Set()).add(tensor));
  }
  const zeros = (): number[] => graph.nodes.map(() => 0);
  const baseline: Baseline = { emit, inUse: zeros(), temporary: zeros(), time: zeros(), weights: zeros(), lives: [] };
  const end = graph.nodes.length;
  const nodeOf = nodeOfRecord(emitted);
  for (const buffer of emit.buffers) {
    if (buffer.first > buffer.last && !buffer.initial) continue;
    const [first, last] = buffer.initial ? [-1, end] : [nodeOf(buffer.first), nodeOf(buffer.last)];
    const own = tensors.get(buffer);
    if (own) baseline.lives.push({ tensors: own, bytes: buffer.bytes, first, last });
    for (let n = Math.max(0, first); n <= Math.min(end - 1, last); n++) {
      baseline.inUse[n]! += buffer.bytes;
      if (!own) baseline.temporary[n]! += buffer.bytes;
    }
    if (buffer.reuses?.last === buffer.first && first >= 0) baseline.inUse[first]! -= buffer.bytes;
  }
  graph.nodes.forEach(({ outputs }, n) => {
    const elements = outputs.reduce((sum, tensor) => sum + byteSize(tensor), 0);
    const records = emit.records.slice(emitted[n]!.firstRecord, emitted[n + 1]?.firstRecord ?? emit.records.length);
    for (const { macs, weights } of records) {
      baseline.time[n]! += RECORD_COST + weights * WEIGHT_COST + macs + elements * ELEMENT_COST;
      baseline.weights[n]! += weights;
    }
  });
  return baseline;
}

/** Finds the node of a record by bisection; −1 before the first record. */
function nodeOfRecord(emitted: readonly EmittedNodes[]): (record: number) => number {
  return (record) => {
    let low = -1;
    let high = emitted.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (emitted[middle]!.firstRecord <= record) low = middle;
      else high = middle;
    }
    return low;
  };
}
