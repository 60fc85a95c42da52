import { DTYPE_F32, DTYPE_I8, DTYPE_U8, UNARY_ALPHA, UNARY_BYTES, UNARY_COUNT, UNARY_KIND, UNARY_KINDS, UNARY_SOURCE,
  UNARY_TABLE, UNARY_TARGET } from '../layout';
import { table_u8 } from '../kernels/table';
import { unary_f32 } from '../kernels/unary';
import { toF64, bytesOf, checkCounts, checkFinite, checkRange, checkRecord, dtypeOf, float, int, source, parallel,
  table, target, inPlace } from '../record';
import { share, shareFrom, shareTo } from '../threads';

/** Cost of one table look-up, in multiply-adds. */
const WORK_PER_BYTE = 16;

export function describeUnary(r: usize): void {
  checkRecord(r, UNARY_BYTES, (1 << DTYPE_I8) | (1 << DTYPE_U8) | (1 << DTYPE_F32));
  checkCounts(r, UNARY_COUNT, 1);
  const size = bytesOf(dtypeOf(r));
  const bytes = toF64(r, UNARY_COUNT) * size;
  source(r, UNARY_SOURCE, bytes, <u32>size);
  target(r, UNARY_TARGET, bytes, <u32>size);
  inPlace(UNARY_SOURCE);
  parallel(r, bytes * WORK_PER_BYTE);
  if (dtypeOf(r) == DTYPE_F32) {
    checkRange(r, UNARY_KIND, 0, UNARY_KINDS - 1);
    checkFinite(r, UNARY_ALPHA);
  } else {
    table(r, UNARY_TABLE, 256, 1);
  }
}

export function runUnary(r: usize): void {
  share(int(r, UNARY_COUNT), 64);
  const f32s = dtypeOf(r) == DTYPE_F32;
  const first = shareFrom;
  const count = shareTo - first;
  const skipped = f32s ? first << 2 : first;
  const from = int(r, UNARY_SOURCE) + skipped;
  const out = int(r, UNARY_TARGET) + skipped;
  if (f32s) unary_f32(int(r, UNARY_KIND), from, out, count, float(r, UNARY_ALPHA));
  else table_u8(from, out, count, int(r, UNARY_TABLE));
}
