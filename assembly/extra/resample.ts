import { DTYPE_F32, DTYPE_I8, FAULT_ATTRIBUTE, RESAMPLE_BYTES, RESAMPLE_IN, RESAMPLE_INNER, RESAMPLE_OFFSETS,
  RESAMPLE_OUT, RESAMPLE_OUTER, RESAMPLE_SOURCE, RESAMPLE_SOURCE_ZERO, RESAMPLE_STARTS, RESAMPLE_TAPS, RESAMPLE_TARGET,
  RESAMPLE_TARGET_DTYPE, RESAMPLE_TARGET_ZERO, RESAMPLE_WEIGHTS } from '../layout';
import { roundEven } from '../kernels/requantize';
import { bytesOf, checkCounts, checkedTable, checkFiniteTable, checkRange, checkRecord, countWork, dtypeOf, fail,
  FLOATS, int, isProved, RULE_STARTS, source, table, targetOf, toF64 } from '../record';

export function describeResample(r: usize): void {
  if (!checkRecord(r, RESAMPLE_BYTES, (1 << DTYPE_I8) | (1 << DTYPE_F32))) return;
  // OUTER, IN, OUT, INNER and TAPS
  checkCounts(r, RESAMPLE_OUTER, 5);
  checkRange(r, RESAMPLE_SOURCE_ZERO, -128, 127);
  checkRange(r, RESAMPLE_TARGET_ZERO, -128, 127);
  const to = int(r, RESAMPLE_TARGET_DTYPE);
  if (to != DTYPE_I8 && to != DTYPE_F32) fail(FAULT_ATTRIBUTE);
  const rows = toF64(r, RESAMPLE_OUTER) * toF64(r, RESAMPLE_INNER);
  const out = toF64(r, RESAMPLE_OUT);
  const weights = out * toF64(r, RESAMPLE_TAPS);
  const size = bytesOf(dtypeOf(r));
  source(r, RESAMPLE_SOURCE, rows * toF64(r, RESAMPLE_IN) * size, <u32>size);
  targetOf(to == DTYPE_F32 ? FLOATS : 0, r, RESAMPLE_TARGET, rows * out * bytesOf(to), <u32>bytesOf(to));
  table(r, RESAMPLE_STARTS, out * 4, 16);
  table(r, RESAMPLE_WEIGHTS, weights * 4, 16);
  table(r, RESAMPLE_OFFSETS, out * 4, 16);
  countWork(rows * weights);
  checkFiniteTable(r, RESAMPLE_WEIGHTS, weights);
  checkFiniteTable(r, RESAMPLE_OFFSETS, out);
  const starts = checkedTable(r, RESAMPLE_STARTS);
  const last = int(r, RESAMPLE_IN) - int(r, RESAMPLE_TAPS);
  if (starts == 0 || isProved(RULE_STARTS, out, starts, <i32>out, last, 0, 0, 0)) return;
  for (let o = 0; o < int(r, RESAMPLE_OUT); o++) {
    const start = load<i32>(starts + (o << 2));
    if (start < 0 || start > last) fail(FAULT_ATTRIBUTE);
  }
}

/** Σ w·(a − zero) + offset over `taps` elements that are `step` bytes apart; w f32 [taps] */
@inline
function weighted<T>(a: usize, step: i32, w: usize, taps: i32, zero: f32, offset: f32): f32 {
  let sum = offset;
  for (; taps > 0; taps--) {
    sum += load<f32>(w) * (<f32>load<T>(a) - zero);
    a += step;
    w += 4;
  }
  return sum;
}

export function runResample(r: usize): void {
  const inner = int(r, RESAMPLE_INNER);
  const taps = int(r, RESAMPLE_TAPS);
  const isFloat = dtypeOf(r) == DTYPE_F32;
  const toFloat = int(r, RESAMPLE_TARGET_DTYPE) == DTYPE_F32;
  const step = inner * <i32>bytesOf(dtypeOf(r));
  const zero = <f32>int(r, RESAMPLE_SOURCE_ZERO);
  const targetZero = int(r, RESAMPLE_TARGET_ZERO);
  const lowest = -128 - targetZero;
  const low = <f32>lowest;
  const highest = 127 - targetZero;
  const high = <f32>highest;
  let from = <usize>int(r, RESAMPLE_SOURCE);
  let out = <usize>int(r, RESAMPLE_TARGET);
  for (let outer = int(r, RESAMPLE_OUTER); outer > 0; outer--) {
    for (let o = 0; o < int(r, RESAMPLE_OUT); o++) {
      const w = <usize>int(r, RESAMPLE_WEIGHTS) + (o * taps << 2);
      const offset = load<f32>(int(r, RESAMPLE_OFFSETS) + (o << 2));
      let a = from + load<i32>(int(r, RESAMPLE_STARTS) + (o << 2)) * step;
      for (let i = inner; i > 0; i--) {
        let sum: f32;
        if (isFloat) {
          sum = weighted<f32>(a, step, w, taps, zero, offset);
          a += 4;
        } else {
          sum = weighted<i8>(a, step, w, taps, zero, offset);
          a++;
        }
        if (toFloat) {
          store<f32>(out, sum);
          out += 4;
        } else {
          // NaN, which only malformed weights give, becomes the lowest value
          sum = sum > low ? sum : low;
          sum = sum < high ? sum : high;
          store<i8>(out++, <i8>(<i32>roundEven(sum) + targetZero));
        }
      }
    }
    from += int(r, RESAMPLE_IN) * step;
  }
}
