import { DTYPE_F32, WIDE_CONVERT_COUNT, WIDE_CONVERT_EXPONENT, WIDE_CONVERT_MAX, WIDE_CONVERT_MIN,
  WIDE_CONVERT_MULTIPLIER, WIDE_CONVERT_SCALE, WIDE_CONVERT_SOURCE, WIDE_CONVERT_SOURCE_ZERO, WIDE_CONVERT_TARGET,
  WIDE_CONVERT_TARGET_ZERO, WIDE_CONVERT_TO } from '../../../assembly/layout';
import { clamp, f32, multiplyFixed, truncate } from '../arithmetic';
import { dtypeOf, float, int, offsetOf, sectionOf, shiftOf, viewOf, type Memory } from '../memory';

/** Rounds half away from zero and clamps to i16; NaN gives 0. */
function toWide(x: number): number {
  const y = clamp(x, -32768, 32767);
  return y === y ? truncate(y < 0 ? y - 0.5 : y + 0.5) : 0;
}

export function runWideConvert(r: number, m: Memory): void {
  const dtype = dtypeOf(r, m);
  const type = int(r, m, WIDE_CONVERT_TO);
  const a = viewOf(sectionOf(r, m, WIDE_CONVERT_SOURCE), dtype);
  const out = viewOf(m.arena, type);
  const from = offsetOf(r, m, WIDE_CONVERT_SOURCE) >> shiftOf(dtype);
  const to = int(r, m, WIDE_CONVERT_TARGET) >> shiftOf(type);
  const scale = float(r, m, WIDE_CONVERT_SCALE);
  const multiplier = int(r, m, WIDE_CONVERT_MULTIPLIER);
  const exponent = int(r, m, WIDE_CONVERT_EXPONENT);
  const zero = int(r, m, WIDE_CONVERT_SOURCE_ZERO);
  for (let i = 0; i < int(r, m, WIDE_CONVERT_COUNT); i++) {
    const x = a[from + i]!;
    let v: number;
    if (dtype === DTYPE_F32) v = toWide(f32(x / scale));
    else if (type === DTYPE_F32) v = scale * x;
    else {
      v = multiplyFixed(x - zero, multiplier, exponent) + int(r, m, WIDE_CONVERT_TARGET_ZERO);
      v = clamp(v, int(r, m, WIDE_CONVERT_MIN), int(r, m, WIDE_CONVERT_MAX));
    }
    out[to + i] = v;
  }
}
