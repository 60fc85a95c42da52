import { DTYPE_F32, DTYPE_I8, MATMUL_A, MATMUL_A_BATCH_STRIDE, MATMUL_A_TRANSPOSED, MATMUL_A_ZERO, MATMUL_B,
  MATMUL_BATCH, MATMUL_BYTES, MATMUL_B_BATCH_STRIDE, MATMUL_B_TRANSPOSED, MATMUL_B_ZERO, MATMUL_K, MATMUL_M, MATMUL_MAX,
  MATMUL_MIN, MATMUL_N, MATMUL_SCALE, MATMUL_TARGET, MATMUL_TARGET_ZERO } from '../layout';
import { gemm_i8_4x8 } from '../kernels/gemm';
import { product_f32 } from '../kernels/gemmF32';
import { pack_columns_i8, pack_panel_f32, pack_panel_i8, pack_panel_rows_i8 } from '../kernels/matmul';
import { widen_less_i8_i16 } from '../kernels/widen';
import { copy_plane } from '../kernels/copy';
import { big, bytesOf, checkCounts, checkFinite, checkRange, checkRecord, checkWork, dtypeOf, float, int, needScratch,
  scratch, source, splits, target } from '../record';
import { outerFrom, outerTo, panelFrom, panelTo, rowFrom, rowTo, splitProduct } from '../threads';
import { checkActivation, checkZero } from './ranges';

// Scratch, R rows of a at a time against 8 columns of b:
//
//   i8   outs u32 [R] │ unused u32 [R] │ sink 32 │ bias i32 [8] = 0 │ scale f32 [8] │ panel i16 [K'][8] │ rows i16 [R][K'] + 32
//   f32  outs u32 [R] │ list u32 [R]   │ bias f32 [8] = 0 │ panel f32 [K][8] │ rows f32 [R][K]
//
// K' is K rounded up to 2. The f32 rows are read where they lie unless a is transposed.
//
// The outputs of i8 rows that fill up the last tile go to the sink.
const MAX_BLOCK = 64;
const TAIL = 32;
/** 255²·32,768 < 2^31 */
const MAX_K_I8 = 32768;
const MAX_K_F32 = 65536;

/** R: all rows when they are few, a multiple of 4. */
function blockRows(r: usize): i32 {
  return min((int(r, MATMUL_M) + 3) & ~3, MAX_BLOCK);
}

export function describeBatchMatmul(r: usize): void {
  checkRecord(r, MATMUL_BYTES, (1 << DTYPE_I8) | (1 << DTYPE_F32));
  checkCounts(r, MATMUL_BATCH, 4);
  checkRange(r, MATMUL_A_BATCH_STRIDE, 0, 1 << 30);
  checkRange(r, MATMUL_B_BATCH_STRIDE, 0, 1 << 30);
  checkRange(r, MATMUL_A_TRANSPOSED, 0, 1);
  checkRange(r, MATMUL_B_TRANSPOSED, 0, 1);
  const f32s = dtypeOf(r) == DTYPE_F32;
  const size = bytesOf(dtypeOf(r));
  const batches = big(r, MATMUL_BATCH);
  const M = big(r, MATMUL_M);
  const K = big(r, MATMUL_K);
  const N = big(r, MATMUL_N);
  checkRange(r, MATMUL_K, 1, f32s ? MAX_K_F32 : MAX_K_I8);
  checkWork(batches * M * N * K);
  splits(r, batches * M * N * K);
  source(r, MATMUL_A, ((batches - 1) * big(r, MATMUL_A_BATCH_STRIDE) + M * K) * size, <u32>size);
  source(r, MATMUL_B, ((batches - 1) * big(r, MATMUL_B_BATCH_STRIDE) + K * N) * size, <u32>size);
  target(r, MATMUL_TARGET, batches * M * N * size, <u32>size);
  checkActivation(r, MATMUL_MIN, MATMUL_MAX, f32s);
  const rows = <f64>blockRows(r);
  if (f32s) {
    needScratch(rows * 8 + 32 + K * 32 + (int(r, MATMUL_A_TRANSPOSED) != 0 ? rows * K * 4 : 0));
  } else {
    checkZero(r, MATMUL_A_ZERO);
    checkZero(r, MATMUL_B_ZERO);
    checkZero(r, MATMUL_TARGET_ZERO);
    checkFinite(r, MATMUL_SCALE);
    needScratch(rows * 8 + 96 + (K + 1) * 16 + rows * (K + 1) * 2 + TAIL);
  }
}

function runI8(r: usize, a: usize, b: usize, out: usize): void {
  const M = int(r, MATMUL_M);
  const K = int(r, MATMUL_K);
  const N = int(r, MATMUL_N);
  const pairs = (K + 1) >> 1;
  const lda = pairs << 2;
  const block = blockRows(r);
  const zeroA = int(r, MATMUL_A_ZERO);
  const zeroB = int(r, MATMUL_B_ZERO);
  const zero = int(r, MATMUL_TARGET_ZERO);
  const low = int(r, MATMUL_MIN);
  const high = int(r, MATMUL_MAX);
  const transposedA = int(r, MATMUL_A_TRANSPOSED) != 0;
  const transposedB = int(r, MATMUL_B_TRANSPOSED) != 0;
  const scale = float(r, MATMUL_SCALE);
  const outs = scratch();
  const sink = outs + (block << 3);
  const bias = sink + 32;
  const scales = bias + 32;
  const panel = scales + 32;
  const rows = panel + (pairs << 5);
  for (let lane = 0; lane < 32; lane += 4) {
    store<i32>(bias + lane, 0);
    store<f32>(scales + lane, scale);
  }
  for (let m0 = rowFrom; m0 < rowTo; m0 += block) {
    const count = min(block, rowTo - m0);
    const padded = (count + 3) & ~3;
    for (let i = 0; i < count; i++) store<usize>(outs + (i << 2), out + (m0 + i) * N);
    if (transposedA) pack_columns_i8(a + m0, M, zeroA, rows, count, K, pairs);
    else for (let i = 0; i < count; i++) widen_less_i8_i16(a + (m0 + i) * K, zeroA, rows + i * lda, K);
    for (let n = panelFrom << 3, end = min(panelTo << 3, N); n < end; n += 8) {
      const lanes = min(8, N - n);
      if (transposedB) pack_panel_rows_i8(b + n * K, zeroB, panel, lanes, K);
      else pack_panel_i8(b + n, N, zeroB, panel, lanes, K);
      for (let i = count; i < padded; i++) store<usize>(outs + (i << 2), sink - n);
      gemm_i8_4x8(rows, ASC_FEATURE_SIMD ? padded : count, panel, pairs, bias, scales, outs, n, lanes, zero, low, high);
    }
  }
}

function runF32(r: usize, a: usize, b: usize, out: usize): void {
  const M = int(r, MATMUL_M);
  const K = int(r, MATMUL_K);
  const N = int(r, MATMUL_N);
  const block = blockRows(r);
  const low = float(r, MATMUL_MIN);
  const high = float(r, MATMUL_MAX);
  const transposedA = int(r, MATMUL_A_TRANSPOSED) != 0;
  const transposedB = int(r, MATMUL_B_TRANSPOSED) != 0;
  const outs = scratch();
  const list = outs + (block << 2);
  const bias = list + (block << 2);
  const panel = bias + 32;
  const rows = panel + (K << 5);
  for (let lane = 0; lane < 32; lane += 4) store<f32>(bias + lane, 0);
  for (let m0 = rowFrom; m0 < rowTo; m0 += block) {
    const count = min(block, rowTo - m0);
    if (transposedA) copy_plane(a + (m0 << 2), 1, M, rows, K, 1, count, K, 4);
    for (let i = 0; i < count; i++) {
      store<usize>(list + (i << 2), transposedA ? rows + (i * K << 2) : a + ((m0 + i) * K << 2));
      store<usize>(outs + (i << 2), out + ((m0 + i) * N << 2));
    }
    for (let n = panelFrom << 3, end = min(panelTo << 3, N); n < end; n += 8) {
      const lanes = min(8, N - n);
      if (transposedB) pack_panel_f32(b + (n * K << 2), 4, K << 2, panel, lanes, K);
      else pack_panel_f32(b + (n << 2), N << 2, 4, panel, lanes, K);
      product_f32(list, 0, 1, K, count, panel, bias, outs, n, lanes, low, high);
    }
  }
}

export function runBatchMatmul(r: usize): void {
  const f32s = dtypeOf(r) == DTYPE_F32;
  const size = f32s ? 4 : 1;
  splitProduct(int(r, MATMUL_BATCH), int(r, MATMUL_M), (int(r, MATMUL_N) + 7) >> 3, 4);
  for (let batch = outerFrom; batch < outerTo; batch++) {
    const a = int(r, MATMUL_A) + batch * int(r, MATMUL_A_BATCH_STRIDE) * size;
    const b = int(r, MATMUL_B) + batch * int(r, MATMUL_B_BATCH_STRIDE) * size;
    const out = int(r, MATMUL_TARGET) + batch * int(r, MATMUL_M) * int(r, MATMUL_N) * size;
    if (f32s) runF32(r, a, b, out);
    else runI8(r, a, b, out);
  }
}
