import { DTYPE_F32, DTYPE_I8, FAULT_ATTRIBUTE, SOFTMAX_BYTES, SOFTMAX_DEPTH, SOFTMAX_OUT_SCALE, SOFTMAX_ROWS,
  SOFTMAX_SCALE, SOFTMAX_SOURCE, SOFTMAX_TABLE, SOFTMAX_TARGET, SOFTMAX_TARGET_ZERO } from '../layout';
import { softmax_f32, softmax_i8 } from '../kernels/softmax';
import { bytesOf, checkCounts, checkedTable, checkFinite, checkRecord, countWork, dtypeOf, fail, float, inPlace, int,
  isProved, parallel, RULE_POWERS, source, table, target, toF64 } from '../record';
import { share, shareFrom, shareTo } from '../threads';
import { checkPositive, checkZeroPoint } from './checks';

/** Cost of a byte, and of a row besides its bytes, in multiply-adds. */
const WORK_PER_BYTE = 8;
const WORK_PER_ROW = 64;

/**
 * Describes the record of softmax and logSoftmax. The first entry of the table is 1 and all are in
 * [0, 1], so the sum of a row is at least 1.
 */
export function describeSoftmaxRows(r: usize): void {
  checkRecord(r, SOFTMAX_BYTES, (1 << DTYPE_I8) | (1 << DTYPE_F32));
  checkCounts(r, SOFTMAX_ROWS, 2);
  const size = bytesOf(dtypeOf(r));
  const bytes = toF64(r, SOFTMAX_ROWS) * toF64(r, SOFTMAX_DEPTH) * size;
  source(r, SOFTMAX_SOURCE, bytes, <u32>size);
  target(r, SOFTMAX_TARGET, bytes, <u32>size);
  inPlace(SOFTMAX_SOURCE);
  const work = bytes * WORK_PER_BYTE + toF64(r, SOFTMAX_ROWS) * WORK_PER_ROW;
  if (int(r, SOFTMAX_ROWS) > 1) parallel(r, work);
  else countWork(work);
  checkFinite(r, SOFTMAX_SCALE);
  if (dtypeOf(r) == DTYPE_F32) return;
  checkPositive(r, SOFTMAX_OUT_SCALE);
  checkZeroPoint(r, SOFTMAX_TARGET_ZERO);
  table(r, SOFTMAX_TABLE, 1024, 4);
  const powers = checkedTable(r, SOFTMAX_TABLE);
  if (powers == 0 || isProved(RULE_POWERS, 256, powers, 0, 0, 0, 0, 0)) return;
  if (load<f32>(powers) != 1) fail(FAULT_ATTRIBUTE);
  for (let d = 0; d < 256; d++) {
    const power = load<f32>(powers + (d << 2));
    if (!(power >= 0 && power <= 1)) fail(FAULT_ATTRIBUTE);
  }
}

export function describeSoftmax(r: usize): void {
  describeSoftmaxRows(r);
}

export function runSoftmax(r: usize): void {
  const f32s = dtypeOf(r) == DTYPE_F32;
  const depth = int(r, SOFTMAX_DEPTH);
  const rowBytes = f32s ? depth << 2 : depth;
  share(int(r, SOFTMAX_ROWS), 1);
  const skipped = shareFrom * rowBytes;
  let from = <usize>int(r, SOFTMAX_SOURCE) + skipped;
  let out = <usize>int(r, SOFTMAX_TARGET) + skipped;
  for (let row = shareTo - shareFrom; row > 0; row--) {
    if (f32s) softmax_f32(from, out, depth, float(r, SOFTMAX_SCALE));
    else softmax_i8(from, out, depth, int(r, SOFTMAX_TABLE), float(r, SOFTMAX_OUT_SCALE), int(r, SOFTMAX_TARGET_ZERO));
    from += rowBytes;
    out += rowBytes;
  }
}
