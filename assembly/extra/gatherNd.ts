import { DTYPE_F32, DTYPE_I32, DTYPE_I8, DTYPE_U8, GATHER_ND_BATCH, GATHER_ND_BYTES, GATHER_ND_COUNT, GATHER_ND_DEPTH,
  GATHER_ND_DIMENSIONS, GATHER_ND_INDICES, GATHER_ND_ROW_BYTES, GATHER_ND_SOURCE, GATHER_ND_TARGET,
  MAX_RANK } from '../layout';
import { copy_bytes } from '../kernels/copy';
import { bytesOf, checkCounts, checkRange, checkRecord, countWork, dtypeOf, int, MOVED, sourceOf, targetOf,
  toF64 } from '../record';

/** Cost of a row besides its bytes, in multiply-adds. */
const WORK_PER_ROW: f64 = 64;

export function describeGatherNd(r: usize): void {
  if (!checkRecord(r, GATHER_ND_BYTES, (1 << DTYPE_I8) | (1 << DTYPE_F32) | (1 << DTYPE_I32) | (1 << DTYPE_U8))) return;
  // COUNT, ROW_BYTES and DIMENSIONS
  checkCounts(r, GATHER_ND_COUNT, 2 + MAX_RANK);
  checkRange(r, GATHER_ND_DEPTH, 1, MAX_RANK);
  checkCounts(r, GATHER_ND_BATCH, 1);
  const size = <u32>bytesOf(dtypeOf(r));
  const batch = toF64(r, GATHER_ND_BATCH);
  const count = batch * toF64(r, GATHER_ND_COUNT);
  const row = toF64(r, GATHER_ND_ROW_BYTES);
  let bytes = batch * row;
  for (let d = 0; d < MAX_RANK; d++) bytes *= toF64(r, GATHER_ND_DIMENSIONS + (d << 2));
  sourceOf(MOVED, r, GATHER_ND_SOURCE, bytes, size);
  sourceOf(0, r, GATHER_ND_INDICES, count * toF64(r, GATHER_ND_DEPTH) * 4, 4);
  targetOf(MOVED, r, GATHER_ND_TARGET, count * row, size);
  countWork(count * (row + WORK_PER_ROW));
}

export function runGatherNd(r: usize): void {
  const row = int(r, GATHER_ND_ROW_BYTES);
  const depth = int(r, GATHER_ND_DEPTH);
  const from = <usize>int(r, GATHER_ND_SOURCE);
  let indices = <usize>int(r, GATHER_ND_INDICES);
  let out = <usize>int(r, GATHER_ND_TARGET);
  const batch = int(r, GATHER_ND_BATCH);
  for (let b = 0; b < batch; b++) {
    for (let n = int(r, GATHER_ND_COUNT); n > 0; n--) {
      let at = b;
      for (let d = 0; d < depth; d++) {
        const size = int(r, GATHER_ND_DIMENSIONS + (d << 2));
        at = at * size + max(0, min(size - 1, load<i32>(indices)));
        indices += 4;
      }
      copy_bytes(from + at * row, out, row);
      out += row;
    }
  }
}
