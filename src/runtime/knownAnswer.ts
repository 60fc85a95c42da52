import * as L from '../../assembly/layout';
import type { CoreExports } from './core';

// The known answer: products of extreme operands in every lane, rounding ties, both clamps and a negative zero point. Every
// run computes it anew, so that more than one compilation of the core may be seen.

const ROWS = 8, K = 64, N = 16, RUNS = 8, MIN = -100, MAX = 90, ZERO = -3;
const extremes = [-128, 127, -127, 126, -1, 0, 1, 64, -64, 63, -65, 3];
/** CRC-32 of what comes out, i8 [ROWS][N]: the tests work it out. */
const ANSWER = 0x590fc3c1;

/** Whether a core computes rightly here. Its memory is a page of its own. */
export function answersRight(core: CoreExports, memory: Uint8Array): boolean {
  const plan = L.RESERVED, weights = plan + 256, biases = K * N, scales = biases + 4 * N, arena = weights + scales + 4 * N, target = ROWS * K;
  const scratch = arena + target + ROWS * N, bytes = new Int8Array(memory.buffer), ints = new Int32Array(memory.buffer), floats = new Float32Array(memory.buffer);
  ints.set([plan, L.CONV2D_BYTES, weights, arena - weights, arena, scratch - arena, scratch, memory.length - scratch], L.MAP >> 2);
  bytes[plan + L.RECORD_OPCODE] = L.OP_CONV2D;
  bytes[plan + L.RECORD_DTYPE] = L.DTYPE_I8;
  const fields: [number, number][] = [
    [L.RECORD_SIZE, L.CONV2D_BYTES], [L.CONV2D_TARGET, target], [L.CONV2D_BIAS, biases], [L.CONV2D_SCALE, scales], [L.CONV2D_BATCH, 1], [L.CONV2D_IN_H, 1],
    [L.CONV2D_IN_W, ROWS], [L.CONV2D_IN_C, K], [L.CONV2D_OUT_H, 1], [L.CONV2D_OUT_W, ROWS], [L.CONV2D_OUT_C, N], [L.CONV2D_KERNEL_H, 1], [L.CONV2D_KERNEL_W, 1],
    [L.CONV2D_STRIDE_Y, 1], [L.CONV2D_STRIDE_X, 1], [L.CONV2D_DILATION_Y, 1], [L.CONV2D_DILATION_X, 1], [L.CONV2D_GROUPS, 1], [L.CONV2D_BLOCK_ROWS, 4],
    [L.CONV2D_PIXEL_STRIDE, N], [L.CONV2D_ROW_STRIDE, ROWS * N], [L.CONV2D_BATCH_STRIDE, ROWS * N], [L.CONV2D_WEIGHTS_ZERO, 1], [L.CONV2D_TARGET_ZERO, ZERO],
    [L.CONV2D_MIN, MIN], [L.CONV2D_MAX, MAX],
  ];
  for (const [field, value] of fields) ints[(plan + field) >> 2] = value;
  // whole rows of one extreme make the sums as large as they get; the others meet each other in changing lanes
  for (let i = 0; i < ROWS * K; i++) {
    const m = i >> 6, k = i & 63;
    bytes[arena + i] = extremes[m < 3 ? m : (k * 5 + m * 7 + (k >> 3)) % 12]!;
  }
  for (let i = 0; i < N * K; i++) {
    const n = (i >> 9) * 8 + (i >> 2 & 7), k = (i >> 3 & 60) + (i & 3);
    bytes[weights + i] = extremes[n < 3 ? n : (k * 7 + n * 5 + (k >> 4)) % 12]!;
  }
  for (let n = 0; n < N; n++) {
    ints[(weights + biases >> 2) + n] = n;
    // powers of two, so that ties come up
    floats[(weights + scales >> 2) + n] = 2 ** -(4 + n % 12);
  }
  if (core.validate() !== L.FAULT_NONE) return false;
  core.prepare();
  for (let run = 0; run < RUNS; run++) {
    memory.fill(0, arena + target, scratch);
    core.run(0, L.CONV2D_BYTES);
  }
  return core.crc32(arena + target, ROWS * N, 0) === ANSWER;
}
