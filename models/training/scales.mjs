/**
 * Learned step size quantization (LSQ): values are rounded to multiples of a scale, and training
 * learns the scale together with the weights (Esser et al., "Learned Step Size Quantization",
 * arXiv:1902.08153, where the scale is called step size). Rounding counts as the identity in
 * gradients, so that they pass straight through.
 *
 * An optimizer learns the logarithm of a scale. Then Adam, which moves every variable by about the
 * learning rate, changes all scales by the same share (Jain et al., "Trained Quantization
 * Thresholds", arXiv:1903.08066).
 *
 * These functions work on arrays; `quantized.mjs` makes TensorFlow operators of them.
 */

/** Integers of int8 activations. */
const LOWEST = -128;
const HIGHEST = 127;

/** Shares of the largest value that `leastErrorScale` tries as the largest representable one. */
const SHARES = Array.from({ length: 25 }, (_, i) => 1 - i * 0.03);

/**
 * The largest integer of weights with this many bits: 127, 63 or 7 for 8, 7 or 4.
 *
 * @param bits 2 to 8
 * @throws RangeError for other bits
 */
export function largestWeight(bits) {
  if (!(Number.isInteger(bits) && bits >= 2 && bits <= 8)) {
    throw new RangeError(`weights have 2 to 8 bits, not ${bits}`);
  }
  return 2 ** (bits - 1) - 1;
}

/**
 * The scales of weights before training: for each group the one with the least squared error, of
 * LSQ's 2·⟨|w|⟩ / √largest and of shares of the largest weight. LSQ's own suits few bits; at 8 bits
 * it is about five times too large.
 *
 * @param weights f32 [inputs][outputs]. Zeros are skipped, because every scale represents them
 * @param layout
 *   - outputs number of outputs
 *   - groups number of consecutive groups of outputs that share a scale
 *   - largest the largest integer, of `largestWeight`
 * @returns f32 [groups], above 0
 */
export function initialScales(weights, layout) {
  const { groups, largest } = layout;
  const members = Array.from({ length: groups }, () => []);
  weights.forEach((w, i) => {
    if (w !== 0) members[groupOf(i, layout)].push(w);
  });
  return Float32Array.from(members, (values) => {
    if (values.length === 0) return 1 / largest;
    const mean = values.reduce((sum, w) => sum + Math.abs(w), 0) / values.length;
    return leastErrorScale(values, [-largest, largest], 2 * mean / Math.sqrt(largest));
  });
}

/**
 * The zero point of an activation and its scale before training: int8 over the range of the values
 * and zero, or over a share of it if that has a smaller squared error.
 *
 * @param values f32, of one batch or more
 * @returns { scale, zeroPoint } with an integer zeroPoint from −128 to 127
 */
export function initialActivation(values) {
  let low = 0;
  let high = 0;
  for (const value of values) {
    if (value < low) low = value;
    else if (value > high) high = value;
  }
  const whole = Math.max(high - low, 1e-8) / (HIGHEST - LOWEST);
  const zeroPoint = Math.max(LOWEST, Math.min(HIGHEST, Math.round(LOWEST - low / whole)));
  return { scale: leastErrorScale(values, [LOWEST - zeroPoint, HIGHEST - zeroPoint], whole), zeroPoint };
}

/**
 * The scale with the least squared error for values that become integers from `low` to `high`.
 *
 * @param first a candidate besides the shares of the largest value
 */
function leastErrorScale(values, [low, high], first) {
  let covering = 0; // the smallest scale that clamps no value
  for (const value of values) covering = Math.max(covering, value / (value < 0 ? low : high) || 0);
  if (!(covering > 0 && covering < Infinity)) return first;
  let best = { error: Infinity };
  for (const scale of [first, ...SHARES.map((share) => share * covering)]) {
    let error = 0;
    for (const value of values) error += (value - scale * clamp(Math.round(value / scale), low, high)) ** 2;
    if (error < best.error) best = { error, scale };
  }
  return best.scale;
}

function clamp(value, low, high) {
  return Math.max(low, Math.min(high, value));
}

/** The group of weight i. */
function groupOf(i, { outputs, groups }) {
  return Math.floor(((i % outputs) * groups) / outputs);
}

/**
 * Weights rounded to multiples of the scales of their groups, from −largest to largest times.
 *
 * @param weights f32 [inputs][outputs]
 * @param scales f32 [groups]: one per output for convolutions and fully connected layers, one per
 *   gate for recurrent layers
 * @param layout as in `initialScales`
 * @returns f32 [inputs][outputs]
 */
export function roundWeights(weights, scales, layout) {
  const { largest } = layout;
  return weights.map((w, i) => {
    const scale = scales[groupOf(i, layout)];
    return scale * clamp(Math.round(w / scale), -largest, largest);
  });
}

/**
 * Gradients of `roundWeights`. With v = w / scale within ±largest, a weight gets the gradient of
 * its rounded value, and its scale round(v) − v times that. Outside, the weight gets none, and its
 * scale ±largest times that. The sum for a scale of n weights is multiplied by 1/√(n·largest).
 *
 * @param dy the gradients of the rounded weights
 * @returns { weights: f32 [inputs][outputs], logScales: f32 [groups] }, the latter with respect to
 *   the logarithms of the scales
 */
export function weightGradients(weights, scales, layout, dy) {
  const { largest, groups } = layout;
  const sums = new Float64Array(groups);
  const passed = dy.map((d, i) => {
    const group = groupOf(i, layout);
    const v = weights[i] / scales[group];
    const isInside = Math.abs(v) < largest;
    sums[group] += d * (isInside ? Math.round(v) - v : Math.sign(v) * largest);
    return isInside ? d : 0;
  });
  const factor = 1 / Math.sqrt((weights.length / groups) * largest);
  return { weights: passed, logScales: Float32Array.from(sums, (sum, group) => sum * scales[group] * factor) };
}

/**
 * Activations rounded to int8: scale · (q − zeroPoint) with q from −128 to 127.
 *
 * @param values f32
 * @param quantization { scale, zeroPoint }
 * @returns f32
 */
export function roundActivations(values, { scale, zeroPoint }) {
  const out = new Float32Array(values.length);
  const perScale = 1 / scale;
  const zero = zeroPoint - LOWEST; // integers counted from 0, so that truncation rounds
  for (let i = 0; i < out.length; i++) {
    out[i] = ((Math.min(HIGHEST - LOWEST, Math.max(0, values[i] * perScale + zero)) + 0.5 | 0) - zero) * scale;
  }
  return out;
}

/**
 * Gradients of `roundActivations`, by the rules of `weightGradients` for all n values.
 *
 * @returns { values: f32, logScale: a number }
 */
export function activationGradients(values, { scale, zeroPoint }, dy) {
  const low = LOWEST - zeroPoint;
  const high = HIGHEST - zeroPoint;
  const perScale = 1 / scale;
  const passed = new Float32Array(dy.length);
  let sum = 0;
  for (let i = 0; i < dy.length; i++) {
    const v = values[i] * perScale;
    if (v >= high) sum += dy[i] * high;
    else if (v <= low) sum += dy[i] * low;
    else {
      sum += dy[i] * (Math.floor(v + 0.5) - v);
      passed[i] = dy[i];
    }
  }
  return { values: passed, logScale: sum * scale / Math.sqrt(values.length * HIGHEST) };
}
