import { L2_NORMALIZE_DEPTH, L2_NORMALIZE_EPSILON, L2_NORMALIZE_OUT_SCALE, L2_NORMALIZE_ROWS, L2_NORMALIZE_SOURCE,
  L2_NORMALIZE_SOURCE_ZERO, L2_NORMALIZE_TARGET, L2_NORMALIZE_TARGET_ZERO } from '../../assembly/layout';
import { f32, quantize } from './arithmetic';
import { squaresOf } from './fold';
import { isFloat } from './floats';
import { float, int, offsetOf, sectionOf, type Memory } from './memory';

function runFloat(r: number, m: Memory): void {
  const n = int(r, m, L2_NORMALIZE_DEPTH);
  const epsilon = float(r, m, L2_NORMALIZE_EPSILON);
  const a = sectionOf(r, m, L2_NORMALIZE_SOURCE).f32;
  const out = m.arena.f32;
  let from = offsetOf(r, m, L2_NORMALIZE_SOURCE) >> 2;
  let to = int(r, m, L2_NORMALIZE_TARGET) >> 2;
  for (let row = 0; row < int(r, m, L2_NORMALIZE_ROWS); row++, from += n, to += n) {
    const sum = squaresOf(a, from, n);
    const factor = f32(1 / f32(Math.sqrt(sum < epsilon ? epsilon : sum)));
    for (let i = 0; i < n; i++) out[to + i] = a[from + i]! * factor;
  }
}

export function runL2Normalize(r: number, m: Memory): void {
  if (isFloat(r, m)) {
    runFloat(r, m);
    return;
  }
  const n = int(r, m, L2_NORMALIZE_DEPTH);
  const sourceZero = int(r, m, L2_NORMALIZE_SOURCE_ZERO);
  const zero = int(r, m, L2_NORMALIZE_TARGET_ZERO);
  const a = sectionOf(r, m, L2_NORMALIZE_SOURCE).i8;
  const out = m.arena.i8;
  let from = offsetOf(r, m, L2_NORMALIZE_SOURCE);
  let to = int(r, m, L2_NORMALIZE_TARGET);
  for (let row = 0; row < int(r, m, L2_NORMALIZE_ROWS); row++, from += n, to += n) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += (a[from + i]! - sourceZero) * (a[from + i]! - sourceZero);
    const largest = Math.max(sum, float(r, m, L2_NORMALIZE_EPSILON));
    const factor = f32(1 / (Math.sqrt(largest) * float(r, m, L2_NORMALIZE_OUT_SCALE)));
    for (let i = 0; i < n; i++) {
      out[to + i] = quantize(f32((a[from + i]! - sourceZero) * factor), -128 - zero, 127 - zero) + zero;
    }
  }
}
