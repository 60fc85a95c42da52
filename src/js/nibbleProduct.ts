import { NIBBLE_PRODUCT_BIAS, NIBBLE_PRODUCT_INPUTS, NIBBLE_PRODUCT_MAX, NIBBLE_PRODUCT_MIN, NIBBLE_PRODUCT_OUTPUTS,
  NIBBLE_PRODUCT_ROWS, NIBBLE_PRODUCT_SCALE, NIBBLE_PRODUCT_SOURCE, NIBBLE_PRODUCT_TARGET, NIBBLE_PRODUCT_TARGET_ZERO,
  NIBBLE_PRODUCT_WEIGHTS } from '../../assembly/layout';
import { clamp, EVEN, f32 } from './arithmetic';
import { int, offsetOf, reserve, sectionOf, sums, type Memory } from './memory';
import { gather, multiplyNibbles } from './product';

export function prepareNibbleProduct(r: number, m: Memory): void {
  reserve(int(r, m, NIBBLE_PRODUCT_INPUTS), int(r, m, NIBBLE_PRODUCT_OUTPUTS) + 7);
}

export function runNibbleProduct(r: number, m: Memory): void {
  const K = int(r, m, NIBBLE_PRODUCT_INPUTS);
  const N = int(r, m, NIBBLE_PRODUCT_OUTPUTS);
  const panelBytes = ((K + 7) >> 3) * 32;
  const bias = int(r, m, NIBBLE_PRODUCT_BIAS) >> 2;
  const scale = int(r, m, NIBBLE_PRODUCT_SCALE) >> 2;
  const zero = int(r, m, NIBBLE_PRODUCT_TARGET_ZERO);
  const low = int(r, m, NIBBLE_PRODUCT_MIN) - zero;
  const top = int(r, m, NIBBLE_PRODUCT_MAX) - zero;
  const a = sectionOf(r, m, NIBBLE_PRODUCT_SOURCE).i8;
  const out = m.arena.i8;
  let to = int(r, m, NIBBLE_PRODUCT_TARGET);
  for (let row = 0; row < int(r, m, NIBBLE_PRODUCT_ROWS); row++) {
    const count = gather(a, offsetOf(r, m, NIBBLE_PRODUCT_SOURCE) + row * K, K, 0, 0, 0);
    multiplyNibbles(count, m.weights.u8, int(r, m, NIBBLE_PRODUCT_WEIGHTS), panelBytes, Math.ceil(N / 8));
    for (let n = 0; n < N; n++) {
      const x = f32(f32((sums[n]! + m.weights.i32[bias + n]!) | 0) * m.weights.f32[scale + n]!);
      out[to++] = clamp(x, low, top) + EVEN - EVEN + zero;
    }
  }
}
