import { alignUp } from '../format/klet';
import type { Buffer } from '../ops/emitter';

/**
 * Tensors start at multiples of 16 bytes (a quarter of a cache line), so that vector loads cross as
 * few cache lines as possible.
 */
const ALIGNMENT = 16;
/** States are packed densely, because every stream holds a copy. */
const STATE_ALIGNMENT = 4;

/**
 * Allocates buffers in the arena: largest first, each at the lowest offset that is free during its
 * whole life (greedy by size; Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net
 * Inference", 2020). A buffer that may reuse another's memory, and overlaps its life only in the
 * record that writes it, gets the same address. Buffers that outlive a run come first and share no
 * memory.
 *
 * @returns the size of the arena in bytes
 */
export function planMemory(buffers: readonly Buffer[]): number {
  const base = alignUp(placeStates(buffers), ALIGNMENT);
  const groups =
    joinInPlace(buffers.filter((buffer) => !buffer.initial && buffer.bytes > 0 && buffer.first <= buffer.last));
  const bySize = [...groups].sort((a, b) => b.bytes - a.bytes || a.first - b.first);
  // by their offsets
  const placed: Group[] = [];
  let arena = base;
  for (const group of bySize) {
    let offset = base;
    for (const other of placed) {
      if (other.first > group.last || group.first > other.last) continue;
      if (offset + group.bytes <= other.offset) break;
      offset = Math.max(offset, alignUp(other.offset + other.bytes, ALIGNMENT));
    }
    group.offset = offset;
    placed.splice(placeOf(placed, offset), 0, group);
    for (const member of group.members) member.offset = offset;
    arena = Math.max(arena, offset + group.bytes);
  }
  return alignUp(arena, ALIGNMENT);
}

/** The number of groups whose offset is at most this, by bisection. */
function placeOf(placed: readonly Group[], offset: number): number {
  let from = 0;
  let to = placed.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (placed[middle]!.offset <= offset) from = middle + 1;
    else to = middle;
  }
  return from;
}

/**
 * Allocates the buffers that outlive a run, consecutively from the start of the arena.
 *
 * @returns their size in bytes
 */
export function placeStates(buffers: readonly Buffer[]): number {
  let end = 0;
  for (const buffer of buffers) {
    if (!buffer.initial) continue;
    buffer.offset = alignUp(end, STATE_ALIGNMENT);
    end = buffer.offset + buffer.bytes;
  }
  return end;
}

interface Group {
  members: Buffer[];
  bytes: number;
  first: number;
  last: number;
  offset: number;
}

/** Groups of buffers that live one after the other at the same address. */
function joinInPlace(buffers: readonly Buffer[]): Group[] {
  const groupOf = new Map<Buffer, Group>();
  for (const buffer of [...buffers].sort((a, b) => a.first - b.first)) {
    const previous = buffer.reuses && groupOf.get(buffer.reuses);
    if (previous && previous.last === buffer.first && buffer.reuses!.last === buffer.first) {
      previous.members.push(buffer);
      previous.bytes = Math.max(previous.bytes, buffer.bytes);
      previous.last = Math.max(previous.last, buffer.last);
      groupOf.set(buffer, previous);
    } else {
      groupOf.set(buffer, {
        members: [buffer],
        bytes: buffer.bytes,
        first: buffer.first,
        last: buffer.last,
        offset: 0,
      });
    }
  }
  return [...new Set(groupOf.values())];
}

/**
 * The slow oracle of the planner.
 *
 * @returns the first two buffers that live at the same time and overlap, if any
 */
export function findOverlap(buffers: readonly Buffer[]): [Buffer, Buffer] | undefined {
  for (const a of buffers) {
    for (const b of buffers) {
      if (a === b || !(a.initial || a.first <= a.last) || !(b.initial || b.first <= b.last)) continue;
      const together = Boolean(a.initial ?? b.initial) || (a.first <= b.last && b.first <= a.last);
      const inPlace = (a.reuses === b && b.last === a.first) || (b.reuses === a && a.last === b.first);
      if (together && !inPlace && a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes) return [a, b];
    }
  }
  return undefined;
}
