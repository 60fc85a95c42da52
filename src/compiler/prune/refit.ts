import { CholeskyDecomposition, inverse, Matrix } from 'ml-matrix';
import { transposedProduct, type FloatMatrix } from '../products';
import type { Rows } from './calibration';
import type { PrunableLayer } from './layers';
import type { Weighing } from './units';

// Second-order pruning. With rows x of a layer's inputs and H = Σ (x − mean)(x − mean)ᵀ, a change d
// of an output's weights changes its values by a squared error of d·H·d. Removing the weights P of
// a unit, with all others adjusted optimally, costs w_P·(H⁻¹_PP)⁻¹·w_P (Hassibi and Stork, "Second
// order derivatives for network pruning: Optimal Brain Surgeon", 1993; for layers with many
// outputs, Frantar and Alistarh, "Optimal Brain Compression", 2022). When all units are chosen, the
// remaining weights are fitted again to the outputs of the layer before anything in the network was
// pruned. The means are moved to the bias.

/**
 * Added to the diagonal of H, as a multiple of its mean. With few samples H is uncertain, and
 * damping keeps the weights close to their old values, which is safe.
 */
const DAMPING = 1;

export interface Moments {
  /** H [K][K] of the rows in the pruned network. */
  H: Matrix;
  /** Σ (now − mean)(before − mean)ᵀ [K][K]. */
  cross: Matrix;
  meanNow: Float64Array;
  meanBefore: Float64Array;
}

export function momentsOf({ K }: PrunableLayer, before: Rows, now: Rows): Moments {
  const meanNow = means(now, K);
  const meanBefore = means(before, K);
  const a = centered(now, K, meanNow);
  const b = centered(before, K, meanBefore);
  const matrix = (values: Float32Array): FloatMatrix => ({ rows: now.count, columns: K, values });
  const H = Matrix.from1DArray(K, K, transposedProduct(matrix(a), matrix(a)).values);
  const cross = Matrix.from1DArray(K, K, transposedProduct(matrix(a), matrix(b)).values);
  const damping = DAMPING * Math.max(H.trace() / K, 1e-12);
  for (let k = 0; k < K; k++) {
    H.set(k, k, H.get(k, k) + damping);
    cross.set(k, k, cross.get(k, k) + damping);
  }
  return { H, cross, meanNow, meanBefore };
}

function means({ count, values }: Rows, K: number): Float64Array {
  const mean = new Float64Array(K);
  for (let i = 0; i < count * K; i++) mean[i % K]! += values[i]! / count;
  return mean;
}

function centered({ count, values }: Rows, K: number, mean: Float64Array): Float32Array {
  return values.subarray(0, count * K).map((x, i) => x - mean[i % K]!);
}

/** (H⁻¹_PP)⁻¹ for each position along K. */
export function curvature({ H }: Moments, depth: number): Weighing {
  const K = H.rows;
  const inverted = new CholeskyDecomposition(H).solve(Matrix.eye(K));
  return (place) => {
    const from = place * depth;
    const to = Math.min(K, from + depth) - 1;
    return inverse(inverted.subMatrix(from, to, from, to)).to1DArray();
  };
}

/** The refitted weights that the mask keeps, and the change of the bias. */
export function refit(
  { N, K }: PrunableLayer,
  { H, cross, meanNow, meanBefore }: Moments,
  weights: Float64Array,
  mask: Uint8Array,
): { weights: Float64Array; shift: Float64Array } {
  const fitted = new Float64Array(N * K);
  const shift = new Float64Array(N);
  let last = '';
  let solver: CholeskyDecomposition | undefined;
  for (let n = 0; n < N; n++) {
    const row = weights.subarray(n * K, (n + 1) * K);
    const kept: number[] = [];
    for (let k = 0; k < K; k++) if (mask[n * K + k] === 1) kept.push(k);
    if (kept.length > 0) {
      // the rows of a block keep the same positions
      const places = kept.join();
      if (!solver || places !== last) solver = new CholeskyDecomposition(H.selection(kept, kept));
      last = places;
      const solution = solver.solve(Matrix.columnVector(kept.map((k) => dot(cross.getRow(k), row))));
      kept.forEach((k, i) => {
        fitted[n * K + k] = solution.get(i, 0);
      });
    }
    shift[n] = dot(meanBefore, row) - dot(meanNow, fitted.subarray(n * K, (n + 1) * K));
  }
  return { weights: fitted, shift };
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
