import { ARGMAX_BYTES, ARGMAX_COUNT, ARGMAX_INNER, ARGMAX_KIND, ARGMAX_MAX, ARGMAX_MIN, ARGMAX_OUTER, ARGMAX_SOURCE,
  ARGMAX_TARGET, DTYPE_F32, DTYPE_I32, DTYPE_I8, DTYPE_U8 } from '../layout';
import { argmax } from '../kernels/argmax';
import { bytesOf, checkCounts, checkRange, checkRecord, countWork, dtypeOf, int, parallel, source, targetOf,
  toF64 } from '../record';
import { share, shareFrom, shareTo } from '../threads';

/** Cost of one element, in multiply-adds. */
const WORK_PER_ELEMENT = 16;

export function describeArgmax(r: usize): void {
  checkRecord(r, ARGMAX_BYTES, (1 << DTYPE_I8) | (1 << DTYPE_F32) | (1 << DTYPE_I32) | (1 << DTYPE_U8));
  checkRange(r, ARGMAX_KIND, ARGMAX_MAX, ARGMAX_MIN);
  checkCounts(r, ARGMAX_OUTER, 3);
  const size = bytesOf(dtypeOf(r));
  const outputs = toF64(r, ARGMAX_OUTER) * toF64(r, ARGMAX_INNER);
  source(r, ARGMAX_SOURCE, outputs * toF64(r, ARGMAX_COUNT) * size, <u32>size);
  targetOf(0, r, ARGMAX_TARGET, outputs * 4, 4);
  const work = outputs * toF64(r, ARGMAX_COUNT) * WORK_PER_ELEMENT;
  if (int(r, ARGMAX_OUTER) > 1) parallel(r, work);
  else countWork(work);
}

export function runArgmax(r: usize): void {
  const dtype = dtypeOf(r);
  const size = <i32>bytesOf(dtype);
  const count = int(r, ARGMAX_COUNT);
  const inner = int(r, ARGMAX_INNER);
  const largest = int(r, ARGMAX_KIND) == ARGMAX_MAX;
  share(int(r, ARGMAX_OUTER), 1);
  let from = <usize>int(r, ARGMAX_SOURCE) + shareFrom * count * inner * size;
  let out = <usize>int(r, ARGMAX_TARGET) + (shareFrom * inner << 2);
  for (let o = shareTo - shareFrom; o > 0; o--) {
    for (let i = 0; i < inner; i++) {
      const a = from + i * size;
      let index = 0;
      switch (dtype) {
        case DTYPE_I8:
          index = argmax<i8>(a, count, inner, largest);
          break;
        case DTYPE_U8:
          index = argmax<u8>(a, count, inner, largest);
          break;
        case DTYPE_F32:
          index = argmax<f32>(a, count, inner, largest);
          break;
        case DTYPE_I32:
          index = argmax<i32>(a, count, inner, largest);
          break;
      }
      store<i32>(out, index);
      out += 4;
    }
    from += count * inner * size;
  }
}
