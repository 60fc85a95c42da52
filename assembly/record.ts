import { ARENA_NUMBERS, DTYPE_F32, DTYPE_I32, FAULT_ALIGNMENT, FAULT_ARENA, FAULT_ATTRIBUTE, FAULT_NONE, FAULT_OVERLAP,
  FAULT_RECORD_SIZE, FAULT_TABLES, FAULT_WEIGHTS, LOOKED_THROUGH, MAP, MAP_ARENA, MAP_ARENA_BYTES, MAP_PLAN_BYTES,
  MAP_SCRATCH, MAP_SCRATCH_BYTES, MAP_WEIGHTS, MAP_WEIGHTS_BYTES, MAX_RANK, NEXT_PROVED, NUMBERS_MIXED, PARALLEL_PAYS,
  PARALLEL_POSSIBLE, PLAN_WORK, PROVED, PROVED_BYTES, PROVED_TABLES, RECORD_DTYPE, RECORD_PARALLEL, RECORD_SIZE,
  SECTION_ALIGNMENT, SOURCE_IN_WEIGHTS } from './layout';
import { addOperand, allowInPlace, FLOATS, GAPS, UPDATED, WRITTEN } from './operands';
import { threadIndex } from './threads';

export { FLOATS, GAPS, MOVED } from './operands';

// Every operator describes its record once, in a function that is called twice. In the first walk,
// `validate` checks each operand against its section and notes it (operands.ts). In the second,
// `prepare` replaces the offsets of the same operands by addresses. In a plan that may read bits of
// NaN as integers, `run` calls it again after the record, to make all NaNs of its targets equal.
// `source`, `target` and `table` describe an operand; functions whose names begin with `check`
// describe numbers. Sizes are computed in f64, because products of hostile dimensions do not wrap
// there.

let resolving = false;
let unifying = false;
let fault = FAULT_NONE;
let scratchNeeded: f64 = 0;
let recordWork: f64 = 0;

/** Starts a walk, which resolves operands to addresses (`resolve`) or checks them. */
export function beginWalk(resolve: bool): void {
  resolving = resolve;
  unifying = false;
  fault = FAULT_NONE;
  scratchNeeded = 0;
}

/** Starts a walk after `prepare` in which all NaNs in the targets of a record get the same bits. */
export function beginUnifying(): void {
  resolving = true;
  unifying = true;
}

/** Whether this walk gives NaNs the same bits. */
export function isUnifying(): bool {
  return unifying;
}

/** Whether bits of NaN may be read as integers, so that all NaNs must be the same. */
export function isMixed(): bool {
  return (load<u32>(ARENA_NUMBERS) & NUMBERS_MIXED) != 0;
}

/**
 * Starts the walk of `validate`. Work and tables are counted in memory, where the extra module
 * counts, too.
 */
export function beginValidation(): void {
  beginWalk(false);
  recordWork = 0;
  store<f64>(PLAN_WORK, 0);
  store<f64>(LOOKED_THROUGH, 0);
  for (let table = 0; table < PROVED_TABLES; table++) store<u32>(PROVED + table * PROVED_BYTES, 0);
}

/** Whether this walk resolves operands instead of checking them. */
export function isResolving(): bool {
  return resolving;
}

export function faultOf(): i32 {
  return fault;
}

/** Stores the fault, unless there is an earlier one. */
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

/** Address of this thread's scratch. All threads have the same number of bytes, 64-byte aligned. */
export function scratch(): usize {
  return load<usize>(MAP + MAP_SCRATCH) +
    threadIndex() * (load<i32>(MAP + MAP_SCRATCH_BYTES) + SECTION_ALIGNMENT - 1 & -SECTION_ALIGNMENT);
}

/** An i32 field as f64, for the computation of sizes. */
export function toF64(r: usize, field: usize): f64 {
  return <f64>load<i32>(r + field);
}

export function bytesOf(dtype: i32): f64 {
  return dtype == DTYPE_F32 || dtype == DTYPE_I32 ? 4 : 1;
}

/**
 * Checks the size and the element type of a record.
 *
 * @param dtypes the bits 1 << DTYPE of the allowed types
 * @returns whether the record has all its fields. The fields of an incomplete record could lie past
 *   the end of the memory
 */
export function checkRecord(r: usize, bytes: i32, dtypes: i32): bool {
  const whole = int(r, RECORD_SIZE) == bytes;
  if (!whole) fail(FAULT_RECORD_SIZE);
  if (((1 << dtypeOf(r)) & dtypes) == 0) fail(FAULT_ATTRIBUTE);
  return whole;
}

/** Checks that the field is in [lowest, highest]. */
export function checkRange(r: usize, field: usize, lowest: i32, highest: i32): void {
  checkRanges(r, field, 1, lowest, highest);
}

/** Checks that `fields` consecutive fields from `first` are counts, from 1 to 2^30. */
export function checkCounts(r: usize, first: usize, fields: i32): void {
  checkRanges(r, first, fields, 1, 1 << 30);
}

/** Checks that an f32 field, for example a scale or a bound, is neither NaN nor infinite. */
export function checkFinite(r: usize, field: usize): void {
  const value = float(r, field);
  if (!(value - value == 0)) fail(FAULT_ATTRIBUTE);
}

/** Checks that the bytes [offset + from, offset + to) are in a section of `limit` bytes. */
function checkSpan(offset: f64, from: f64, to: f64, limit: u32, code: i32): void {
  if (!(offset + from >= 0 && offset + to <= <f64>limit)) fail(code);
}

function checkAlignment(offset: u32, alignment: u32): void {
  if ((offset & (alignment - 1)) != 0) fail(FAULT_ALIGNMENT);
}

/** The flag of an operand's numbers, by the dtype of the record. */
export function numbersOf(r: usize): u32 {
  return dtypeOf(r) == DTYPE_F32 ? FLOATS : 0;
}

/**
 * Describes a source whose bytes [offset + from, offset + to) are read.
 *
 * @param numbers FLOATS, MOVED or 0 for integers
 */
export function sourceSpan(r: usize, field: usize, from: f64, to: f64, alignment: u32, numbers: u32): void {
  const raw = load<u32>(r + field);
  const constant = (raw & SOURCE_IN_WEIGHTS) != 0;
  const offset = raw & ~SOURCE_IN_WEIGHTS;
  if (unifying) return;
  if (resolving) {
    store<u32>(r + field, offset + load<u32>(MAP + (constant ? MAP_WEIGHTS : MAP_ARENA)));
  } else {
    checkAlignment(offset, alignment);
    if (constant) checkSpan(offset, from, to, load<u32>(MAP + MAP_WEIGHTS_BYTES), FAULT_WEIGHTS);
    else {
      checkSpan(offset, from, to, load<u32>(MAP + MAP_ARENA_BYTES), FAULT_ARENA);
      note(field, offset, from, to, numbers);
    }
  }
}

/** Adds an operand whose place is valid. */
function note(field: usize, offset: f64, from: f64, to: f64, flags: u32): void {
  if (fault == FAULT_NONE && !addOperand(field, offset + from, offset + to, flags)) fail(FAULT_OVERLAP);
}

/** Describes a source of `bytes` bytes, whose elements have the dtype of the record. */
export function source(r: usize, field: usize, bytes: f64, alignment: u32): void {
  sourceSpan(r, field, 0, bytes, alignment, numbersOf(r));
}

/** Describes a source of `bytes` bytes, with FLOATS, MOVED or 0 for integers. */
export function sourceOf(numbers: u32, r: usize, field: usize, bytes: f64, alignment: u32): void {
  sourceSpan(r, field, 0, bytes, alignment, numbers);
}

/**
 * Describes a target.
 *
 * @param bytes from its first byte to its last one, inclusive
 * @param flags FLOATS or MOVED, GAPS and UPDATED
 */
export function targetOf(flags: u32, r: usize, field: usize, bytes: f64, alignment: u32): void {
  const offset = load<u32>(r + field);
  if (unifying) {
    if ((flags & FLOATS) != 0) unify(offset, bytes);
  } else if (resolving) {
    store<u32>(r + field, offset + load<u32>(MAP + MAP_ARENA));
  } else {
    checkAlignment(offset, alignment);
    checkSpan(offset, 0, bytes, load<u32>(MAP + MAP_ARENA_BYTES), FAULT_ARENA);
    note(field, offset, 0, bytes, flags | WRITTEN);
  }
}

/** Describes a target of `bytes` bytes, all written, with elements of the record's dtype. */
export function target(r: usize, field: usize, bytes: f64, alignment: u32): void {
  targetOf(numbersOf(r), r, field, bytes, alignment);
}

/** The same for a target that extends over `extent` bytes, of which `bytes` are written. */
export function targetSpan(r: usize, field: usize, extent: f64, bytes: f64, alignment: u32): void {
  targetOf(numbersOf(r) | (bytes == extent ? 0 : GAPS), r, field, extent, alignment);
}

/** Describes a state of `bytes` bytes, a target that is read before it is written. */
export function stateTarget(r: usize, field: usize, bytes: f64, alignment: u32): void {
  targetOf(numbersOf(r) | UPDATED, r, field, bytes, alignment);
}

/**
 * Allows the record to write over its source at `field`, element by element. Called after the
 * source has been described.
 */
export function inPlace(field: usize): void {
  if (!resolving) allowInPlace(field);
}

/** The same if the strides of the source are those of a dense array of MAX_RANK dimensions. */
export function inPlaceIfDense(r: usize, field: usize, dimensions: usize, strides: usize): void {
  let stride: f64 = 1;
  for (let at = (MAX_RANK - 1) << 2; at >= 0; at -= 4) {
    if (int(r, dimensions + at) != 1 && toF64(r, strides + at) != stride) return;
    stride *= toF64(r, dimensions + at);
  }
  inPlace(field);
}

/** Gives all NaNs of an array of floats the same bits. */
function unify(at: usize, bytes: f64): void {
  for (const end = at + <usize>bytes; at < end; at += 4) {
    const value = load<f32>(at);
    if (value != value) store<u32>(at, 0x7fc00000);
  }
}

/** Describes a table of `bytes` bytes. */
export function table(r: usize, field: usize, bytes: f64, alignment: u32): void {
  describeTables(r, field, 1, bytes, alignment);
}

/** Describes `count` consecutive fields as tables of `bytes` bytes each, 16-byte aligned. */
export function tables(r: usize, first: usize, count: i32, bytes: f64): void {
  describeTables(r, first, count, bytes, 16);
}

// The next two functions are recursive so that the compiler does not inline them dozens of times.
// The functions above that call one of them are inlined.

/** Checks that `count` consecutive fields are in [lowest, highest]. */
export function checkRanges(r: usize, first: usize, count: i32, lowest: i32, highest: i32): void {
  const value = int(r, first);
  if (value < lowest || value > highest) fail(FAULT_ATTRIBUTE);
  if (count > 1) checkRanges(r, first + 4, count - 1, lowest, highest);
}

/** Describes `count` consecutive fields as tables of `bytes` bytes each. */
function describeTables(r: usize, field: usize, count: i32, bytes: f64, alignment: u32): void {
  const offset = load<u32>(r + field);
  if (unifying) return;
  if (resolving) {
    store<u32>(r + field, offset + load<u32>(MAP + MAP_WEIGHTS));
  } else {
    checkAlignment(offset, alignment);
    checkSpan(offset, 0, bytes, load<u32>(MAP + MAP_WEIGHTS_BYTES), FAULT_WEIGHTS);
  }
  if (count > 1) describeTables(r, field + 4, count - 1, bytes, alignment);
}

/**
 * @returns the address of a table during `validate`, or 0 after a failed check and during `prepare`
 */
export function checkedTable(r: usize, field: usize): usize {
  return fault == FAULT_NONE && !resolving ? <usize>(load<u32>(r + field) + load<u32>(MAP + MAP_WEIGHTS)) : 0;
}

// What the entries of a table must fulfil.
const RULE_FINITE = 1;
export const RULE_FINITE_F64 = 2;
export const RULE_POWERS = 3;
export const RULE_RESIZE = 4;
export const RULE_STARTS = 5;
export const RULE_LISTS = 6;
export const RULE_FILLING = 7;

/** Tables with at least this many entries are remembered. */
const LARGE: f64 = 1024;
/**
 * Table entries of a plan that may be looked through, besides one for each byte of the plan and the
 * weights. Records that share tables need more than one for each byte.
 */
const MAX_LOOKS: f64 = 16777216;

/**
 * Whether the entries of a table need not be looked through, because the same rule with the same
 * parameters held before. Otherwise counts them, so that the time of `validate` is limited by the
 * size of plan and weights, however many records share a table.
 *
 * @param a the first of six parameters, all that the rule depends on
 */
export function isProved(rule: i32, entries: f64, a: usize, b: i32, c: i32, d: i32, e: i32, f: i32): bool {
  if (entries >= LARGE) {
    const next = load<i32>(NEXT_PROVED);
    const at = PROVED + next * PROVED_BYTES;
    store<i32>(at, rule);
    store<u32>(at + 4, <u32>a);
    store<i32>(at + 8, b);
    store<i32>(at + 12, c);
    store<i32>(at + 16, d);
    store<i32>(at + 20, e);
    store<i32>(at + 24, f);
    for (let other = PROVED; other < PROVED + PROVED_TABLES * PROVED_BYTES; other += PROVED_BYTES) {
      let same = 0;
      while (same < PROVED_BYTES && load<i32>(other + same) == load<i32>(at + same)) same += 4;
      if (same == PROVED_BYTES && other != at) return true;
    }
    store<i32>(NEXT_PROVED, (next + 1) % PROVED_TABLES);
  }
  const looks = load<f64>(LOOKED_THROUGH) + entries;
  const limit = MAX_LOOKS + <f64>load<u32>(MAP + MAP_PLAN_BYTES) + <f64>load<u32>(MAP + MAP_WEIGHTS_BYTES);
  store<f64>(LOOKED_THROUGH, looks);
  if (looks <= limit) return false;
  fail(FAULT_TABLES);
  return true;
}

/** Checks that a table of f32 [n] has no NaN and no infinity. */
export function checkFiniteTable(r: usize, field: usize, n: f64): void {
  const from = checkedTable(r, field);
  if (from == 0 || isProved(RULE_FINITE, n, from, <i32>n, 0, 0, 0, 0)) return;
  for (let i = 0; i < <i32>n; i++) {
    const value = load<f32>(from + (i << 2));
    if (!(value - value == 0)) fail(FAULT_ATTRIBUTE);
  }
}

/**
 * Requests `bytes` bytes of scratch for the record. The host reads the maximum (`scratchOf`) after
 * `validate` and then allocates the memory.
 */
export function needScratch(bytes: f64): void {
  scratchNeeded = max<f64>(scratchNeeded, bytes);
}

/**
 * Least work of a record that is worth sharing, in multiply-adds. A barrier takes a microsecond, in
 * which a thread computes tens of thousands of multiply-adds.
 */
const PARALLEL_WORK: f64 = 65536;

/**
 * Counts the work of a record, in multiply-adds, and marks the record as parallel: on every thread,
 * `run` computes the thread's share. Unmarked records run on thread 0 alone, among them those whose
 * NaNs get the same bits afterwards.
 */
export function parallel(r: usize, work: f64): void {
  countWork(work);
  if (!resolving || unifying || (dtypeOf(r) == DTYPE_F32 && isMixed())) return;
  store<u8>(r, work >= PARALLEL_WORK ? PARALLEL_PAYS : PARALLEL_POSSIBLE, RECORD_PARALLEL);
}

/** The same for a record whose threads share a batch of items, each with `work`. */
export function parallelBatch(r: usize, batch: f64, work: f64): void {
  if (batch > 1) parallel(r, batch * work);
  else countWork(work);
}

/**
 * Adds to the work of the plan, in multiply-adds as the kernels compute them, with the lanes that
 * pad a vector. The host compares the sum with its limit, which bounds the run time of a hostile
 * file.
 */
export function countWork(work: f64): void {
  recordWork += work;
}

/** Stores the work of the plan with that of a record whose walk has ended. */
export function endRecord(): void {
  store<f64>(PLAN_WORK, load<f64>(PLAN_WORK) + recordWork);
  recordWork = 0;
}

/** Cost of a record itself, in multiply-adds: its dispatch, and a barrier of threads. */
export const RECORD_WORK: f64 = 4096;
