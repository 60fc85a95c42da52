import { CONV2D_BATCH, CONV2D_BATCH_STRIDE, CONV2D_BIAS, CONV2D_GROUPS, CONV2D_IN_C, CONV2D_IN_H, CONV2D_IN_W,
  CONV2D_MAX, CONV2D_MIN, CONV2D_OUT_C, CONV2D_SCALE, CONV2D_SOURCE, CONV2D_TARGET, CONV2D_WEIGHTS, HYBRID_ASYMMETRIC,
  HYBRID_MODE } from '../../assembly/layout';
import { clamp, f32 } from './arithmetic';
import { quantizeRange, rangeScale, rangeZero } from './hybrid';
import { bytes, float, int, offsetOf, reserve, reserveBytes, sectionOf, sums, type Memory } from './memory';
import { gather, multiply } from './product';
import { convolve, inputsOf, panelsOf } from './window';

/** Number of values of one image */
function imageOf(r: number, m: Memory): number {
  return int(r, m, CONV2D_IN_H) * int(r, m, CONV2D_IN_W) * int(r, m, CONV2D_IN_C);
}

export function prepareHybridConv2d(r: number, m: Memory): void {
  reserve(inputsOf(r, m), panelsOf(r, m) * 8);
  reserveBytes(imageOf(r, m));
}

export function runHybridConv2d(r: number, m: Memory): void {
  const n = imageOf(r, m);
  const N = int(r, m, CONV2D_OUT_C) / int(r, m, CONV2D_GROUPS);
  const panels = panelsOf(r, m);
  const panelBytes = ((inputsOf(r, m) + 3) >> 2) * 32;
  const scale = int(r, m, CONV2D_SCALE) >> 2;
  const bias = int(r, m, CONV2D_BIAS) >> 2;
  const target = int(r, m, CONV2D_TARGET) >> 2;
  const low = float(r, m, CONV2D_MIN);
  const top = float(r, m, CONV2D_MAX);
  const asymmetric = int(r, m, HYBRID_MODE) === HYBRID_ASYMMETRIC;
  const a = sectionOf(r, m, CONV2D_SOURCE).f32;
  const reals = m.weights.f32;
  const out = m.arena.f32;
  let first = 0;

  function finish(count: number, group: number, to: number): void {
    const s = sums;
    const channel = group * panels * 8;
    multiply(count, m.weights.i8, int(r, m, CONV2D_WEIGHTS) + group * panels * panelBytes, panelBytes, panels);
    for (let i = 0; i < N; i++) {
      const factor = f32(rangeScale * reals[scale + channel + i]!);
      const x = f32(f32(f32(s[i]!) * factor) + reals[bias + channel + i]!);
      out[first + to + i] = clamp(x, low, top);
    }
  }

  for (let b = 0; b < int(r, m, CONV2D_BATCH); b++) {
    quantizeRange(a, (offsetOf(r, m, CONV2D_SOURCE) >> 2) + b * n, n, asymmetric, bytes);
    first = target + b * int(r, m, CONV2D_BATCH_STRIDE);
    convolve(r, m, bytes, 0, 1, rangeZero, gather, finish);
  }
}
