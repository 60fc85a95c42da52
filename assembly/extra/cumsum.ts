import { CUMSUM_BYTES, CUMSUM_COUNT, CUMSUM_EXCLUSIVE, CUMSUM_INNER, CUMSUM_OUTER, CUMSUM_REVERSE, CUMSUM_SOURCE,
  CUMSUM_TARGET, DTYPE_F32, DTYPE_I32 } from '../layout';
import { checkCounts, checkRange, checkRecord, countWork, dtypeOf, inPlace, int, source, target,
  toF64 } from '../record';

/** Cost of one element, in multiply-adds. */
const WORK = 4;

export function describeCumsum(r: usize): void {
  if (!checkRecord(r, CUMSUM_BYTES, (1 << DTYPE_F32) | (1 << DTYPE_I32))) return;
  // OUTER, COUNT and INNER
  checkCounts(r, CUMSUM_OUTER, 3);
  checkRange(r, CUMSUM_EXCLUSIVE, 0, 1);
  checkRange(r, CUMSUM_REVERSE, 0, 1);
  const count = toF64(r, CUMSUM_OUTER) * toF64(r, CUMSUM_COUNT) * toF64(r, CUMSUM_INNER);
  source(r, CUMSUM_SOURCE, count * 4, 4);
  target(r, CUMSUM_TARGET, count * 4, 4);
  inPlace(CUMSUM_SOURCE);
  countWork(count * WORK);
}

/** out may equal a. `step` is in bytes, and negative for sums from the last element. */
function sums<T>(a: usize, out: usize, n: i32, step: i32, exclusive: bool): void {
  let sum: T = <T>0;
  for (; n > 0; n--) {
    const next: T = sum + load<T>(a);
    store<T>(out, exclusive ? sum : next);
    sum = next;
    a += step;
    out += step;
  }
}

export function runCumsum(r: usize): void {
  const n = int(r, CUMSUM_COUNT);
  const inner = int(r, CUMSUM_INNER);
  const exclusive = int(r, CUMSUM_EXCLUSIVE) != 0;
  const reverse = int(r, CUMSUM_REVERSE) != 0;
  const row = inner << 2;
  const step = reverse ? -row : row;
  let first = reverse ? (n - 1) * row : 0;
  for (let outer = int(r, CUMSUM_OUTER); outer > 0; outer--) {
    for (let i = 0; i < inner; i++) {
      const a = <usize>int(r, CUMSUM_SOURCE) + first + (i << 2);
      const out = <usize>int(r, CUMSUM_TARGET) + first + (i << 2);
      if (dtypeOf(r) == DTYPE_F32) sums<f32>(a, out, n, step, exclusive);
      else sums<i32>(a, out, n, step, exclusive);
    }
    first += n * row;
  }
}
