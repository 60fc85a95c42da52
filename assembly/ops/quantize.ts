import { DTYPE_F32, DTYPE_I8, QUANTIZE_BYTES, QUANTIZE_COUNT, QUANTIZE_SCALE, QUANTIZE_SOURCE, QUANTIZE_TARGET,
  QUANTIZE_ZERO } from '../layout';
import { quantize_f32_i8 } from '../kernels/quantize';
import { toF64, checkCounts, checkFinite, checkRecord, float, int, source, parallel, targetOf } from '../record';
import { share, shareFrom, shareTo } from '../threads';
import { checkZeroPoint } from './checks';

export function describeQuantize(r: usize): void {
  checkRecord(r, QUANTIZE_BYTES, (1 << DTYPE_I8) | (1 << DTYPE_F32));
  checkCounts(r, QUANTIZE_COUNT, 1);
  source(r, QUANTIZE_SOURCE, toF64(r, QUANTIZE_COUNT) * 4, 4);
  targetOf(0, r, QUANTIZE_TARGET, toF64(r, QUANTIZE_COUNT), 1);
  checkFinite(r, QUANTIZE_SCALE);
  checkZeroPoint(r, QUANTIZE_ZERO);
  parallel(r, toF64(r, QUANTIZE_COUNT) * 4);
}

export function runQuantize(r: usize): void {
  share(int(r, QUANTIZE_COUNT), 64);
  const from = shareFrom;
  quantize_f32_i8(
    int(r, QUANTIZE_SOURCE) + (from << 2),
    int(r, QUANTIZE_TARGET) + from,
    shareTo - from,
    float(r, QUANTIZE_SCALE),
    int(r, QUANTIZE_ZERO),
  );
}
