import { int } from '../record';

// Walks two tensors along the outer dimensions of a record. The state is in scratch:
//
//   +0 i32 counters [MAX_RANK]  +24 u32 first address  +28 u32 second address
export const WALK_FIRST = 24;
export const WALK_SECOND = 28;
export const WALK_BYTES = 32;
/**
 * Threads share the positions if there are at least this many, and otherwise the inner dimensions.
 */
export const FEW_POSITIONS: u32 = 16;

/** Number of positions of the first `depth` dimensions. */
export function positionsOf(r: usize, dimensions: usize, depth: i32): i32 {
  let count = 1;
  for (let d = 0; d < depth; d++) count *= int(r, dimensions + (d << 2));
  return count;
}

/** Goes to position `index`. The other arguments are those of `advance`. */
export function walkTo(
  r: usize,
  dimensions: usize,
  firstStrides: usize,
  secondStrides: usize,
  bytes: i32,
  depth: i32,
  state: usize,
  first: usize,
  second: usize,
  index: i32,
): void {
  for (let d = depth - 1; d >= 0; d--) {
    const at = <usize>d << 2;
    const count = int(r, dimensions + at);
    const passed = <i32>(<u32>index % <u32>count);
    index = <u32>index / <u32>count;
    store<i32>(state + at, passed);
    first += passed * int(r, firstStrides + at) * bytes;
    second += passed * int(r, secondStrides + at) * bytes;
  }
  store<usize>(state, first, WALK_FIRST);
  store<usize>(state, second, WALK_SECOND);
}

/**
 * Goes to the next position of the first `depth` dimensions, of which the last changes fastest. The
 * first position follows the last one. `dimensions` and both strides (in elements of `bytes` bytes)
 * are the offsets of MAX_RANK fields each.
 */
export function advance(
  r: usize,
  dimensions: usize,
  firstStrides: usize,
  secondStrides: usize,
  bytes: i32,
  depth: i32,
  state: usize,
): void {
  for (let d = depth - 1; d >= 0; d--) {
    const at = <usize>d << 2;
    const count = int(r, dimensions + at);
    const passed = load<i32>(state + at) + 1;
    const first = int(r, firstStrides + at) * bytes;
    const second = int(r, secondStrides + at) * bytes;
    if (passed < count) {
      store<i32>(state + at, passed);
      store<usize>(state, load<usize>(state, WALK_FIRST) + first, WALK_FIRST);
      store<usize>(state, load<usize>(state, WALK_SECOND) + second, WALK_SECOND);
      return;
    }
    store<i32>(state + at, 0);
    store<usize>(state, load<usize>(state, WALK_FIRST) - (count - 1) * first, WALK_FIRST);
    store<usize>(state, load<usize>(state, WALK_SECOND) - (count - 1) * second, WALK_SECOND);
  }
}
