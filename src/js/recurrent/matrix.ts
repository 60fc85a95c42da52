import { OP_SPARSE_RECURRENT, RECURRENT_CELLS, RECURRENT_COUPLED, RECURRENT_GRU, RECURRENT_GRU_RESET_FIRST,
  RECURRENT_HIDDEN_NIBBLES, RECURRENT_INPUT_NIBBLES, RECURRENT_INPUT_WEIGHTS, RECURRENT_KIND, RECURRENT_LSTM,
  RECURRENT_PARTS, RECURRENT_PROJECTION, RECURRENT_PROJECTION_NIBBLES, RECURRENT_RNN,
  SPARSE_RECURRENT_INPUT_COUNTS } from '../../../assembly/layout';
import { int, values, type Memory } from '../memory';
import { gather, gatherAll, multiply, multiplyBlocks, multiplyNibbles } from '../product';

// What the recurrent layers have in common: their gates, and products with int8 weights.

/** Number of gates that have weights; the input gate of a coupled lstm has none. */
export function gatesOf(r: number, m: Memory): number {
  const kind = int(r, m, RECURRENT_KIND);
  if (kind === RECURRENT_RNN) return 1;
  return kind === RECURRENT_LSTM && (int(r, m, RECURRENT_PARTS) & RECURRENT_COUPLED) === 0 ? 4 : 3;
}

export function isGru(r: number, m: Memory): boolean {
  const kind = int(r, m, RECURRENT_KIND);
  return kind === RECURRENT_GRU || kind === RECURRENT_GRU_RESET_FIRST;
}

/** Lanes of a gate: CELLS rounded up to whole panels */
export function lanesOf(r: number, m: Memory): number {
  return Math.ceil(int(r, m, RECURRENT_CELLS) / 8) * 8;
}

function hasNibbles(r: number, m: Memory, field: number): boolean {
  const other = field === RECURRENT_INPUT_WEIGHTS ? RECURRENT_INPUT_NIBBLES : RECURRENT_HIDDEN_NIBBLES;
  const part = field === RECURRENT_PROJECTION ? RECURRENT_PROJECTION_NIBBLES : other;
  return (int(r, m, RECURRENT_PARTS) & part) !== 0;
}

/**
 * sums [panels·8] = K int8 values from `at` on, times the weights at `field` from panel `first` on
 */
export function multiplyMatrix(
  r: number,
  m: Memory,
  a: Int8Array,
  at: number,
  K: number,
  field: number,
  first: number,
  panels: number,
): void {
  const weights = int(r, m, field);
  const lists = SPARSE_RECURRENT_INPUT_COUNTS + 3 * (field - RECURRENT_INPUT_WEIGHTS);
  const sparse = (m.plan[r >> 2]! & 255) === OP_SPARSE_RECURRENT && field !== RECURRENT_PROJECTION;
  if (sparse && int(r, m, lists + 8) !== 0) {
    const counts = int(r, m, lists) >> 1;
    let passed = 0;
    for (let panel = 0; panel < first; panel++) passed += m.weights.u16[counts + panel]!;
    gatherAll(a, at, K, 0, 0);
    for (let k = K; k < K + 4; k++) values[k] = 0;
    multiplyBlocks(m, weights + passed * 32, counts + first, int(r, m, lists + 4) + passed, 0, panels);
    return;
  }
  const count = gather(a, at, K, 0, 0, 0);
  if (hasNibbles(r, m, field)) {
    const panelBytes = ((K + 7) >> 3) * 32;
    multiplyNibbles(count, m.weights.u8, weights + first * panelBytes, panelBytes, panels);
  } else {
    const panelBytes = ((K + 3) >> 2) * 32;
    multiply(0, count, m.weights.i8, weights + first * panelBytes, panelBytes, panels);
  }
}
