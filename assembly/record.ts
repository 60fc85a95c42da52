import { DTYPE_F32, DTYPE_I32, FAULT_ALIGNMENT, FAULT_ARENA, FAULT_ATTRIBUTE, FAULT_NONE, FAULT_RECORD_SIZE,
  FAULT_WEIGHTS, MAP, MAP_ARENA, MAP_ARENA_BYTES, MAP_SCRATCH, MAP_WEIGHTS, MAP_WEIGHTS_BYTES, MAP_SCRATCH_BYTES,
  RECORD_DTYPE, RECORD_SIZE, RECORD_PARALLEL, SECTION_ALIGNMENT, SOURCE_IN_WEIGHTS, PARALLEL_PAYS,
  PARALLEL_POSSIBLE } from './layout';
import { threadIndex } from './threads';

// Every operator describes its record once, in a function that is walked twice: `validate` checks
// each operand against its section, `prepare` turns the same operands from offsets into addresses.
// Sizes are computed in f64, where products of lying dimensions do not wrap.

let resolving = false;
let fault = FAULT_NONE;
let scratchNeeded: f64 = 0;

/** Starts a walk: with `resolve`, operands become addresses; without, they are checked. */
export function beginWalk(resolve: bool): void {
  resolving = resolve;
  fault = FAULT_NONE;
  scratchNeeded = 0;
}

export function faultOf(): i32 {
  return fault;
}

/** Keeps the first fault of a record. */
export function fail(code: i32): void {
  if (!resolving && fault == FAULT_NONE) fault = code;
}

/** Bytes of scratch that the records walked so far need. */
export function scratchOf(): f64 {
  return scratchNeeded;
}

export function int(r: usize, field: usize): i32 {
  return load<i32>(r + field);
}

export function float(r: usize, field: usize): f32 {
  return load<f32>(r + field);
}

export function dtypeOf(r: usize): i32 {
  return load<u8>(r + RECORD_DTYPE);
}

/** This thread's scratch: all have as much, 64-byte aligned, one behind the other. */
export function scratch(): usize {
  return load<usize>(MAP + MAP_SCRATCH) +
    threadIndex() * (load<i32>(MAP + MAP_SCRATCH_BYTES) + SECTION_ALIGNMENT - 1 & -SECTION_ALIGNMENT);
}

/** A field as f64, for size arithmetic. */
export function toF64(r: usize, field: usize): f64 {
  return <f64>load<i32>(r + field);
}

export function bytesOf(dtype: i32): f64 {
  return dtype == DTYPE_F32 || dtype == DTYPE_I32 ? 4 : 1;
}

/**
 * @returns whether the record has all its fields: those of the longest ones could lie behind the
 *   end of the memory
 */
export function checkRecord(r: usize, bytes: i32, dtypes: i32): bool {
  const whole = int(r, RECORD_SIZE) == bytes;
  if (!whole) fail(FAULT_RECORD_SIZE);
  if (((1 << dtypeOf(r)) & dtypes) == 0) fail(FAULT_ATTRIBUTE);
  return whole;
}

/** The field lies in [low, high]. */
export function checkRange(r: usize, field: usize, low: i32, high: i32): void {
  const value = int(r, field);
  if (value < low || value > high) fail(FAULT_ATTRIBUTE);
}

/** `fields` consecutive fields from `first` are counts: 1 to 2^30. */
export function checkCounts(r: usize, first: usize, fields: i32): void {
  for (let i = 0; i < fields; i++) checkRange(r, first + (i << 2), 1, 1 << 30);
}

/** No NaN or infinity hides in an f32 field that scales or clamps. */
export function checkFinite(r: usize, field: usize): void {
  const value = float(r, field);
  if (!(value - value == 0)) fail(FAULT_ATTRIBUTE);
}

function checkSpan(offset: f64, low: f64, high: f64, limit: i32, code: i32): void {
  if (!(offset + low >= 0 && offset + high <= <f64><u32>limit)) fail(code);
}

function aligned(offset: u32, alignment: u32): void {
  if ((offset & (alignment - 1)) != 0) fail(FAULT_ALIGNMENT);
}

/** A source whose bytes [offset + low, offset + high) are read. */
export function sourceSpan(r: usize, field: usize, low: f64, high: f64, alignment: u32): void {
  const raw = load<u32>(r + field);
  const constant = (raw & SOURCE_IN_WEIGHTS) != 0;
  const offset = raw & ~SOURCE_IN_WEIGHTS;
  if (resolving) {
    store<u32>(r + field, offset + load<u32>(MAP + (constant ? MAP_WEIGHTS : MAP_ARENA)));
  } else {
    aligned(offset, alignment);
    if (constant) checkSpan(offset, low, high, load<i32>(MAP + MAP_WEIGHTS_BYTES), FAULT_WEIGHTS);
    else checkSpan(offset, low, high, load<i32>(MAP + MAP_ARENA_BYTES), FAULT_ARENA);
  }
}

export function source(r: usize, field: usize, bytes: f64, alignment: u32): void {
  sourceSpan(r, field, 0, bytes, alignment);
}

export function target(r: usize, field: usize, bytes: f64, alignment: u32): void {
  const offset = load<u32>(r + field);
  if (resolving) {
    store<u32>(r + field, offset + load<u32>(MAP + MAP_ARENA));
  } else {
    aligned(offset, alignment);
    checkSpan(offset, 0, bytes, load<i32>(MAP + MAP_ARENA_BYTES), FAULT_ARENA);
  }
}

export function table(r: usize, field: usize, bytes: f64, alignment: u32): void {
  const offset = load<u32>(r + field);
  if (resolving) {
    store<u32>(r + field, offset + load<u32>(MAP + MAP_WEIGHTS));
  } else {
    aligned(offset, alignment);
    checkSpan(offset, 0, bytes, load<i32>(MAP + MAP_WEIGHTS_BYTES), FAULT_WEIGHTS);
  }
}

// These three call themselves so that the compiler does not inline them dozens of times.

/** `count` consecutive fields lie in [low, high]. */
export function checkRanges(r: usize, first: usize, count: i32, low: i32, high: i32): void {
  checkRange(r, first, low, high);
  if (count > 1) checkRanges(r, first + 4, count - 1, low, high);
}

/** `count` consecutive fields are tables of so many bytes each. */
export function tables(r: usize, first: usize, count: i32, bytes: f64): void {
  table(r, first, bytes, 16);
  if (count > 1) tables(r, first + 4, count - 1, bytes);
}

/** `count` consecutive fields are targets of so many bytes each. */
export function targets(r: usize, count: i32, first: usize, bytes: f64, alignment: u32): void {
  target(r, first, bytes, alignment);
  if (count > 1) targets(r, count - 1, first + 4, bytes, alignment);
}

/** Address of a table that has been checked and not yet resolved, or 0 when the check failed. */
export function checkedTable(r: usize, field: usize): usize {
  return fault == FAULT_NONE && !resolving ? <usize>(load<u32>(r + field) + load<u32>(MAP + MAP_WEIGHTS)) : 0;
}

/** No NaN or infinity in a table of f32 [n]. */
export function checkFiniteTable(r: usize, field: usize, n: f64): void {
  const from = checkedTable(r, field);
  if (from == 0) return;
  for (let i = 0; i < <i32>n; i++) {
    const value = load<f32>(from + (i << 2));
    if (!(value - value == 0)) fail(FAULT_ATTRIBUTE);
  }
}

/**
 * What a record needs of scratch memory; the host asks for the largest after `validate` and before
 * it sizes the memory.
 */
export function needScratch(bytes: f64): void {
  scratchNeeded = max<f64>(scratchNeeded, bytes);
}

/**
 * Multiplications (or steps like them) of one record: enough for any network of this kind, and it
 * ends.
 */
const MAX_WORK: f64 = 68719476736;

/**
 * Steps of work from which it pays that threads share a record: they meet in a microsecond, and
 * make tens of thousands of products in one.
 */
const PARALLEL_WORK: f64 = 65536;

/**
 * Says that `run` takes only this thread's share of the record, in work worth so many steps; other
 * records are thread 0's alone.
 */
export function parallel(r: usize, steps: f64): void {
  if (resolving) store<u16>(r, steps >= PARALLEL_WORK ? PARALLEL_PAYS : PARALLEL_POSSIBLE, RECORD_PARALLEL);
}

export function checkWork(steps: f64): void {
  if (!(steps <= MAX_WORK)) fail(FAULT_ATTRIBUTE);
}
