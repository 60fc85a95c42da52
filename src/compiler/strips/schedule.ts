import type { Tensor } from '../../graph/graph';
import type { RowWindow } from '../../ops/operator';
import { rowsOf, type RowGraph, type RowNode } from './rowGraph';

// Which rows of which tensor each strip of a segment computes.

/** Consecutive nodes that run strip by strip. */
export interface Segment {
  /** Indices of the first node, and of the one after the last. */
  from: number;
  to: number;
  /** Rows of the last node's output in each strip. */
  height: number;
}

/** The rows [from, to) of a tensor. */
export interface Rows {
  from: number;
  to: number;
}

/** A tensor that a segment computes. All lists have one entry for each strip. */
export interface StripTensor {
  /** Rows that are computed after the strip. */
  ends: number[];
  /**
   * The first row that the strip or a later one of this segment reads; the number of rows if there
   * is none.
   */
  starts: number[];
  /** Whether all rows are kept, for nodes after the segment. Otherwise only a window of rows is. */
  isWhole: boolean;
}

export interface Schedule {
  strips: number;
  /** The tensors that the segment computes. */
  computed: Map<Tensor, StripTensor>;
  /**
   * For each tensor that the segment reads from outside, the first row that each strip or a later
   * one reads.
   */
  read: Map<Tensor, number[]>;
}

/** The input rows that output rows need. */
export function inputRows({ size, stride, before }: RowWindow, { from, to }: Rows, rows: number): Rows {
  return {
    from: Math.max(0, from * stride - before),
    to: Math.min(rows, Math.max(0, (to - 1) * stride - before + size)),
  };
}

/** Undefined if the nodes of the segment cannot all run in strips. */
export function scheduleOf(graph: RowGraph, { from, to, height }: Segment): Schedule | undefined {
  const nodes = graph.nodes.slice(from, to);
  if (!nodes.every((node) => node !== undefined)) return undefined;
  const last = nodes.at(-1).output;
  const strips = Math.ceil(rowsOf(last) / height);
  const own = new Map(nodes.map((node) => [node.output, node]));
  const schedule: Schedule = { strips, computed: new Map(), read: new Map() };
  for (const { output } of [...nodes].reverse()) {
    const readers = readersIn(graph, output, from, to);
    if (readers.some((reader) => !isOnlyImage(reader, output))) return undefined;
    const lastReader = graph.readers.get(output)?.at(-1) ?? to;
    const isWhole = graph.results.has(output) || lastReader >= to;
    schedule.computed.set(output, stripsOf(output, readers, isWhole, schedule, height / rowsOf(last)));
  }
  for (const node of nodes) {
    for (const { tensor } of node.images) {
      if (own.has(tensor) || schedule.read.has(tensor)) continue;
      const readers = readersIn(graph, tensor, from, to);
      if (readers.some((reader) => !isOnlyImage(reader, tensor))) return undefined;
      schedule.read.set(tensor, startsOf(tensor, readers, schedule));
    }
  }
  return schedule;
}

function readersIn({ readers, nodes }: RowGraph, tensor: Tensor, from: number, to: number): RowNode[] {
  return (readers.get(tensor) ?? []).filter((index) => index >= from && index < to).map((index) => nodes[index]!);
}

/** Whether a node reads a tensor row by row only. */
function isOnlyImage({ node, images }: RowNode, tensor: Tensor): boolean {
  return node.inputs.every((operand, i) => operand !== tensor || images.some((image) => image.operand === i));
}

function stripsOf(
  tensor: Tensor,
  readers: readonly RowNode[],
  isWhole: boolean,
  schedule: Schedule,
  part: number,
): StripTensor {
  const rows = rowsOf(tensor);
  const { strips, computed } = schedule;
  const ends = Array.from({ length: strips }, (_, strip) => {
    if (isWhole && strip === strips - 1) return rows;
    if (readers.length === 0) return Math.min(rows, Math.ceil(rows * Math.min(1, (strip + 1) * part) - 1e-6));
    return Math.max(...readers.map(({ output, window }) => {
      const to = computed.get(output)!.ends[strip]!;
      return to === 0 ? 0 : inputRows(window, { from: 0, to }, rows).to;
    }));
  });
  return { ends, isWhole, starts: startsOf(tensor, readers, schedule) };
}

function startsOf(tensor: Tensor, readers: readonly RowNode[], { strips, computed }: Schedule): number[] {
  const rows = rowsOf(tensor);
  return Array.from({ length: strips }, (_, strip) =>
    Math.min(
      rows,
      ...readers.map(({ output, window }) => {
        const from = computed.get(output)!.ends[strip - 1] ?? 0;
        return from === rowsOf(output) ? rows : inputRows(window, { from, to: from + 1 }, rows).from;
      }),
    ));
}

/** The rows that a strip computes. Rows that nothing reads are left out. */
export function newRows({ ends, starts, isWhole }: StripTensor, strip: number): Rows {
  const from = ends[strip - 1] ?? 0;
  const to = ends[strip]!;
  return { from: isWhole ? from : Math.min(to, Math.max(from, starts[strip]!)), to };
}

/** The first row that is in memory during a strip, if only a window of rows is kept. */
export function firstKept({ ends, starts }: StripTensor, strip: number): number {
  return Math.min(starts[strip]!, ends[strip]!);
}
