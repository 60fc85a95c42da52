import { DTYPE_F32, FAULT_ATTRIBUTE, GATE_ELU, GATE_FUNCTIONS, GATE_HARD_SIGMOID, GATE_LEAKY_RELU, GATE_LOGISTIC,
  GATE_RELU, GATE_SOFTPLUS, GATE_SOFTSIGN, GATE_TANH, GATE_THRESHOLDED_RELU, RECURRENCE_BATCH, RECURRENCE_BYTES,
  RECURRENCE_CELL, RECURRENCE_CELLS, RECURRENCE_CLIP, RECURRENCE_COUPLED, RECURRENCE_FUNCTIONS,
  RECURRENCE_FUNCTION_BYTES, RECURRENCE_HAS_LENGTHS, RECURRENCE_HIDDEN, RECURRENCE_HIDDEN_BIAS,
  RECURRENCE_HIDDEN_WEIGHTS, RECURRENCE_INPUTS, RECURRENCE_INPUT_BIAS, RECURRENCE_INPUT_WEIGHTS, RECURRENCE_KIND,
  RECURRENCE_LENGTHS, RECURRENCE_PEEPHOLE, RECURRENCE_REVERSE, RECURRENCE_SOURCE, RECURRENCE_TARGET, RECURRENCE_TIME,
  RECURRENCE_TIME_MAJOR, RECURRENT_GRU_RESET_FIRST, RECURRENT_LSTM, RECURRENT_RNN } from '../layout';
import { copy_bytes } from '../kernels/copy';
import { add_f32, blend_f32, clip_f32, multiply_add_f32, multiply_f32, one_less_f32 } from '../kernels/gatesF32';
import { gemv_add_f32 } from '../kernels/gemmF32';
import { clamp } from '../kernels/lanes';
import { exp, expm1, log, logistic, tanh } from '../kernels/math';
import { checkCounts, checkFinite, checkRanges, checkRecord, countWork, fail, float, int, needScratch, scratch, source,
  sourceOf, stateTarget, tables, target, toF64 } from '../record';

// lstm, gru and rnn with the functions, clips and lengths of ONNX, in f32.

// Scratch, f32 [N'] each:
//   gates        4    of the input, later of both products
//   hiddenGates  3    the products of the hidden state, if they are kept apart (gru)
//   hidden       1    the hidden state
//   cell         1    the cell state
//   temporary    1
const PARTS = 10;
/** Cost of the functions of one lane, in multiply-adds. */
const FUNCTION_WORK: f64 = 64;

let gates: usize = 0;
let hiddenGates: usize = 0;
let hidden: usize = 0;
let cell: usize = 0;
let temporary: usize = 0;

function gatesOf(r: usize): i32 {
  const kind = int(r, RECURRENCE_KIND);
  if (kind == RECURRENT_RNN) return 1;
  return kind == RECURRENT_LSTM ? 4 : 3;
}

export function describeRecurrence(r: usize): void {
  if (!checkRecord(r, RECURRENCE_BYTES, 1 << DTYPE_F32)) return;
  checkRanges(r, RECURRENCE_KIND, 1, RECURRENT_LSTM, RECURRENT_RNN);
  // TIME and BATCH
  checkCounts(r, RECURRENCE_TIME, 2);
  // INPUTS and CELLS
  checkRanges(r, RECURRENCE_INPUTS, 2, 1, 65536);
  // TIME_MAJOR, REVERSE, HAS_LENGTHS and COUPLED
  checkRanges(r, RECURRENCE_TIME_MAJOR, 4, 0, 1);
  checkFinite(r, RECURRENCE_CLIP);
  if (!(float(r, RECURRENCE_CLIP) >= 0)) fail(FAULT_ATTRIBUTE);
  for (let i = 0; i < 3; i++) {
    const at = RECURRENCE_FUNCTIONS + i * RECURRENCE_FUNCTION_BYTES;
    checkRanges(r, at, 1, 0, GATE_FUNCTIONS - 1);
    checkFinite(r, at + 4);
    checkFinite(r, at + 8);
  }
  const isLstm = int(r, RECURRENCE_KIND) == RECURRENT_LSTM;
  const batch = toF64(r, RECURRENCE_BATCH);
  const rows = toF64(r, RECURRENCE_TIME) * batch;
  const I = toF64(r, RECURRENCE_INPUTS);
  const N = toF64(r, RECURRENCE_CELLS);
  const n = ceil(N / 8) * 8;
  const lanes = <f64>gatesOf(r) * n;
  source(r, RECURRENCE_SOURCE, rows * I * 4, 4);
  if (int(r, RECURRENCE_HAS_LENGTHS) == 1) sourceOf(0, r, RECURRENCE_LENGTHS, batch * 4, 4);
  target(r, RECURRENCE_TARGET, rows * N * 4, 4);
  stateTarget(r, RECURRENCE_HIDDEN, batch * N * 4, 4);
  if (isLstm) stateTarget(r, RECURRENCE_CELL, batch * N * 4, 4);
  tables(r, RECURRENCE_INPUT_WEIGHTS, 1, lanes * I * 4);
  tables(r, RECURRENCE_HIDDEN_WEIGHTS, 1, lanes * N * 4);
  tables(r, RECURRENCE_INPUT_BIAS, 2, lanes * 4);
  if (isLstm) tables(r, RECURRENCE_PEEPHOLE, 1, 3 * n * 4);
  countWork(rows * lanes * (I + N + FUNCTION_WORK));
  needScratch(PARTS * n * 4);
}

/** A function of a gate, by its GATE_ constant; NaN gives NaN, or 0 for thresholdedRelu. */
function gateFunction(kind: i32, x: f32, alpha: f32, beta: f32): f32 {
  switch (kind) {
    case GATE_RELU:
      return x < 0 ? 0 : x;
    case GATE_LEAKY_RELU:
      return x >= 0 ? x : x * alpha;
    case GATE_THRESHOLDED_RELU:
      return x > alpha ? x : 0;
    case GATE_TANH:
      return tanh<f32>(x * beta) * alpha;
    case GATE_LOGISTIC:
      return logistic<f32>(x);
    case GATE_HARD_SIGMOID:
      return clamp<f32>(x * alpha + beta, 0, 1);
    case GATE_ELU:
      return x >= 0 ? x : expm1<f32>(x) * alpha;
    case GATE_SOFTSIGN:
      return x / (1 + abs<f32>(x));
    case GATE_SOFTPLUS:
      // e^−|x| does not overflow
      return max<f32>(x, 0) + log(1 + exp<f32>(-abs<f32>(x)));
    default:
      return x * alpha + beta;
  }
}

/** a f32 [n] = one of the three functions of the record; those of gates clip a first */
function apply(r: usize, which: i32, a: usize, n: i32): void {
  const clip = float(r, RECURRENCE_CLIP);
  const at = RECURRENCE_FUNCTIONS + which * RECURRENCE_FUNCTION_BYTES;
  if (which < 2 && clip > 0) clip_f32(a, n, clip);
  for (let i = 0; i < n; i++) {
    const p = a + (i << 2);
    store<f32>(p, gateFunction(int(r, at), load<f32>(p), float(r, at + 4), float(r, at + 8)));
  }
}

/** to f32 [count·n] += `count` gates from `first` on of the hidden weights · (f32 [N] at `from`) */
function multiplyHidden(r: usize, from: usize, first: i32, count: i32, to: usize, n: i32): void {
  const N = int(r, RECURRENCE_CELLS);
  gemv_add_f32(from, <usize>int(r, RECURRENCE_HIDDEN_WEIGHTS) + (first * n * N << 2), N, to, count * n >> 3);
}

function stepLstm(r: usize, n: i32): void {
  const row = n << 2;
  const i = gates;
  const f = i + row;
  const g = f + row;
  const o = g + row;
  const peephole = <usize>int(r, RECURRENCE_PEEPHOLE);
  multiplyHidden(r, hidden, 0, 4, gates, n);
  multiply_add_f32(peephole, cell, i, n);
  multiply_add_f32(peephole + row, cell, f, n);
  apply(r, 0, i, n);
  if (int(r, RECURRENCE_COUPLED) == 1) one_less_f32(i, f, n);
  else apply(r, 0, f, n);
  apply(r, 1, g, n);
  multiply_f32(f, cell, cell, n);
  multiply_add_f32(i, g, cell, n);
  multiply_add_f32(peephole + (row << 1), cell, o, n);
  apply(r, 0, o, n);
  copy_bytes(cell, temporary, row);
  apply(r, 2, temporary, n);
  multiply_f32(o, temporary, hidden, n);
}

function stepGru(r: usize, n: i32): void {
  const row = n << 2;
  const z = gates;
  const reset = z + row;
  const g = reset + row;
  const last = hiddenGates + (row << 1);
  const resetFirst = int(r, RECURRENCE_KIND) == RECURRENT_GRU_RESET_FIRST;
  copy_bytes(int(r, RECURRENCE_HIDDEN_BIAS), hiddenGates, 3 * row);
  multiplyHidden(r, hidden, 0, resetFirst ? 2 : 3, hiddenGates, n);
  add_f32(hiddenGates, gates, n << 1);
  apply(r, 0, gates, n << 1);
  if (resetFirst) {
    multiply_f32(reset, hidden, temporary, n);
    multiplyHidden(r, temporary, 2, 1, last, n);
    add_f32(last, g, n);
  } else {
    multiply_add_f32(reset, last, g, n);
  }
  apply(r, 1, g, n);
  blend_f32(z, g, hidden, n);
}

function stepRnn(r: usize, n: i32): void {
  multiplyHidden(r, hidden, 0, 1, gates, n);
  apply(r, 0, gates, n);
  copy_bytes(gates, hidden, n << 2);
}

export function runRecurrence(r: usize): void {
  const kind = int(r, RECURRENCE_KIND);
  const time = int(r, RECURRENCE_TIME);
  const batch = int(r, RECURRENCE_BATCH);
  const I = int(r, RECURRENCE_INPUTS);
  const N = int(r, RECURRENCE_CELLS);
  const n = N + 7 & -8;
  const lanes = gatesOf(r) * n;
  const timeMajor = int(r, RECURRENCE_TIME_MAJOR) == 1;
  const backward = int(r, RECURRENCE_REVERSE) == 1;
  const stateBytes = N << 2;
  gates = scratch();
  hiddenGates = gates + (n << 4);
  hidden = hiddenGates + 3 * (n << 2);
  cell = hidden + (n << 2);
  temporary = cell + (n << 2);
  for (let b = 0; b < batch; b++) {
    const state = <usize>int(r, RECURRENCE_HIDDEN) + b * stateBytes;
    const cellState = <usize>int(r, RECURRENCE_CELL) + b * stateBytes;
    const lengths = <usize>int(r, RECURRENCE_LENGTHS) + (b << 2);
    const length = int(r, RECURRENCE_HAS_LENGTHS) == 1 ? max(0, min(time, load<i32>(lengths))) : time;
    copy_bytes(state, hidden, stateBytes);
    if (kind == RECURRENT_LSTM) copy_bytes(cellState, cell, stateBytes);
    for (let s = 0; s < time; s++) {
      const t = backward && s < length ? length - 1 - s : s;
      const row = timeMajor ? t * batch + b : b * time + t;
      const y = <usize>int(r, RECURRENCE_TARGET) + row * stateBytes;
      if (s >= length) {
        memory.fill(y, 0, stateBytes);
        continue;
      }
      copy_bytes(int(r, RECURRENCE_INPUT_BIAS), gates, lanes << 2);
      const x = <usize>int(r, RECURRENCE_SOURCE) + (row * I << 2);
      gemv_add_f32(x, int(r, RECURRENCE_INPUT_WEIGHTS), I, gates, lanes >> 3);
      if (kind == RECURRENT_LSTM) stepLstm(r, n);
      else if (kind == RECURRENT_RNN) stepRnn(r, n);
      else stepGru(r, n);
      copy_bytes(hidden, y, stateBytes);
    }
    copy_bytes(hidden, state, stateBytes);
    if (kind == RECURRENT_LSTM) copy_bytes(cell, cellState, stateBytes);
  }
}
