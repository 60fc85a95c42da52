import { DTYPE_F32, SOFTMAX_DEPTH, SOFTMAX_OUT_SCALE, SOFTMAX_ROWS, SOFTMAX_SCALE, SOFTMAX_SOURCE, SOFTMAX_TABLE,
  SOFTMAX_TARGET, SOFTMAX_TARGET_ZERO } from '../layout';
import { log_softmax_f32, log_softmax_i8 } from '../kernels/softmax';
import { dtypeOf, float, int } from '../record';
import { share, shareFrom, shareTo } from '../threads';
import { describeSoftmaxRows } from './softmax';

export function describeLogSoftmax(r: usize): void {
  describeSoftmaxRows(r);
}

export function runLogSoftmax(r: usize): void {
  const f32s = dtypeOf(r) == DTYPE_F32;
  const depth = int(r, SOFTMAX_DEPTH);
  const rowBytes = f32s ? depth << 2 : depth;
  share(int(r, SOFTMAX_ROWS), 1);
  const skipped = shareFrom * rowBytes;
  let from = <usize>int(r, SOFTMAX_SOURCE) + skipped;
  let out = <usize>int(r, SOFTMAX_TARGET) + skipped;
  for (let row = shareTo - shareFrom; row > 0; row--) {
    if (f32s) {
      log_softmax_f32(from, out, depth);
    } else {
      const scale = float(r, SOFTMAX_SCALE);
      const outScale = float(r, SOFTMAX_OUT_SCALE);
      log_softmax_i8(from, out, depth, int(r, SOFTMAX_TABLE), scale, outScale, int(r, SOFTMAX_TARGET_ZERO));
    }
    from += rowBytes;
    out += rowBytes;
  }
}
