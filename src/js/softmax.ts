import { SOFTMAX_DEPTH, SOFTMAX_OUT_SCALE, SOFTMAX_ROWS, SOFTMAX_SCALE, SOFTMAX_SOURCE, SOFTMAX_TABLE, SOFTMAX_TARGET,
  SOFTMAX_TARGET_ZERO } from '../../assembly/layout';
import { EVEN, f32 } from './arithmetic';
import { add, fold, greater, sumOf } from './fold';
import { exp } from './math';
import { isFloat } from './floats';
import { float, int, offsetOf, sectionOf, type Memory } from './memory';

/** The largest of n numbers from `at` on, in the order of `fold` */
export function largestOf(a: Float32Array | Int8Array, at: number, n: number): number {
  return fold(n, -Infinity, greater, function(i) {
    return a[at + i]!;
  });
}

/** Σ of the powers of n numbers from `at` on; `last` is the entry of the table for 0 */
export function sumOfPowers(table: Float32Array, last: number, a: Int8Array, at: number, n: number): number {
  return fold(n, 0, add, function(i) {
    return table[last - a[at + i]!]!;
  });
}

function runFloat(r: number, m: Memory): void {
  const n = int(r, m, SOFTMAX_DEPTH);
  const beta = float(r, m, SOFTMAX_SCALE);
  const a = sectionOf(r, m, SOFTMAX_SOURCE).f32;
  const out = m.arena.f32;
  let from = offsetOf(r, m, SOFTMAX_SOURCE) >> 2;
  let to = int(r, m, SOFTMAX_TARGET) >> 2;
  for (let row = 0; row < int(r, m, SOFTMAX_ROWS); row++, from += n, to += n) {
    const largest = largestOf(a, from, n);
    for (let i = 0; i < n; i++) out[to + i] = exp(f32(f32(a[from + i]! - largest) * beta));
    const factor = f32(1 / sumOf(out, to, n));
    for (let i = 0; i < n; i++) out[to + i] = out[to + i]! * factor;
  }
}

export function runSoftmax(r: number, m: Memory): void {
  if (isFloat(r, m)) {
    runFloat(r, m);
    return;
  }
  const n = int(r, m, SOFTMAX_DEPTH);
  const scale = float(r, m, SOFTMAX_OUT_SCALE);
  const zero = int(r, m, SOFTMAX_TARGET_ZERO);
  const a = sectionOf(r, m, SOFTMAX_SOURCE).i8;
  const out = m.arena.i8;
  const table = m.weights.f32;
  let from = offsetOf(r, m, SOFTMAX_SOURCE);
  let to = int(r, m, SOFTMAX_TARGET);
  for (let row = 0; row < int(r, m, SOFTMAX_ROWS); row++, from += n, to += n) {
    const last = (int(r, m, SOFTMAX_TABLE) >> 2) + largestOf(a, from, n);
    const factor = f32(1 / f32(sumOfPowers(table, last, a, from, n) * scale));
    for (let i = 0; i < n; i++) {
      const x = f32(table[last - a[from + i]!]! * factor);
      // NaN if the factor is infinite
      out[to + i] = (x < 127 - zero ? x : 127 - zero) + EVEN - EVEN + zero;
    }
  }
}
