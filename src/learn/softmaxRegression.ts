// Softmax (multinomial logistic) regression: minimizes
//
//   Σ_i share_i · −log softmax(W·x_i + b)[class_i]  +  l2/2 · Σ W²,  Σ share_i = 1
//
// with L-BFGS (Nocedal and Wright, Numerical Optimization, algorithms 7.4 and 7.5) over the whole
// batch, from W = 0. There is no chance in it, so equal examples give equal weights.

/** Examples of `width` numbers, one after another, with the class and the share of each. */
export interface Batch {
  rows: Float32Array;
  width: number;
  classes: ArrayLike<number>;
  shares: ArrayLike<number>;
}

/** Weights [classes][width], followed by a bias for each class. */
export type Parameters = Float32Array;

interface Step {
  step: Parameters;
  /** Change of the gradient along the step. */
  change: Parameters;
  /** Their dot product. */
  product: number;
}

/** Pairs of steps and changes of the gradient that approximate the curvature. */
const HISTORY = 8;
/** Sufficient decrease (Armijo) and the factor of a shorter step. */
const DECREASE = 1e-4;
const SHORTER = 0.4;
const MOST_TRIALS = 12;
/** The search ends when an iteration improves the loss by less than this part of it. */
const TOLERANCE = 1e-5;

/**
 * @param onIteration gets the parameters after each iteration, and returns whether to stop
 * @returns the parameters after the last iteration, and the number of iterations
 */
export function fitSoftmax(
  batch: Batch,
  count: number,
  l2: number,
  iterations: number,
  onIteration: (parameters: Parameters) => boolean = () => false,
): { parameters: Parameters; iterations: number } {
  const at = new Float32Array(count * (batch.width + 1));
  const gradient = new Float32Array(at.length);
  let loss = lossOf(batch, count, l2, at, gradient);
  const steps: Step[] = [];
  let iteration = 0;
  while (iteration < iterations) {
    const direction = descent(gradient, steps);
    const slope = dot(direction, gradient);
    const next = new Float32Array(at.length);
    const nextGradient = new Float32Array(at.length);
    let size = steps.length === 0 ? 1 / Math.max(1e-12, Math.sqrt(-slope)) : 1;
    let nextLoss = Infinity;
    for (let trial = 0; trial < MOST_TRIALS; trial++, size *= SHORTER) {
      for (let i = 0; i < at.length; i++) next[i] = at[i]! + size * direction[i]!;
      nextLoss = lossOf(batch, count, l2, next, nextGradient);
      if (nextLoss <= loss + DECREASE * size * slope) break;
    }
    if (!(nextLoss < loss)) break;
    const step = next.map((value, i) => value - at[i]!);
    const change = nextGradient.map((value, i) => value - gradient[i]!);
    const product = dot(step, change);
    if (product > 1e-12) steps.push({ step, change, product });
    if (steps.length > HISTORY) steps.shift();
    const isFlat = loss - nextLoss < TOLERANCE * loss;
    at.set(next);
    gradient.set(nextGradient);
    loss = nextLoss;
    iteration++;
    if (onIteration(at) || isFlat) break;
  }
  return { parameters: at, iterations: iteration };
}

/** −(the inverse of the approximate curvature) · gradient, by two loops over the history. */
function descent(gradient: Parameters, steps: readonly Step[]): Parameters {
  const direction = gradient.map((value) => -value);
  const factors: number[] = [];
  for (let i = steps.length - 1; i >= 0; i--) {
    const { step, change, product } = steps[i]!;
    factors[i] = dot(step, direction) / product;
    add(direction, change, -factors[i]!);
  }
  const last = steps[steps.length - 1];
  if (last) {
    const scale = last.product / dot(last.change, last.change);
    for (let i = 0; i < direction.length; i++) direction[i]! *= scale;
  }
  steps.forEach(({ step, change, product }, i) => {
    add(direction, step, factors[i]! - dot(change, direction) / product);
  });
  return direction;
}

function dot(a: Parameters, b: Parameters): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function add(to: Parameters, what: Parameters, factor: number): void {
  for (let i = 0; i < to.length; i++) to[i]! += factor * what[i]!;
}

/** Rows and classes that the loops take at once, so that each number is read less often. */
const ROWS = 4;

/** The loss of a batch, and its gradient if asked for. */
export function lossOf(batch: Batch, count: number, l2: number, parameters: Parameters, gradient?: Parameters): number {
  const { rows, width, classes, shares } = batch;
  const biases = count * width;
  const errors = Array.from({ length: ROWS }, () => new Float64Array(count));
  let loss = 0;
  gradient?.fill(0);
  for (let first = 0; first < shares.length; first += ROWS) {
    scoreRows(rows, width, first, shares.length - 1, parameters, errors);
    errors.forEach((scores, j) => {
      const share = shares[first + j] ?? 0;
      if (share === 0) {
        scores.fill(0);
        return;
      }
      softmax(scores);
      const own = classes[first + j]!;
      loss -= share * Math.log(Math.max(1e-300, scores[own]!));
      scores[own]! -= 1;
      for (let c = 0; c < count; c++) scores[c]! *= share;
    });
    if (gradient) addRows(gradient, rows, width, first, shares.length - 1, errors);
  }
  for (let i = 0; i < biases; i++) {
    loss += (l2 / 2) * parameters[i]! ** 2;
    if (gradient) gradient[i]! += l2 * parameters[i]!;
  }
  return loss;
}

/** Adds errors[j][class] · row (first + j) to the gradient of each class. */
function addRows(
  gradient: Parameters,
  rows: Float32Array,
  width: number,
  first: number,
  last: number,
  errors: readonly Float64Array[],
): void {
  // rows beyond the last one have errors of 0
  const [r0, r1, r2, r3] = errors.map((_, j) => Math.min(first + j, last) * width) as [number, number, number, number];
  const count = errors[0]!.length;
  for (let c = 0; c < count; c += 2) {
    // the last class of an odd number is computed alone
    const d = c + 1 < count ? c + 1 : c;
    const [a0, a1, a2, a3] = errors.map((row) => row[c]!) as [number, number, number, number];
    const [b0, b1, b2, b3] = errors.map((row) => (d > c ? row[d]! : 0)) as [number, number, number, number];
    const [toC, toD] = [c * width, d * width];
    for (let k = 0; k < width; k++) {
      const x0 = rows[r0 + k]!;
      const x1 = rows[r1 + k]!;
      const x2 = rows[r2 + k]!;
      const x3 = rows[r3 + k]!;
      gradient[toC + k]! += a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3;
      gradient[toD + k]! += b0 * x0 + b1 * x1 + b2 * x2 + b3 * x3;
    }
    gradient[count * width + c]! += a0 + a1 + a2 + a3;
    gradient[count * width + d]! += b0 + b1 + b2 + b3;
  }
}

/** scores[j] = W·x + b for the rows x from `first` on. Rows beyond the last one repeat it. */
export function scoreRows(
  rows: Float32Array,
  width: number,
  first: number,
  last: number,
  parameters: Parameters,
  scores: readonly Float64Array[],
): void {
  const count = scores[0]!.length;
  for (let j = 0; j < scores.length; j += 2) {
    const at = Math.min(first + j, last) * width;
    const other = Math.min(first + j + 1, last) * width;
    for (let c = 0; c < count; c += 2) {
      const w = c * width;
      const v = Math.min(c + 1, count - 1) * width;
      let xw = 0;
      let xv = 0;
      let yw = 0;
      let yv = 0;
      for (let k = 0; k < width; k++) {
        const x = rows[at + k]!;
        const y = rows[other + k]!;
        const pw = parameters[w + k]!;
        const pv = parameters[v + k]!;
        xw += x * pw;
        xv += x * pv;
        yw += y * pw;
        yv += y * pv;
      }
      const [biasW, biasV] = [parameters[count * width + c]!, parameters[count * width + Math.min(c + 1, count - 1)]!];
      scores[j]![c] = xw + biasW;
      if (c + 1 < count) scores[j]![c + 1] = xv + biasV;
      const next = scores[j + 1];
      if (!next) continue;
      next[c] = yw + biasW;
      if (c + 1 < count) next[c + 1] = yv + biasV;
    }
  }
}

/** Turns scores into probabilities, in place. */
export function softmax(scores: Float64Array): void {
  const most = Math.max(...scores);
  let sum = 0;
  for (let c = 0; c < scores.length; c++) sum += scores[c] = Math.exp(scores[c]! - most);
  for (let c = 0; c < scores.length; c++) scores[c]! /= sum;
}
