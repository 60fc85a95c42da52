import { ARENA_HULL_FROM, ARENA_HULL_TO, ARENA_NUMBERS, FAULT_NONE, FAULT_OVERLAP, HELD, HELD_BYTES, HELD_COUNT,
  HOLDS_FLOATS, HOLDS_OLD, HOLDS_STATE, MAP, MAP_ARENA_BYTES, MAX_HELD, MAX_OPERANDS, NUMBERS_MIXED, NUMBERS_STATE,
  OPERAND_BYTES, OPERAND_COUNT, OPERANDS } from './layout';

// `validate` follows what the arena holds from record to record, so that an answer depends on
// nothing but the inputs and the state:
//
// - No operand of a record overlaps another one that the record writes, except in place.
// - Bytes that are read before this run has written them are found. The host clears them before
//   each run.
// - Bits of NaN, which differ between machines, are never read as integers. A plan in which that
//   is possible is marked, and `run` then gives all NaNs the same bits.
//
//   operand  +0 u32 from  +4 u32 to  +8 u32 flags  +12 u32 the record's field
//   held     +0 u32 from  +4 u32 what the bytes from there to the next entry hold (HOLDS_ bits)
//
// All entries are in memory, because the extra module adds operands too. There are few of them.
// When there are too many, two neighbors become one that holds what either holds.

export const WRITTEN = 1;
/** A target that is read before it is written. */
export const UPDATED = 2;
/** The numbers are floats. */
export const FLOATS = 4;
/** The bytes are only moved: what they hold does not matter. */
export const MOVED = 8;
/** A target has gaps that are not written. */
export const GAPS = 16;
/** A target may be at the same place. */
const REUSABLE = 32;

@inline
function operand(i: u32): usize {
  return OPERANDS + i * OPERAND_BYTES;
}

/** Forgets the operands of the record before. */
export function beginOperands(): void {
  store<u32>(OPERAND_COUNT, 0);
}

/** Adds an operand in the arena. @returns whether there is room for it */
export function addOperand(field: usize, from: f64, to: f64, flags: u32): bool {
  const count = load<u32>(OPERAND_COUNT);
  if (count == <u32>MAX_OPERANDS) return false;
  const at = operand(count);
  store<u32>(at, <u32>from);
  store<u32>(at + 4, <u32>to);
  store<u32>(at + 8, flags);
  store<u32>(at + 12, <u32>field);
  store<u32>(OPERAND_COUNT, count + 1);
  return true;
}

/** Allows a target at the place of the source at `field`. */
export function allowInPlace(field: usize): void {
  const count = load<u32>(OPERAND_COUNT);
  for (let i: u32 = 0; i < count; i++) {
    const at = operand(i);
    if (load<u32>(at + 12) == <u32>field) store<u32>(at + 8, load<u32>(at + 8) | REUSABLE);
  }
}

/** Whether operand a, which is written, overlaps operand b and may not. */
function collides(a: usize, b: usize): bool {
  const from = load<u32>(a);
  const to = load<u32>(a + 4);
  if (load<u32>(b) >= to || load<u32>(b + 4) <= from) return false;
  return (load<u32>(b + 8) & REUSABLE) == 0 || load<u32>(b) != from || load<u32>(b + 4) != to;
}

/**
 * Checks the operands of a record, and notes what the arena holds after it.
 *
 * @returns a FAULT_ code
 */
export function endOperands(): i32 {
  const count = load<u32>(OPERAND_COUNT);
  for (let i: u32 = 0; i < count; i++) {
    if ((load<u32>(operand(i) + 8) & WRITTEN) == 0) continue;
    for (let j: u32 = 0; j < count; j++) {
      if (j != i && collides(operand(i), operand(j))) return FAULT_OVERLAP;
    }
  }
  // what records that only move bytes move
  let moved: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const at = operand(i);
    const flags = load<u32>(at + 8);
    if ((flags & (WRITTEN | UPDATED)) == WRITTEN) continue;
    const holds = readArena(load<u32>(at), load<u32>(at + 4), (flags & (FLOATS | MOVED)) == 0);
    if ((flags & MOVED) != 0) moved = moved | holds;
  }
  for (let i: u32 = 0; i < count; i++) {
    const at = operand(i);
    const flags = load<u32>(at + 8);
    if ((flags & WRITTEN) == 0) continue;
    const numbers: u32 = (flags & FLOATS) != 0 ? HOLDS_FLOATS : 0;
    writeArena(load<u32>(at), load<u32>(at + 4), (flags & MOVED) != 0 ? moved : numbers, (flags & GAPS) != 0);
  }
  return FAULT_NONE;
}

/** Starts with an arena that holds nothing, unless the host has said what it holds. */
export function beginArena(): void {
  if (load<u32>(HELD_COUNT) != 0) return;
  store<u32>(HELD_COUNT, 1);
  store<u32>(HELD, 0);
  store<u32>(HELD + 4, HOLDS_OLD);
}

@inline
function held(i: u32): usize {
  return HELD + i * HELD_BYTES;
}

/** Where entry i ends. */
function endOf(i: u32): u32 {
  return i + 1 < load<u32>(HELD_COUNT) ? load<u32>(held(i + 1)) : load<u32>(MAP + MAP_ARENA_BYTES);
}

/** The entry that has the byte `at`. */
function entryOf(at: u32): u32 {
  let low: u32 = 0;
  let high = load<u32>(HELD_COUNT);
  while (low + 1 < high) {
    const middle = (low + high) >> 1;
    if (load<u32>(held(middle)) <= at) low = middle;
    else high = middle;
  }
  return low;
}

/** Splits an entry in two, the second of which begins at `at`. @returns the second one */
function split(at: u32): u32 {
  const count = load<u32>(HELD_COUNT);
  if (at >= load<u32>(MAP + MAP_ARENA_BYTES)) return count;
  const i = entryOf(at);
  if (load<u32>(held(i)) == at) return i;
  for (let k = count; k > i + 1; k--) {
    store<u32>(held(k), load<u32>(held(k - 1)));
    store<u32>(held(k) + 4, load<u32>(held(k - 1) + 4));
  }
  store<u32>(held(i + 1), at);
  store<u32>(held(i + 1) + 4, load<u32>(held(i) + 4));
  store<u32>(HELD_COUNT, count + 1);
  return i + 1;
}

/** Joins neighbors that hold the same, and then the shortest ones until few are left. */
function join(): void {
  while (true) {
    const count = load<u32>(HELD_COUNT);
    let kept: u32 = 1;
    for (let i: u32 = 1; i < count; i++) {
      const holds = load<u32>(held(i) + 4);
      if (holds == load<u32>(held(kept - 1) + 4)) continue;
      store<u32>(held(kept), load<u32>(held(i)));
      store<u32>(held(kept) + 4, holds);
      kept++;
    }
    store<u32>(HELD_COUNT, kept);
    if (kept <= <u32>MAX_HELD) return;
    let shortest: u32 = 0;
    for (let i: u32 = 1; i + 1 < kept; i++) {
      if (endOf(i) - load<u32>(held(i)) < endOf(shortest) - load<u32>(held(shortest))) shortest = i;
    }
    const both = load<u32>(held(shortest) + 4) | load<u32>(held(shortest + 1) + 4);
    store<u32>(held(shortest) + 4, both);
    store<u32>(held(shortest + 1) + 4, both);
  }
}

/**
 * Notes that the bytes [from, to) of the arena hold something new, or with `gaps`, that some of
 * them do.
 */
export function writeArena(from: u32, to: u32, holds: u32, gaps: bool): void {
  const first = split(from);
  const end = split(to);
  for (let i = first; i < end; i++) {
    store<u32>(held(i) + 4, gaps ? load<u32>(held(i) + 4) | holds : holds);
  }
  join();
}

/**
 * Notes that the bytes [from, to) of the arena are read, possibly as integers.
 *
 * @returns what they hold
 */
export function readArena(from: u32, to: u32, integers: bool): u32 {
  let holds: u32 = 0;
  let low = to;
  let high = from;
  for (let i = entryOf(from); i < load<u32>(HELD_COUNT) && load<u32>(held(i)) < to; i++) {
    const entry = load<u32>(held(i) + 4);
    holds = holds | entry;
    if ((entry & HOLDS_OLD) == 0) continue;
    low = min<u32>(low, max<u32>(from, load<u32>(held(i))));
    high = max<u32>(high, min<u32>(to, endOf(i)));
  }
  if (integers) {
    if ((holds & HOLDS_FLOATS) != 0) store<u32>(ARENA_NUMBERS, load<u32>(ARENA_NUMBERS) | NUMBERS_MIXED);
    if ((holds & HOLDS_STATE) != 0) store<u32>(ARENA_NUMBERS, load<u32>(ARENA_NUMBERS) | NUMBERS_STATE);
  }
  if (low < high) clearArena(low, high);
  return holds & ~HOLDS_OLD;
}

/** Adds bytes to those that the host clears before each run. */
function clearArena(low: u32, high: u32): void {
  if (load<u32>(ARENA_HULL_TO) != 0) {
    low = min<u32>(low, load<u32>(ARENA_HULL_FROM));
    high = max<u32>(high, load<u32>(ARENA_HULL_TO));
  }
  store<u32>(ARENA_HULL_FROM, low);
  store<u32>(ARENA_HULL_TO, high);
  const first = split(low);
  const end = split(high);
  for (let i = first; i < end; i++) store<u32>(held(i) + 4, load<u32>(held(i) + 4) & ~HOLDS_OLD);
  join();
}

/** Notes that a run begins with bytes that the host writes, the state or an input. */
export function given(from: u32, to: u32, state: i32): void {
  beginArena();
  writeArena(from, to, state != 0 ? HOLDS_STATE : 0, false);
}

/** Notes that the host reads bytes after a run, possibly as integers. */
export function wanted(from: u32, to: u32, integers: i32): void {
  readArena(from, to, integers != 0);
}

/**
 * Notes that the next run begins with the first bytes of the arena, the state. If it may hold NaNs
 * then, and is read as integers, so may bits of NaN.
 */
export function keep(to: u32): void {
  if (to == 0) return;
  const holds = readArena(0, to, false);
  const numbers = load<u32>(ARENA_NUMBERS);
  if ((holds & HOLDS_FLOATS) != 0 && (numbers & NUMBERS_STATE) != 0) {
    store<u32>(ARENA_NUMBERS, numbers | NUMBERS_MIXED);
  }
}
