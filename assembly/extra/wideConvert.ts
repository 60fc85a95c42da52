import { DTYPE_F32, DTYPE_I16, DTYPE_I8, FAULT_ATTRIBUTE, WIDE_CONVERT_BYTES, WIDE_CONVERT_COUNT, WIDE_CONVERT_MAX,
  WIDE_CONVERT_MIN, WIDE_CONVERT_MULTIPLIER, WIDE_CONVERT_SCALE, WIDE_CONVERT_SOURCE, WIDE_CONVERT_SOURCE_ZERO,
  WIDE_CONVERT_TARGET, WIDE_CONVERT_TARGET_ZERO, WIDE_CONVERT_TO } from '../layout';
import { dequantize_i16_f32, quantize_f32_i16, requantize_wide_elements } from '../kernels/wideElementwise';
import { checkFactor, checkPositive } from '../ops/checks';
import { checkCounts, checkRange, checkRecord, dtypeOf, fail, float, int, parallel, source, toF64, targetOf,
  inPlace } from '../record';
import { share, shareFrom, shareTo } from '../threads';

// Conversions of i16 tensors. The target may equal the source if the elements have the same size.

/** Cost of one element, in multiply-adds. */
const WORK = 8;

@inline
function sizeOf(dtype: i32): i32 {
  if (dtype == DTYPE_F32) return 4;
  return dtype == DTYPE_I16 ? 2 : 1;
}

/** Checks that a zero point is one of the type; that of i16 is 0. */
function checkZero(r: usize, field: usize, dtype: i32): void {
  const isByte = dtype == DTYPE_I8;
  checkRange(r, field, isByte ? -128 : 0, isByte ? 127 : 0);
}

export function describeWideConvert(r: usize): void {
  if (!checkRecord(r, WIDE_CONVERT_BYTES, (1 << DTYPE_I8) | (1 << DTYPE_F32) | (1 << DTYPE_I16))) return;
  const from = dtypeOf(r);
  const to = int(r, WIDE_CONVERT_TO);
  const isKnown = to == DTYPE_I8 || to == DTYPE_F32 || to == DTYPE_I16;
  if (!isKnown || (from != DTYPE_I16 && to != DTYPE_I16)) fail(FAULT_ATTRIBUTE);
  checkCounts(r, WIDE_CONVERT_COUNT, 1);
  const count = toF64(r, WIDE_CONVERT_COUNT);
  source(r, WIDE_CONVERT_SOURCE, count * <f64>sizeOf(from), sizeOf(from));
  targetOf(0, r, WIDE_CONVERT_TARGET, count * <f64>sizeOf(to), sizeOf(to));
  inPlace(WIDE_CONVERT_SOURCE);
  parallel(r, count * WORK);
  if (from == DTYPE_F32 || to == DTYPE_F32) {
    checkPositive(r, WIDE_CONVERT_SCALE);
    return;
  }
  checkFactor(r, WIDE_CONVERT_MULTIPLIER);
  checkZero(r, WIDE_CONVERT_SOURCE_ZERO, from);
  checkZero(r, WIDE_CONVERT_TARGET_ZERO, to);
  const isByte = to == DTYPE_I8;
  checkRange(r, WIDE_CONVERT_MIN, isByte ? -128 : -32768, isByte ? 127 : 32767);
  checkRange(r, WIDE_CONVERT_MAX, int(r, WIDE_CONVERT_MIN), isByte ? 127 : 32767);
}

export function runWideConvert(r: usize): void {
  const from = dtypeOf(r);
  const to = int(r, WIDE_CONVERT_TO);
  share(int(r, WIDE_CONVERT_COUNT), 64);
  const a = <usize>int(r, WIDE_CONVERT_SOURCE) + shareFrom * sizeOf(from);
  const out = <usize>int(r, WIDE_CONVERT_TARGET) + shareFrom * sizeOf(to);
  const n = shareTo - shareFrom;
  const constants = r + WIDE_CONVERT_MULTIPLIER;
  if (from == DTYPE_F32) quantize_f32_i16(a, out, n, float(r, WIDE_CONVERT_SCALE));
  else if (to == DTYPE_F32) dequantize_i16_f32(a, out, n, float(r, WIDE_CONVERT_SCALE));
  else if (from == DTYPE_I8) requantize_wide_elements<i8, i16>(a, out, n, constants);
  else if (to == DTYPE_I8) requantize_wide_elements<i16, i8>(a, out, n, constants);
  else requantize_wide_elements<i16, i16>(a, out, n, constants);
}
