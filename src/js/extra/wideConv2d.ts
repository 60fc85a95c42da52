import { CONV2D_BATCH, CONV2D_BIAS, CONV2D_GROUPS, CONV2D_MAX, CONV2D_MIN, CONV2D_OUT_C, CONV2D_SCALE, CONV2D_SOURCE,
  CONV2D_TARGET, CONV2D_WEIGHTS } from '../../../assembly/layout';
import { clamp } from '../arithmetic';
import { int, offsetOf, reserve, sectionOf, sums, type Memory } from '../memory';
import { gather, multiply } from '../product';
import { convolve, inputsOf, panelsOf } from '../window';

export function prepareWideConv2d(r: number, m: Memory): void {
  reserve(inputsOf(r, m), panelsOf(r, m) * 8);
}

export function runWideConv2d(r: number, m: Memory): void {
  const N = int(r, m, CONV2D_OUT_C) / int(r, m, CONV2D_GROUPS);
  const panels = panelsOf(r, m);
  const panelBytes = ((inputsOf(r, m) + 3) >> 2) * 32;
  const bias = int(r, m, CONV2D_BIAS) >> 3;
  const scale = int(r, m, CONV2D_SCALE) >> 3;
  const target = int(r, m, CONV2D_TARGET) >> 1;
  const low = int(r, m, CONV2D_MIN);
  const top = int(r, m, CONV2D_MAX);
  const factors = m.weights.f64;
  convolve(
    r,
    m,
    sectionOf(r, m, CONV2D_SOURCE).i16,
    offsetOf(r, m, CONV2D_SOURCE) >> 1,
    int(r, m, CONV2D_BATCH),
    0,
    gather,
    function(count, group, to) {
      const first = group * panels * 8;
      multiply(count, m.weights.i8, int(r, m, CONV2D_WEIGHTS) + group * panels * panelBytes, panelBytes, panels);
      for (let n = 0; n < N; n++) {
        const x = (factors[bias + first + n]! + sums[n]!) * factors[scale + first + n]!;
        m.arena.i16[target + to + n] = clamp(Math.floor(x + 0.5), low, top);
      }
    },
  );
}
