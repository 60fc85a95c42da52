import { GATE_ELU, GATE_HARD_SIGMOID, GATE_LEAKY_RELU, GATE_LOGISTIC, GATE_RELU, GATE_SOFTPLUS, GATE_SOFTSIGN,
  GATE_TANH, GATE_THRESHOLDED_RELU, RECURRENCE_BATCH, RECURRENCE_CELL, RECURRENCE_CELLS, RECURRENCE_CLIP,
  RECURRENCE_COUPLED, RECURRENCE_FUNCTIONS, RECURRENCE_FUNCTION_BYTES, RECURRENCE_HAS_LENGTHS, RECURRENCE_HIDDEN,
  RECURRENCE_HIDDEN_BIAS, RECURRENCE_HIDDEN_WEIGHTS, RECURRENCE_INPUTS, RECURRENCE_INPUT_BIAS, RECURRENCE_INPUT_WEIGHTS,
  RECURRENCE_KIND, RECURRENCE_LENGTHS, RECURRENCE_PEEPHOLE, RECURRENCE_REVERSE, RECURRENCE_SOURCE, RECURRENCE_TARGET,
  RECURRENCE_TIME, RECURRENCE_TIME_MAJOR, RECURRENT_GRU_RESET_FIRST, RECURRENT_LSTM,
  RECURRENT_RNN } from '../../../assembly/layout';
import { clamp, f32 } from '../arithmetic';
import { exp, expm1, log, logistic, tanh } from '../math';
import { float, int, offsetOf, sectionOf, type Memory } from '../memory';
import { multiplyFloats } from '../product';

/** The gates, in whole panels; the hidden state's products, if they are kept apart (gru). */
let gates = new Float32Array(0);
let hiddenGates = new Float32Array(0);
let hidden = new Float32Array(0);
let cell = new Float32Array(0);
let temporary = new Float32Array(0);

function lanesOf(r: number, m: Memory): number {
  return Math.ceil(int(r, m, RECURRENCE_CELLS) / 8) * 8;
}

export function prepareRecurrence(r: number, m: Memory): void {
  const n = lanesOf(r, m);
  if (hidden.length >= n) return;
  gates = new Float32Array(4 * n);
  hiddenGates = new Float32Array(3 * n);
  hidden = new Float32Array(n);
  cell = new Float32Array(n);
  temporary = new Float32Array(n);
}

/** A function of a gate, by its GATE_ constant; NaN gives NaN, or 0 for thresholdedRelu. */
function gateFunction(kind: number, x: number, alpha: number, beta: number): number {
  switch (kind) {
    case GATE_RELU:
      return x < 0 ? 0 : x;
    case GATE_LEAKY_RELU:
      return x >= 0 ? x : x * alpha;
    case GATE_THRESHOLDED_RELU:
      return x > alpha ? x : 0;
    case GATE_TANH:
      return tanh(f32(x * beta)) * alpha;
    case GATE_LOGISTIC:
      return logistic(x);
    case GATE_HARD_SIGMOID:
      return clamp(f32(f32(x * alpha) + beta), 0, 1);
    case GATE_ELU:
      return x >= 0 ? x : expm1(x) * alpha;
    case GATE_SOFTSIGN:
      return x / f32(1 + Math.abs(x));
    case GATE_SOFTPLUS:
      // e^−|x| does not overflow
      return Math.max(x, 0) + log(f32(1 + exp(-Math.abs(x))));
  }
  return f32(x * alpha) + beta;
}

/** One of the record's three functions on n numbers from `at` on; those of gates clip first. */
function apply(r: number, m: Memory, which: number, a: Float32Array, at: number, n: number): void {
  const clip = float(r, m, RECURRENCE_CLIP);
  const field = RECURRENCE_FUNCTIONS + which * RECURRENCE_FUNCTION_BYTES;
  for (let i = at; i < at + n; i++) {
    const x = which < 2 && clip > 0 ? clamp(a[i]!, -clip, clip) : a[i]!;
    a[i] = gateFunction(int(r, m, field), x, float(r, m, field + 4), float(r, m, field + 8));
  }
}

/** out += `count` gates from `first` on of the hidden weights · a f32 [N] */
function multiplyHidden(
  r: number,
  m: Memory,
  a: Float32Array,
  first: number,
  count: number,
  out: Float32Array,
  to: number,
): void {
  const N = int(r, m, RECURRENCE_CELLS);
  const n = lanesOf(r, m);
  const weights = (int(r, m, RECURRENCE_HIDDEN_WEIGHTS) >> 2) + first * n * N;
  multiplyFloats(a, 0, N, m.weights.f32, weights, out, to, (count * n) >> 3);
}

/** Adds the peephole of gate `gate` (of i, f, o) to the gate at `at`. */
function peep(r: number, m: Memory, gate: number, at: number): void {
  const n = lanesOf(r, m);
  const weights = (int(r, m, RECURRENCE_PEEPHOLE) >> 2) + gate * n;
  for (let i = 0; i < n; i++) gates[at + i]! += f32(m.weights.f32[weights + i]! * cell[i]!);
}

function stepLstm(r: number, m: Memory): void {
  const n = lanesOf(r, m);
  multiplyHidden(r, m, hidden, 0, 4, gates, 0);
  peep(r, m, 0, 0);
  peep(r, m, 1, n);
  apply(r, m, 0, gates, 0, n);
  if (int(r, m, RECURRENCE_COUPLED) === 1) { for (let i = 0; i < n; i++) gates[n + i] = 1 - gates[i]!; }
  else apply(r, m, 0, gates, n, n);
  apply(r, m, 1, gates, 2 * n, n);
  for (let i = 0; i < n; i++) cell[i] = f32(gates[n + i]! * cell[i]!) + f32(gates[i]! * gates[2 * n + i]!);
  peep(r, m, 2, 3 * n);
  apply(r, m, 0, gates, 3 * n, n);
  for (let i = 0; i < n; i++) temporary[i] = cell[i]!;
  apply(r, m, 2, temporary, 0, n);
  for (let i = 0; i < n; i++) hidden[i] = gates[3 * n + i]! * temporary[i]!;
}

function stepGru(r: number, m: Memory): void {
  const n = lanesOf(r, m);
  const resetFirst = int(r, m, RECURRENCE_KIND) === RECURRENT_GRU_RESET_FIRST;
  const other = hiddenGates;
  const bias = int(r, m, RECURRENCE_HIDDEN_BIAS) >> 2;
  for (let i = 0; i < 3 * n; i++) other[i] = m.weights.f32[bias + i]!;
  multiplyHidden(r, m, hidden, 0, resetFirst ? 2 : 3, other, 0);
  for (let i = 0; i < 2 * n; i++) gates[i]! += other[i]!;
  apply(r, m, 0, gates, 0, 2 * n);
  if (resetFirst) {
    for (let i = 0; i < n; i++) temporary[i] = gates[n + i]! * hidden[i]!;
    multiplyHidden(r, m, temporary, 2, 1, other, 2 * n);
  }
  for (let i = 0; i < n; i++) {
    gates[2 * n + i]! += resetFirst ? other[2 * n + i]! : f32(gates[n + i]! * other[2 * n + i]!);
  }
  apply(r, m, 1, gates, 2 * n, n);
  for (let i = 0; i < n; i++) {
    hidden[i] = f32(gates[i]! * hidden[i]!) + f32(f32(1 - gates[i]!) * gates[2 * n + i]!);
  }
}

export function runRecurrence(r: number, m: Memory): void {
  const kind = int(r, m, RECURRENCE_KIND);
  const lstm = kind === RECURRENT_LSTM;
  const time = int(r, m, RECURRENCE_TIME);
  const batch = int(r, m, RECURRENCE_BATCH);
  const I = int(r, m, RECURRENCE_INPUTS);
  const N = int(r, m, RECURRENCE_CELLS);
  const n = lanesOf(r, m);
  const others = kind === RECURRENT_RNN ? 1 : 3;
  const lanes = (lstm ? 4 : others) * n;
  const a = sectionOf(r, m, RECURRENCE_SOURCE).f32;
  const w = m.weights.f32;
  const out = m.arena.f32;
  const bias = int(r, m, RECURRENCE_INPUT_BIAS) >> 2;
  for (let b = 0; b < batch; b++) {
    const state = (int(r, m, RECURRENCE_HIDDEN) >> 2) + b * N;
    const cells = (int(r, m, RECURRENCE_CELL) >> 2) + b * N;
    let length = time;
    if (int(r, m, RECURRENCE_HAS_LENGTHS) === 1) {
      const lengths = sectionOf(r, m, RECURRENCE_LENGTHS).i32;
      length = clamp(lengths[(offsetOf(r, m, RECURRENCE_LENGTHS) >> 2) + b]!, 0, time);
    }
    for (let i = 0; i < N; i++) {
      hidden[i] = out[state + i]!;
      if (lstm) cell[i] = out[cells + i]!;
    }
    for (let s = 0; s < time; s++) {
      const t = int(r, m, RECURRENCE_REVERSE) === 1 && s < length ? length - 1 - s : s;
      const row = int(r, m, RECURRENCE_TIME_MAJOR) === 1 ? t * batch + b : b * time + t;
      const to = (int(r, m, RECURRENCE_TARGET) >> 2) + row * N;
      if (s < length) {
        for (let i = 0; i < lanes; i++) gates[i] = w[bias + i]!;
        const from = (offsetOf(r, m, RECURRENCE_SOURCE) >> 2) + row * I;
        multiplyFloats(a, from, I, w, int(r, m, RECURRENCE_INPUT_WEIGHTS) >> 2, gates, 0, lanes >> 3);
        if (lstm) stepLstm(r, m);
        else if (kind === RECURRENT_RNN) {
          multiplyHidden(r, m, hidden, 0, 1, gates, 0);
          apply(r, m, 0, gates, 0, n);
          for (let i = 0; i < n; i++) hidden[i] = gates[i]!;
        } else stepGru(r, m);
      }
      for (let i = 0; i < N; i++) out[to + i] = s < length ? hidden[i]! : 0;
    }
    for (let i = 0; i < N; i++) {
      out[state + i] = hidden[i]!;
      if (lstm) out[cells + i] = cell[i]!;
    }
  }
}
