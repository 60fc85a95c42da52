import { QUANTIZE_COUNT, QUANTIZE_SCALE, QUANTIZE_SOURCE, QUANTIZE_TARGET, QUANTIZE_ZERO } from '../../assembly/layout';
import { f32, quantize } from './arithmetic';
import { float, int, offsetOf, sectionOf, type Memory } from './memory';

/** out i8 [n] = quantize(a f32 [n] · scale). They may begin at the same byte. */
export function quantizeAll(
  a: Float32Array,
  from: number,
  out: Int8Array,
  to: number,
  n: number,
  scale: number,
  zero: number,
): void {
  for (let i = 0; i < n; i++) out[to + i] = quantize(f32(a[from + i]! * scale), -128 - zero, 127 - zero) + zero;
}

export function runQuantize(r: number, m: Memory): void {
  quantizeAll(
    sectionOf(r, m, QUANTIZE_SOURCE).f32,
    offsetOf(r, m, QUANTIZE_SOURCE) >> 2,
    m.arena.i8,
    int(r, m, QUANTIZE_TARGET),
    int(r, m, QUANTIZE_COUNT),
    float(r, m, QUANTIZE_SCALE),
    int(r, m, QUANTIZE_ZERO),
  );
}
