import { SOFTMAX_DEPTH, SOFTMAX_OUT_SCALE, SOFTMAX_ROWS, SOFTMAX_SCALE, SOFTMAX_SOURCE, SOFTMAX_TABLE, SOFTMAX_TARGET,
  SOFTMAX_TARGET_ZERO } from '../../assembly/layout';
import { f32, quantize } from './arithmetic';
import { add, fold } from './fold';
import { exp, log } from './math';
import { isFloat } from './floats';
import { float, int, offsetOf, sectionOf, type Memory } from './memory';
import { largestOf, sumOfPowers } from './softmax';

function runFloat(r: number, m: Memory): void {
  const n = int(r, m, SOFTMAX_DEPTH);
  const a = sectionOf(r, m, SOFTMAX_SOURCE).f32;
  const out = m.arena.f32;
  let from = offsetOf(r, m, SOFTMAX_SOURCE) >> 2;
  let to = int(r, m, SOFTMAX_TARGET) >> 2;

  function logarithmOf(at: number, largest: number): number {
    return log(fold(n, 0, add, function(i) {
      return exp(f32(a[at + i]! - largest));
    }));
  }

  for (let row = 0; row < int(r, m, SOFTMAX_ROWS); row++, from += n, to += n) {
    const largest = largestOf(a, from, n);
    const logarithm = logarithmOf(from, largest);
    for (let i = 0; i < n; i++) out[to + i] = f32(a[from + i]! - largest) - logarithm;
  }
}

export function runLogSoftmax(r: number, m: Memory): void {
  if (isFloat(r, m)) {
    runFloat(r, m);
    return;
  }
  const n = int(r, m, SOFTMAX_DEPTH);
  const scale = float(r, m, SOFTMAX_SCALE);
  const outScale = float(r, m, SOFTMAX_OUT_SCALE);
  const zero = int(r, m, SOFTMAX_TARGET_ZERO);
  const a = sectionOf(r, m, SOFTMAX_SOURCE).i8;
  const out = m.arena.i8;
  let from = offsetOf(r, m, SOFTMAX_SOURCE);
  let to = int(r, m, SOFTMAX_TARGET);
  for (let row = 0; row < int(r, m, SOFTMAX_ROWS); row++, from += n, to += n) {
    const largest = largestOf(a, from, n);
    const logarithm = log(sumOfPowers(m.weights.f32, (int(r, m, SOFTMAX_TABLE) >> 2) + largest, a, from, n));
    for (let i = 0; i < n; i++) {
      const x = f32(f32(f32(scale * (a[from + i]! - largest)) - logarithm) / outScale);
      out[to + i] = quantize(x, -128 - zero, 127 - zero) + zero;
    }
  }
}
