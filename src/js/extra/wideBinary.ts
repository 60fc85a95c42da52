import { BINARY_A, BINARY_ADD, BINARY_A_STRIDES, BINARY_B, BINARY_B_STRIDES, BINARY_DIMENSIONS, BINARY_KIND, BINARY_MAX,
  BINARY_MAXIMUM, BINARY_MIN, BINARY_MINIMUM, BINARY_MUL, BINARY_TARGET, MAX_RANK, WIDE_BINARY_A_MULTIPLIER,
  WIDE_BINARY_B_MULTIPLIER, WIDE_BINARY_OUT_MULTIPLIER } from '../../../assembly/layout';
import { clamp, multiplyFixed } from '../arithmetic';
import { int, offsetOf, sectionOf, type Memory } from '../memory';
import { walk } from '../walk';

const LAST = (MAX_RANK - 1) * 4;

export function runWideBinary(r: number, m: Memory): void {
  const kind = int(r, m, BINARY_KIND);
  const n = int(r, m, BINARY_DIMENSIONS + LAST);
  const stepA = int(r, m, BINARY_A_STRIDES + LAST);
  const stepB = int(r, m, BINARY_B_STRIDES + LAST);
  const a = sectionOf(r, m, BINARY_A).i16;
  const b = sectionOf(r, m, BINARY_B).i16;
  const baseA = offsetOf(r, m, BINARY_A) >> 1;
  const baseB = offsetOf(r, m, BINARY_B) >> 1;
  const low = int(r, m, BINARY_MIN);
  const top = int(r, m, BINARY_MAX);
  let to = int(r, m, BINARY_TARGET) >> 1;

  /** x times the factor whose multiplier is at `field` */
  function scaled(x: number, field: number): number {
    return multiplyFixed(x, int(r, m, field), int(r, m, field + 4));
  }

  function combined(x: number, y: number): number {
    if (kind === BINARY_MINIMUM) return Math.min(x, y);
    if (kind === BINARY_MAXIMUM) return Math.max(x, y);
    if (kind === BINARY_MUL) return scaled(x * y, WIDE_BINARY_OUT_MULTIPLIER);
    const u = scaled(x * 32768, WIDE_BINARY_A_MULTIPLIER);
    const v = scaled(y * 32768, WIDE_BINARY_B_MULTIPLIER);
    return scaled((kind === BINARY_ADD ? u + v : u - v) | 0, WIDE_BINARY_OUT_MULTIPLIER);
  }

  walk(r, m, BINARY_DIMENSIONS, BINARY_A_STRIDES, BINARY_B_STRIDES, -1, function(fromA, fromB) {
    for (let i = 0; i < n; i++) {
      const v = combined(a[baseA + fromA + i * stepA]!, b[baseB + fromB + i * stepB]!);
      m.arena.i16[to++] = clamp(v, low, top);
    }
  });
}
