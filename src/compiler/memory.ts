import { alignUp } from '../format/klet';
import type { Buffer, BufferPart } from '../ops/emitter';

/**
 * Tensors start at multiples of 16 bytes (a quarter of a cache line), so that vector loads cross as
 * few cache lines as possible.
 */
const ALIGNMENT = 16;
/** Bounds of the search for an order: the orders, and the pairs of parts that they compare. */
const MAX_TRIES = 500;
const EFFORT = 1e7;
/** States are packed densely, because every stream holds a copy. */
const STATE_ALIGNMENT = 4;

/**
 * Allocates buffers in the arena: largest first, each at the lowest offset that is free during its
 * whole life (greedy by size; Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net
 * Inference", 2020). A buffer that may reuse another's memory, and overlaps its life only in the
 * record that writes it, gets the same address. Buffers that outlive a run come first and share no
 * memory.
 *
 * Buffers with parts may overlap where their parts are in use at different times. The largest first
 * is then seldom the best order, so others are tried.
 *
 * @param effort bounds the time of that search, in pairs of parts that are compared
 * @returns the size of the arena in bytes
 */
export function planMemory(buffers: readonly Buffer[], effort = EFFORT): number {
  const base = alignUp(placeStates(buffers), ALIGNMENT);
  const groups =
    joinInPlace(buffers.filter((buffer) => !buffer.initial && buffer.bytes > 0 && buffer.first <= buffer.last));
  const bySize = [...groups].sort((a, b) => b.bytes - a.bytes || a.first - b.first);
  const order = groups.some(isDivided) ? bestOrder(bySize, base, effort) : bySize;
  const arena = placeGroups(order, base);
  for (const group of groups) for (const member of group.members) member.offset = group.offset;
  return arena;
}

/** Places groups in the given order. @returns the end of the arena */
function placeGroups(order: readonly Group[], base: number, limit = Infinity): number {
  // by their offsets
  const placed: Group[] = [];
  let arena = base;
  for (const group of order) {
    group.offset = lowestOffset(group, placed, base);
    placed.splice(placeOf(placed, group.offset), 0, group);
    arena = Math.max(arena, group.offset + group.bytes);
    if (arena > limit) break;
  }
  return alignUp(arena, ALIGNMENT);
}

/** @param placed in ascending order of their offsets */
function lowestOffset(group: Group, placed: readonly Group[], base: number): number {
  if (isDivided(group) || placed.some(isDivided)) return lowestOffsetOfParts(group, placed, base);
  let offset = base;
  for (const other of placed) {
    if (other.first > group.last || group.first > other.last) continue;
    if (offset + group.bytes <= other.offset) break;
    offset = Math.max(offset, alignUp(other.offset + other.bytes, ALIGNMENT));
  }
  return offset;
}

/** The lowest offset at which no part of a group collides with a placed part. */
function lowestOffsetOfParts(group: Group, placed: readonly Group[], base: number): number {
  const others = placed.filter((other) => other.first <= group.last && group.first <= other.last);
  let offset = base;
  for (let isFree = false; !isFree;) {
    isFree = true;
    for (const other of others) {
      const next = offsetPast(group, other, offset);
      if (next > offset) isFree = false;
      offset = alignUp(next, ALIGNMENT);
    }
  }
  return offset;
}

/** The lowest offset, at or above `offset`, at which a group does not collide with a placed one. */
function offsetPast(group: Group, other: Group, offset: number): number {
  let free = offset;
  if (free + group.bytes <= other.offset || other.offset + other.bytes <= free) return free;
  for (const a of group.parts) {
    for (const b of other.parts) {
      if (b.first > a.last) break;
      if (b.last < a.first || free + a.to <= other.offset + b.from) continue;
      free = Math.max(free, other.offset + b.to - a.from);
    }
  }
  return free;
}

/**
 * The best order that a search finds, which begins with several orders by size and time, and then
 * moves single groups.
 */
function bestOrder(bySize: readonly Group[], base: number, effort: number): readonly Group[] {
  const least = alignUp(base + mostInUse(bySize), ALIGNMENT);
  let best: readonly Group[] = bySize;
  let bytes = placeGroups(bySize, base);
  const consider = (order: readonly Group[]): void => {
    const found = placeGroups(order, base, bytes);
    if (found <= bytes) [best, bytes] = [order, found];
  };
  consider([...bySize].sort((a, b) => b.first - a.first));
  consider([...bySize].sort((a, b) => a.last - b.last));
  consider([...bySize].sort((a, b) => b.last - b.first - (a.last - a.first)));
  const random = randomIntegers();
  const parts = bySize.reduce((sum, group) => sum + group.parts.length, 0);
  for (let tries = Math.min(MAX_TRIES, effort / (parts * parts)); tries > 0 && bytes > least; tries--) {
    consider(moved(best, random(best.length), random(best.length)));
  }
  return best;
}

/** A generator of integers below a limit, always the same ones (LCG of Numerical Recipes). */
function randomIntegers(): (below: number) => number {
  let state = 1;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * below);
  };
}

function moved<T>(list: readonly T[], from: number, to: number): T[] {
  const rest = list.filter((_, i) => i !== from);
  rest.splice(to, 0, list[from]!);
  return rest;
}

/** The most bytes that are in use during one record, a lower bound of the arena. */
function mostInUse(groups: readonly Group[]): number {
  const changes = groups.flatMap(({ parts }) =>
    parts.flatMap(({ from, to, first, last }) => [[first, to - from], [last + 1, from - to]] as [number, number][])
  ).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let inUse = 0;
  let most = 0;
  for (const [, bytes] of changes) {
    inUse += bytes;
    most = Math.max(most, inUse);
  }
  return most;
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
  /** Which bytes are in use when; all of them during the whole life unless the buffer has parts. */
  parts: readonly BufferPart[];
  bytes: number;
  first: number;
  last: number;
  offset: number;
}

/** Whether some bytes of a group are in use at other times than the rest. */
function isDivided({ parts }: Group): boolean {
  return parts.length > 1;
}

/** Groups of buffers that live one after the other at the same address. */
function joinInPlace(buffers: readonly Buffer[]): Group[] {
  const groupOf = new Map<Buffer, Group>();
  for (const buffer of [...buffers].sort((a, b) => a.first - b.first)) {
    const { bytes, first, last, reuses } = buffer;
    const previous = reuses && groupOf.get(reuses);
    if (previous && !buffer.parts && !reuses.parts && previous.last === first && reuses.last === first) {
      previous.members.push(buffer);
      previous.bytes = Math.max(previous.bytes, bytes);
      previous.last = Math.max(previous.last, last);
      previous.parts = [{ from: 0, to: previous.bytes, first: previous.first, last: previous.last }];
      groupOf.set(buffer, previous);
    } else {
      groupOf.set(buffer, { members: [buffer], parts: partsOf(buffer), bytes, first, last, offset: 0 });
    }
  }
  return [...new Set(groupOf.values())];
}

/** The parts of a buffer that are in use, with neighbors in use at the same time as one. */
export function partsOf({ parts, bytes, first, last }: Buffer): BufferPart[] {
  if (!parts) return [{ from: 0, to: bytes, first, last }];
  const used = parts.filter((part) => part.first <= part.last).sort((a, b) =>
    a.first - b.first || a.last - b.last || a.from - b.from
  );
  const joined: BufferPart[] = [];
  for (const part of used) {
    const before = joined.at(-1);
    if (before && before.first === part.first && before.last === part.last && before.to >= part.from) {
      before.to = Math.max(before.to, part.to);
    } else joined.push({ ...part });
  }
  return joined;
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
      const inPlace = (a.reuses === b && b.last === a.first) || (b.reuses === a && a.last === b.first);
      if (!inPlace && partsOf(a).some((p) => partsOf(b).some((q) => collide(a, p, b, q)))) return [a, b];
    }
  }
  return undefined;
}

/** Whether parts of two buffers are in use at the same time and overlap. */
function collide(a: Buffer, p: BufferPart, b: Buffer, q: BufferPart): boolean {
  const together = Boolean(a.initial ?? b.initial) || (p.first <= q.last && q.first <= p.last);
  return together && a.offset + p.from < b.offset + q.to && b.offset + q.from < a.offset + p.to;
}
