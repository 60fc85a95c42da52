import { REDUCE_COUNT, REDUCE_EXPONENT, REDUCE_INNER, REDUCE_KIND, REDUCE_MAX, REDUCE_MEAN, REDUCE_MIN,
  REDUCE_MULTIPLIER, REDUCE_OUTER, REDUCE_PROD, REDUCE_ROUNDING, REDUCE_SCALE, REDUCE_SOURCE, REDUCE_SOURCE_ZERO,
  REDUCE_TARGET, REDUCE_TARGET_ZERO, ROUND_EVEN, ROUND_TRUNCATE } from '../../assembly/layout';
import { clamp, EVEN, f32, multiplySaturated, truncate } from './arithmetic';
import { add, fold, greater, lesser } from './fold';
import { isFloat } from './floats';
import { float, int, offsetOf, sectionOf, type Memory } from './memory';

function runFloat(r: number, m: Memory): void {
  const kind = int(r, m, REDUCE_KIND);
  const count = int(r, m, REDUCE_COUNT);
  const inner = int(r, m, REDUCE_INNER);
  const a = sectionOf(r, m, REDUCE_SOURCE).f32;
  const out = m.arena.f32;
  const base = offsetOf(r, m, REDUCE_SOURCE) >> 2;
  let to = int(r, m, REDUCE_TARGET) >> 2;
  let combine = add;
  let first = 0;
  if (kind === REDUCE_MAX) {
    combine = greater;
    first = -Infinity;
  } else if (kind === REDUCE_MIN) {
    combine = lesser;
    first = Infinity;
  }
  for (let o = 0; o < int(r, m, REDUCE_OUTER); o++) {
    for (let i = 0; i < inner; i++) {
      const from = base + o * count * inner + i;
      let v = kind === REDUCE_PROD ? 1 : first;
      if (kind === REDUCE_PROD) {
        for (let j = 0; j < count; j++) v = f32(v * a[from + j * inner]!);
      } else if (inner > 1) {
        for (let j = 0; j < count; j++) v = combine(v, a[from + j * inner]!);
      } else {
        v = fold(count, first, combine, function(j) {
          return a[from + j]!;
        });
      }
      if (kind === REDUCE_MEAN) v = f32(v / count);
      out[to++] = v;
    }
  }
}

export function runReduce(r: number, m: Memory): void {
  if (isFloat(r, m)) {
    runFloat(r, m);
    return;
  }
  const kind = int(r, m, REDUCE_KIND);
  const count = int(r, m, REDUCE_COUNT);
  const inner = int(r, m, REDUCE_INNER);
  const sourceZero = int(r, m, REDUCE_SOURCE_ZERO);
  const zero = int(r, m, REDUCE_TARGET_ZERO);
  const scale = float(r, m, REDUCE_SCALE);
  const multiplier = int(r, m, REDUCE_MULTIPLIER);
  const exponent = int(r, m, REDUCE_EXPONENT);
  const rounding = int(r, m, REDUCE_ROUNDING);
  const a = sectionOf(r, m, REDUCE_SOURCE).i8;
  const out = m.arena.i8;
  let from = offsetOf(r, m, REDUCE_SOURCE);
  let to = int(r, m, REDUCE_TARGET);
  for (let o = 0; o < int(r, m, REDUCE_OUTER); o++, from += (count - 1) * inner) {
    for (let i = 0; i < inner; i++, from++) {
      const end = from + count * inner;
      let v = a[from]!;
      if (kind === REDUCE_MAX) {
        for (let p = from + inner; p < end; p += inner) if (v < a[p]!) v = a[p]!;
      } else if (kind === REDUCE_MIN) {
        for (let p = from + inner; p < end; p += inner) if (a[p]! < v) v = a[p]!;
      } else if (kind === REDUCE_PROD) {
        v -= sourceZero;
        for (let p = from + inner; p < end; p += inner) {
          v = multiplySaturated(v * (a[p]! - sourceZero), multiplier, exponent);
        }
        v = clamp(multiplySaturated(v, multiplier, exponent) + zero, -128, 127);
      } else {
        for (let p = from + inner; p < end; p += inner) v += a[p]!;
        v -= count * sourceZero;
        if (rounding === ROUND_TRUNCATE) v = clamp(truncate(v / count) + zero, -128, 127);
        else {
          v = clamp(f32(f32(v) * scale), -128 - zero, 127 - zero);
          if (rounding === ROUND_EVEN) v = v + EVEN - EVEN + zero;
          else v = truncate(v < 0 ? v - 0.5 : v + 0.5) + zero;
        }
      }
      out[to++] = v;
    }
  }
}
