import * as L from '../../assembly/layout';
import type { CoreExports } from './core';

// The known answer: products of extreme operands in every lane, rounding ties, both clamps and a negative zero point. Every
// run computes it anew, so that more than one compilation of the core may be seen.

const ROWS = 8, K = 64, N = 16, RUNS = 8, MIN = -100, MAX = 90, ZERO = -3;
const extremes = [-128, 127, -127, 126, -1, 0, 1, 64, -64, 63, -65, 3];

/** Whether a core computes rightly here. Its memory is a page of its own. */
export function answersRight(core: CoreExports, memory: Uint8Array): boolean {
  const view = new DataView(memory.buffer), plan = L.RESERVED, weights = plan + 256, biases = K * N, scales = biases + 4 * N, arena = weights + scales + 4 * N, target = ROWS * K;
  const scratch = arena + target + ROWS * N;
  [plan, L.CONV2D_BYTES, weights, arena - weights, arena, scratch - arena, scratch, memory.length - scratch].forEach((value, i) => view.setUint32(L.MAP + i * 4, value, true));
  view.setUint8(plan + L.RECORD_OPCODE, L.OP_CONV2D);
  view.setUint8(plan + L.RECORD_DTYPE, L.DTYPE_I8);
  const fields: [number, number][] = [
    [L.RECORD_SIZE, L.CONV2D_BYTES], [L.CONV2D_TARGET, target], [L.CONV2D_BIAS, biases], [L.CONV2D_SCALE, scales], [L.CONV2D_BATCH, 1], [L.CONV2D_IN_H, 1],
    [L.CONV2D_IN_W, ROWS], [L.CONV2D_IN_C, K], [L.CONV2D_OUT_H, 1], [L.CONV2D_OUT_W, ROWS], [L.CONV2D_OUT_C, N], [L.CONV2D_KERNEL_H, 1], [L.CONV2D_KERNEL_W, 1],
    [L.CONV2D_STRIDE_Y, 1], [L.CONV2D_STRIDE_X, 1], [L.CONV2D_DILATION_Y, 1], [L.CONV2D_DILATION_X, 1], [L.CONV2D_GROUPS, 1], [L.CONV2D_BLOCK_ROWS, 4],
    [L.CONV2D_PIXEL_STRIDE, N], [L.CONV2D_ROW_STRIDE, ROWS * N], [L.CONV2D_BATCH_STRIDE, ROWS * N], [L.CONV2D_WEIGHTS_ZERO, 1], [L.CONV2D_TARGET_ZERO, ZERO],
    [L.CONV2D_MIN, MIN], [L.CONV2D_MAX, MAX],
  ];
  for (const [field, value] of fields) view.setInt32(plan + field, value, true);
  // whole rows of one extreme make the sums as large as they get; the others meet each other in changing lanes
  const a = (m: number, k: number): number => extremes[m < 3 ? m : (k * 5 + m * 7 + (k >> 3)) % extremes.length]!;
  const w = (n: number, k: number): number => extremes[n < 3 ? n : (k * 7 + n * 5 + (k >> 4)) % extremes.length]!;
  // powers of two, so that ties come up
  const scale = (n: number): number => 2 ** -(4 + n % 12);
  for (let k = 0; k < K; k++) {
    for (let m = 0; m < ROWS; m++) view.setInt8(arena + m * K + k, a(m, k));
    for (let n = 0; n < N; n++) view.setInt8(weights + (n >> 3) * K * 8 + (k >> 2) * 32 + (n & 7) * 4 + (k & 3), w(n, k));
  }
  for (let n = 0; n < N; n++) {
    view.setInt32(weights + biases + n * 4, n, true);
    view.setFloat32(weights + scales + n * 4, scale(n), true);
  }
  if (core.validate() !== L.FAULT_NONE) return false;
  core.prepare();
  for (let run = 0; run < RUNS; run++) {
    memory.fill(0, arena + target, scratch);
    core.run(0, L.CONV2D_BYTES);
  }
  for (let m = 0; m < ROWS; m++) {
    for (let n = 0; n < N; n++) {
      let sum = n;
      for (let k = 0; k < K; k++) sum += a(m, k) * (w(n, k) - 1);
      const x = sum * scale(n), down = Math.floor(x), rounded = x - down === 0.5 ? down + (down & 1) : Math.round(x);
      if (view.getInt8(arena + target + m * N + n) !== Math.max(MIN, Math.min(MAX, rounded + ZERO))) return false;
    }
  }
  return true;
}
