import type { AnyNode, Tensor } from '../../graph/graph';
import type { Emitter } from '../../ops/emitter';
import { operatorOf } from '../../ops/index';
import { emitCopy } from '../../ops/shared/emit';
import type { LowerNode, Strips } from '../emitGraph';
import { rowBytes, rowsOf, type RowGraph, type RowNode } from './rowGraph';
import { firstKept, inputRows, newRows, scheduleOf, type Rows, type Segment, type StripTensor } from './schedule';

// Emits the records of a segment, strip by strip.
//
// A tensor that only nodes of the segment read has a buffer for a window of its rows. A strip moves
// the rows that it still needs to the beginning of the buffer, and computes the next rows behind
// them.
//
//        rows   0   2                 10              after the next strip:
//   buffer      │old│ computed by     │               │old│ computed by the next
//               │   │ this strip  │old│               │   │
//                                  └──────── copy ────►┘

/** The rows of a tensor that its buffer holds. */
interface Window {
  buffer: Tensor;
  /** The first row in the buffer. */
  base: number;
  rows: number;
}

/** Lets the rows of the tensors that segments read or write be in memory at different times. */
export function divideTensors({ rows: graph, segments }: Strips, emit: Emitter): void {
  const cuts = new Map<Tensor, Set<number>>();
  const cut = (tensor: Tensor, rows: readonly number[]): void => {
    const own = cuts.get(tensor) ?? new Set<number>();
    cuts.set(tensor, own);
    for (const row of rows) own.add(row * rowBytes(tensor));
  };
  for (const segment of segments) {
    const { computed, read } = scheduleOf(graph, segment)!;
    for (const [tensor, starts] of read) cut(tensor, starts);
    for (const [tensor, { isWhole, ends }] of computed) if (isWhole) cut(tensor, ends);
  }
  for (const [tensor, offsets] of cuts) emit.divide(tensor, [...offsets].sort((a, b) => a - b));
}

/** @returns the number of strips */
export function lowerSegment(graph: RowGraph, segment: Segment, emit: Emitter, lowerNode: LowerNode): number {
  const nodes = graph.nodes.slice(segment.from, segment.to) as RowNode[];
  const schedule = scheduleOf(graph, segment)!;
  const windows = new Map<Tensor, Window>();
  for (let strip = 0; strip < schedule.strips; strip++) {
    for (const node of nodes) {
      const tensor = schedule.computed.get(node.output)!;
      const rows = newRows(tensor, strip);
      if (rows.from === rows.to) continue;
      if (!tensor.isWhole) advance(node, tensor, strip, windows, emit);
      const output = viewOf(node.output, rows, windows, emit);
      if (!tensor.isWhole) emit.renew(output);
      lowerNode(partOf(node, rows, output, windows, emit), emit, node.node);
    }
  }
  return schedule.strips;
}

/** Makes room for the next rows in the buffer of a tensor. */
function advance(
  { node, output }: RowNode,
  tensor: StripTensor,
  strip: number,
  windows: Map<Tensor, Window>,
  emit: Emitter,
): void {
  const window = windows.get(output) ?? createWindow(output, tensor, emit);
  windows.set(output, window);
  const base = firstKept(tensor, strip);
  const end = tensor.ends[strip - 1] ?? 0;
  if (tensor.ends[strip]! - window.base <= window.rows) return;
  // source and target of a copy must not overlap
  const shift = base - window.base;
  const rowElements = window.buffer.shape[2]! * window.buffer.shape[3]!;
  for (let row = base; row < end; row += shift) {
    const rows = { from: row, to: Math.min(end, row + shift) };
    const source = viewOf(output, rows, windows, emit);
    const target = viewAt(window, { from: row - base, to: rows.to - base }, emit);
    emit.renew(target);
    emitCopy({ ...node, outputs: [target] }, emit, source, target, [rowElements * (rows.to - row)], [1], [1]);
  }
  window.base = base;
}

function createWindow(output: Tensor, tensor: StripTensor, emit: Emitter): Window {
  const rows = Math.max(...tensor.ends.map((end, strip) => end - firstKept(tensor, strip)));
  const buffer: Tensor = { ...output, shape: output.shape.with(1, rows) };
  emit.allocate(buffer);
  emit.divide(buffer, []);
  return { buffer, base: 0, rows };
}

/** The rows of a tensor as a tensor of its own, in the same memory. */
function viewOf(tensor: Tensor, { from, to }: Rows, windows: Map<Tensor, Window>, emit: Emitter): Tensor {
  const window = windows.get(tensor) ?? { buffer: tensor, base: 0, rows: rowsOf(tensor) };
  return viewAt(window, { from: from - window.base, to: to - window.base }, emit);
}

function viewAt({ buffer }: Window, { from, to }: Rows, emit: Emitter): Tensor {
  const view: Tensor = { ...buffer, shape: buffer.shape.with(1, to - from) };
  emit.alias(view, buffer, from * rowBytes(buffer));
  return view;
}

/** The node that computes only some rows of the output. */
function partOf(
  { node, window, images }: RowNode,
  rows: Rows,
  output: Tensor,
  windows: Map<Tensor, Window>,
  emit: Emitter,
): AnyNode {
  const inputs = [...node.inputs];
  let before = 0;
  let after = 0;
  for (const { tensor, operand } of images) {
    const needed = inputRows(window, rows, rowsOf(tensor));
    inputs[operand] = viewOf(tensor, needed, windows, emit);
    before = needed.from - (rows.from * window.stride - window.before);
    after = Math.max(0, (rows.to - 1) * window.stride - window.before + window.size - needed.to);
  }
  const attributes = { ...node.attributes, ...operatorOf(node.op).rows?.attributes?.(node, before, after) };
  return { ...node, inputs, outputs: [output], attributes } as AnyNode;
}
