import { DTYPE_F32, DTYPE_I32, DTYPE_I8, DTYPE_U8, GATHER_BYTES, GATHER_COUNT, GATHER_INDEX_COUNT, GATHER_INDICES,
  GATHER_MIDDLE, GATHER_OUTER, GATHER_ROW_BYTES, GATHER_SOURCE, GATHER_TARGET } from '../layout';
import { copy_bytes } from '../kernels/copy';
import { bytesOf, checkCounts, checkRecord, countWork, dtypeOf, int, MOVED, sourceOf, targetOf,
  toF64 } from '../record';

/** Cost of a row besides its bytes, in multiply-adds. */
const WORK_PER_ROW: f64 = 64;

export function describeGather(r: usize): void {
  checkRecord(r, GATHER_BYTES, (1 << DTYPE_I8) | (1 << DTYPE_F32) | (1 << DTYPE_I32) | (1 << DTYPE_U8));
  checkCounts(r, GATHER_OUTER, 5);
  const size = <u32>bytesOf(dtypeOf(r));
  const rows = toF64(r, GATHER_OUTER) * toF64(r, GATHER_MIDDLE);
  const row = toF64(r, GATHER_ROW_BYTES);
  const count = toF64(r, GATHER_INDEX_COUNT);
  sourceOf(MOVED, r, GATHER_SOURCE, rows * toF64(r, GATHER_COUNT) * row, size);
  sourceOf(0, r, GATHER_INDICES, toF64(r, GATHER_OUTER) * count * 4, 4);
  targetOf(MOVED, r, GATHER_TARGET, rows * count * row, size);
  countWork(rows * count * (row + WORK_PER_ROW));
}

export function runGather(r: usize): void {
  const last = int(r, GATHER_COUNT) - 1;
  const n = int(r, GATHER_INDEX_COUNT);
  const row = int(r, GATHER_ROW_BYTES);
  let from = <usize>int(r, GATHER_SOURCE);
  let out = <usize>int(r, GATHER_TARGET);
  let indices = <usize>int(r, GATHER_INDICES);
  for (let outer = int(r, GATHER_OUTER); outer > 0; outer--) {
    for (let middle = int(r, GATHER_MIDDLE); middle > 0; middle--) {
      for (let i = 0; i < n; i++) {
        copy_bytes(from + max(0, min(last, load<i32>(indices + (i << 2)))) * row, out, row);
        out += row;
      }
      from += (last + 1) * row;
    }
    indices += n << 2;
  }
}
