import { DTYPE_F32, DTYPE_I8, QUANTIZE_BYTES, QUANTIZE_COUNT, QUANTIZE_SCALE, QUANTIZE_SOURCE, QUANTIZE_TARGET,
  QUANTIZE_ZERO } from '../layout';
import { dequantize_i8_f32 } from '../kernels/quantize';
import { big, checkCounts, checkFinite, checkRecord, float, int, source, splits, target } from '../record';
import { share, shareFrom, shareTo } from '../threads';
import { checkZero } from './ranges';

export function describeDequantize(r: usize): void {
  checkRecord(r, QUANTIZE_BYTES, (1 << DTYPE_I8) | (1 << DTYPE_F32));
  checkCounts(r, QUANTIZE_COUNT, 1);
  source(r, QUANTIZE_SOURCE, big(r, QUANTIZE_COUNT), 1);
  target(r, QUANTIZE_TARGET, big(r, QUANTIZE_COUNT) * 4, 4);
  checkFinite(r, QUANTIZE_SCALE);
  checkZero(r, QUANTIZE_ZERO);
  splits(r, big(r, QUANTIZE_COUNT) * 4);
}

export function runDequantize(r: usize): void {
  share(int(r, QUANTIZE_COUNT), 64);
  const from = shareFrom;
  dequantize_i8_f32(
    int(r, QUANTIZE_SOURCE) + from,
    int(r, QUANTIZE_TARGET) + (from << 2),
    shareTo - from,
    float(r, QUANTIZE_SCALE),
    int(r, QUANTIZE_ZERO),
  );
}
