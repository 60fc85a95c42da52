import { productWithTransposed, transposedProduct, type FloatMatrix } from '../products';
import { importanceOf, metricOf, roundRows, scalesFor, solve, sorted, type Grid, type Metric,
  type RoundedRows } from './lattice';

/** A matrix of weights to round, and the rows that it should multiply. */
export interface FitProblem {
  /** Centered rows of inputs in the quantized network, [rows][K]. */
  inputs: FloatMatrix;
  /** Centered products of the float network, [rows][N]. */
  targets: FloatMatrix;
  /** Weights of the float network, [N][K]. */
  weights: Float32Array;
  grid: Grid;
  /** Lower limits of the scales, [N]. */
  leastScale: readonly number[];
  /** Consecutive outputs that share a scale. */
  sharing: number;
  /**
   * How strongly weights are held at those of the float network, as a multiple of the energy of
   * their inputs. With few rows the products are uncertain, and this is safe.
   */
  damping: number;
}

/** Integers [N][K] and scales [N]. */
export interface FittedWeights {
  integers: Float32Array;
  scale: number[];
}

/** Inputs that are fitted together. More are fitted in blocks, to bound time and memory. */
const LARGEST_BLOCK = 1280;
const BLOCK = 1024;
/** Scales that are tried, and the multiply-adds up to which there is time for that. */
const TRIALS = 4;
const WORK_OF_TRIALS = 2 ** 26;
/** Energy of inputs that are always zero, as a share of the mean. */
const LEAST_ENERGY = 1e-6;

/** Rounds weights so that their products with the rows are close to the targets. */
export function fitMatrix(problem: FitProblem): FittedWeights {
  const { inputs: { columns: K }, leastScale } = problem;
  const N = leastScale.length;
  const result = { integers: new Float32Array(N * K), scale: new Array<number>(N).fill(0) };
  if (K <= LARGEST_BLOCK) {
    fitBlock(problem, 0, K, result, missing(problem));
    return result;
  }
  chooseScales(problem, result);
  const blocks = Math.ceil(K / BLOCK);
  const residual = missing(problem);
  for (let i = 0; i < blocks; i++) {
    const [from, to] = [Math.floor(i * K / blocks), Math.floor((i + 1) * K / blocks)];
    fitBlock(problem, from, to, result, residual);
    if (i < blocks - 1) subtractChange(problem, from, to, result, residual);
  }
  return result;
}

/** What the weights of the float network lack, because the quantized network has other inputs. */
function missing({ inputs, targets, weights }: FitProblem): FloatMatrix {
  const products = productWithTransposed(inputs, { rows: targets.columns, columns: inputs.columns, values: weights });
  return { ...targets, values: targets.values.map((target, i) => target - products.values[i]!) };
}

/** Scales by the energy of the inputs alone. */
function chooseScales(
  { inputs: { rows, columns: K, values }, weights, grid, leastScale, sharing }: FitProblem,
  result: FittedWeights,
): void {
  const energy = new Float64Array(K);
  for (let i = 0; i < rows * K; i++) energy[i % K]! += values[i]! ** 2;
  for (let n = 0; n < leastScale.length; n += sharing) {
    const end = Math.min(leastScale.length, n + sharing);
    const repeated = new Float64Array((end - n) * K).map((_, i) => energy[i % K]!);
    const least = Math.max(...leastScale.slice(n, end));
    const [scale] = scalesFor(Float64Array.from(weights.subarray(n * K, end * K)), repeated, grid, least);
    result.scale.fill(scale!, n, end);
  }
}

/** Rounds the inputs `from` … `to` of all outputs. Their scales are chosen if they are still 0. */
function fitBlock(problem: FitProblem, from: number, to: number, result: FittedWeights, residual: FloatMatrix): void {
  const { weights, grid, leastScale, sharing, damping, inputs: { columns: K } } = problem;
  const N = leastScale.length;
  const inputs = columnsOf(problem.inputs, from, to);
  const H = dampedMoments(inputs, damping);
  const metric = metricOf(H, to - from);
  const gains = transposedProduct(residual, inputs).values;
  const trials = metric.K ** 2 * N < WORK_OF_TRIALS ? TRIALS : 1;
  for (let n = 0; n < N; n += sharing) {
    const end = Math.min(N, n + sharing);
    const targets = Array.from({ length: end - n }, (_, i) => {
      const row = weights.subarray((n + i) * K + from, (n + i) * K + to);
      return targetOf(metric, row, gains.subarray((n + i) * metric.K, (n + i + 1) * metric.K));
    });
    const known = result.scale[n]!;
    const least = Math.max(...leastScale.slice(n, end));
    const best = known > 0
      ? roundRows(metric, targets, { scale: known, least: known, grid }, 0)
      : bestRounding(metric, targets, grid, least, trials);
    result.scale.fill(best.scale, n, end);
    best.rows.forEach(({ q }, i) => {
      metric.order.forEach((k, at) => {
        result.integers[(n + i) * K + from + k] = q[at]!;
      });
    });
  }
}

interface Target {
  c: Float64Array;
  b: Float64Array;
}

/** The best real weights c, and b = H·c, for weights w: b = H·w + Xᵀ·residual. */
function targetOf(metric: Metric, row: Float32Array, gain: Float32Array): Target {
  const { K, H } = metric;
  const w = sorted(row, metric);
  const b = sorted(gain, metric);
  for (let i = 0; i < K; i++) {
    let sum = 0;
    for (let j = 0; j < K; j++) sum += H[i * K + j]! * w[j]!;
    b[i]! += sum;
  }
  return { c: solve(metric, b), b };
}

function bestRounding(
  metric: Metric,
  targets: readonly Target[],
  grid: Grid,
  least: number,
  trials: number,
): RoundedRows {
  const { K } = metric;
  const weights = new Float64Array(targets.length * K);
  const importance = new Float64Array(targets.length * K);
  targets.forEach(({ c }, i) => {
    weights.set(c, i * K);
    importance.set(importanceOf(metric), i * K);
  });
  const scales = scalesFor(weights, importance, grid, least).slice(0, trials);
  const tried = scales.map((scale) => roundRows(metric, targets, { scale, least, grid }));
  const errorOf = ({ rows }: RoundedRows): number => rows.reduce((sum, { error }) => sum + error, 0);
  return tried.reduce((best, one) => (errorOf(one) < errorOf(best) ? one : best));
}

function dampedMoments(inputs: FloatMatrix, damping: number): Float64Array {
  const K = inputs.columns;
  const H = Float64Array.from(transposedProduct(inputs, inputs).values);
  let trace = 0;
  for (let k = 0; k < K; k++) trace += H[k * K + k]!;
  const floor = trace > 0 ? LEAST_ENERGY * trace / K : 1;
  for (let k = 0; k < K; k++) H[k * K + k] = H[k * K + k]! * (1 + damping) + floor;
  return H;
}

function columnsOf({ rows, columns, values }: FloatMatrix, from: number, to: number): FloatMatrix {
  if (to - from === columns) return { rows, columns, values };
  const part = new Float32Array(rows * (to - from));
  for (let r = 0; r < rows; r++) part.set(values.subarray(r * columns + from, r * columns + to), r * (to - from));
  return { rows, columns: to - from, values: part };
}

/** Subtracts from the residual what the change of a block adds to the products. */
function subtractChange(
  { inputs, weights }: FitProblem,
  from: number,
  to: number,
  { integers, scale }: FittedWeights,
  residual: FloatMatrix,
): void {
  const K = inputs.columns;
  const change = new Float32Array(scale.length * (to - from));
  scale.forEach((s, n) => {
    for (let k = from; k < to; k++) {
      change[n * (to - from) + k - from] = s * integers[n * K + k]! - weights[n * K + k]!;
    }
  });
  const products = productWithTransposed(columnsOf(inputs, from, to), {
    rows: scale.length,
    columns: to - from,
    values: change,
  });
  products.values.forEach((product, i) => {
    residual.values[i]! -= product;
  });
}
