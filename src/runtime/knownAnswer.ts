import * as L from '../../assembly/layout';
import type { CoreExports } from './types';

// The known-answer test covers products of extreme operands in every lane, rounding ties, both
// clamps and a negative zero point. Each call repeats it, so that it also sees the code of later
// compiler tiers, with blocks of several rows and of few.

const ROWS = 8;
const FEW_ROWS = 4;
const K = 64;
const N = 16;
const RUNS = 8;
const MIN = -100;
const MAX = 90;
const ZERO = -3;
const extremes = [-128, 127, -127, 126, -1, 0, 1, 64, -64, 63, -65];
/** CRC-32 of the correct output, i8 [ROWS][N]; a test computes it from the reference. */
const ANSWER = 0x56b27736;

/** Whether a core computes correctly on this engine. `memory` is one page, used by nothing else. */
export function answersRight(core: CoreExports, memory: Uint8Array): boolean {
  const plan = L.RESERVED;
  const weights = plan + 256;
  const biases = K * N;
  const scales = biases + 4 * N;
  const arena = weights + scales + 4 * N;
  const target = ROWS * K;
  const scratch = arena + target + ROWS * N;
  const bytes = new Int8Array(memory.buffer);
  const ints = new Int32Array(memory.buffer);
  const floats = new Float32Array(memory.buffer);
  ints.set(
    [plan, L.CONV2D_BYTES, weights, arena - weights, arena, scratch - arena, scratch, memory.length - scratch],
    L.MAP >> 2,
  );
  bytes[plan + L.RECORD_OPCODE] = L.OP_CONV2D;
  bytes[plan + L.RECORD_DTYPE] = L.DTYPE_I8;
  const fields: [number, number][] = [[L.RECORD_SIZE, L.CONV2D_BYTES], [L.CONV2D_TARGET, target], [L.CONV2D_BIAS,
    biases], [L.CONV2D_SCALE, scales], [L.CONV2D_BATCH, 1], [L.CONV2D_IN_H, 1], [L.CONV2D_IN_W, ROWS], [L.CONV2D_IN_C,
    K], [L.CONV2D_OUT_H, 1], [L.CONV2D_OUT_W, ROWS], [L.CONV2D_OUT_C, N], [L.CONV2D_KERNEL_H, 1], [L.CONV2D_KERNEL_W,
    1], [L.CONV2D_STRIDE_Y, 1], [L.CONV2D_STRIDE_X, 1], [L.CONV2D_DILATION_Y, 1], [L.CONV2D_DILATION_X, 1], [
    L.CONV2D_GROUPS,
    1,
  ], [L.CONV2D_BLOCK_ROWS, ROWS], [L.CONV2D_PIXEL_STRIDE, N], [L.CONV2D_ROW_STRIDE, ROWS * N], [L.CONV2D_BATCH_STRIDE,
    ROWS * N], [L.CONV2D_WEIGHTS_ZERO, 1], [L.CONV2D_TARGET_ZERO, ZERO], [L.CONV2D_MIN, MIN], [L.CONV2D_MAX, MAX]];
  for (const [field, value] of fields) ints[(plan + field) >> 2] = value;
  // eleven extreme values repeat over rows and panels, so that they are multiplied in changing
  // lanes; rows of one value make the accumulators as large as possible. The loop is short, because
  // an engine interprets code that runs once
  for (let i = 0; i < N * K; i += 11) bytes.set(extremes, weights + i);
  for (let i = 0; i < ROWS * K; i += 11) bytes.set(extremes, arena + i);
  for (let i = 0; i < 3; i++) {
    bytes.fill(extremes[i]!, arena + i * K, arena + i * K + K);
    for (let at = weights + 4 * i; at < weights + 8 * K; at += 32) bytes.fill(extremes[i]!, at, at + 4);
  }
  for (let n = 0; n < N; n++) {
    ints[(weights + biases >> 2) + n] = 8 * n;
    // powers of two, so that rounding ties occur
    floats[(weights + scales >> 2) + n] = 2 ** -(3 + n % 12);
  }
  if (core.validate() !== L.FAULT_NONE) return false;
  core.prepare();
  for (let run = 0; run < RUNS; run++) {
    // a tile of several rows, or few rows, which have another kernel
    ints[(plan + L.CONV2D_BLOCK_ROWS) >> 2] = run % 2 === 0 ? ROWS : FEW_ROWS;
    memory.fill(0, arena + target, scratch);
    core.run(0, L.CONV2D_BYTES);
    if (core.crc32(arena + target, ROWS * N, 0) !== ANSWER) return false;
  }
  return true;
}
