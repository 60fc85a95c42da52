import { RECURRENT_CELLS, RECURRENT_INPUTS, RECURRENT_OUTPUTS } from '../../layout';
import { int, scratch } from '../../record';

// Scratch of a record with G gates, in this order, each part at a multiple of 16:
//
//   row           K       the input of a product, i16, + 64
//   quantized     K       a quantized row, i8, + 32 (hybrid)
//   accumulators  L       i32, L the larger of G·N' and P'
//   gates         G·N'    i16 or f32, as everything below
//   hiddenGates   G·N'    the hidden state's product, if it is kept apart from the input's (gru)
//   cell          H       the cell state, H the larger of N' and P'
//   hidden        H       the hidden state
//   temporary     N'
//
// N' is N = CELLS rounded up to 8, P' is P = OUTPUTS rounded up to 8, and K is the largest of
// INPUTS, P and N, rounded up to 4.
/** Padding after the row and after the quantized row, with room to round an offset down to 16. */
const TAIL = 64;

export let row: usize = 0;
export let quantized: usize = 0;
export let accumulators: usize = 0;
export let gates: usize = 0;
export let hiddenGates: usize = 0;
export let cell: usize = 0;
export let hidden: usize = 0;
export let temporary: usize = 0;

/** @returns n rounded up to a multiple of `unit`, a power of two */
@inline
export function up(n: i32, unit: i32): i32 {
  return (n + unit - 1) & -unit;
}

/**
 * Sets the addresses of the parts. A record has `lanes` = G·N' lanes; gates have `size` bytes a
 * lane.
 *
 * @returns the bytes of scratch that the record needs in any flavor
 */
export function layOutScratch(r: usize, lanes: i32, size: i32): i32 {
  const K = max(max(int(r, RECURRENT_INPUTS), int(r, RECURRENT_OUTPUTS)), int(r, RECURRENT_CELLS)) + 4;
  const outputs = up(int(r, RECURRENT_OUTPUTS), 8);
  const stateBytes = max(up(int(r, RECURRENT_CELLS), 8), outputs) * size;
  const rowBytes = (K << 1) + TAIL;
  const rowsBytes = rowBytes + K + TAIL;
  row = scratch();
  quantized = row + (rowBytes & ~15);
  accumulators = row + (rowsBytes & ~15);
  gates = accumulators + (max(lanes, outputs) << 2);
  hiddenGates = gates + lanes * size;
  cell = hiddenGates + lanes * size;
  hidden = cell + stateBytes;
  temporary = hidden + stateBytes;
  return rowsBytes + <i32>(temporary - accumulators) + stateBytes + 4 * TAIL;
}
