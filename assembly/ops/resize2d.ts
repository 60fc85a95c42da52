import { DTYPE_F32, DTYPE_I32, DTYPE_I8, DTYPE_U8, FAULT_ATTRIBUTE, RESIZE2D_BATCH, RESIZE2D_BILINEAR, RESIZE2D_BYTES,
  RESIZE2D_CHANNELS, RESIZE2D_COLUMNS, RESIZE2D_ENTRY_BYTES, RESIZE2D_IN_H, RESIZE2D_IN_W, RESIZE2D_MODE,
  RESIZE2D_NEAREST, RESIZE2D_OUT_H, RESIZE2D_OUT_W, RESIZE2D_ROWS, RESIZE2D_SOURCE, RESIZE2D_TARGET } from '../layout';
import { copy_bytes } from '../kernels/copy';
import { bilinear_f32, bilinear_i8 } from '../kernels/resize';
import { toF64, bytesOf, checkCounts, checkedTable, checkFinite, checkRange, checkRecord, dtypeOf, fail, int, isProved,
  RULE_RESIZE, source, parallel, table, target } from '../record';
import { share, shareFrom, shareTo } from '../threads';

/** Cost of one byte of the output, in multiply-adds. */
const WORK_PER_BYTE = 8;
/** Cost of a pixel of the output besides its bytes. */
const WORK_PER_PIXEL = 64;
// Fields of an entry of ROWS or COLUMNS.
const ENTRY_LOWER: usize = 0;
const ENTRY_UPPER: usize = 4;
const ENTRY_WEIGHT: usize = 8;

function describeEntries(r: usize, field: usize, entries: i32, limit: i32): void {
  table(r, field, <f64>entries * RESIZE2D_ENTRY_BYTES, 4);
  let entry = checkedTable(r, field);
  const f32s = dtypeOf(r) == DTYPE_F32;
  const bilinear = int(r, RESIZE2D_MODE) == RESIZE2D_BILINEAR;
  if (entry == 0 || isProved(RULE_RESIZE, <f64>entries, entry, entries, limit, i32(bilinear), i32(f32s), 0)) return;
  for (let i = 0; i < entries; i++) {
    if (load<u32>(entry, ENTRY_LOWER) >= <u32>limit) fail(FAULT_ATTRIBUTE);
    if (bilinear) {
      if (load<u32>(entry, ENTRY_UPPER) >= <u32>limit) fail(FAULT_ATTRIBUTE);
      if (f32s) checkFinite(entry, ENTRY_WEIGHT);
      else checkRange(entry, ENTRY_WEIGHT, 0, 2048);
    }
    entry += RESIZE2D_ENTRY_BYTES;
  }
}

export function describeResize2d(r: usize): void {
  checkRecord(r, RESIZE2D_BYTES, (1 << DTYPE_I8) | (1 << DTYPE_F32) | (1 << DTYPE_U8) | (1 << DTYPE_I32));
  checkRange(r, RESIZE2D_MODE, RESIZE2D_NEAREST, RESIZE2D_BILINEAR);
  if (int(r, RESIZE2D_MODE) == RESIZE2D_BILINEAR && dtypeOf(r) != DTYPE_I8 && dtypeOf(r) != DTYPE_F32) {
    fail(FAULT_ATTRIBUTE);
  }
  checkCounts(r, RESIZE2D_BATCH, 6);
  const size = bytesOf(dtypeOf(r));
  const pixel = toF64(r, RESIZE2D_BATCH) * toF64(r, RESIZE2D_CHANNELS) * size;
  source(r, RESIZE2D_SOURCE, pixel * toF64(r, RESIZE2D_IN_H) * toF64(r, RESIZE2D_IN_W), <u32>size);
  const bytes = pixel * toF64(r, RESIZE2D_OUT_H) * toF64(r, RESIZE2D_OUT_W);
  target(r, RESIZE2D_TARGET, bytes, <u32>size);
  parallel(r, bytes * WORK_PER_BYTE + bytes / pixel * WORK_PER_PIXEL);
  describeEntries(r, RESIZE2D_ROWS, int(r, RESIZE2D_OUT_H), int(r, RESIZE2D_IN_H));
  describeEntries(r, RESIZE2D_COLUMNS, int(r, RESIZE2D_OUT_W), int(r, RESIZE2D_IN_W));
}

export function runResize2d(r: usize): void {
  const C = int(r, RESIZE2D_CHANNELS);
  const pixelBytes = C * <i32>bytesOf(dtypeOf(r));
  const rowBytes = int(r, RESIZE2D_IN_W) * pixelBytes;
  const outW = int(r, RESIZE2D_OUT_W);
  const nearest = int(r, RESIZE2D_MODE) == RESIZE2D_NEAREST;
  const f32s = dtypeOf(r) == DTYPE_F32;
  const outH = int(r, RESIZE2D_OUT_H);
  share(outH, 1);
  const from = shareFrom;
  const to = shareTo;
  let image = <usize>int(r, RESIZE2D_SOURCE);
  for (let batch = 0; batch < int(r, RESIZE2D_BATCH); batch++) {
    let row = <usize>int(r, RESIZE2D_ROWS) + from * RESIZE2D_ENTRY_BYTES;
    let out = <usize>int(r, RESIZE2D_TARGET) + (batch * outH + from) * outW * pixelBytes;
    for (let y = from; y < to; y++) {
      const top = image + load<u32>(row, ENTRY_LOWER) * rowBytes;
      const bottom = image + load<u32>(row, ENTRY_UPPER) * rowBytes;
      let column = <usize>int(r, RESIZE2D_COLUMNS);
      for (let x = outW; x > 0; x--) {
        const left = load<u32>(column, ENTRY_LOWER) * pixelBytes;
        const right = load<u32>(column, ENTRY_UPPER) * pixelBytes;
        if (nearest) {
          copy_bytes(top + left, out, pixelBytes);
        } else if (f32s) {
          bilinear_f32(
            top + left,
            top + right,
            bottom + left,
            bottom + right,
            load<f32>(column, ENTRY_WEIGHT),
            load<f32>(row, ENTRY_WEIGHT),
            out,
            C,
          );
        } else {
          bilinear_i8(
            top + left,
            top + right,
            bottom + left,
            bottom + right,
            load<i32>(column, ENTRY_WEIGHT),
            load<i32>(row, ENTRY_WEIGHT),
            out,
            C,
          );
        }
        out += pixelBytes;
        column += RESIZE2D_ENTRY_BYTES;
      }
      row += RESIZE2D_ENTRY_BYTES;
    }
    image += int(r, RESIZE2D_IN_H) * rowBytes;
  }
}
