import { MAP, MAP_PLAN, RECORD_PARALLEL, PARALLEL_PAYS, SYNC_ARRIVED, SYNC_ASKED, SYNC_ASKING, SYNC_FROM, SYNC_PHASE,
  SYNC_SLEEPERS, SYNC_TO, SYNC_JOB } from './layout';

// Several threads run one plan: each has an instance of the core with globals of its own, over the
// same memory. Thread 0 is the caller. A record whose work is split (`RECORD_PARALLEL`) is run by all
// of them, each taking its share; the others by thread 0 alone. Threads meet between records unless
// thread 0 ran both, and after the last.
//
//   thread 0   solo │ split │ split │ solo │ solo │ split │      the others sleep until there is a record to be split, and
//   thread 1    ·   │ split │ split │  ·       ·  │ split │      wait where there is none
//                  call    meet    meet          meet    meet
//
// A build without threads has the same code with one thread, so that it differs little from the
// build with them.

let thread = 0;
let threads = 1;
let mayWait = false;
/** This thread's share of the record at hand: number `part` of `parts`. */
let part = 0;
let parts = 1;
/** Whether all threads are in this run, and whether the last record was theirs. */
let joined = false;
let wasParallel = false;

/** Loads of a word before a thread goes to sleep: some 20 µs. */
const SPINS = 20000;
/**
 * How long thread 0 waits before it asks: nanoseconds asleep, or loads (some milliseconds) where it
 * may not sleep.
 */
const SLEEP: i64 = 100000000;
const LOADS = 1 << 22;

/**
 * Makes this instance thread `index` of `count`. One that may not wait (a page's main thread)
 * spins.
 */
export function register(index: i32, count: i32, wait: bool): void {
  thread = index;
  threads = count;
  mayWait = wait;
}

export function threadIndex(): i32 {
  return thread;
}

/** Whether thread 0 has come to a meeting, and asks its host whether to go on waiting. */
@inline
export function isAsking(): bool {
  return ASC_FEATURE_THREADS && thread == 0 && load<i32>(SYNC_ASKING) != 0;
}

/**
 * Waits until the word is no longer `seen`. @returns what it is then; thread 0 does not wait for
 * ever and may get `seen`
 */
function awaitChange(word: usize, seen: i32): i32 {
  let value = seen;
  if (ASC_FEATURE_THREADS) {
    for (let i = mayWait ? SPINS : LOADS; i > 0; i--) {
      value = atomic.load<i32>(word);
      if (value != seen) return value;
    }
    if (!mayWait) return value;
    // who changes the word looks for sleepers after that, and who sleeps looks at the word after
    // this: nobody is forgotten
    atomic.add<i32>(SYNC_SLEEPERS, 1);
    while ((value = atomic.load<i32>(word)) == seen &&
      atomic.wait<i32>(word, seen, thread == 0 ? SLEEP : -1) != AtomicWaitResult.TIMED_OUT);
    atomic.sub<i32>(SYNC_SLEEPERS, 1);
  }
  return value;
}

function change(word: usize): void {
  if (ASC_FEATURE_THREADS) {
    atomic.add<i32>(word, 1);
    if (atomic.load<i32>(SYNC_SLEEPERS) != 0) atomic.notify(word, -1);
  }
}

/**
 * The last thread to arrive opens the way for all. @returns whether it is open: thread 0 may come
 * again, having asked
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
 * Before each record of a run that ends at `end`, and there. @returns whether this thread has a
 * share in it
 */
@inline
export function begin(r: usize, end: usize): bool {
  const parallel = r < end && threads > 1 && load<u16>(r, RECORD_PARALLEL) == PARALLEL_PAYS;
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

/** The next word of the caller after `seen`: there is a run to join. */
export function awaitJob(seen: i32): i32 {
  return awaitChange(SYNC_JOB, seen);
}

// ── shares ────────────────────────────────────────────────────────────────────────────────────────────────

/** This thread's share of what `share` was asked about: [shareFrom, shareTo). */
export let shareFrom = 0;
export let shareTo = 0;

/** Shares n elements; all shares but the last end at multiples of `unit`. */
export function share(n: i32, unit: i32): void {
  const units = <u32>(n + unit - 1) / unit;
  const each = units / parts;
  const more = units - each * parts;
  shareFrom = min<u32>(n, (each * part + min<u32>(part, more)) * unit);
  shareTo = min<u32>(n, (each * (part + 1) + min<u32>(part + 1, more)) * unit);
}

/** This thread's share of a product, from `shareProduct`. */
export let outerFrom = 0;
export let outerTo = 0;
export let rowFrom = 0;
export let rowTo = 0;
export let panelFrom = 0;
export let panelTo = 0;

/**
 * What gathering a row and widening a panel cost, in products: as many as of 4 channels, and of 2
 * rows.
 */
const GATHER = 4;
const WIDEN = 16;

/** What the largest share of a product costs. */
function costOf(rows: i32, panels: i32): f64 {
  return <f64>rows * (<f64>panels * 8 + GATHER) + <f64>panels * WIDEN;
}

/**
 * Splits `outer` products of `rows` (in tiles) × `panels` of 8 channels by whichever of the three
 * leaves the least to the thread that has most: every row is gathered by each thread that has a
 * panel, every panel widened by each that has a row.
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
  const most = parts - 1;
  const byRows = <f64>outer * costOf((tiles + most) / parts * tile, panels);
  const byPanels = <f64>outer * costOf(tiles * tile, (panels + most) / parts);
  const byOuter = <f64>((outer + most) / parts) * costOf(tiles * tile, panels);
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
