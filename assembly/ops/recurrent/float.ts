import { RECURRENT_ACTIVATION, RECURRENT_ASYMMETRIC, RECURRENT_CELLS, RECURRENT_CELL_CLIP, RECURRENT_GATES,
  RECURRENT_GRU_RESET_FIRST, RECURRENT_HARD_GATES, RECURRENT_HAS_NORM, RECURRENT_HAS_PEEPHOLE, RECURRENT_HAS_PROJECTION,
  RECURRENT_HIDDEN_BIAS, RECURRENT_HIDDEN_WEIGHTS, RECURRENT_INPUTS, RECURRENT_INPUT_BIAS, RECURRENT_INPUT_WEIGHTS,
  RECURRENT_KIND, RECURRENT_MODE, RECURRENT_NORM, RECURRENT_NORM_BIAS, RECURRENT_OUTPUTS, RECURRENT_PARTS,
  RECURRENT_PEEPHOLE, RECURRENT_PLAIN, RECURRENT_PROJECTION, RECURRENT_PROJECTION_BIAS, RECURRENT_PROJECTION_CLIP,
  RECURRENT_PROJECTION_SCALE, RECURRENT_RNN, RECURRENT_SUMS, UNARY_LOGISTIC, UNARY_RELU_0_TO_1,
  UNARY_TANH } from '../../layout';
import { copy_bytes } from '../../kernels/copy';
import { add_f32, blend_f32, clip_f32, multiply_add_f32, multiply_f32, norm_f32, one_less_f32,
  rescale_add_f32 } from '../../kernels/gatesF32';
import { gemv_add_f32 } from '../../kernels/gemmF32';
import { quantize_range, range_f32, rangeScale, rangeZero } from '../../kernels/hybrid';
import { unary_f32 } from '../../kernels/unary';
import { float, int } from '../../record';
import { gatesOf, isGru } from './describe';
import { multiply } from './int8';
import { accumulators, cell, gates, hidden, hiddenGates, quantized, temporary, up } from './scratch';

/**
 * to f32 [panels][8] += (the weights at `field`, from panel `first` on) · (f32 [K] at `from`)
 *
 * A hybrid record quantizes the row by the row's own range. `scales` is the address of the scales
 * of the weights, one f32 for each gate of n lanes, 8 bytes apart. `weightSums` is i32, Σ w of each
 * lane.
 */
function multiplyF32(
  r: usize,
  from: usize,
  K: i32,
  field: usize,
  first: i32,
  to: usize,
  n: i32,
  gateCount: i32,
  scales: usize,
  weightSums: usize,
): void {
  const mode = int(r, RECURRENT_MODE);
  const panels = (n * gateCount) >> 3;
  if (mode == RECURRENT_PLAIN) {
    gemv_add_f32(from, <usize>int(r, field) + (first * K << 5), K, to, panels);
    return;
  }
  range_f32(from, K, mode == RECURRENT_ASYMMETRIC);
  quantize_range(from, quantized, K);
  multiply(r, quantized, K, field, first, panels);
  for (let gate = 0; gate < gateCount; gate++) {
    const at = gate * n << 2;
    const scale = rangeScale() * load<f32>(scales + (gate << 3));
    rescale_add_f32(accumulators + at, weightSums + at, to + at, n, rangeZero(), scale);
  }
}

/** Applies peephole, layer normalization and activation of one gate of an lstm. */
function finishGateF32(r: usize, gate: i32, n: i32, peephole: bool, activation: i32): void {
  const at = gate * n << 2;
  const g = gates + at;
  const parts = int(r, RECURRENT_PARTS);
  if (peephole && (parts & RECURRENT_HAS_PEEPHOLE) != 0) multiply_add_f32(int(r, RECURRENT_PEEPHOLE) + at, cell, g, n);
  if ((parts & RECURRENT_HAS_NORM) != 0) {
    norm_f32(g, int(r, RECURRENT_CELLS), int(r, RECURRENT_NORM) + at, int(r, RECURRENT_NORM_BIAS) + at);
  }
  if (activation >= 0) unary_f32(activation, g, g, n, 0);
}

export function stepF32(r: usize, x: usize, h: usize): void {
  const kind = int(r, RECURRENT_KIND);
  const N = int(r, RECURRENT_CELLS);
  const P = int(r, RECURRENT_OUTPUTS);
  const n = up(N, 8);
  const G = gatesOf(r);
  const activation = int(r, RECURRENT_ACTIVATION);
  const logistic = (int(r, RECURRENT_PARTS) & RECURRENT_HARD_GATES) != 0 ? UNARY_RELU_0_TO_1 : UNARY_LOGISTIC;
  const scales = <usize>int(r, RECURRENT_GATES);
  const all = G * n << 2;
  const weightSums = <usize>int(r, RECURRENT_SUMS);
  copy_bytes(int(r, RECURRENT_INPUT_BIAS), gates, all);
  multiplyF32(r, x, int(r, RECURRENT_INPUTS), RECURRENT_INPUT_WEIGHTS, 0, gates, n, G, scales, weightSums);
  if (isGru(kind)) {
    const z = gates;
    const reset = gates + (n << 2);
    const g = reset + (n << 2);
    const last = hiddenGates + (n << 3);
    const resetFirst = kind == RECURRENT_GRU_RESET_FIRST;
    copy_bytes(int(r, RECURRENT_HIDDEN_BIAS), hiddenGates, all);
    multiplyF32(r, h, P, RECURRENT_HIDDEN_WEIGHTS, 0, hiddenGates, n, resetFirst ? 2 : 3, scales + 4, weightSums + all);
    add_f32(hiddenGates, z, n << 1);
    unary_f32(logistic, z, z, n << 1, 0);
    copy_bytes(h, cell, N << 2);
    if (resetFirst) {
      multiply_f32(reset, cell, temporary, n);
      const lastSums = weightSums + all + (n << 3);
      multiplyF32(r, temporary, N, RECURRENT_HIDDEN_WEIGHTS, n >> 2, last, n, 1, scales + 20, lastSums);
      add_f32(last, g, n);
    } else {
      multiply_add_f32(reset, last, g, n);
    }
    unary_f32(UNARY_TANH, g, g, n, 0);
    copy_bytes(cell, hidden, n << 2);
    blend_f32(z, g, hidden, n);
    return;
  }
  multiplyF32(r, h, P, RECURRENT_HIDDEN_WEIGHTS, 0, gates, n, G, scales + 4, weightSums + all);
  if (kind == RECURRENT_RNN) {
    if (activation >= 0) unary_f32(activation, gates, gates, n, 0);
    copy_bytes(gates, hidden, n << 2);
    return;
  }
  // The input gate of a coupled lstm is i = 1 − f.
  const coupled = G == 3;
  const first = coupled ? 0 : 1;
  const i = gates;
  const f = gates + (first * n << 2);
  const g = f + (n << 2);
  const o = g + (n << 2);
  if (!coupled) finishGateF32(r, 0, n, true, logistic);
  finishGateF32(r, first, n, true, logistic);
  finishGateF32(r, first + 1, n, false, activation);
  if (coupled) one_less_f32(f, temporary, n);
  multiply_f32(f, cell, cell, n);
  multiply_add_f32(coupled ? temporary : i, g, cell, n);
  if (float(r, RECURRENT_CELL_CLIP) > 0) clip_f32(cell, n, float(r, RECURRENT_CELL_CLIP));
  finishGateF32(r, first + 2, n, true, logistic);
  if (activation >= 0) unary_f32(activation, cell, temporary, n, 0);
  else copy_bytes(cell, temporary, n << 2);
  if ((int(r, RECURRENT_PARTS) & RECURRENT_HAS_PROJECTION) == 0) {
    multiply_f32(o, temporary, hidden, n);
    return;
  }
  multiply_f32(o, temporary, temporary, n);
  const outputs = up(P, 8);
  copy_bytes(int(r, RECURRENT_PROJECTION_BIAS), hidden, outputs << 2);
  const scale = r + RECURRENT_PROJECTION_SCALE;
  multiplyF32(r, temporary, N, RECURRENT_PROJECTION, 0, hidden, outputs, 1, scale, weightSums + (all << 1));
  if (float(r, RECURRENT_PROJECTION_CLIP) > 0) clip_f32(hidden, outputs, float(r, RECURRENT_PROJECTION_CLIP));
}
