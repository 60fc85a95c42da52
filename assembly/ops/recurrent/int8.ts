import { RECURRENT_ACTIVATION, RECURRENT_CELLS, RECURRENT_CELL_BITS, RECURRENT_CELL_CLIP, RECURRENT_COUPLED,
  RECURRENT_GATES, RECURRENT_GATE_WORDS, RECURRENT_GRU_RESET_FIRST, RECURRENT_HAS_NORM, RECURRENT_HAS_PEEPHOLE,
  RECURRENT_HAS_PROJECTION, RECURRENT_HIDDEN_BIAS, RECURRENT_HIDDEN_WEIGHTS, RECURRENT_INPUTS, RECURRENT_INPUT_BIAS,
  RECURRENT_INPUT_WEIGHTS, RECURRENT_KIND, RECURRENT_MAX, RECURRENT_MIN, RECURRENT_NORM, RECURRENT_NORM_BIAS,
  RECURRENT_OUTPUTS, RECURRENT_OUT_EXPONENT, RECURRENT_OUT_MULTIPLIER, RECURRENT_OUT_ZERO, RECURRENT_PARTS,
  RECURRENT_PEEPHOLE, RECURRENT_PROJECTION, RECURRENT_PROJECTION_BIAS, RECURRENT_PROJECTION_CLIP,
  RECURRENT_PROJECTION_EXPONENT, RECURRENT_PROJECTION_MULTIPLIER, RECURRENT_TARGET_ZERO,
  UNARY_TANH } from '../../layout';
import { copy_bytes } from '../../kernels/copy';
import { add_i16, gate_i16, logistic_i16, multiply_i16, narrow_i16_i8, norm_i16, one_less_i16, scale_product_i16,
  tanh_i16 } from '../../kernels/gates';
import { gemv_i8_i32 } from '../../kernels/gemv';
import { gather_i4, gemv_i4_i32 } from '../../kernels/nibbles';
import { spmv_blocks_i8_i32 } from '../../kernels/sparse';
import { rowOf } from '../../kernels/widen';
import { int } from '../../record';
import { hasNibbles, isSparse, listsOf } from './describe';
import { accumulators, cell, gates, hidden, hiddenGates, row, temporary, up } from './scratch';

/**
 * accumulators i32 [panels][8] = (the weights at `field`, from panel `first` on) · (K bytes at
 * `from`)
 */
export function multiply(r: usize, from: usize, K: i32, field: usize, first: i32, panels: i32): void {
  let weights = <usize>int(r, field);
  if (hasNibbles(r, field)) {
    const pairs = (K + 7) >> 3;
    gemv_i4_i32(row, weights + (first * pairs << 5), pairs, gather_i4(from, row, K), accumulators, panels);
    return;
  }
  const a = rowOf(from, row, K);
  if (isSparse(r) && field != RECURRENT_PROJECTION && int(r, listsOf(field) + 8) != 0) {
    let counts = <usize>int(r, listsOf(field));
    let steps = <usize>int(r, listsOf(field) + 4);
    for (; first > 0; first--) {
      const entries = <i32>load<u16>(counts);
      weights += entries << 5;
      steps += entries;
      counts += 2;
    }
    spmv_blocks_i8_i32(a, weights, steps, counts, accumulators, panels);
  } else {
    const quads = (K + 3) >> 2;
    gemv_i8_i32(a, weights + (first * quads << 5), quads, accumulators, panels);
  }
}

/**
 * gates i16 = the input's product for G gates, plus the hidden state's product for H gates. With
 * `apart`, the hidden state's product is stored in hiddenGates instead. `n` is N'.
 */
function multiplyBoth(r: usize, x: usize, h: usize, n: i32, G: i32, H: i32, apart: bool): void {
  const words = <usize>int(r, RECURRENT_GATES);
  multiply(r, x, int(r, RECURRENT_INPUTS), RECURRENT_INPUT_WEIGHTS, 0, (G * n) >> 3);
  scaleGates(r, RECURRENT_INPUT_BIAS, words, gates, n, G, false);
  multiply(r, h, int(r, RECURRENT_OUTPUTS), RECURRENT_HIDDEN_WEIGHTS, 0, (H * n) >> 3);
  scaleGates(r, RECURRENT_HIDDEN_BIAS, words + 8, apart ? hiddenGates : gates, n, H, !apart);
}

/** Scales the accumulators of `count` gates to i16 by the fixed-point factors at `words`. */
function scaleGates(r: usize, bias: usize, words: usize, to: usize, n: i32, count: i32, add: bool): void {
  for (let gate = 0; gate < count; gate++) {
    const p = words + gate * (RECURRENT_GATE_WORDS << 2);
    const at = gate * n;
    gate_i16(accumulators + (at << 2), int(r, bias) + (at << 2), to + (at << 1), n, load<i32>(p), load<i32>(p, 4), add);
  }
}

/** Applies the peephole and the layer normalization of one gate of an lstm. */
function finishGate(r: usize, gate: i32, n: i32, peephole: bool): void {
  const p = <usize>int(r, RECURRENT_GATES) + gate * (RECURRENT_GATE_WORDS << 2);
  const g = gates + (gate * n << 1);
  const parts = int(r, RECURRENT_PARTS);
  if (peephole && (parts & RECURRENT_HAS_PEEPHOLE) != 0) {
    const weights = int(r, RECURRENT_PEEPHOLE) + (gate * n << 1);
    scale_product_i16(weights, cell, g, n, load<i32>(p, 16), load<i32>(p, 20), true);
  }
  if ((parts & RECURRENT_HAS_NORM) != 0) {
    norm_i16(
      g,
      int(r, RECURRENT_CELLS),
      int(r, RECURRENT_NORM) + (gate * n << 1),
      int(r, RECURRENT_NORM_BIAS) + (gate * n << 2),
      load<i32>(p, 24),
      load<i32>(p, 28),
      load<i32>(p, 32),
    );
  }
}

export function stepLstm(r: usize, x: usize, h: usize): void {
  const n = up(int(r, RECURRENT_CELLS), 8);
  const coupled = (int(r, RECURRENT_PARTS) & RECURRENT_COUPLED) != 0;
  const first = coupled ? 0 : 1;
  const bits = int(r, RECURRENT_CELL_BITS);
  const i = gates;
  const f = gates + (first * n << 1);
  const g = f + (n << 1);
  const o = g + (n << 1);
  const clip = int(r, RECURRENT_CELL_CLIP);
  const bound = clip > 0 ? clip : 32767;
  multiplyBoth(r, x, h, n, first + 3, first + 3, false);
  if (!coupled) finishGate(r, 0, n, true);
  finishGate(r, first, n, true);
  finishGate(r, first + 1, n, false);
  logistic_i16(i, i, (first + 1) * n);
  tanh_i16(g, g, n, 3);
  // The input gate of a coupled lstm is i = 1 − f.
  if (coupled) one_less_i16(f, temporary, n);
  multiply_i16(coupled ? temporary : i, g, temporary, n, 15 + bits);
  multiply_i16(f, cell, cell, n, 15);
  add_i16(cell, temporary, cell, n, clip > 0 ? -bound : -32768, bound);
  finishGate(r, first + 2, n, true);
  logistic_i16(o, o, n);
  tanh_i16(cell, temporary, n, bits);
  const multiplier = int(r, RECURRENT_OUT_MULTIPLIER);
  scale_product_i16(o, temporary, temporary, n, multiplier, int(r, RECURRENT_OUT_EXPONENT), false);
  narrow_i16_i8(temporary, hidden, n, 0, -int(r, RECURRENT_OUT_ZERO), -128, 127);
  if ((int(r, RECURRENT_PARTS) & RECURRENT_HAS_PROJECTION) == 0) return;
  project(r);
}

/** hidden i8 = the projection of hidden i8 [CELLS] */
function project(r: usize): void {
  const outputs = up(int(r, RECURRENT_OUTPUTS), 8);
  const clip = int(r, RECURRENT_PROJECTION_CLIP);
  multiply(r, hidden, int(r, RECURRENT_CELLS), RECURRENT_PROJECTION, 0, outputs >> 3);
  gate_i16(
    accumulators,
    int(r, RECURRENT_PROJECTION_BIAS),
    temporary,
    outputs,
    int(r, RECURRENT_PROJECTION_MULTIPLIER),
    int(r, RECURRENT_PROJECTION_EXPONENT),
    false,
  );
  const min = clip > 0 ? -clip : -128;
  narrow_i16_i8(temporary, hidden, outputs, 0, int(r, RECURRENT_TARGET_ZERO), min, clip > 0 ? clip : 127);
}

/** h = z·h + (1 − z)·g in Q0.15; the products read h in Q0.7. */
export function stepGru(r: usize, x: usize, state: usize): void {
  const N = int(r, RECURRENT_CELLS);
  const n = up(N, 8);
  const z = gates;
  const reset = gates + (n << 1);
  const g = reset + (n << 1);
  const last = hiddenGates + (n << 2);
  copy_bytes(state, cell, N << 1);
  narrow_i16_i8(cell, hidden, n, 8, 0, -128, 127);
  const resetFirst = int(r, RECURRENT_KIND) == RECURRENT_GRU_RESET_FIRST;
  multiplyBoth(r, x, hidden, n, 3, resetFirst ? 2 : 3, true);
  add_i16(z, hiddenGates, z, n << 1, -32768, 32767);
  logistic_i16(z, z, n << 1);
  if (!resetFirst) {
    multiply_i16(reset, last, last, n, 15);
  } else {
    multiply_i16(reset, cell, temporary, n, 15);
    narrow_i16_i8(temporary, hidden, n, 8, 0, -128, 127);
    multiply(r, hidden, N, RECURRENT_HIDDEN_WEIGHTS, n >> 2, n >> 3);
    const p = <usize>int(r, RECURRENT_GATES) + (2 * RECURRENT_GATE_WORDS + 2 << 2);
    gate_i16(accumulators, int(r, RECURRENT_HIDDEN_BIAS) + (n << 3), last, n, load<i32>(p), load<i32>(p, 4), false);
  }
  add_i16(g, last, g, n, -32768, 32767);
  tanh_i16(g, g, n, 3);
  one_less_i16(z, temporary, n);
  multiply_i16(z, cell, cell, n, 15);
  multiply_i16(temporary, g, temporary, n, 15);
  add_i16(cell, temporary, cell, n, -32768, 32767);
  copy_bytes(cell, state, N << 1);
  narrow_i16_i8(cell, hidden, n, 8, int(r, RECURRENT_TARGET_ZERO), -128, 127);
}

export function stepRnn(r: usize, x: usize, h: usize): void {
  const n = up(int(r, RECURRENT_CELLS), 8);
  multiplyBoth(r, x, h, n, 1, 1, false);
  if (int(r, RECURRENT_ACTIVATION) == UNARY_TANH) tanh_i16(gates, gates, n, 3);
  narrow_i16_i8(gates, hidden, n, 8, int(r, RECURRENT_TARGET_ZERO), int(r, RECURRENT_MIN), int(r, RECURRENT_MAX));
}
