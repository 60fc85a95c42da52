import { DTYPE_F32, NORMALIZE_BIAS, NORMALIZE_BIAS_STRIDES, NORMALIZE_CENTER, NORMALIZE_DIMENSIONS, NORMALIZE_EPSILON,
  NORMALIZE_SCALE, NORMALIZE_SCALE_STRIDES, NORMALIZE_SOURCE, NORMALIZE_SOURCE_SCALE, NORMALIZE_SOURCE_ZERO,
  NORMALIZE_STRIDES, NORMALIZE_TARGET, NORMALIZE_TARGET_SCALE, NORMALIZE_TARGET_ZERO } from '../../../assembly/layout';
import { EVEN } from '../arithmetic';
import { dtypeOf, float, int, offsetOf, sectionOf, shiftOf, viewOf, type Memory } from '../memory';

/** Visits the indices of three of the six dimensions, from the one `from` bytes later on. */
function each(r: number, m: Memory, from: number, visit: (i: number, j: number, k: number) => void): void {
  for (let i = 0; i < int(r, m, NORMALIZE_DIMENSIONS + from); i++) {
    for (let j = 0; j < int(r, m, NORMALIZE_DIMENSIONS + from + 4); j++) {
      for (let k = 0; k < int(r, m, NORMALIZE_DIMENSIONS + from + 8); k++) visit(i, j, k);
    }
  }
}

/** The rounding of a real number of steps to an int8; NaN gives the lowest. */
function quantized(steps: number, zero: number): number {
  if (!(steps > -128 - zero)) return -128;
  return steps < 127 - zero ? steps + EVEN - EVEN + zero : 127;
}

export function runNormalize(r: number, m: Memory): void {
  const dtype = dtypeOf(r, m);
  const shift = shiftOf(dtype);
  const a = viewOf(sectionOf(r, m, NORMALIZE_SOURCE), dtype);
  const out = viewOf(m.arena, dtype);
  const scales = sectionOf(r, m, NORMALIZE_SCALE).f32;
  const biases = sectionOf(r, m, NORMALIZE_BIAS).f32;
  const center = int(r, m, NORMALIZE_CENTER) !== 0;
  const zero = int(r, m, NORMALIZE_SOURCE_ZERO);
  const targetZero = int(r, m, NORMALIZE_TARGET_ZERO);
  const step = float(r, m, NORMALIZE_SOURCE_SCALE);
  const outStep = float(r, m, NORMALIZE_TARGET_SCALE);
  let n = 1;
  for (let d = 12; d < 24; d += 4) n *= int(r, m, NORMALIZE_DIMENSIONS + d);

  /** The elements from the first one to that at (i, j, k) of three dimensions. */
  function offset(strides: number, i: number, j: number, k: number): number {
    return i * int(r, m, strides) + j * int(r, m, strides + 4) + k * int(r, m, strides + 8);
  }

  each(r, m, 0, function(i, j, k) {
    const group = offset(NORMALIZE_STRIDES, i, j, k);
    const from = (offsetOf(r, m, NORMALIZE_SOURCE) >> shift) + group;
    const to = (int(r, m, NORMALIZE_TARGET) >> shift) + group;
    const scale = (offsetOf(r, m, NORMALIZE_SCALE) >> 2) + offset(NORMALIZE_SCALE_STRIDES, i, j, k);
    const bias = (offsetOf(r, m, NORMALIZE_BIAS) >> 2) + offset(NORMALIZE_BIAS_STRIDES, i, j, k);

    /** Σ (x − mean), or Σ (x − mean)² */
    function sum(mean: number, squares: boolean): number {
      let total = 0;
      each(r, m, 12, function(u, v, w) {
        const d = a[from + offset(NORMALIZE_STRIDES + 12, u, v, w)]! - mean;
        total += squares ? d * d : d;
      });
      return total;
    }

    const mean = center ? zero + sum(zero, false) / n : zero;
    // a second term removes the rounding of the mean from the variance
    const rest = center ? sum(mean, false) : 0;
    const variance = Math.max(0, sum(mean, true) - rest * rest / n) / n;
    const factor = step / Math.sqrt(variance * step * step + float(r, m, NORMALIZE_EPSILON));
    each(r, m, 12, function(u, v, w) {
      const at = offset(NORMALIZE_STRIDES + 12, u, v, w);
      const s = scales[scale + offset(NORMALIZE_SCALE_STRIDES + 12, u, v, w)]!;
      const b = biases[bias + offset(NORMALIZE_BIAS_STRIDES + 12, u, v, w)]!;
      const y = (a[from + at]! - mean) * factor * s + b;
      out[to + at] = dtype === DTYPE_F32 ? y : quantized(y / outStep, targetZero);
    });
  });
}
