import { MAP, MAP_PLAN, PARALLEL_PAYS, RECORD_PARALLEL, SYNC_ARRIVED, SYNC_ASKED, SYNC_ASKING, SYNC_FROM, SYNC_JOB,
  SYNC_PHASE, SYNC_SLEEPERS, SYNC_TO } from './layout';

// Several threads run one plan. Each has its own instance of the core, with its own globals, over
// the same memory. Thread 0 is the caller. A parallel record (`RECORD_PARALLEL`) is run by all
// threads, and each takes its share. All other records run on thread 0. There is a barrier between
// two records unless both run on thread 0 alone, and one after the last record.
//
//   thread 0   solo │ parallel │ parallel │ solo   solo │ parallel │
//   thread 1    ·   │ parallel │ parallel │  ·      ·   │ parallel │
//                   j          b          b             b          b
//
//   j: the job starts, b: barrier
//
// The other threads sleep until the first parallel record, which starts their job, and then wait at
// the barriers.
//
// A build without threads has the same code with one thread, so that the two builds differ little.

let thread = 0;
let threads = 1;
let mayWait = false;
/** This thread runs share `part` of `parts` of the current record. */
let part = 0;
let parts = 1;
/** Whether all threads are in this run, and whether the previous record was parallel. */
let joined = false;
let wasParallel = false;

/** Number of loads of a word before a thread sleeps, about 20 µs. */
const SPINS = 20000;
/**
 * How long thread 0 waits before it asks the host: nanoseconds of sleep, or a number of loads (some
 * milliseconds) if it may not sleep.
 */
const SLEEP: i64 = 100000000;
const LOADS = 1 << 22;

/**
 * Makes this instance thread `index` of `count`. A thread that may not wait (the main thread of a
 * page) spins.
 */
export function register(index: i32, count: i32, wait: bool): void {
  thread = index;
  threads = count;
  mayWait = wait;
}

export function threadIndex(): i32 {
  return thread;
}

/** Whether this is thread 0 and it asks its host whether to keep waiting at a barrier. */
@inline
export function isAsking(): bool {
  return ASC_FEATURE_THREADS && thread == 0 && load<i32>(SYNC_ASKING) != 0;
}

/**
 * Waits until the word changes from `seen`.
 *
 * @returns the new value, or `seen` if thread 0 waited too long
 */
function awaitChange(word: usize, seen: i32): i32 {
  let value = seen;
  if (ASC_FEATURE_THREADS) {
    for (let i = mayWait ? SPINS : LOADS; i > 0; i--) {
      value = atomic.load<i32>(word);
      if (value != seen) return value;
    }
    if (!mayWait) return value;
    // The waker changes the word, then reads the number of sleepers. A sleeper raises that number,
    // then reads the word again. So no wake-up is lost.
    atomic.add<i32>(SYNC_SLEEPERS, 1);
    while ((value = atomic.load<i32>(word)) == seen &&
      atomic.wait<i32>(word, seen, thread == 0 ? SLEEP : -1) != AtomicWaitResult.TIMED_OUT);
    atomic.sub<i32>(SYNC_SLEEPERS, 1);
  }
  return value;
}

/** Increments the word and wakes the threads that sleep on it. */
function change(word: usize): void {
  if (ASC_FEATURE_THREADS) {
    atomic.add<i32>(word, 1);
    if (atomic.load<i32>(SYNC_SLEEPERS) != 0) atomic.notify(word, -1);
  }
}

/**
 * Waits until all threads have arrived. The last one to arrive releases the others.
 *
 * @returns false if thread 0 waited too long; it may call this again after it asked the host
 */
function barrier(): bool {
  if (ASC_FEATURE_THREADS) {
    let phase = load<i32>(SYNC_ASKED);
    if (!isAsking()) {
      phase = atomic.load<i32>(SYNC_PHASE);
      if (atomic.add<i32>(SYNC_ARRIVED, 1) == threads - 1) {
        atomic.store<i32>(SYNC_ARRIVED, 0);
        change(SYNC_PHASE);
        return true;
      }
    }
    if (awaitChange(SYNC_PHASE, phase) == phase) {
      store<i32>(SYNC_ASKED, phase);
      store<i32>(SYNC_ASKING, 1);
      return false;
    }
    if (thread == 0) store<i32>(SYNC_ASKING, 0);
  }
  return true;
}

/**
 * Called before each record of a run that ends at `end`, and at the end. It starts a job at the
 * first parallel record and passes the barriers.
 *
 * @returns whether this thread runs the record or a share of it
 */
@inline
export function begin(r: usize, end: usize): bool {
  const parallel = r < end && threads > 1 && load<u8>(r, RECORD_PARALLEL) == PARALLEL_PAYS;
  if (joined) {
    if ((parallel || wasParallel) && !barrier()) return false;
  } else if (parallel) {
    joined = true;
    if (thread == 0) {
      const plan = load<usize>(MAP + MAP_PLAN);
      store<usize>(SYNC_FROM, r - plan);
      store<usize>(SYNC_TO, end - plan);
      change(SYNC_JOB);
    }
  }
  if (r >= end) joined = false;
  wasParallel = parallel;
  part = parallel ? thread : 0;
  parts = parallel ? threads : 1;
  return parallel || thread == 0;
}

/**
 * Takes this thread's part of a record that the core begins. The extra module has its own copy of
 * these variables, which `begin` of the core does not set.
 */
export function takePart(r: usize): void {
  const parallel = threads > 1 && load<u8>(r, RECORD_PARALLEL) == PARALLEL_PAYS;
  part = parallel ? thread : 0;
  parts = parallel ? threads : 1;
}

/** Waits for the job after job `seen`. @returns the number of the new job */
export function awaitJob(seen: i32): i32 {
  return awaitChange(SYNC_JOB, seen);
}

// ── shares ────────────────────────────────────────────────────────────────────────────────────────────────

/** This thread's share of the last call of `share`: [shareFrom, shareTo). */
export let shareFrom = 0;
export let shareTo = 0;

/** Shares n elements. All shares except the last end at multiples of `unit`. */
export function share(n: i32, unit: i32): void {
  const units = <u32>(n + unit - 1) / unit;
  const each = units / parts;
  const more = units - each * parts;
  shareFrom = min<u32>(n, (each * part + min<u32>(part, more)) * unit);
  shareTo = min<u32>(n, (each * (part + 1) + min<u32>(part + 1, more)) * unit);
}

/** This thread's share of a matrix product, set by `shareProduct`. */
export let outerFrom = 0;
export let outerTo = 0;
export let rowFrom = 0;
export let rowTo = 0;
export let panelFrom = 0;
export let panelTo = 0;

/** Cost of gathering a row, in multiply-adds per element of K: as much as 4 channels. */
const GATHER = 4;
/** Cost of widening a panel, in multiply-adds per element of K: as much as 2 rows. */
const WIDEN = 16;

/** Cost of a product, in multiply-adds per element of K. */
function costOf(rows: i32, panels: i32): f64 {
  return <f64>rows * (<f64>panels * 8 + GATHER) + <f64>panels * WIDEN;
}

/**
 * Shares `outer` products, each of `rows` (in tiles) × `panels` of 8 channels. Splits them along
 * one of these three dimensions, so that the largest share is as small as possible. Each thread
 * gathers the rows and widens the panels of its share.
 */
export function shareProduct(outer: i32, rows: i32, panels: i32, tile: i32): void {
  outerFrom = 0;
  outerTo = outer;
  rowFrom = 0;
  rowTo = rows;
  panelFrom = 0;
  panelTo = panels;
  if (parts == 1) return;
  const tiles = (rows + tile - 1) / tile;
  const last = parts - 1;
  const byRows = <f64>outer * costOf((tiles + last) / parts * tile, panels);
  const byPanels = <f64>outer * costOf(tiles * tile, (panels + last) / parts);
  const byOuter = <f64>((outer + last) / parts) * costOf(tiles * tile, panels);
  if (byOuter <= byRows && byOuter <= byPanels) {
    share(outer, 1);
    outerFrom = shareFrom;
    outerTo = shareTo;
  } else if (byRows <= byPanels) {
    share(rows, tile);
    rowFrom = shareFrom;
    rowTo = shareTo;
  } else {
    share(panels, 1);
    panelFrom = shareFrom;
    panelTo = shareTo;
  }
}
