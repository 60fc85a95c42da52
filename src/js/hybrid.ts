import { f32, truncate } from './arithmetic';
import { greater, lesser } from './fold';

// Float activations times int8 weights: the activations are quantized by their own range
// (assembly/kernels/hybrid.ts).

/** Quantization parameters of the values that `quantizeRange` quantized last. */
export let rangeScale = 1;
export let rangeZero = 0;

function findRange(a: Float32Array, from: number, n: number, asymmetric: boolean): void {
  let low = 0;
  let top = 0;
  for (let i = 0; i < n; i++) {
    low = lesser(low, a[from + i]!);
    top = greater(top, a[from + i]!);
  }
  rangeScale = 1;
  rangeZero = 0;
  const extent = f32(top - low);
  // if the range is empty or infinite, all values are quantized to 0
  if (!(extent > 0 && extent < Infinity)) return;
  if (!asymmetric) {
    rangeScale = f32(Math.max(-low, top) / 127);
    return;
  }
  const step = (top - low) / 255;
  const lowError = 128 + Math.abs(low / step);
  const topError = 127 + Math.abs(top / step);
  const exact = lowError < topError ? -128 - low / step : 127 - top / step;
  rangeScale = f32(step);
  if (exact <= -128) rangeZero = -128;
  else if (exact >= 127) rangeZero = 127;
  else rangeZero = truncate(exact < 0 ? exact - 0.5 : exact + 0.5);
}

/** out = clamp(round(a / scale + zero)) by the range of n floats, halves away from zero */
export function quantizeRange(a: Float32Array, from: number, n: number, asymmetric: boolean, out: Int8Array): void {
  findRange(a, from, n, asymmetric);
  const inverse = f32(1 / rangeScale);
  for (let i = 0; i < n; i++) {
    let x = f32(rangeZero + f32(a[from + i]! * inverse));
    if (x < -128) x = -128;
    if (x > 127) x = 127;
    out[i] = x === x ? truncate(f32(x < 0 ? x - 0.5 : x + 0.5)) : rangeZero;
  }
}
