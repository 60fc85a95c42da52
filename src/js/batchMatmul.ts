import { BATCH_MATMUL_A, BATCH_MATMUL_A_BATCH_STRIDE, BATCH_MATMUL_A_TRANSPOSED, BATCH_MATMUL_A_ZERO, BATCH_MATMUL_B,
  BATCH_MATMUL_BATCH, BATCH_MATMUL_B_BATCH_STRIDE, BATCH_MATMUL_B_TRANSPOSED, BATCH_MATMUL_B_ZERO, BATCH_MATMUL_K,
  BATCH_MATMUL_M, BATCH_MATMUL_MAX, BATCH_MATMUL_MIN, BATCH_MATMUL_N, BATCH_MATMUL_SCALE, BATCH_MATMUL_TARGET,
  BATCH_MATMUL_TARGET_ZERO } from '../../assembly/layout';
import { clamp, EVEN, f32 } from './arithmetic';
import { isFloat } from './floats';
import { dtypeOf, float, int, offsetOf, sectionOf, shiftOf, viewOf, type Memory } from './memory';

export function runBatchMatmul(r: number, m: Memory): void {
  const dtype = dtypeOf(r, m);
  const floats = isFloat(r, m);
  const shift = shiftOf(dtype);
  const rows = int(r, m, BATCH_MATMUL_M);
  const K = int(r, m, BATCH_MATMUL_K);
  const N = int(r, m, BATCH_MATMUL_N);
  const transposedA = int(r, m, BATCH_MATMUL_A_TRANSPOSED) !== 0;
  const transposedB = int(r, m, BATCH_MATMUL_B_TRANSPOSED) !== 0;
  const a = viewOf(sectionOf(r, m, BATCH_MATMUL_A), dtype);
  const b = viewOf(sectionOf(r, m, BATCH_MATMUL_B), dtype);
  const out = viewOf(m.arena, dtype);
  const zeroA = floats ? 0 : int(r, m, BATCH_MATMUL_A_ZERO);
  const zeroB = floats ? 0 : int(r, m, BATCH_MATMUL_B_ZERO);
  const zero = int(r, m, BATCH_MATMUL_TARGET_ZERO);
  const low = floats ? float(r, m, BATCH_MATMUL_MIN) : int(r, m, BATCH_MATMUL_MIN) - zero;
  const top = floats ? float(r, m, BATCH_MATMUL_MAX) : int(r, m, BATCH_MATMUL_MAX) - zero;
  const scale = float(r, m, BATCH_MATMUL_SCALE);
  const stepA = transposedA ? rows : 1;
  const stepB = transposedB ? 1 : N;
  const f = new Float32Array(2);
  let to = int(r, m, BATCH_MATMUL_TARGET) >> shift;
  for (let batch = 0; batch < int(r, m, BATCH_MATMUL_BATCH); batch++) {
    const fromA = (offsetOf(r, m, BATCH_MATMUL_A) >> shift) + batch * int(r, m, BATCH_MATMUL_A_BATCH_STRIDE);
    const fromB = (offsetOf(r, m, BATCH_MATMUL_B) >> shift) + batch * int(r, m, BATCH_MATMUL_B_BATCH_STRIDE);
    for (let i = 0; i < rows; i++) {
      for (let n = 0; n < N; n++) {
        let p = fromA + (transposedA ? i : i * K);
        let q = fromB + (transposedB ? n * K : n);
        if (floats) {
          f[1] = 0;
          for (let k = 0; k < K; k++, p += stepA, q += stepB) {
            f[0] = a[p]! * b[q]!;
            f[1] += f[0];
          }
          out[to++] = clamp(f[1], low, top);
        } else {
          let sum = 0;
          for (let k = 0; k < K; k++, p += stepA, q += stepB) sum += (a[p]! - zeroA) * (b[q]! - zeroB);
          out[to++] = clamp(f32(f32(sum) * scale), low, top) + EVEN - EVEN + zero;
        }
      }
    }
  }
}
