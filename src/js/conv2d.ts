import { CONV2D_BATCH, CONV2D_BATCH_STRIDE, CONV2D_BIAS, CONV2D_DILATION_X, CONV2D_DILATION_Y, CONV2D_GROUPS,
  CONV2D_IN_C, CONV2D_IN_H, CONV2D_IN_W, CONV2D_KERNEL_H, CONV2D_KERNEL_W, CONV2D_MAX, CONV2D_MIN, CONV2D_OUT_C,
  CONV2D_OUT_H, CONV2D_OUT_W, CONV2D_PAD_LEFT, CONV2D_PAD_TOP, CONV2D_PIXEL_STRIDE, CONV2D_ROW_STRIDE, CONV2D_SCALE,
  CONV2D_SOURCE, CONV2D_SOURCE_ZERO, CONV2D_STRIDE_X, CONV2D_STRIDE_Y, CONV2D_TARGET, CONV2D_TARGET_ZERO,
  CONV2D_WEIGHTS, CONV2D_WEIGHTS_ZERO } from '../../assembly/layout';
import { clamp } from './arithmetic';
import { isFloat } from './floats';
import { float, int, offsetOf, reserve, sectionOf, type Memory } from './memory';
import { gather, multiplyInt8, sumOfWeights, totalOf } from './product';
import { convolve, inputsOf, panelsOf } from './window';

export function prepareConv2d(r: number, m: Memory): void {
  if (!isFloat(r, m)) reserve(inputsOf(r, m), panelsOf(r, m) * 8);
}

/** Bytes of the biases that a record keeps. */
export function keptConv2d(r: number, m: Memory): number {
  return isFloat(r, m) ? 0 : int(r, m, CONV2D_GROUPS) * panelsOf(r, m) * 32;
}

/**
 * The biases without what the zero point of the source adds, because inputs that equal it are left
 * out: b + za·Σ(w − zw). They are computed at the first run, which takes much longer.
 */
function biasesOf(r: number, m: Memory): Int32Array {
  const known = m.kept[r];
  if (known) return known;
  const K = inputsOf(r, m);
  const panels = int(r, m, CONV2D_GROUPS) * panelsOf(r, m);
  const sourceZero = int(r, m, CONV2D_SOURCE_ZERO);
  const weightsZero = int(r, m, CONV2D_WEIGHTS_ZERO);
  const bias = int(r, m, CONV2D_BIAS) >> 2;
  const quads = (K + 3) >> 2;
  const biases = new Int32Array(panels * 8);
  for (let n = 0; n < panels * 8; n++) {
    const sum = sumOfWeights(m, int(r, m, CONV2D_WEIGHTS), K, n) - 4 * quads * weightsZero;
    biases[n] = m.weights.i32[bias + n]! + sourceZero * sum;
  }
  m.kept[r] = biases;
  return biases;
}

function runInt8(r: number, m: Memory): void {
  const N = int(r, m, CONV2D_OUT_C) / int(r, m, CONV2D_GROUPS);
  const panels = panelsOf(r, m);
  const panelBytes = ((inputsOf(r, m) + 3) >> 2) * 32;
  const weights = int(r, m, CONV2D_WEIGHTS);
  const weightsZero = int(r, m, CONV2D_WEIGHTS_ZERO);
  const zero = int(r, m, CONV2D_TARGET_ZERO);
  const target = int(r, m, CONV2D_TARGET);
  const w = m.weights.i8;
  const q = {
    biases: biasesOf(r, m),
    bias: 0,
    scales: m.weights.f32,
    scale: int(r, m, CONV2D_SCALE) >> 2,
    out: m.arena.i8,
    low: int(r, m, CONV2D_MIN) - zero,
    top: int(r, m, CONV2D_MAX) - zero,
    zero,
  };
  convolve(
    r,
    m,
    sectionOf(r, m, CONV2D_SOURCE).i8,
    offsetOf(r, m, CONV2D_SOURCE),
    int(r, m, CONV2D_BATCH),
    int(r, m, CONV2D_SOURCE_ZERO),
    gather,
    function(count, group, to) {
      const correction = weightsZero === 0 ? 0 : weightsZero * totalOf(count);
      const first = group * panels;
      multiplyInt8(count, w, weights + first * panelBytes, panelBytes, N, first * 8, correction, q, target + to);
    },
  );
}

/** Products are added one by one, from the bias on, in the order of the window. */
function runFloat(r: number, m: Memory): void {
  const inH = int(r, m, CONV2D_IN_H);
  const inW = int(r, m, CONV2D_IN_W);
  const inC = int(r, m, CONV2D_IN_C);
  const groups = int(r, m, CONV2D_GROUPS);
  const C = inC / groups;
  const N = int(r, m, CONV2D_OUT_C) / groups;
  const kernelH = int(r, m, CONV2D_KERNEL_H);
  const kernelW = int(r, m, CONV2D_KERNEL_W);
  const panels = panelsOf(r, m);
  const low = float(r, m, CONV2D_MIN);
  const top = float(r, m, CONV2D_MAX);
  const a = sectionOf(r, m, CONV2D_SOURCE).f32;
  const w = m.weights.f32;
  const out = m.arena.f32;
  const f = new Float32Array(9);
  const base = offsetOf(r, m, CONV2D_SOURCE) >> 2;
  const target = int(r, m, CONV2D_TARGET) >> 2;
  for (let b = 0; b < int(r, m, CONV2D_BATCH); b++) {
    for (let y = 0; y < int(r, m, CONV2D_OUT_H); y++) {
      const top0 = y * int(r, m, CONV2D_STRIDE_Y) - int(r, m, CONV2D_PAD_TOP);
      for (let x = 0; x < int(r, m, CONV2D_OUT_W); x++) {
        const left = x * int(r, m, CONV2D_STRIDE_X) - int(r, m, CONV2D_PAD_LEFT);
        const to = target + b * int(r, m, CONV2D_BATCH_STRIDE) + y * int(r, m, CONV2D_ROW_STRIDE) +
          x * int(r, m, CONV2D_PIXEL_STRIDE);
        let q = int(r, m, CONV2D_WEIGHTS) >> 2;
        for (let panel = 0; panel < groups * panels; panel++) {
          const group = Math.floor(panel / panels);
          const first = (panel - group * panels) * 8;
          for (let i = 0; i < 8; i++) f[i] = w[(int(r, m, CONV2D_BIAS) >> 2) + panel * 8 + i]!;
          for (let ky = 0; ky < kernelH; ky++) {
            const iy = top0 + ky * int(r, m, CONV2D_DILATION_Y);
            for (let kx = 0; kx < kernelW; kx++) {
              const ix = left + kx * int(r, m, CONV2D_DILATION_X);
              const inside = iy >= 0 && iy < inH && ix >= 0 && ix < inW;
              const at = inside ? base + ((b * inH + iy) * inW + ix) * inC + group * C : -1;
              for (let i = 0; i < C; i++, q += 8) {
                const v = inside ? a[at + i]! : 0;
                f[8] = v * w[q]!;
                f[0]! += f[8];
                f[8] = v * w[q + 1]!;
                f[1]! += f[8];
                f[8] = v * w[q + 2]!;
                f[2]! += f[8];
                f[8] = v * w[q + 3]!;
                f[3]! += f[8];
                f[8] = v * w[q + 4]!;
                f[4]! += f[8];
                f[8] = v * w[q + 5]!;
                f[5]! += f[8];
                f[8] = v * w[q + 6]!;
                f[6]! += f[8];
                f[8] = v * w[q + 7]!;
                f[7]! += f[8];
              }
            }
          }
          for (let i = 0; i < 8 && first + i < N; i++) out[to + group * N + first + i] = clamp(f[i]!, low, top);
        }
      }
    }
  }
}

export function runConv2d(r: number, m: Memory): void {
  if (isFloat(r, m)) runFloat(r, m);
  else runInt8(r, m);
}
