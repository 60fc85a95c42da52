import { CholeskyDecomposition, Matrix } from 'ml-matrix';
import { f32 } from '../../ops/shared/rounding';

// Rounding of a row of weights to integers q with a scale s, such that the error
// (s·q − c)ᵀ·H·(s·q − c) is small, where c are the best real weights. Finding the minimum is the
// closest vector problem. Two steps approximate it:
//
// - Babai's nearest plane with H = RᵀR: the weights are rounded one after the other, and each takes
//   over the error of those before it. This is GPTQ (Frantar and others, 2022), whose order is the
//   reverse one (Chen and others, "The Geometry of LLM Quantization: GPTQ as Babai's Nearest Plane
//   Algorithm", 2025), without the inverse of H.
// - Coordinate descent on the integers until no change of one of them lowers the error (Behdin and
//   others, "QuantEase", 2023), with the scale fitted to the integers in between.

/** The integers that a weight may have. */
export interface Grid {
  low: number;
  high: number;
}

/** A matrix H [K][K] that weighs errors, positive definite, with its factor R, row-major. */
export interface Metric {
  K: number;
  /** H and R are of the weights in this order; those with the smallest H come first. */
  order: Int32Array;
  H: Float64Array;
  /** Upper triangular, RᵀR = H. */
  R: Float64Array;
}

/** The rounded weights of a row, in the metric's order, and their error. */
export interface RoundedRow {
  q: Float64Array;
  /** H·(s·q − c) */
  gradient: Float64Array;
  error: number;
}

/**
 * Rounds of coordinate descent. It usually ends after three or four; the limit is for errors that
 * differ by the rounding of float64 only.
 */
const MAX_ROUNDS = 1000;
/** How often the scale is fitted to the integers, and the integers to the scale. */
const SCALE_ROUNDS = 3;

/** @param H [K][K], row-major */
export function metricOf(H: ArrayLike<number>, K: number): Metric {
  // the nearest plane rounds the last weight first, when the others can still take over its error
  const order = Int32Array.from({ length: K }, (_, k) => k).sort((a, b) => H[a * K + a]! - H[b * K + b]! || a - b);
  const sorted = new Float64Array(K * K);
  for (let i = 0; i < K; i++) {
    for (let j = 0; j < K; j++) sorted[i * K + j] = H[order[i]! * K + order[j]!]!;
  }
  const lower = new CholeskyDecomposition(Matrix.from1DArray(K, K, sorted)).lowerTriangularMatrix;
  return { K, order, H: sorted, R: Float64Array.from(lower.transpose().to1DArray()) };
}

/**
 * How much the error of each weight counts that the nearest plane cannot move to other weights, in
 * the metric's order.
 */
export function importanceOf({ K, R }: Metric): Float64Array {
  return Float64Array.from({ length: K }, (_, k) => R[k * K + k]! ** 2);
}

/** The numbers in the metric's order. */
export function sorted(values: ArrayLike<number>, { order }: Metric): Float64Array {
  return Float64Array.from(order, (k) => values[k]!);
}

/** The solution c of H·c = b, in the metric's order. */
export function solve({ K, R }: Metric, b: Float64Array): Float64Array {
  const c = b.slice();
  for (let i = 0; i < K; i++) {
    const value = c[i]! / R[i * K + i]!;
    c[i] = value;
    for (let j = i + 1; j < K; j++) c[j]! -= R[i * K + j]! * value;
  }
  for (let i = K - 1; i >= 0; i--) {
    let sum = c[i]!;
    for (let j = i + 1; j < K; j++) sum -= R[i * K + j]! * c[j]!;
    c[i] = sum / R[i * K + i]!;
  }
  return c;
}

const rounded = (value: number, { low, high }: Grid): number => Math.max(low, Math.min(high, Math.round(value)));

/** The nearest plane, then coordinate descent. */
export function roundRow(metric: Metric, c: Float64Array, scale: number, grid: Grid): RoundedRow {
  const { K, R } = metric;
  const q = new Float64Array(K);
  const gap = new Float64Array(K);
  const projected = new Float64Array(K);
  for (let k = K - 1; k >= 0; k--) {
    const diagonal = R[k * K + k]!;
    let carried = 0;
    for (let j = k + 1; j < K; j++) carried += R[k * K + j]! * gap[j]!;
    q[k] = rounded((c[k]! - carried / diagonal) / scale, grid);
    gap[k] = scale * q[k]! - c[k]!;
    projected[k] = carried + diagonal * gap[k]!;
  }
  const gradient = new Float64Array(K);
  let error = 0;
  for (let k = 0; k < K; k++) {
    error += projected[k]! ** 2;
    for (let j = k; j < K; j++) gradient[j]! += R[k * K + j]! * projected[k]!;
  }
  const row = { q, gradient, error };
  descend(metric, row, scale, grid);
  return row;
}

/** Changes single integers as long as that lowers the error. */
function descend({ K, H }: Metric, row: RoundedRow, scale: number, grid: Grid): void {
  const { q, gradient } = row;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    let changed = false;
    for (let k = 0; k < K; k++) {
      const curvature = H[k * K + k]!;
      const to = rounded(q[k]! - gradient[k]! / (curvature * scale), grid);
      if (to === q[k]) continue;
      const change = scale * (to - q[k]!);
      const difference = change * (2 * gradient[k]! + change * curvature);
      if (difference >= 0) continue;
      q[k] = to;
      row.error += difference;
      for (let j = 0; j < K; j++) gradient[j]! += change * H[k * K + j]!;
      changed = true;
    }
    if (!changed) return;
  }
}

/** Rows that share a scale: one, or those of a gate. */
export interface RoundedRows {
  scale: number;
  rows: RoundedRow[];
}

/**
 * Rounds rows with one scale, which is then fitted to the integers.
 *
 * @param targets of each row, the best real weights c and b = H·c
 * @param from the scale to begin with, its lower limit, and the integers
 * @param rounds how often the scale is fitted
 */
export function roundRows(
  metric: Metric,
  targets: readonly { c: Float64Array; b: Float64Array }[],
  { scale, least, grid }: { scale: number; least: number; grid: Grid },
  rounds = SCALE_ROUNDS,
): RoundedRows {
  const rows = targets.map(({ c }) => roundRow(metric, c, scale, grid));
  let current = scale;
  for (let round = 0; round < rounds; round++) {
    let above = 0;
    let below = 0;
    rows.forEach(({ q, gradient }, n) => {
      const { b } = targets[n]!;
      for (let k = 0; k < metric.K; k++) {
        above += q[k]! * b[k]!;
        below += q[k]! * (gradient[k]! + b[k]!) / current;
      }
    });
    const next = f32(Math.max(above / below, least));
    if (!(below > 0 && next > 0) || Math.abs(next / current - 1) < 1e-6) break;
    rows.forEach((row, n) => {
      rescale(row, targets[n]!, current, next);
      descend(metric, row, next, grid);
    });
    current = next;
  }
  return { scale: current, rows };
}

function rescale(row: RoundedRow, { c, b }: { c: Float64Array; b: Float64Array }, from: number, to: number): void {
  const { q, gradient } = row;
  let error = 0;
  for (let k = 0; k < q.length; k++) {
    gradient[k] = (gradient[k]! + b[k]!) * to / from - b[k]!;
    error += gradient[k]! * (to * q[k]! - c[k]!);
  }
  row.error = error;
}

/**
 * Scales for weights that share one, the most promising first.
 *
 * @param importance by which the square of the error of each weight counts
 */
export function scalesFor(weights: Float64Array, importance: Float64Array, grid: Grid, leastScale: number): number[] {
  const largest = weights.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0);
  const highest = Math.max(-grid.low, grid.high);
  if (largest === 0) return [f32(Math.max(1 / highest, leastScale))];
  const candidates = clippingOf(grid).map((factor) => f32(Math.max(factor * largest / highest, leastScale)));
  const scored = [...new Set(candidates)].map((scale) => {
    let error = 0;
    weights.forEach((weight, k) => {
      error += importance[k]! * (scale * rounded(weight / scale, grid) - weight) ** 2;
    });
    return { scale, error };
  });
  return scored.sort((a, b) => a.error - b.error).map(({ scale }) => scale);
}

/** Shares of the largest weight where the grid may end. Coarse grids gain by clipping weights. */
function clippingOf({ high }: Grid): number[] {
  const isCoarse = high < 16;
  const [least, most] = isCoarse ? [0.4, 1.16] : [0.7, 1];
  const steps = isCoarse ? 38 : 15;
  return Array.from({ length: steps + 1 }, (_, i) => most - (most - least) * i / steps);
}
