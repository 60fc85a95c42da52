import { DTYPE_F32, RESAMPLE_IN, RESAMPLE_INNER, RESAMPLE_OFFSETS, RESAMPLE_OUT, RESAMPLE_OUTER, RESAMPLE_SOURCE,
  RESAMPLE_SOURCE_ZERO, RESAMPLE_STARTS, RESAMPLE_TAPS, RESAMPLE_TARGET, RESAMPLE_TARGET_DTYPE, RESAMPLE_TARGET_ZERO,
  RESAMPLE_WEIGHTS } from '../../../assembly/layout';
import { EVEN, f32 } from '../arithmetic';
import { dtypeOf, int, offsetOf, sectionOf, shiftOf, viewOf, type Memory } from '../memory';

/** Rounds half to even and clamps to i8; NaN gives the lowest. */
export function toByte(x: number, zero: number): number {
  if (!(x > -128 - zero)) return -128;
  return (x < 127 - zero ? x : 127 - zero) + EVEN - EVEN + zero;
}

export function runResample(r: number, m: Memory): void {
  const dtype = dtypeOf(r, m);
  const type = int(r, m, RESAMPLE_TARGET_DTYPE);
  const inner = int(r, m, RESAMPLE_INNER);
  const taps = int(r, m, RESAMPLE_TAPS);
  const zero = int(r, m, RESAMPLE_SOURCE_ZERO);
  const targetZero = int(r, m, RESAMPLE_TARGET_ZERO);
  const a = viewOf(sectionOf(r, m, RESAMPLE_SOURCE), dtype);
  const out = viewOf(m.arena, type);
  const w = m.weights.f32;
  let from = offsetOf(r, m, RESAMPLE_SOURCE) >> shiftOf(dtype);
  let to = int(r, m, RESAMPLE_TARGET) >> shiftOf(type);
  for (let outer = 0; outer < int(r, m, RESAMPLE_OUTER); outer++, from += int(r, m, RESAMPLE_IN) * inner) {
    for (let o = 0; o < int(r, m, RESAMPLE_OUT); o++) {
      const first = from + m.weights.i32[(int(r, m, RESAMPLE_STARTS) >> 2) + o]! * inner;
      const weight = (int(r, m, RESAMPLE_WEIGHTS) >> 2) + o * taps;
      const offset = w[(int(r, m, RESAMPLE_OFFSETS) >> 2) + o]!;
      for (let i = 0; i < inner; i++) {
        let sum = offset;
        for (let tap = 0; tap < taps; tap++) {
          sum = f32(sum + f32(w[weight + tap]! * f32(a[first + tap * inner + i]! - zero)));
        }
        out[to++] = type === DTYPE_F32 ? sum : toByte(sum, targetZero);
      }
    }
  }
}
