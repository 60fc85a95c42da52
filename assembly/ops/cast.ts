import { CAST_BYTES, CAST_COUNT, CAST_SOURCE, CAST_TARGET, CAST_TO, DTYPE_F32, DTYPE_I32, DTYPE_I8,
  DTYPE_U8 } from '../layout';
import { cast, flip_top_bit } from '../kernels/cast';
import { copy_bytes } from '../kernels/copy';
import { toF64, bytesOf, checkCounts, checkRange, checkRecord, dtypeOf, int, source, parallel, targetOf,
  FLOATS } from '../record';
import { share, shareFrom, shareTo } from '../threads';

export function describeCast(r: usize): void {
  checkRecord(r, CAST_BYTES, (1 << DTYPE_I8) | (1 << DTYPE_F32) | (1 << DTYPE_I32) | (1 << DTYPE_U8));
  checkRange(r, CAST_TO, DTYPE_I8, DTYPE_U8);
  checkCounts(r, CAST_COUNT, 1);
  const from = bytesOf(dtypeOf(r));
  const to = bytesOf(int(r, CAST_TO));
  source(r, CAST_SOURCE, toF64(r, CAST_COUNT) * from, <u32>from);
  const floats = dtypeOf(r) == DTYPE_F32 && int(r, CAST_TO) == DTYPE_F32;
  targetOf(floats ? FLOATS : 0, r, CAST_TARGET, toF64(r, CAST_COUNT) * to, <u32>to);
  parallel(r, toF64(r, CAST_COUNT) * 4);
}

function castFrom<T>(to: i32, from: usize, out: usize, count: i32): void {
  switch (to) {
    case DTYPE_I8:
      cast<T, i8>(from, out, count);
      break;
    case DTYPE_U8:
      cast<T, u8>(from, out, count);
      break;
    case DTYPE_I32:
      cast<T, i32>(from, out, count);
      break;
    case DTYPE_F32:
      cast<T, f32>(from, out, count);
      break;
  }
}

export function runCast(r: usize): void {
  share(int(r, CAST_COUNT), 64);
  const dtype = dtypeOf(r);
  const to = int(r, CAST_TO);
  const first = shareFrom;
  const count = shareTo - first;
  const from = int(r, CAST_SOURCE) + first * <i32>bytesOf(dtype);
  const out = int(r, CAST_TARGET) + first * <i32>bytesOf(to);
  const bytes = dtype == DTYPE_I8 || dtype == DTYPE_U8;
  const toBytes = to == DTYPE_I8 || to == DTYPE_U8;
  if (dtype == to) {
    copy_bytes(from, out, count * <i32>bytesOf(dtype));
  } else if (bytes && toBytes) {
    flip_top_bit(from, out, count);
  } else {
    switch (dtype) {
      case DTYPE_I8:
        castFrom<i8>(to, from, out, count);
        break;
      case DTYPE_U8:
        castFrom<u8>(to, from, out, count);
        break;
      case DTYPE_I32:
        castFrom<i32>(to, from, out, count);
        break;
      case DTYPE_F32:
        castFrom<f32>(to, from, out, count);
        break;
    }
  }
}
