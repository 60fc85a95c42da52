import { DTYPE_I8, NIBBLE_PRODUCT_BIAS, NIBBLE_PRODUCT_BYTES, NIBBLE_PRODUCT_INPUTS, NIBBLE_PRODUCT_MAX,
  NIBBLE_PRODUCT_MIN, NIBBLE_PRODUCT_OUTPUTS, NIBBLE_PRODUCT_ROWS, NIBBLE_PRODUCT_SCALE, NIBBLE_PRODUCT_SOURCE,
  NIBBLE_PRODUCT_TARGET, NIBBLE_PRODUCT_TARGET_ZERO, NIBBLE_PRODUCT_WEIGHTS } from '../layout';
import { gather_i4, gemv_i4_i32 } from '../kernels/nibbles';
import { requantize_i32_i8 } from '../kernels/requantize';
import { checkCounts, checkFiniteTable, checkRange, checkRanges, checkRecord, int, needScratch, parallel, scratch,
  source, tables, target, toF64 } from '../record';
import { panelFrom, panelTo, rowFrom, rowTo, shareProduct } from '../threads';
import { checkActivation, checkNibbles } from './checks';
import { OUTPUT_WORK } from './window';

// Scratch: the row, 16·⌈K/8⌉ bytes, and the accumulators i32 [⌈N/8⌉][8].

const MAX_INPUTS = 65536;
const MAX_OUTPUTS = 1 << 24;

export function describeNibbleProduct(r: usize): void {
  if (!checkRecord(r, NIBBLE_PRODUCT_BYTES, 1 << DTYPE_I8)) return;
  checkCounts(r, NIBBLE_PRODUCT_ROWS, 1);
  checkRanges(r, NIBBLE_PRODUCT_INPUTS, 1, 1, MAX_INPUTS);
  checkRanges(r, NIBBLE_PRODUCT_OUTPUTS, 1, 1, MAX_OUTPUTS);
  const rows = toF64(r, NIBBLE_PRODUCT_ROWS);
  const K = toF64(r, NIBBLE_PRODUCT_INPUTS);
  const N = toF64(r, NIBBLE_PRODUCT_OUTPUTS);
  const pairs = <f64>((int(r, NIBBLE_PRODUCT_INPUTS) + 7) >> 3);
  const panels = <f64>((int(r, NIBBLE_PRODUCT_OUTPUTS) + 7) >> 3);
  source(r, NIBBLE_PRODUCT_SOURCE, rows * K, 1);
  target(r, NIBBLE_PRODUCT_TARGET, rows * N, 1);
  tables(r, NIBBLE_PRODUCT_WEIGHTS, 1, panels * pairs * 32);
  checkNibbles(r, NIBBLE_PRODUCT_WEIGHTS, panels, K);
  tables(r, NIBBLE_PRODUCT_BIAS, 2, panels * 32);
  checkFiniteTable(r, NIBBLE_PRODUCT_SCALE, panels * 8);
  checkRange(r, NIBBLE_PRODUCT_TARGET_ZERO, -128, 127);
  checkActivation(r, NIBBLE_PRODUCT_MIN, NIBBLE_PRODUCT_MAX, false);
  parallel(r, rows * panels * 8 * (K + OUTPUT_WORK));
  needScratch(pairs * 16 + panels * 32);
}

export function runNibbleProduct(r: usize): void {
  const K = int(r, NIBBLE_PRODUCT_INPUTS);
  const N = int(r, NIBBLE_PRODUCT_OUTPUTS);
  const pairs = (K + 7) >> 3;
  const row = scratch();
  const accumulators = row + (pairs << 4);
  shareProduct(1, int(r, NIBBLE_PRODUCT_ROWS), (N + 7) >> 3, 1);
  const first = panelFrom << 5;
  const from = panelFrom << 3;
  const weights = <usize>int(r, NIBBLE_PRODUCT_WEIGHTS) + panelFrom * (pairs << 5);
  for (let m = rowFrom; m < rowTo; m++) {
    const correction = gather_i4(int(r, NIBBLE_PRODUCT_SOURCE) + m * K, row, K);
    gemv_i4_i32(row, weights, pairs, correction, accumulators, panelTo - panelFrom);
    requantize_i32_i8(
      accumulators,
      int(r, NIBBLE_PRODUCT_BIAS) + first,
      int(r, NIBBLE_PRODUCT_SCALE) + first,
      0,
      int(r, NIBBLE_PRODUCT_TARGET) + m * N + from,
      min(panelTo << 3, N) - from,
      r + NIBBLE_PRODUCT_TARGET_ZERO,
    );
  }
}
