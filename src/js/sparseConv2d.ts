import { CONV2D_BATCH, CONV2D_BIAS, CONV2D_MAX, CONV2D_MIN, CONV2D_OUT_C, CONV2D_SCALE, CONV2D_SOURCE,
  CONV2D_SOURCE_ZERO, CONV2D_TARGET, CONV2D_TARGET_ZERO, CONV2D_WEIGHTS, CONV2D_WEIGHTS_ZERO, SPARSE_COUNTS,
  SPARSE_DELTAS, SPARSE_PAIRS, SPARSE_PATTERN } from '../../assembly/layout';
import { clamp, EVEN, f32 } from './arithmetic';
import { int, offsetOf, reserve, sectionOf, sums, values, type Memory } from './memory';
import { gatherAll, multiplyBlocks } from './product';
import { convolve, inputsOf, panelsOf } from './window';

export function prepareSparseConv2d(r: number, m: Memory): void {
  reserve(inputsOf(r, m) + 4, panelsOf(r, m) * 8);
}

/** sums [n] = the listed pairs of weights times the values of a window */
function multiplyPairs(r: number, m: Memory, n: number): void {
  const v = values;
  const s = sums;
  const w = m.weights.i8;
  const deltas = m.weights.u8;
  const counts = m.weights.u16;
  const zero = int(r, m, CONV2D_WEIGHTS_ZERO);
  let at = int(r, m, CONV2D_WEIGHTS);
  let delta = int(r, m, SPARSE_DELTAS);
  for (let i = 0; i < n; i++) {
    let sum = 0;
    let k = 0;
    for (let left = counts[(int(r, m, SPARSE_COUNTS) >> 1) + i]! * 4; left > 0; left--, at += 2) {
      k += 2 * deltas[delta++]!;
      sum += v[k]! * (w[at]! - zero) + v[k + 1]! * (w[at + 1]! - zero);
    }
    s[i] = sum;
  }
}

export function runSparseConv2d(r: number, m: Memory): void {
  const N = int(r, m, CONV2D_OUT_C);
  const K = inputsOf(r, m);
  const panels = panelsOf(r, m);
  const pairs = int(r, m, SPARSE_PATTERN) === SPARSE_PAIRS;
  const sourceZero = int(r, m, CONV2D_SOURCE_ZERO);
  const zero = int(r, m, CONV2D_TARGET_ZERO);
  const low = int(r, m, CONV2D_MIN) - zero;
  const top = int(r, m, CONV2D_MAX) - zero;
  const bias = int(r, m, CONV2D_BIAS) >> 2;
  const scale = int(r, m, CONV2D_SCALE) >> 2;
  const target = int(r, m, CONV2D_TARGET);
  const out = m.arena.i8;
  const biases = m.weights.i32;
  const scales = m.weights.f32;

  function clear(): void {
    for (let k = 0; k < K; k++) values[k] = sourceZero;
    // the last group of weights may reach past K, with weights that equal their zero point
    for (let k = K; k < K + 4; k++) values[k] = 0;
  }

  clear();
  convolve(
    r,
    m,
    sectionOf(r, m, CONV2D_SOURCE).i8,
    offsetOf(r, m, CONV2D_SOURCE),
    int(r, m, CONV2D_BATCH),
    sourceZero,
    gatherAll,
    function(_count, _group, to) {
      const s = sums;
      if (pairs) multiplyPairs(r, m, N);
      else {
        multiplyBlocks(
          m,
          int(r, m, CONV2D_WEIGHTS),
          int(r, m, SPARSE_COUNTS) >> 1,
          int(r, m, SPARSE_DELTAS),
          int(r, m, CONV2D_WEIGHTS_ZERO),
          panels,
        );
      }
      for (let n = 0; n < N; n++) {
        const x = clamp(f32(f32((s[n]! + biases[bias + n]!) | 0) * scales[scale + n]!), low, top);
        out[target + to + n] = x + EVEN - EVEN + zero;
      }
      clear();
    },
  );
}
