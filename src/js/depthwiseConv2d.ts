import { DEPTHWISE_BATCH, DEPTHWISE_BIAS, DEPTHWISE_CHANNELS, DEPTHWISE_DILATION_X, DEPTHWISE_DILATION_Y,
  DEPTHWISE_IN_H, DEPTHWISE_IN_W, DEPTHWISE_KERNEL_H, DEPTHWISE_KERNEL_W, DEPTHWISE_MAX, DEPTHWISE_MIN, DEPTHWISE_OUT_H,
  DEPTHWISE_OUT_W, DEPTHWISE_PAD_LEFT, DEPTHWISE_PAD_TOP, DEPTHWISE_SCALE, DEPTHWISE_SOURCE, DEPTHWISE_SOURCE_ZERO,
  DEPTHWISE_STRIDE_X, DEPTHWISE_STRIDE_Y, DEPTHWISE_TARGET, DEPTHWISE_TARGET_ZERO, DEPTHWISE_WEIGHTS,
  DEPTHWISE_WEIGHTS_ZERO } from '../../assembly/layout';
import { clamp, EVEN, f32 } from './arithmetic';
import { isFloat } from './floats';
import { float, int, offsetOf, offsets, reserve, sectionOf, sums, type Memory } from './memory';
import { lanes, type Requantization } from './product';

/** Taps of the window */
export function tapsOf(r: number, m: Memory): number {
  return int(r, m, DEPTHWISE_KERNEL_H) * int(r, m, DEPTHWISE_KERNEL_W);
}

export function prepareDepthwiseConv2d(r: number, m: Memory): void {
  reserve(2 * tapsOf(r, m), 8);
}

function blocksOf(r: number, m: Memory): number {
  return Math.ceil(int(r, m, DEPTHWISE_CHANNELS) / 8);
}

/** Bytes of the biases that a record keeps. */
export function keptDepthwiseConv2d(r: number, m: Memory): number {
  return isFloat(r, m) ? 0 : blocksOf(r, m) * 32;
}

/**
 * b + za·Σ(w − zw) for each channel, so that taps that equal the zero point za of the source are
 * left out, and those outside the image. Computed at the first run.
 */
function biasesOf(r: number, m: Memory): Int32Array {
  const known = m.kept[r];
  if (known) return known;
  const taps = tapsOf(r, m);
  const blocks = blocksOf(r, m);
  const sourceZero = int(r, m, DEPTHWISE_SOURCE_ZERO);
  const weightsZero = int(r, m, DEPTHWISE_WEIGHTS_ZERO);
  const biases = new Int32Array(blocks * 8);
  for (let c = 0; c < blocks * 8; c++) {
    let sum = 0;
    const at = int(r, m, DEPTHWISE_WEIGHTS) + (c >> 3) * taps * 8 + (c & 7);
    for (let tap = 0; tap < taps; tap++) sum += m.weights.i8[at + tap * 8]! - weightsZero;
    biases[c] = m.weights.i32[(int(r, m, DEPTHWISE_BIAS) >> 2) + c]! + sourceZero * sum;
  }
  m.kept[r] = biases;
  return biases;
}

/**
 * Visits the output pixels. `offsets` then has, tap by tap and column by column, the first element
 * of the tap's pixel in the source and the number of the tap. Between pixels whose taps are all
 * inside the image, only `shift` changes, which is added to the elements.
 *
 * @param inside whether taps outside the image are left out. Otherwise their element is −1
 * @param visit is called with twice the number of taps
 */
export function visitPixels(
  r: number,
  m: Memory,
  base: number,
  inside: boolean,
  visit: (taps: number, shift: number, pixel: number) => void,
): void {
  const inH = int(r, m, DEPTHWISE_IN_H);
  const inW = int(r, m, DEPTHWISE_IN_W);
  const C = int(r, m, DEPTHWISE_CHANNELS);
  const outH = int(r, m, DEPTHWISE_OUT_H);
  const outW = int(r, m, DEPTHWISE_OUT_W);
  const kernelH = int(r, m, DEPTHWISE_KERNEL_H);
  const kernelW = int(r, m, DEPTHWISE_KERNEL_W);
  const strideY = int(r, m, DEPTHWISE_STRIDE_Y);
  const strideX = int(r, m, DEPTHWISE_STRIDE_X);
  const dilationY = int(r, m, DEPTHWISE_DILATION_Y);
  const dilationX = int(r, m, DEPTHWISE_DILATION_X);
  const reachX = (kernelW - 1) * dilationX;
  const o = offsets;
  let pixel = 0;
  for (let b = 0; b < int(r, m, DEPTHWISE_BATCH); b++) {
    for (let y = 0; y < outH; y++) {
      const iy0 = y * strideY - int(r, m, DEPTHWISE_PAD_TOP);
      const rowInside = iy0 >= 0 && iy0 + (kernelH - 1) * dilationY < inH;
      let whole = false;
      let shift = 0;
      let taps = 0;
      for (let x = 0; x < outW; x++) {
        let ix = x * strideX - int(r, m, DEPTHWISE_PAD_LEFT);
        if (whole && ix + reachX < inW) shift += strideX * C;
        else {
          whole = rowInside && ix >= 0 && ix + reachX < inW;
          shift = 0;
          taps = 0;
          for (let kx = 0; kx < kernelW; kx++) {
            const outside = ix < 0 || ix >= inW;
            let iy = iy0;
            for (let ky = 0; ky < kernelH; ky++) {
              if (!outside && iy >= 0 && iy < inH) {
                o[taps++] = base + ((b * inH + iy) * inW + ix) * C;
                o[taps++] = kx * kernelH + ky;
              } else if (!inside) {
                o[taps++] = -1;
                o[taps++] = kx * kernelH + ky;
              }
              iy += dilationY;
            }
            ix += dilationX;
          }
        }
        visit(taps, shift, pixel++);
      }
    }
  }
}

/** sums [8] = Σ (a − zero)·(w − weightsZero) of 8 channels from c on, whose weights are at `at` */
export function sumTaps(
  taps: number,
  a: Int8Array | Int16Array,
  zero: number,
  w: Int8Array,
  at: number,
  weightsZero: number,
  c: number,
): void {
  const o = offsets;
  const s = sums;
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let s4 = 0;
  let s5 = 0;
  let s6 = 0;
  let s7 = 0;
  for (let tap = 0; tap < taps; tap += 2) {
    const p = o[tap]! + c;
    const q = at + o[tap + 1]! * 8;
    s0 += (a[p]! - zero) * (w[q]! - weightsZero);
    s1 += (a[p + 1]! - zero) * (w[q + 1]! - weightsZero);
    s2 += (a[p + 2]! - zero) * (w[q + 2]! - weightsZero);
    s3 += (a[p + 3]! - zero) * (w[q + 3]! - weightsZero);
    s4 += (a[p + 4]! - zero) * (w[q + 4]! - weightsZero);
    s5 += (a[p + 5]! - zero) * (w[q + 5]! - weightsZero);
    s6 += (a[p + 6]! - zero) * (w[q + 6]! - weightsZero);
    s7 += (a[p + 7]! - zero) * (w[q + 7]! - weightsZero);
  }
  s[0] = s0;
  s[1] = s1;
  s[2] = s2;
  s[3] = s3;
  s[4] = s4;
  s[5] = s5;
  s[6] = s6;
  s[7] = s7;
}

/**
 * The outputs of a pixel whose taps are all inside the image, without zero points; the biases
 * contain what the source's adds.
 */
function multiplyWindow(
  taps: number,
  a: Int8Array,
  shift: number,
  w: Int8Array,
  at: number,
  C: number,
  q: Requantization,
  to: number,
): void {
  const o = offsets;
  const b = q.biases;
  const scales = q.scales;
  const out = q.out;
  const low = q.low;
  const top = q.top;
  const zero = q.zero;
  const f = lanes;
  for (let c = 0; c < C; c += 8) {
    const bias = q.bias + c;
    const scale = q.scale + c;
    let s0 = b[bias]!;
    let s1 = b[bias + 1]!;
    let s2 = b[bias + 2]!;
    let s3 = b[bias + 3]!;
    let s4 = b[bias + 4]!;
    let s5 = b[bias + 5]!;
    let s6 = b[bias + 6]!;
    let s7 = b[bias + 7]!;
    for (let tap = 0; tap < taps; tap += 2, at += 8) {
      const p = o[tap]! + shift + c;
      s0 += a[p]! * w[at]!;
      s1 += a[p + 1]! * w[at + 1]!;
      s2 += a[p + 2]! * w[at + 2]!;
      s3 += a[p + 3]! * w[at + 3]!;
      s4 += a[p + 4]! * w[at + 4]!;
      s5 += a[p + 5]! * w[at + 5]!;
      s6 += a[p + 6]! * w[at + 6]!;
      s7 += a[p + 7]! * w[at + 7]!;
    }
    f[0] = s0 | 0;
    f[1] = s1 | 0;
    f[2] = s2 | 0;
    f[3] = s3 | 0;
    f[4] = s4 | 0;
    f[5] = s5 | 0;
    f[6] = s6 | 0;
    f[7] = s7 | 0;
    const end = C - c < 8 ? C - c : 8;
    for (let i = 0; i < end; i++) {
      f[i]! *= scales[scale + i]!;
      let x = f[i]!;
      if (x < low) x = low;
      if (x > top) x = top;
      out[to + c + i] = x + EVEN - EVEN + zero;
    }
  }
}

function runInt8(r: number, m: Memory): void {
  const C = int(r, m, DEPTHWISE_CHANNELS);
  const all = 2 * tapsOf(r, m);
  const a = sectionOf(r, m, DEPTHWISE_SOURCE).i8;
  const w = m.weights.i8;
  const biases = biasesOf(r, m);
  const weights = int(r, m, DEPTHWISE_WEIGHTS);
  const target = int(r, m, DEPTHWISE_TARGET);
  const sourceZero = int(r, m, DEPTHWISE_SOURCE_ZERO);
  const weightsZero = int(r, m, DEPTHWISE_WEIGHTS_ZERO);
  const zero = int(r, m, DEPTHWISE_TARGET_ZERO);
  const q = {
    biases: m.weights.i32,
    bias: int(r, m, DEPTHWISE_BIAS) >> 2,
    scales: m.weights.f32,
    scale: int(r, m, DEPTHWISE_SCALE) >> 2,
    out: m.arena.i8,
    low: int(r, m, DEPTHWISE_MIN) - zero,
    top: int(r, m, DEPTHWISE_MAX) - zero,
    zero,
  };
  visitPixels(r, m, offsetOf(r, m, DEPTHWISE_SOURCE), true, function(taps, shift, pixel) {
    const to = target + pixel * C;
    if (taps === all && weightsZero === 0) {
      multiplyWindow(taps, a, shift, w, weights, C, q, to);
      return;
    }
    for (let c = 0; c < C; c += 8) {
      sumTaps(taps, a, sourceZero, w, weights + (c >> 1) * all, weightsZero, shift + c);
      for (let i = 0; i < 8 && c + i < C; i++) {
        const x = f32(f32((sums[i]! + biases[c + i]!) | 0) * q.scales[q.scale + c + i]!);
        q.out[to + c + i] = clamp(x, q.low, q.top) + EVEN - EVEN + zero;
      }
    }
  });
}

function runFloat(r: number, m: Memory): void {
  const C = int(r, m, DEPTHWISE_CHANNELS);
  const a = sectionOf(r, m, DEPTHWISE_SOURCE).f32;
  const w = m.weights.f32;
  const out = m.arena.f32;
  const weights = int(r, m, DEPTHWISE_WEIGHTS) >> 2;
  const bias = int(r, m, DEPTHWISE_BIAS) >> 2;
  const target = int(r, m, DEPTHWISE_TARGET) >> 2;
  const low = float(r, m, DEPTHWISE_MIN);
  const top = float(r, m, DEPTHWISE_MAX);
  const f = new Float32Array(2);
  visitPixels(r, m, offsetOf(r, m, DEPTHWISE_SOURCE) >> 2, false, function(taps, shift, pixel) {
    const o = offsets;
    for (let c = 0; c < C; c++) {
      f[1] = w[bias + c]!;
      for (let tap = 0; tap < taps; tap += 2) {
        f[0] = (o[tap]! < 0 ? 0 : a[o[tap]! + shift + c]!) * w[weights + o[tap + 1]! * C + c]!;
        f[1] += f[0];
      }
      out[target + pixel * C + c] = clamp(f[1], low, top);
    }
  });
}

export function runDepthwiseConv2d(r: number, m: Memory): void {
  if (isFloat(r, m)) runFloat(r, m);
  else runInt8(r, m);
}
