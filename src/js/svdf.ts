import { RECURRENT_ASYMMETRIC, RECURRENT_PLAIN, SVDF_BATCH, SVDF_BIAS, SVDF_FEATURE_EXPONENT, SVDF_FEATURE_MULTIPLIER,
  SVDF_FEATURE_WEIGHTS, SVDF_INPUTS, SVDF_MAX, SVDF_MEMORY, SVDF_MIN, SVDF_MODE, SVDF_NIBBLES, SVDF_OUT_EXPONENT,
  SVDF_OUT_MULTIPLIER, SVDF_RANK, SVDF_SCALE, SVDF_SOURCE, SVDF_SOURCE_BATCH_STRIDE, SVDF_SOURCE_TIME_STRIDE,
  SVDF_SOURCE_ZERO, SVDF_STATE, SVDF_SUMS, SVDF_TARGET, SVDF_TARGET_BATCH_STRIDE, SVDF_TARGET_TIME_STRIDE,
  SVDF_TARGET_ZERO, SVDF_TIME, SVDF_TIME_WEIGHTS, SVDF_UNITS } from '../../assembly/layout';
import { clamp, f32, multiplyFixed, saturate16 } from './arithmetic';
import { quantizeRange, rangeScale, rangeZero } from './hybrid';
import { isFloat } from './floats';
import { bytes, float, grown, int, type Memory, offsetOf, reserve, reserveBytes, sectionOf, sums } from './memory';
import { gather, multiply, multiplyFloats, multiplyNibbles } from './product';

/** The products of the features of float layers. */
let products = new Float32Array(0);

function panelsOf(r: number, m: Memory): number {
  return Math.ceil((int(r, m, SVDF_UNITS) * int(r, m, SVDF_RANK)) / 8);
}

export function prepareSvdf(r: number, m: Memory): void {
  const K = int(r, m, SVDF_INPUTS);
  const lanes = panelsOf(r, m) * 8;
  reserve(K, lanes);
  if (!isFloat(r, m)) return;
  reserveBytes(K);
  if (products.length < lanes) products = new Float32Array(grown(products.length, lanes));
}

/** sums = the feature weights times INPUTS values from `at` on */
function multiplyFeatures(r: number, m: Memory, a: Int8Array, at: number): void {
  const K = int(r, m, SVDF_INPUTS);
  const weights = int(r, m, SVDF_FEATURE_WEIGHTS);
  const count = gather(a, at, K, 0, 0, 0);
  if (int(r, m, SVDF_NIBBLES) !== 0) {
    multiplyNibbles(count, m.weights.u8, weights, ((K + 7) >> 3) * 32, panelsOf(r, m));
  } else multiply(0, count, m.weights.i8, weights, ((K + 3) >> 2) * 32, panelsOf(r, m));
}

/** products f32 = the feature weights times INPUTS values from `at` on */
function multiplyFeaturesF32(r: number, m: Memory, a: Float32Array, at: number): void {
  const K = int(r, m, SVDF_INPUTS);
  const mode = int(r, m, SVDF_MODE);
  const lanes = panelsOf(r, m) * 8;
  for (let i = 0; i < lanes; i++) products[i] = 0;
  if (mode === RECURRENT_PLAIN) {
    multiplyFloats(a, at, K, m.weights.f32, int(r, m, SVDF_FEATURE_WEIGHTS) >> 2, products, 0, lanes >> 3);
    return;
  }
  quantizeRange(a, at, K, mode === RECURRENT_ASYMMETRIC, bytes);
  multiplyFeatures(r, m, bytes, 0);
  const scale = f32(rangeScale * float(r, m, SVDF_SCALE));
  for (let i = 0; i < lanes; i++) {
    const x = f32((sums[i]! - rangeZero * m.weights.i32[(int(r, m, SVDF_SUMS) >> 2) + i]!) | 0);
    products[i] = f32(x * scale) + products[i]!;
  }
}

export function runSvdf(r: number, m: Memory): void {
  const floats = isFloat(r, m);
  const shift = floats ? 2 : 0;
  const units = int(r, m, SVDF_UNITS);
  const rank = int(r, m, SVDF_RANK);
  const memory = int(r, m, SVDF_MEMORY);
  const filters = units * rank;
  const section = sectionOf(r, m, SVDF_SOURCE);
  const states = floats ? m.arena.f32 : m.arena.i16;
  const weights = floats ? m.weights.f32 : m.weights.i16;
  const bias = int(r, m, SVDF_BIAS) >> 2;
  const base = int(r, m, SVDF_TIME_WEIGHTS) >> (floats ? 2 : 1);
  for (let b = 0; b < int(r, m, SVDF_BATCH); b++) {
    const state = (int(r, m, SVDF_STATE) >> (floats ? 2 : 1)) + b * filters * memory;
    for (let t = 0; t < int(r, m, SVDF_TIME); t++) {
      const x = (offsetOf(r, m, SVDF_SOURCE) >> shift) + t * int(r, m, SVDF_SOURCE_TIME_STRIDE) +
        b * int(r, m, SVDF_SOURCE_BATCH_STRIDE);
      const y = (int(r, m, SVDF_TARGET) >> shift) + t * int(r, m, SVDF_TARGET_TIME_STRIDE) +
        b * int(r, m, SVDF_TARGET_BATCH_STRIDE);
      // the last number of each filter is overwritten next
      for (let i = state; i < state + filters * memory - 1; i++) states[i] = states[i + 1]!;
      if (floats) multiplyFeaturesF32(r, m, section.f32, x);
      else multiplyFeatures(r, m, section.i8, x);
      for (let i = 0; i < filters; i++) {
        const last = state + (i + 1) * memory - 1;
        if (floats) {
          states[last] = products[i]!;
          continue;
        }
        const sum = sums[i]! - int(r, m, SVDF_SOURCE_ZERO) * m.weights.i32[(int(r, m, SVDF_SUMS) >> 2) + i]!;
        states[last] =
          saturate16(multiplyFixed(sum | 0, int(r, m, SVDF_FEATURE_MULTIPLIER), int(r, m, SVDF_FEATURE_EXPONENT)));
      }
      for (let unit = 0; unit < units; unit++) {
        let sum = floats ? 0 : m.weights.i32[bias + unit]!;
        for (let k = unit * rank; k < (unit + 1) * rank; k++) {
          let dot = 0;
          for (let i = k * memory; i < (k + 1) * memory; i++) {
            const p = weights[base + i]! * states[state + i]!;
            dot = floats ? f32(dot + f32(p)) : dot + p;
          }
          sum = floats ? f32(sum + dot) : sum + dot;
        }
        if (floats) {
          const v = f32(sum + m.weights.f32[bias + unit]!);
          m.arena.f32[y + unit] = clamp(v, float(r, m, SVDF_MIN), float(r, m, SVDF_MAX));
        } else {
          const v = multiplyFixed(sum | 0, int(r, m, SVDF_OUT_MULTIPLIER), int(r, m, SVDF_OUT_EXPONENT));
          const q = clamp(v, -16777216, 16777216) + int(r, m, SVDF_TARGET_ZERO);
          m.arena.i8[y + unit] = clamp(q, int(r, m, SVDF_MIN), int(r, m, SVDF_MAX));
        }
      }
    }
  }
}
