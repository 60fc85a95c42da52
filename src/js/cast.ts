import { CAST_COUNT, CAST_SOURCE, CAST_TARGET, CAST_TO, DTYPE_F32, DTYPE_I32, DTYPE_I8,
  DTYPE_U8 } from '../../assembly/layout';
import { clamp, truncate } from './arithmetic';
import { dtypeOf, int, offsetOf, sectionOf, shiftOf, viewOf, type Memory } from './memory';

/** Floats are rounded toward zero and saturate, and NaN becomes 0. Integers keep their low bits. */
export function runCast(r: number, m: Memory): void {
  const dtype = dtypeOf(r, m);
  const to = int(r, m, CAST_TO);
  const a = viewOf(sectionOf(r, m, CAST_SOURCE), dtype);
  const out = viewOf(m.arena, to);
  const from = offsetOf(r, m, CAST_SOURCE) >> shiftOf(dtype);
  const target = int(r, m, CAST_TARGET) >> shiftOf(to);
  const rounds = dtype === DTYPE_F32 && to !== DTYPE_F32;
  // between i8 and u8, the top bit is flipped
  const flipped = dtype !== to && (dtype === DTYPE_I8 || dtype === DTYPE_U8) && (to === DTYPE_I8 || to === DTYPE_U8)
    ? 128
    : 0;
  const signed = to === DTYPE_I32 ? 2147483647 : 127;
  const top = to === DTYPE_U8 ? 255 : signed;
  const low = to === DTYPE_U8 ? 0 : -1 - signed;
  for (let i = 0; i < int(r, m, CAST_COUNT); i++) {
    let x = a[from + i]!;
    if (rounds) x = x === x ? truncate(clamp(x, low, top)) : 0;
    out[target + i] = flipped > 0 ? x ^ flipped : x;
  }
}
