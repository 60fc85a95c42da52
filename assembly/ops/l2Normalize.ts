import { DTYPE_F32, DTYPE_I8, L2_NORMALIZE_BYTES, L2_NORMALIZE_DEPTH, L2_NORMALIZE_EPSILON, L2_NORMALIZE_OUT_SCALE,
  L2_NORMALIZE_ROWS, L2_NORMALIZE_SOURCE, L2_NORMALIZE_SOURCE_ZERO, L2_NORMALIZE_TARGET,
  L2_NORMALIZE_TARGET_ZERO } from '../layout';
import { l2_normalize_f32, l2_normalize_i8 } from '../kernels/normalize';
import { bytesOf, checkCounts, checkFinite, checkRecord, countWork, dtypeOf, float, inPlace, int, parallel, source,
  target, toF64 } from '../record';
import { share, shareFrom, shareTo } from '../threads';
import { checkPositive, checkZeroPoint } from './checks';

/** Cost of a byte, and of a row besides its bytes, in multiply-adds. */
const WORK_PER_BYTE = 2;
const WORK_PER_ROW = 64;

export function describeL2Normalize(r: usize): void {
  checkRecord(r, L2_NORMALIZE_BYTES, (1 << DTYPE_I8) | (1 << DTYPE_F32));
  checkCounts(r, L2_NORMALIZE_ROWS, 2);
  const size = bytesOf(dtypeOf(r));
  const bytes = toF64(r, L2_NORMALIZE_ROWS) * toF64(r, L2_NORMALIZE_DEPTH) * size;
  source(r, L2_NORMALIZE_SOURCE, bytes, <u32>size);
  target(r, L2_NORMALIZE_TARGET, bytes, <u32>size);
  inPlace(L2_NORMALIZE_SOURCE);
  const work = bytes * WORK_PER_BYTE + toF64(r, L2_NORMALIZE_ROWS) * WORK_PER_ROW;
  if (int(r, L2_NORMALIZE_ROWS) > 1) parallel(r, work);
  else countWork(work);
  checkFinite(r, L2_NORMALIZE_EPSILON);
  if (dtypeOf(r) == DTYPE_F32) return;
  checkZeroPoint(r, L2_NORMALIZE_SOURCE_ZERO);
  checkZeroPoint(r, L2_NORMALIZE_TARGET_ZERO);
  checkPositive(r, L2_NORMALIZE_OUT_SCALE);
}

export function runL2Normalize(r: usize): void {
  const f32s = dtypeOf(r) == DTYPE_F32;
  const depth = int(r, L2_NORMALIZE_DEPTH);
  const rowBytes = f32s ? depth << 2 : depth;
  const epsilon = float(r, L2_NORMALIZE_EPSILON);
  const zero = int(r, L2_NORMALIZE_SOURCE_ZERO);
  const scaleOut = float(r, L2_NORMALIZE_OUT_SCALE);
  const zeroOut = int(r, L2_NORMALIZE_TARGET_ZERO);
  share(int(r, L2_NORMALIZE_ROWS), 1);
  const skipped = shareFrom * rowBytes;
  let from = <usize>int(r, L2_NORMALIZE_SOURCE) + skipped;
  let out = <usize>int(r, L2_NORMALIZE_TARGET) + skipped;
  for (let row = shareTo - shareFrom; row > 0; row--) {
    if (f32s) l2_normalize_f32(from, out, depth, epsilon);
    else l2_normalize_i8(from, out, depth, epsilon, zero, scaleOut, zeroOut);
    from += rowBytes;
    out += rowBytes;
  }
}
