import { QUANTIZE_COUNT, QUANTIZE_SCALE, QUANTIZE_SOURCE, QUANTIZE_TARGET, QUANTIZE_ZERO } from '../../assembly/layout';
import { float, int, offsetOf, sectionOf, type Memory } from './memory';

export function runDequantize(r: number, m: Memory): void {
  const a = sectionOf(r, m, QUANTIZE_SOURCE).i8;
  const out = m.arena.f32;
  const from = offsetOf(r, m, QUANTIZE_SOURCE);
  const to = int(r, m, QUANTIZE_TARGET) >> 2;
  const scale = float(r, m, QUANTIZE_SCALE);
  const zero = int(r, m, QUANTIZE_ZERO);
  for (let i = 0; i < int(r, m, QUANTIZE_COUNT); i++) out[to + i] = scale * (a[from + i]! - zero);
}
