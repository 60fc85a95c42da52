import { CONV2D_BATCH, CONV2D_BATCH_STRIDE, CONV2D_BIAS, CONV2D_GROUPS, CONV2D_IN_C, CONV2D_IN_H, CONV2D_IN_W,
  CONV2D_MAX, CONV2D_MIN, CONV2D_OUT_C, CONV2D_SCALE, CONV2D_SOURCE, CONV2D_TARGET, CONV2D_WEIGHTS, HYBRID_ASYMMETRIC,
  HYBRID_MODE, HYBRID_SUMS } from '../../assembly/layout';
import { clamp, f32 } from './arithmetic';
import { quantizeRange, rangeScale, rangeZero } from './hybrid';
import { bytes, float, int, offsetOf, reserve, reserveBytes, sectionOf, sums, type Memory } from './memory';
import { gather, multiply, sumOfWeights } from './product';
import { convolve, inputsOf, panelsOf } from './window';

/** Number of values of one image */
function imageOf(r: number, m: Memory): number {
  return int(r, m, CONV2D_IN_H) * int(r, m, CONV2D_IN_W) * int(r, m, CONV2D_IN_C);
}

export function prepareHybridConv2d(r: number, m: Memory): void {
  reserve(inputsOf(r, m), panelsOf(r, m) * 8);
  reserveBytes(imageOf(r, m));
}

/** Bytes of the excesses that a record keeps. */
export function keptHybridConv2d(r: number, m: Memory): number {
  return int(r, m, CONV2D_GROUPS) * panelsOf(r, m) * 32;
}

/**
 * What the sums of weights in the file exceed the true ones by: SUMS − Σ w, which is 0 in files
 * that kinglet writes. It counts because inputs that equal the zero point are left out. Computed at
 * the first run, which takes much longer.
 */
function excessOf(r: number, m: Memory): Int32Array {
  const known = m.kept[r];
  if (known) return known;
  const panels = int(r, m, CONV2D_GROUPS) * panelsOf(r, m);
  const sums = int(r, m, HYBRID_SUMS) >> 2;
  const excess = new Int32Array(panels * 8);
  for (let n = 0; n < panels * 8; n++) {
    excess[n] = m.weights.i32[sums + n]! - sumOfWeights(m, int(r, m, CONV2D_WEIGHTS), inputsOf(r, m), n);
  }
  m.kept[r] = excess;
  return excess;
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
  const excess = excessOf(r, m);
  let first = 0;

  function finish(count: number, group: number, to: number): void {
    const s = sums;
    const channel = group * panels * 8;
    multiply(0, count, m.weights.i8, int(r, m, CONV2D_WEIGHTS) + group * panels * panelBytes, panelBytes, panels);
    for (let i = 0; i < N; i++) {
      const factor = f32(rangeScale * reals[scale + channel + i]!);
      const sum = (s[i]! - rangeZero * excess[channel + i]!) | 0;
      const x = f32(f32(f32(sum) * factor) + reals[bias + channel + i]!);
      out[first + to + i] = clamp(x, low, top);
    }
  }

  for (let b = 0; b < int(r, m, CONV2D_BATCH); b++) {
    quantizeRange(a, (offsetOf(r, m, CONV2D_SOURCE) >> 2) + b * n, n, asymmetric, bytes);
    first = target + b * int(r, m, CONV2D_BATCH_STRIDE);
    convolve(r, m, bytes, 0, 1, rangeZero, gather, finish);
  }
}
