import type { Tensor } from '../../graph/graph';
import { biasSteps, leastScale } from '../../ops/shared/bias';
import { f32 } from '../../ops/shared/rounding';
import { productWithTransposed, type FloatMatrix } from '../products';
import type { LayerMatrix } from '../rows';
import { fitMatrix, type FittedWeights } from './fitMatrix';
import type { Grid } from './lattice';
import { groupColumns, usualRows, type LayerRows } from './layerRows';
import { int8Weights, realWeightRows, scalesOf, storedWeights } from './weightGrid';

/**
 * Damping of a fit to many rows. The covariance of K inputs by few rows is uncertain, and damped by
 * their quotient in addition.
 */
const LEAST_DAMPING = 0.1;

/** A matrix in both networks. */
export interface LayerPair {
  float: LayerMatrix;
  int8: LayerMatrix;
}

/** Weights and bias that a layer may get. The bias is in real numbers. */
interface Candidate extends FittedWeights {
  bias: Float64Array;
  /** Squared error of the layer's products for the rows held out. */
  error: number;
}

/**
 * Gives a layer the best of three: the weights that it has, these with a bias that keeps the means
 * of the products, or weights fitted to the rows with such a bias.
 *
 * @param biases real biases of layers that were fitted before, by the names of their nodes, because
 *   recurrent layers add the products of two matrices to one bias
 */
export function fitLayer(
  { float, int8 }: LayerPair,
  given: LayerRows,
  grid: Grid,
  biases: Map<string, Float64Array>,
): void {
  const { N, K, groups, node, biasAt } = int8;
  const rows = usualRows(given);
  const key = `${node.name} ${biasAt}`;
  const bias = biases.get(key) ?? realBias(float);
  const known = { integers: storedWeights(int8), scale: scalesOf(int8), bias, error: 0 };
  const shifted: Candidate = { ...known, bias: bias.slice() };
  const fitted: Candidate = { integers: new Float32Array(N * K), scale: [], bias: bias.slice(), error: 0 };
  const weights = storedWeights(float);
  const least = leastScales(int8, bias);
  for (let g = 0; g < groups; g++) {
    const part = groupPart(float, int8, rows, g, weights);
    const found = fitMatrix({
      ...part.problem,
      grid,
      leastScale: least.slice(part.from, part.to),
      sharing: int8.isOnlyProduct ? 1 : int8.lanes,
      damping: LEAST_DAMPING + K / part.problem.inputs.rows,
    });
    fitted.integers.set(found.integers, part.from * K);
    fitted.scale.push(...found.scale);
    addGroup(known, part, false);
    addGroup(shifted, part, true);
    addGroup(fitted, part, true);
  }
  const best = [shifted, fitted].reduce((a, b) => (b.error < a.error ? b : a), known);
  biases.set(key, best.bias);
  if (best === known) return;
  node.inputs[int8.weightsAt] = int8Weights(int8, best.integers, best.scale);
  setBias(int8, best.bias);
}

function realBias({ node, N, biasAt }: LayerMatrix): Float64Array {
  const data = node.inputs[biasAt]?.data;
  return Float64Array.from({ length: N }, (_, n) => Number(data?.[n] ?? 0));
}

/** The scale of the activations in the unit of the bias. */
export function unitOf({ biasUnit: { activations } }: LayerMatrix): number {
  return activations.quantization!.scale[0]!;
}

/** Whether the bias has 64 bits, because the activations are int16. */
function hasLongBias({ biasUnit: { activations } }: LayerMatrix): boolean {
  return activations.dtype === 'int16';
}

/** Scales of weights for which the bias fits, if it is in their unit. */
function leastScales(layer: LayerMatrix, bias: Float64Array): number[] {
  const isOwn = layer.biasUnit.weightsAt === layer.weightsAt && !hasLongBias(layer);
  return Array.from(bias, (value) => (isOwn ? f32(leastScale(value, unitOf(layer), layer.K)) : 0));
}

/** The outputs `from` … `to` of a layer, which are those of one group. */
interface GroupPart {
  from: number;
  to: number;
  problem: { inputs: FloatMatrix; targets: FloatMatrix; weights: Float32Array };
  meanInput: Float64Array;
  meanTarget: Float64Array;
  heldOut: { inputs: FloatMatrix; targets: FloatMatrix };
}

function groupPart(
  float: LayerMatrix,
  int8: LayerMatrix,
  { before, now }: LayerRows,
  group: number,
  weights: Float32Array,
): GroupPart {
  const { N, K, groups } = int8;
  const [from, to] = [group * N / groups, (group + 1) * N / groups];
  const own: FloatMatrix = { rows: to - from, columns: K, values: weights.slice(from * K, to * K) };
  const inputs = groupColumns(int8, now.fitted, group);
  const targets = productWithTransposed(groupColumns(float, before.fitted, group), own);
  const heldOut = {
    inputs: groupColumns(int8, now.heldOut, group),
    targets: productWithTransposed(groupColumns(float, before.heldOut, group), own),
  };
  const [meanInput, meanTarget] = [meansOf(inputs), meansOf(targets)];
  const problem = { inputs: centered(inputs, meanInput), targets: centered(targets, meanTarget), weights: own.values };
  return { from, to, problem, meanInput, meanTarget, heldOut };
}

/** Adds the error of a group, and with `shifts` moves its bias such that the means are kept. */
function addGroup(
  candidate: Candidate,
  { from, to, meanInput, meanTarget, heldOut }: GroupPart,
  shifts: boolean,
): void {
  const K = meanInput.length;
  const rows = realWeightRows(candidate, from, to, K);
  const shift = new Float64Array(to - from);
  if (shifts) {
    for (let n = 0; n < to - from; n++) {
      let sum = meanTarget[n]!;
      for (let k = 0; k < K; k++) sum -= rows.values[n * K + k]! * meanInput[k]!;
      shift[n] = sum;
      candidate.bias[from + n]! += sum;
    }
  }
  candidate.error += squaredError(productWithTransposed(heldOut.inputs, rows), heldOut.targets, shift);
}

/** Stores a bias of real numbers in steps. */
export function setBias(layer: LayerMatrix, bias: Float64Array): void {
  const { node, name, N, biasAt, biasUnit } = layer;
  const base: Tensor = node.inputs[biasAt] ?? { name: `${name} (bias)`, shape: [N], dtype: 'int32' };
  const weights = node.inputs[biasUnit.weightsAt]!;
  while (node.inputs.length < biasAt) node.inputs.push(null);
  node.inputs[biasAt] = { ...base, ...biasSteps(bias, weights, unitOf(layer), hasLongBias(layer)) };
}

function meansOf({ rows, columns, values }: FloatMatrix): Float64Array {
  const mean = new Float64Array(columns);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) mean[c]! += values[r * columns + c]!;
  return mean.map((sum) => sum / rows);
}

function centered({ rows, columns, values }: FloatMatrix, mean: Float64Array): FloatMatrix {
  const result = new Float32Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) result[r * columns + c] = values[r * columns + c]! - mean[c]!;
  }
  return { rows, columns, values: result };
}

function squaredError(products: FloatMatrix, targets: FloatMatrix, shift: Float64Array): number {
  let error = 0;
  for (let r = 0; r < products.rows; r++) {
    for (let n = 0; n < shift.length; n++) {
      const i = r * shift.length + n;
      error += (products.values[i]! + shift[n]! - targets.values[i]!) ** 2;
    }
  }
  return error;
}
