import type { Tensor } from '../../graph/graph';
import { RECORD_COST, WEIGHT_COST, type Baseline, type Life } from './baseline';
import { rowBytes, rowsOf, type RowGraph, type RowNode } from './rowGraph';
import { firstKept, newRows, type Schedule, type Segment } from './schedule';

// Estimates of the bytes and the time that a segment takes.

/** To copy a byte to the beginning of its buffer, in multiply-adds. */
const COPY_COST = 4;

export interface Estimate {
  /** The most bytes in use while the segment runs. */
  bytes: number;
  /**
   * The bytes by which an output must begin before an input whose memory it takes over. Those of
   * successive segments add up, because each tensor begins before the last one.
   */
  lead: number;
  /** What the strips cost in time. */
  extra: number;
}

/** @param lives the buffers of the network that are in use while the segment runs */
export function estimate(
  rows: RowGraph,
  segment: Segment,
  schedule: Schedule,
  baseline: Baseline,
  lives: readonly Life[],
): Estimate {
  const nodes = rows.nodes.slice(segment.from, segment.to) as RowNode[];
  const around = surroundings(rows, segment, schedule, lives);
  const lastReaders = new Map(nodes.flatMap((node) => node.images.map(({ tensor }) => [tensor, node] as const)));
  let bytes = 0;
  let extra = 0;
  for (let strip = 0; strip < schedule.strips; strip++) {
    let inUse = bytesBefore(strip, schedule, around);
    nodes.forEach((node, i) => {
      const tensor = schedule.computed.get(node.output)!;
      const { from, to } = newRows(tensor, strip);
      if (from === to) return;
      const size = rowBytes(node.output);
      inUse += (to - from) * size;
      bytes = Math.max(bytes, inUse + baseline.temporary[segment.from + i]! * (to - from) / rowsOf(node.output));
      for (const { tensor: image } of node.images) {
        if (lastReaders.get(image) === node) inUse -= freedAfter(strip, image, schedule);
      }
      if (strip === 0) return;
      extra += RECORD_COST + WEIGHT_COST * baseline.weights[segment.from + i]!;
      const kept = tensor.isWhole ? 0 : tensor.ends[strip - 1]! - firstKept(tensor, strip);
      if (kept > 0) extra += RECORD_COST / 2 + COPY_COST * kept * size;
    });
  }
  return { bytes, lead: leadOf(schedule, around), extra };
}

interface Surroundings {
  /** Bytes that are in use all the time. */
  outside: number;
  /** Tensors whose rows are no longer needed after the segment, with `Schedule.read`. */
  dying: [Tensor, starts: number[]][];
}

function surroundings(
  { results }: RowGraph,
  { to }: Segment,
  { computed, read }: Schedule,
  lives: readonly Life[],
): Surroundings {
  let outside = 0;
  const dying: Surroundings['dying'] = [];
  for (const { tensors, bytes, last } of lives) {
    const [only] = tensors;
    const starts = tensors.size === 1 ? read.get(only!) : undefined;
    if (starts && last < to && !results.has(only!)) dying.push([only!, starts]);
    else if (![...tensors].some((tensor) => computed.has(tensor))) outside += bytes;
  }
  return { outside, dying };
}

/** Bytes in use when a strip begins. */
function bytesBefore(strip: number, { computed }: Schedule, { outside, dying }: Surroundings): number {
  let inUse = outside;
  for (const [tensor, starts] of dying) inUse += (rowsOf(tensor) - starts[strip]!) * rowBytes(tensor);
  for (const [tensor, own] of computed) {
    const before = own.ends[strip - 1] ?? 0;
    inUse += (before - (own.isWhole ? 0 : Math.min(before, firstKept(own, strip)))) * rowBytes(tensor);
  }
  return inUse;
}

/** Bytes of a window of rows that no later strip needs. */
function freedAfter(strip: number, tensor: Tensor, { computed, strips }: Schedule): number {
  const own = computed.get(tensor);
  if (!own || own.isWhole) return 0;
  const kept = strip === strips - 1 ? 0 : own.ends[strip]! - firstKept(own, strip + 1);
  return (own.ends[strip]! - firstKept(own, strip) - Math.max(0, kept)) * rowBytes(tensor);
}

function leadOf({ computed }: Schedule, { dying }: Surroundings): number {
  let lead = 0;
  for (const [tensor, { isWhole, ends }] of computed) {
    if (!isWhole) continue;
    for (const [input, starts] of dying) {
      ends.forEach((end, strip) => {
        lead = Math.max(lead, end * rowBytes(tensor) - starts[strip]! * rowBytes(input));
      });
    }
  }
  return lead;
}
