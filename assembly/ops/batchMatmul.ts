import { DTYPE_F32, DTYPE_I8, BATCH_MATMUL_A, BATCH_MATMUL_A_BATCH_STRIDE, BATCH_MATMUL_A_TRANSPOSED,
  BATCH_MATMUL_A_ZERO, BATCH_MATMUL_B, BATCH_MATMUL_BATCH, BATCH_MATMUL_BYTES, BATCH_MATMUL_B_BATCH_STRIDE,
  BATCH_MATMUL_B_TRANSPOSED, BATCH_MATMUL_B_ZERO, BATCH_MATMUL_K, BATCH_MATMUL_M, BATCH_MATMUL_MAX, BATCH_MATMUL_MIN,
  BATCH_MATMUL_N, BATCH_MATMUL_SCALE, BATCH_MATMUL_TARGET, BATCH_MATMUL_TARGET_ZERO } from '../layout';
import { gemm_i8_4x8 } from '../kernels/gemm';
import { product_f32 } from '../kernels/gemmF32';
import { pack_columns_i8, pack_panel_f32, pack_panel_i8, pack_panel_rows_i8 } from '../kernels/matmul';
import { widen_less_i8_i16 } from '../kernels/widen';
import { copy_plane } from '../kernels/copy';
import { toF64, bytesOf, checkCounts, checkFinite, checkRange, checkRecord, dtypeOf, float, int, needScratch, scratch,
  source, parallel, target } from '../record';
import { outerFrom, outerTo, panelFrom, panelTo, rowFrom, rowTo, shareProduct } from '../threads';
import { checkActivation, checkZeroPoint } from './checks';
import { OUTPUT_WORK } from './window';

// Scratch for R rows of a and 8 columns of b:
//
//   i8   outs u32 [R] │ unused u32 [R] │ sink 32 │ bias i32 [8] = 0 │ scale f32 [8]
//        │ panel i16 [K'][8] │ rows i16 [R][K'] + 32
//   f32  outs u32 [R] │ list u32 [R] │ bias f32 [8] = 0 │ panel f32 [K][8] │ rows f32 [R][K]
//
// K' is K rounded up to 2; the request has room for K' = K + 1. The outputs of the i8 rows that pad
// the last tile go to the sink. The f32 rows are only copied if a is transposed.
const MAX_BLOCK = 64;
/** Cost of packing b, as rows of a. */
const PACKING_ROWS: f64 = 16;
const TAIL = 32;
/** 255²·32,768 < 2^31 */
const MAX_K_I8 = 32768;
const MAX_K_F32 = 4194304;

/** R: the number of rows, rounded up to a multiple of 4, or MAX_BLOCK. */
function blockRows(r: usize): i32 {
  return min((int(r, BATCH_MATMUL_M) + 3) & ~3, MAX_BLOCK);
}

/** Offset in scratch of the panel, after the lists and the tables of 32 bytes. */
@inline
function panelOffset(block: i32, f32s: bool): i32 {
  return (block << 3) + (f32s ? 32 : 96);
}

/** Offset in scratch of the rows, after the panel of `depth` (K or K') by 8. */
@inline
function rowsOffset(block: i32, depth: i32, f32s: bool): i32 {
  return panelOffset(block, f32s) + (depth << (f32s ? 5 : 4));
}

export function describeBatchMatmul(r: usize): void {
  checkRecord(r, BATCH_MATMUL_BYTES, (1 << DTYPE_I8) | (1 << DTYPE_F32));
  checkCounts(r, BATCH_MATMUL_BATCH, 4);
  checkRange(r, BATCH_MATMUL_A_BATCH_STRIDE, 0, 1 << 30);
  checkRange(r, BATCH_MATMUL_B_BATCH_STRIDE, 0, 1 << 30);
  checkRange(r, BATCH_MATMUL_A_TRANSPOSED, 0, 1);
  checkRange(r, BATCH_MATMUL_B_TRANSPOSED, 0, 1);
  const f32s = dtypeOf(r) == DTYPE_F32;
  const size = bytesOf(dtypeOf(r));
  const batches = toF64(r, BATCH_MATMUL_BATCH);
  const M = toF64(r, BATCH_MATMUL_M);
  const K = toF64(r, BATCH_MATMUL_K);
  const N = toF64(r, BATCH_MATMUL_N);
  checkRange(r, BATCH_MATMUL_K, 1, f32s ? MAX_K_F32 : MAX_K_I8);
  parallel(r, batches * (M + PACKING_ROWS) * ceil(N / 8) * 8 * (K + OUTPUT_WORK));
  source(r, BATCH_MATMUL_A, ((batches - 1) * toF64(r, BATCH_MATMUL_A_BATCH_STRIDE) + M * K) * size, <u32>size);
  source(r, BATCH_MATMUL_B, ((batches - 1) * toF64(r, BATCH_MATMUL_B_BATCH_STRIDE) + K * N) * size, <u32>size);
  target(r, BATCH_MATMUL_TARGET, batches * M * N * size, <u32>size);
  checkActivation(r, BATCH_MATMUL_MIN, BATCH_MATMUL_MAX, f32s);
  const block = blockRows(r);
  const depth = int(r, BATCH_MATMUL_K) + i32(!f32s);
  const rows = <f64>rowsOffset(block, depth, f32s);
  if (f32s) {
    needScratch(rows + (int(r, BATCH_MATMUL_A_TRANSPOSED) != 0 ? <f64>(block * depth << 2) : 0));
  } else {
    checkZeroPoint(r, BATCH_MATMUL_A_ZERO);
    checkZeroPoint(r, BATCH_MATMUL_B_ZERO);
    checkZeroPoint(r, BATCH_MATMUL_TARGET_ZERO);
    checkFinite(r, BATCH_MATMUL_SCALE);
    needScratch(rows + <f64>(block * depth << 1) + TAIL);
  }
}

function runI8(r: usize, a: usize, b: usize, out: usize): void {
  const M = int(r, BATCH_MATMUL_M);
  const K = int(r, BATCH_MATMUL_K);
  const N = int(r, BATCH_MATMUL_N);
  const pairs = (K + 1) >> 1;
  const lda = pairs << 2;
  const block = blockRows(r);
  const zeroA = int(r, BATCH_MATMUL_A_ZERO);
  const zeroB = int(r, BATCH_MATMUL_B_ZERO);
  const transposedA = int(r, BATCH_MATMUL_A_TRANSPOSED) != 0;
  const transposedB = int(r, BATCH_MATMUL_B_TRANSPOSED) != 0;
  const scale = float(r, BATCH_MATMUL_SCALE);
  const outs = scratch();
  const panel = outs + panelOffset(block, false);
  const sink = panel - 96;
  const bias = panel - 64;
  const scales = panel - 32;
  const rows = outs + rowsOffset(block, pairs << 1, false);
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
      gemm_i8_4x8(
        rows,
        ASC_FEATURE_SIMD ? padded : count,
        panel,
        pairs,
        bias,
        scales,
        outs,
        n,
        lanes,
        r + BATCH_MATMUL_TARGET_ZERO,
      );
    }
  }
}

function runF32(r: usize, a: usize, b: usize, out: usize): void {
  const M = int(r, BATCH_MATMUL_M);
  const K = int(r, BATCH_MATMUL_K);
  const N = int(r, BATCH_MATMUL_N);
  const block = blockRows(r);
  const clampMin = float(r, BATCH_MATMUL_MIN);
  const clampMax = float(r, BATCH_MATMUL_MAX);
  const transposedA = int(r, BATCH_MATMUL_A_TRANSPOSED) != 0;
  const transposedB = int(r, BATCH_MATMUL_B_TRANSPOSED) != 0;
  const outs = scratch();
  const list = outs + (block << 2);
  const panel = outs + panelOffset(block, true);
  const bias = panel - 32;
  const rows = outs + rowsOffset(block, K, true);
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
      product_f32(list, 0, 1, K, count, panel, bias, outs, n, lanes, clampMin, clampMax);
    }
  }
}

export function runBatchMatmul(r: usize): void {
  const f32s = dtypeOf(r) == DTYPE_F32;
  const size = f32s ? 4 : 1;
  shareProduct(int(r, BATCH_MATMUL_BATCH), int(r, BATCH_MATMUL_M), (int(r, BATCH_MATMUL_N) + 7) >> 3, 4);
  for (let batch = outerFrom; batch < outerTo; batch++) {
    const a = int(r, BATCH_MATMUL_A) + batch * int(r, BATCH_MATMUL_A_BATCH_STRIDE) * size;
    const b = int(r, BATCH_MATMUL_B) + batch * int(r, BATCH_MATMUL_B_BATCH_STRIDE) * size;
    const out = int(r, BATCH_MATMUL_TARGET) + batch * int(r, BATCH_MATMUL_M) * int(r, BATCH_MATMUL_N) * size;
    if (f32s) runF32(r, a, b, out);
    else runI8(r, a, b, out);
  }
}
