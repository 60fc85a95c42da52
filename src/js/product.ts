import { EVEN } from './arithmetic';
import { offsets, positions, sums, values, type Memory } from './memory';

// Products of rows and matrices of int8 weights, packed in panels of 8 outputs: i8
// [panels][quads][8][4] (docs/kernels/gemm.md). Inputs that equal the zero point contribute
// nothing and are left out. After a ReLU, half of them do.

/** How sums become int8 outputs: f32(sum + bias) · scale, clamped and rounded half to even. */
export interface Requantization {
  biases: Int32Array;
  /** The place of the first output in the tables. */
  bias: number;
  scales: Float32Array;
  scale: number;
  out: Int8Array;
  /** Bounds, less the zero point. */
  low: number;
  top: number;
  zero: number;
}

/** The sums of 8 outputs as floats. */
export const lanes = new Float32Array(8);

/**
 * Lists those of n inputs (from `at` on, for the positions from k on) that are not `zero`, after
 * the first `count` in the list.
 *
 * @returns the length of the list
 */
export function gather(
  source: Int8Array | Int16Array,
  at: number,
  n: number,
  zero: number,
  k: number,
  count: number,
): number {
  const p = positions;
  const o = offsets;
  const v = values;
  for (let i = 0; i < n; i++) {
    const x = source[at + i]! - zero;
    if (x !== 0) {
      o[count] = p[k + i]!;
      v[count++] = x;
    }
  }
  return count;
}

/** Σ of the weights of output n, whose panels of K inputs begin at `at` */
export function sumOfWeights(m: Memory, at: number, K: number, n: number): number {
  const w = m.weights.i8;
  const quads = (K + 3) >> 2;
  let sum = 0;
  at += (n >> 3) * quads * 32 + (n & 7) * 4;
  for (let quad = 0; quad < quads; quad++, at += 32) sum += w[at]! + w[at + 1]! + w[at + 2]! + w[at + 3]!;
  return sum;
}

/** Σ of the first `count` listed values */
export function totalOf(count: number): number {
  const v = values;
  let sum = 0;
  for (let i = 0; i < count; i++) sum += v[i]!;
  return sum;
}

/**
 * Requantized products of the `count` listed inputs with the panels of `n` outputs from `at` on
 *
 * @param first the first output's place in the tables of `q`, `to` its place in the target
 * @param correction is subtracted from the sums
 */
export function multiplyInt8(
  count: number,
  w: Int8Array,
  at: number,
  panelBytes: number,
  n: number,
  first: number,
  correction: number,
  q: Requantization,
  to: number,
): void {
  const o = offsets;
  const v = values;
  const b = q.biases;
  const scales = q.scales;
  const out = q.out;
  const low = q.low;
  const top = q.top;
  const zero = q.zero;
  const f = lanes;
  for (let panel = 0; panel < n; panel += 8, at += panelBytes) {
    const bias = q.bias + first + panel;
    const scale = q.scale + first + panel;
    let s0 = b[bias]! - correction;
    let s1 = b[bias + 1]! - correction;
    let s2 = b[bias + 2]! - correction;
    let s3 = b[bias + 3]! - correction;
    let s4 = b[bias + 4]! - correction;
    let s5 = b[bias + 5]! - correction;
    let s6 = b[bias + 6]! - correction;
    let s7 = b[bias + 7]! - correction;
    for (let i = 0; i < count; i++) {
      const x = v[i]!;
      const p = at + o[i]!;
      s0 += x * w[p]!;
      s1 += x * w[p + 4]!;
      s2 += x * w[p + 8]!;
      s3 += x * w[p + 12]!;
      s4 += x * w[p + 16]!;
      s5 += x * w[p + 20]!;
      s6 += x * w[p + 24]!;
      s7 += x * w[p + 28]!;
    }
    f[0] = s0 | 0;
    f[1] = s1 | 0;
    f[2] = s2 | 0;
    f[3] = s3 | 0;
    f[4] = s4 | 0;
    f[5] = s5 | 0;
    f[6] = s6 | 0;
    f[7] = s7 | 0;
    const end = n - panel < 8 ? n - panel : 8;
    for (let i = 0; i < end; i++) {
      f[i]! *= scales[scale + i]!;
      let x = f[i]!;
      if (x < low) x = low;
      if (x > top) x = top;
      out[to + panel + i] = x + EVEN - EVEN + zero;
    }
  }
}

/**
 * sums [panels·8] = the products of the listed inputs from `from` up to `to` with the panels from
 * `at` on
 */
export function multiply(from: number, to: number, w: Int8Array, at: number, panelBytes: number, panels: number): void {
  const o = offsets;
  const v = values;
  const s = sums;
  for (let panel = 0; panel < panels; panel++, at += panelBytes) {
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    let s4 = 0;
    let s5 = 0;
    let s6 = 0;
    let s7 = 0;
    for (let i = from; i < to; i++) {
      const x = v[i]!;
      const q = at + o[i]!;
      s0 += x * w[q]!;
      s1 += x * w[q + 4]!;
      s2 += x * w[q + 8]!;
      s3 += x * w[q + 12]!;
      s4 += x * w[q + 16]!;
      s5 += x * w[q + 20]!;
      s6 += x * w[q + 24]!;
      s7 += x * w[q + 28]!;
    }
    const first = panel * 8;
    s[first] = s0;
    s[first + 1] = s1;
    s[first + 2] = s2;
    s[first + 3] = s3;
    s[first + 4] = s4;
    s[first + 5] = s5;
    s[first + 6] = s6;
    s[first + 7] = s7;
  }
}

/**
 * Stores n inputs as the values at positions k to k + n, in place of a list. Positions that no call
 * stores keep their value.
 */
export function gatherAll(source: Int8Array | Int16Array, at: number, n: number, _zero: number, k: number): number {
  const v = values;
  for (let i = 0; i < n; i++) v[k + i] = source[at + i]!;
  return k + n;
}

/**
 * sums [panels·8] = the listed blocks of weights times the values that `gatherAll` stored, whose
 * last group of four is complete. The arguments are offsets of the first panel's lists.
 */
export function multiplyBlocks(
  m: Memory,
  at: number,
  count: number,
  delta: number,
  zero: number,
  panels: number,
): void {
  const v = values;
  const s = sums;
  const w = m.weights.i8;
  const deltas = m.weights.u8;
  const counts = m.weights.u16;
  for (let panel = 0; panel < panels; panel++) {
    const blocks = counts[count + panel]!;
    for (let lane = 0; lane < 8; lane++) {
      let sum = 0;
      let k = 0;
      let q = at + lane * 4;
      for (let i = 0; i < blocks; i++, q += 32) {
        k += 4 * deltas[delta + i]!;
        sum += v[k]! * (w[q]! - zero) + v[k + 1]! * (w[q + 1]! - zero) + v[k + 2]! * (w[q + 2]! - zero) +
          v[k + 3]! * (w[q + 3]! - zero);
      }
      s[panel * 8 + lane] = sum;
    }
    at += blocks * 32;
    delta += blocks;
  }
}

/**
 * sums [panels·8] = the `count` listed inputs times 4-bit weights, u8 [panels][2·pairs][4][4] from
 * `at` on, with a panel in `panelBytes` bytes. Byte [c][i] of a quad holds w + 8 of channel c in
 * its low four bits and of channel c + 4 in its high ones.
 */
export function multiplyNibbles(count: number, w: Uint8Array, at: number, panelBytes: number, panels: number): void {
  const o = offsets;
  const v = values;
  const s = sums;
  const correction = 8 * totalOf(count);
  for (let panel = 0; panel < panels; panel++, at += panelBytes) {
    for (let lane = 0; lane < 4; lane++) {
      let lower = 0;
      let upper = 0;
      for (let i = 0; i < count; i++) {
        const k = o[i]!;
        const pair = w[at + (k >> 5) * 16 + lane * 4 + (k & 3)]!;
        lower += v[i]! * (pair & 15);
        upper += v[i]! * (pair >> 4);
      }
      s[panel * 8 + lane] = lower - correction;
      s[panel * 8 + lane + 4] = upper - correction;
    }
  }
}

/** floats [panels·8] += f32 [K] from `at` on times panels f32 [K][8], in the order of k */
export function multiplyFloats(
  a: Float32Array,
  at: number,
  K: number,
  w: Float32Array,
  weights: number,
  out: Float32Array,
  to: number,
  panels: number,
): void {
  const f = new Float32Array(1);
  for (let panel = 0; panel < panels; panel++, weights += K * 8) {
    for (let lane = 0; lane < 8; lane++) {
      const n = to + panel * 8 + lane;
      let q = weights + lane;
      for (let k = 0; k < K; k++, q += 8) {
        f[0] = a[at + k]! * w[q]!;
        out[n]! += f[0];
      }
    }
  }
}
