import { RECURRENT_ACTIVATION, RECURRENT_ASYMMETRIC, RECURRENT_CELLS, RECURRENT_CELL_CLIP, RECURRENT_GATES,
  RECURRENT_GRU_RESET_FIRST, RECURRENT_HARD_GATES, RECURRENT_HAS_NORM, RECURRENT_HAS_PEEPHOLE, RECURRENT_HAS_PROJECTION,
  RECURRENT_HIDDEN_BIAS, RECURRENT_HIDDEN_WEIGHTS, RECURRENT_INPUTS, RECURRENT_INPUT_BIAS, RECURRENT_INPUT_WEIGHTS,
  RECURRENT_KIND, RECURRENT_MODE, RECURRENT_NORM, RECURRENT_NORM_BIAS, RECURRENT_OUTPUTS, RECURRENT_PARTS,
  RECURRENT_PEEPHOLE, RECURRENT_PLAIN, RECURRENT_PROJECTION, RECURRENT_PROJECTION_BIAS, RECURRENT_PROJECTION_CLIP,
  RECURRENT_PROJECTION_SCALE, RECURRENT_RNN, RECURRENT_SUMS, UNARY_LOGISTIC, UNARY_RELU_0_TO_1,
  UNARY_TANH } from '../../../assembly/layout';
import { clamp, f32 } from '../arithmetic';
import { squaresOf, sumOf } from '../fold';
import { quantizeRange, rangeScale, rangeZero } from '../hybrid';
import { bytes, float, grown, int, type Memory, sums } from '../memory';
import { multiplyFloats } from '../product';
import { applyUnary } from '../unary';
import { gatesOf, isGru, lanesOf, multiplyMatrix } from './matrix';

// One time step of float layers, with float or int8 weights.

/** The gates, one after the other, each in whole panels. */
let gates = new Float32Array(0);
/** The hidden state's product, if it is kept apart from the input's (gru). */
let hiddenGates = new Float32Array(0);
export let cell = new Float32Array(0);
export let hidden = new Float32Array(0);
let temporary = new Float32Array(0);

/** Provides room for `lanes` lanes of all gates, and for states of `states` values. */
export function reserveFloat(lanes: number, states: number): void {
  if (gates.length < lanes) {
    const length = grown(gates.length, lanes);
    gates = new Float32Array(length);
    hiddenGates = new Float32Array(length);
  }
  if (cell.length < states) {
    const length = grown(cell.length, states);
    cell = new Float32Array(length);
    hidden = new Float32Array(length);
    temporary = new Float32Array(length);
  }
}

/**
 * Adds the product of K values from `at` on with the weights of `count` gates from panel `first`
 * on to `to`. `n` is the lanes of a gate. Hybrid layers have the weights' scales from `scale` on,
 * two words apart, and their sums from `weightSums` on.
 */
function product(
  r: number,
  m: Memory,
  a: Float32Array,
  at: number,
  K: number,
  field: number,
  first: number,
  out: Float32Array,
  to: number,
  n: number,
  count: number,
  scales: Float32Array,
  scale: number,
  weightSums: number,
): void {
  const mode = int(r, m, RECURRENT_MODE);
  const panels = (count * n) >> 3;
  if (mode === RECURRENT_PLAIN) {
    multiplyFloats(a, at, K, m.weights.f32, (int(r, m, field) >> 2) + first * K * 8, out, to, panels);
    return;
  }
  quantizeRange(a, at, K, mode === RECURRENT_ASYMMETRIC, bytes);
  multiplyMatrix(r, m, bytes, 0, K, field, first, panels);
  for (let i = 0; i < count * n; i++) {
    const factor = f32(rangeScale * scales[scale + 2 * Math.floor(i / n)]!);
    const x = f32((sums[i]! - rangeZero * m.weights.i32[weightSums + i]!) | 0);
    out[to + i] = f32(x * factor) + out[to + i]!;
  }
}

function load(out: Float32Array, from: Float32Array, at: number, n: number): void {
  for (let i = 0; i < n; i++) out[i] = from[at + i]!;
}

/** Applies peephole, layer normalization and activation of one gate of an lstm. */
function finishGate(r: number, m: Memory, gate: number, peephole: boolean, activation: number): void {
  const N = int(r, m, RECURRENT_CELLS);
  const at = gate * lanesOf(r, m);
  const parts = int(r, m, RECURRENT_PARTS);
  const w = m.weights.f32;
  const g = gates;
  if (peephole && (parts & RECURRENT_HAS_PEEPHOLE) !== 0) {
    const weights = (int(r, m, RECURRENT_PEEPHOLE) >> 2) + at;
    for (let i = 0; i < N; i++) g[at + i]! += f32(w[weights + i]! * cell[i]!);
  }
  if ((parts & RECURRENT_HAS_NORM) !== 0) {
    const weights = (int(r, m, RECURRENT_NORM) >> 2) + at;
    const bias = (int(r, m, RECURRENT_NORM_BIAS) >> 2) + at;
    const mean = f32(sumOf(g, at, N) / N);
    for (let i = 0; i < N; i++) g[at + i]! -= mean;
    const variance = f32(f32(squaresOf(g, at, N) / N) + f32(1e-8));
    const inverse = f32(1 / f32(Math.sqrt(variance)));
    for (let i = 0; i < N; i++) g[at + i] = f32(f32(g[at + i]! * inverse) * w[weights + i]!) + w[bias + i]!;
  }
  if (activation >= 0) { for (let i = 0; i < N; i++) g[at + i] = applyUnary(activation, g[at + i]!, 0); }
}

/** @param state the element of the hidden state in the arena */
export function stepFloat(r: number, m: Memory, a: Float32Array, x: number, state: number): void {
  const N = int(r, m, RECURRENT_CELLS);
  const P = int(r, m, RECURRENT_OUTPUTS);
  const n = lanesOf(r, m);
  const G = gatesOf(r, m);
  const w = m.weights.f32;
  const h = m.arena.f32;
  const activation = int(r, m, RECURRENT_ACTIVATION);
  const parts = int(r, m, RECURRENT_PARTS);
  const logistic = (parts & RECURRENT_HARD_GATES) !== 0 ? UNARY_RELU_0_TO_1 : UNARY_LOGISTIC;
  const scale = int(r, m, RECURRENT_GATES) >> 2;
  const weightSums = int(r, m, RECURRENT_SUMS) >> 2;
  const hiddenSums = weightSums + G * n;
  load(gates, w, int(r, m, RECURRENT_INPUT_BIAS) >> 2, G * n);
  product(r, m, a, x, int(r, m, RECURRENT_INPUTS), RECURRENT_INPUT_WEIGHTS, 0, gates, 0, n, G, w, scale, weightSums);
  if (isGru(r, m)) {
    const resetFirst = int(r, m, RECURRENT_KIND) === RECURRENT_GRU_RESET_FIRST;
    const other = hiddenGates;
    const early = resetFirst ? 2 : 3;
    load(other, w, int(r, m, RECURRENT_HIDDEN_BIAS) >> 2, G * n);
    product(r, m, h, state, P, RECURRENT_HIDDEN_WEIGHTS, 0, other, 0, n, early, w, scale + 1, hiddenSums);
    for (let i = 0; i < 2 * n; i++) gates[i] = applyUnary(logistic, f32(gates[i]! + other[i]!), 0);
    const last = 2 * n;
    if (resetFirst) {
      for (let i = 0; i < N; i++) temporary[i] = gates[n + i]! * h[state + i]!;
      const sumsOfLast = hiddenSums + last;
      product(r, m, temporary, 0, N, RECURRENT_HIDDEN_WEIGHTS, n >> 2, other, last, n, 1, w, scale + 5, sumsOfLast);
    }
    for (let i = 0; i < N; i++) {
      const added = resetFirst ? other[last + i]! : f32(gates[n + i]! * other[last + i]!);
      const g = f32(applyUnary(UNARY_TANH, f32(gates[last + i]! + added), 0));
      const z = gates[i]!;
      hidden[i] = f32(z * h[state + i]!) + f32(f32(1 - z) * g);
    }
    return;
  }
  load(hidden, h, state, P);
  product(r, m, hidden, 0, P, RECURRENT_HIDDEN_WEIGHTS, 0, gates, 0, n, G, w, scale + 1, hiddenSums);
  if (int(r, m, RECURRENT_KIND) === RECURRENT_RNN) {
    for (let i = 0; i < N; i++) hidden[i] = activation < 0 ? gates[i]! : applyUnary(activation, gates[i]!, 0);
    return;
  }
  // the input gate of a coupled lstm is i = 1 − f
  const first = G - 3;
  const clip = float(r, m, RECURRENT_CELL_CLIP);
  if (first > 0) finishGate(r, m, 0, true, logistic);
  finishGate(r, m, first, true, logistic);
  finishGate(r, m, first + 1, false, activation);
  for (let i = 0; i < N; i++) {
    const forget = gates[first * n + i]!;
    const input = first > 0 ? gates[i]! : f32(1 - forget);
    const sum = f32(f32(forget * cell[i]!) + f32(input * gates[(first + 1) * n + i]!));
    cell[i] = clip > 0 ? clamp(sum, -clip, clip) : sum;
  }
  finishGate(r, m, first + 2, true, logistic);
  const projects = (parts & RECURRENT_HAS_PROJECTION) !== 0;
  const out = projects ? temporary : hidden;
  for (let i = 0; i < N; i++) {
    const y = activation < 0 ? cell[i]! : f32(applyUnary(activation, cell[i]!, 0));
    out[i] = gates[(first + 2) * n + i]! * y;
  }
  if (projects) project(r, m, weightSums + 2 * G * n);
}

function project(r: number, m: Memory, weightSums: number): void {
  const N = int(r, m, RECURRENT_CELLS);
  const P = Math.ceil(int(r, m, RECURRENT_OUTPUTS) / 8) * 8;
  const clip = float(r, m, RECURRENT_PROJECTION_CLIP);
  const scale = (r + RECURRENT_PROJECTION_SCALE) >> 2;
  load(hidden, m.weights.f32, int(r, m, RECURRENT_PROJECTION_BIAS) >> 2, P);
  product(r, m, temporary, 0, N, RECURRENT_PROJECTION, 0, hidden, 0, P, 1, m.reals, scale, weightSums);
  if (clip > 0) { for (let i = 0; i < P; i++) hidden[i] = clamp(hidden[i]!, -clip, clip); }
}
