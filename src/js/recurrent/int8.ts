import { RECURRENT_ACTIVATION, RECURRENT_CELLS, RECURRENT_CELL_BITS, RECURRENT_CELL_CLIP, RECURRENT_GATES,
  RECURRENT_GATE_WORDS, RECURRENT_GRU_RESET_FIRST, RECURRENT_HAS_NORM, RECURRENT_HAS_PEEPHOLE, RECURRENT_HAS_PROJECTION,
  RECURRENT_HIDDEN_BIAS, RECURRENT_HIDDEN_WEIGHTS, RECURRENT_INPUTS, RECURRENT_INPUT_BIAS, RECURRENT_INPUT_WEIGHTS,
  RECURRENT_KIND, RECURRENT_MAX, RECURRENT_MIN, RECURRENT_NORM, RECURRENT_NORM_BIAS, RECURRENT_OUTPUTS,
  RECURRENT_OUT_EXPONENT, RECURRENT_OUT_MULTIPLIER, RECURRENT_OUT_ZERO, RECURRENT_PARTS, RECURRENT_PEEPHOLE,
  RECURRENT_PROJECTION, RECURRENT_PROJECTION_BIAS, RECURRENT_PROJECTION_CLIP, RECURRENT_PROJECTION_EXPONENT,
  RECURRENT_PROJECTION_MULTIPLIER, RECURRENT_TARGET_ZERO, UNARY_TANH } from '../../../assembly/layout';
import { clamp, saturate16, shiftRight } from '../arithmetic';
import { grown, int, type Memory, sums } from '../memory';
import { logistic16, multiply16, norm16, scale16, tanh16 } from './gates';
import { gatesOf, lanesOf, multiplyMatrix } from './matrix';

// One time step of int8 layers. The state is i16 (cells) and i8 (hidden).

/** The gates, one after the other, each in whole panels. */
export let gates = new Int16Array(0);
/** The hidden state's product, if it is kept apart from the input's (gru). */
let hiddenGates = new Int16Array(0);
export let cell = new Int16Array(0);
export let hidden = new Int8Array(0);

/** Provides room for `lanes` lanes of all gates, and for states of `states` values. */
export function reserveInt8(lanes: number, states: number): void {
  if (gates.length < lanes) {
    const length = grown(gates.length, lanes);
    gates = new Int16Array(length);
    hiddenGates = new Int16Array(length);
  }
  if (cell.length < states) {
    const length = grown(cell.length, states);
    cell = new Int16Array(length);
    hidden = new Int8Array(length);
  }
}

/** The product of `K` values with the weights of `count` gates from `first` on, into `to`. */
function product(
  r: number,
  m: Memory,
  a: Int8Array,
  at: number,
  K: number,
  field: number,
  bias: number,
  word: number,
  first: number,
  count: number,
  to: Int16Array,
  add: boolean,
): void {
  const n = lanesOf(r, m);
  const words = m.weights.i32;
  multiplyMatrix(r, m, a, at, K, field, (first * n) >> 3, (count * n) >> 3);
  for (let gate = 0; gate < count; gate++) {
    const factor = (int(r, m, RECURRENT_GATES) >> 2) + (first + gate) * RECURRENT_GATE_WORDS + word;
    const b = (int(r, m, bias) >> 2) + (first + gate) * n;
    for (let i = 0; i < n; i++) {
      const lane = (first + gate) * n + i;
      const x = (sums[gate * n + i]! + words[b + i]!) | 0;
      to[lane] = scale16(x, words[factor]!, words[factor + 1]!, add ? to[lane]! : 0);
    }
  }
}

function inputProduct(r: number, m: Memory, a: Int8Array, x: number, count: number): void {
  const K = int(r, m, RECURRENT_INPUTS);
  product(r, m, a, x, K, RECURRENT_INPUT_WEIGHTS, RECURRENT_INPUT_BIAS, 0, 0, count, gates, false);
}

function hiddenProduct(r: number, m: Memory, first: number, count: number, to: Int16Array, add: boolean): void {
  const K = int(r, m, RECURRENT_OUTPUTS);
  product(r, m, hidden, 0, K, RECURRENT_HIDDEN_WEIGHTS, RECURRENT_HIDDEN_BIAS, 2, first, count, to, add);
}

/** Applies the peephole and the layer normalization of one gate of an lstm. */
function finishGate(r: number, m: Memory, gate: number, peephole: boolean): void {
  const N = int(r, m, RECURRENT_CELLS);
  const words = m.weights.i32;
  const factor = (int(r, m, RECURRENT_GATES) >> 2) + gate * RECURRENT_GATE_WORDS;
  const at = gate * lanesOf(r, m);
  const parts = int(r, m, RECURRENT_PARTS);
  if (peephole && (parts & RECURRENT_HAS_PEEPHOLE) !== 0) {
    for (let i = 0; i < N; i++) {
      const x = m.weights.i16[(int(r, m, RECURRENT_PEEPHOLE) >> 1) + at + i]! * cell[i]!;
      gates[at + i] = scale16(x, words[factor + 4]!, words[factor + 5]!, gates[at + i]!);
    }
  }
  if ((parts & RECURRENT_HAS_NORM) !== 0) {
    norm16(
      gates,
      at,
      N,
      m.weights.i16,
      (int(r, m, RECURRENT_NORM) >> 1) + at,
      words,
      (int(r, m, RECURRENT_NORM_BIAS) >> 2) + at,
      words[factor + 6]!,
      words[factor + 7]!,
      words[factor + 8]!,
    );
  }
}

export function stepLstm(r: number, m: Memory, a: Int8Array, x: number): void {
  const N = int(r, m, RECURRENT_CELLS);
  const n = lanesOf(r, m);
  // the input gate of a coupled lstm is i = 1 − f
  const first = gatesOf(r, m) - 3;
  const bits = int(r, m, RECURRENT_CELL_BITS);
  const clip = int(r, m, RECURRENT_CELL_CLIP);
  inputProduct(r, m, a, x, first + 3);
  hiddenProduct(r, m, 0, first + 3, gates, true);
  if (first > 0) finishGate(r, m, 0, true);
  finishGate(r, m, first, true);
  finishGate(r, m, first + 1, false);
  for (let i = 0; i < N; i++) {
    const forget = logistic16(gates[first * n + i]!);
    const input = first > 0 ? logistic16(gates[i]!) : 32767 - forget;
    const g = tanh16(gates[(first + 1) * n + i]!, 3);
    const sum = multiply16(forget, cell[i]!, 15) + multiply16(input, g, 15 + bits);
    cell[i] = clamp(sum, clip > 0 ? -clip : -32768, clip > 0 ? clip : 32767);
  }
  finishGate(r, m, first + 2, true);
  const multiplier = int(r, m, RECURRENT_OUT_MULTIPLIER);
  const exponent = int(r, m, RECURRENT_OUT_EXPONENT);
  for (let i = 0; i < N; i++) {
    const y = logistic16(gates[(first + 2) * n + i]!) * tanh16(cell[i]!, bits);
    hidden[i] = clamp(scale16(y, multiplier, exponent, 0) - int(r, m, RECURRENT_OUT_ZERO), -128, 127);
  }
  if ((int(r, m, RECURRENT_PARTS) & RECURRENT_HAS_PROJECTION) !== 0) project(r, m);
}

function project(r: number, m: Memory): void {
  const P = int(r, m, RECURRENT_OUTPUTS);
  const clip = int(r, m, RECURRENT_PROJECTION_CLIP);
  const bias = int(r, m, RECURRENT_PROJECTION_BIAS) >> 2;
  const multiplier = int(r, m, RECURRENT_PROJECTION_MULTIPLIER);
  const exponent = int(r, m, RECURRENT_PROJECTION_EXPONENT);
  const zero = int(r, m, RECURRENT_TARGET_ZERO);
  multiplyMatrix(r, m, hidden, 0, int(r, m, RECURRENT_CELLS), RECURRENT_PROJECTION, 0, Math.ceil(P / 8));
  for (let i = 0; i < P; i++) {
    const x = scale16((sums[i]! + m.weights.i32[bias + i]!) | 0, multiplier, exponent, 0) + zero;
    hidden[i] = clamp(x, clip > 0 ? -clip : -128, clip > 0 ? clip : 127);
  }
}

/** x in Q0.15 as i8 in Q0.7, plus `zero` */
function narrow(x: number, zero: number, low: number, top: number): number {
  return clamp(shiftRight(x, 8) + zero, low, top);
}

/** h = z·h + (1 − z)·g in Q0.15, in `cell`; the products read h in Q0.7. */
export function stepGru(r: number, m: Memory, a: Int8Array, x: number): void {
  const N = int(r, m, RECURRENT_CELLS);
  const n = lanesOf(r, m);
  const resetFirst = int(r, m, RECURRENT_KIND) === RECURRENT_GRU_RESET_FIRST;
  const zero = int(r, m, RECURRENT_TARGET_ZERO);
  const other = hiddenGates;
  inputProduct(r, m, a, x, 3);
  for (let i = 0; i < N; i++) hidden[i] = narrow(cell[i]!, 0, -128, 127);
  hiddenProduct(r, m, 0, resetFirst ? 2 : 3, other, false);
  for (let i = 0; i < 2 * n; i++) gates[i] = logistic16(saturate16(gates[i]! + other[i]!));
  if (resetFirst) {
    for (let i = 0; i < N; i++) hidden[i] = narrow(multiply16(gates[n + i]!, cell[i]!, 15), 0, -128, 127);
    hiddenProduct(r, m, 2, 1, other, false);
  } else {
    for (let i = 0; i < N; i++) other[2 * n + i] = multiply16(gates[n + i]!, other[2 * n + i]!, 15);
  }
  for (let i = 0; i < N; i++) {
    const g = tanh16(saturate16(gates[2 * n + i]! + other[2 * n + i]!), 3);
    const z = gates[i]!;
    cell[i] = saturate16(multiply16(z, cell[i]!, 15) + multiply16(32767 - z, g, 15));
    hidden[i] = narrow(cell[i]!, zero, -128, 127);
  }
}

export function stepRnn(r: number, m: Memory, a: Int8Array, x: number): void {
  const zero = int(r, m, RECURRENT_TARGET_ZERO);
  const low = int(r, m, RECURRENT_MIN);
  const top = int(r, m, RECURRENT_MAX);
  const curved = int(r, m, RECURRENT_ACTIVATION) === UNARY_TANH;
  inputProduct(r, m, a, x, 1);
  hiddenProduct(r, m, 0, 1, gates, true);
  for (let i = 0; i < int(r, m, RECURRENT_CELLS); i++) {
    hidden[i] = narrow(curved ? tanh16(gates[i]!, 3) : gates[i]!, zero, low, top);
  }
}
