import { DTYPE_F32, DTYPE_I8, MAX_POOL_INDICES_BATCH, MAX_POOL_INDICES_BYTES, MAX_POOL_INDICES_CHANNELS,
  MAX_POOL_INDICES_IN_H, MAX_POOL_INDICES_IN_W, MAX_POOL_INDICES_KERNEL_H, MAX_POOL_INDICES_KERNEL_W,
  MAX_POOL_INDICES_OUT_H, MAX_POOL_INDICES_OUT_W, MAX_POOL_INDICES_PAD_LEFT, MAX_POOL_INDICES_PAD_TOP,
  MAX_POOL_INDICES_SOURCE, MAX_POOL_INDICES_STRIDE_X, MAX_POOL_INDICES_STRIDE_Y,
  MAX_POOL_INDICES_TARGET } from '../layout';
import { checkWindows } from '../ops/checks';
import { bytesOf, checkCounts, checkRecord, countWork, dtypeOf, int, source, targetOf, toF64 } from '../record';

// The places of the maxima of a pool.

/** Work of one element of a window, in multiply-adds. */
const WORK_PER_ELEMENT: f64 = 8;

export function describeMaxPoolIndices(r: usize): void {
  if (!checkRecord(r, MAX_POOL_INDICES_BYTES, (1 << DTYPE_I8) | (1 << DTYPE_F32))) return;
  // all from BATCH to STRIDE_X
  checkCounts(r, MAX_POOL_INDICES_BATCH, 10);
  checkWindows(
    r,
    MAX_POOL_INDICES_KERNEL_H,
    MAX_POOL_INDICES_STRIDE_Y,
    MAX_POOL_INDICES_PAD_TOP,
    MAX_POOL_INDICES_IN_H,
    MAX_POOL_INDICES_OUT_H,
  );
  checkWindows(
    r,
    MAX_POOL_INDICES_KERNEL_W,
    MAX_POOL_INDICES_STRIDE_X,
    MAX_POOL_INDICES_PAD_LEFT,
    MAX_POOL_INDICES_IN_W,
    MAX_POOL_INDICES_OUT_W,
  );
  const size = bytesOf(dtypeOf(r));
  const channels = toF64(r, MAX_POOL_INDICES_BATCH) * toF64(r, MAX_POOL_INDICES_CHANNELS);
  const pixels = toF64(r, MAX_POOL_INDICES_OUT_H) * toF64(r, MAX_POOL_INDICES_OUT_W);
  const window = min(toF64(r, MAX_POOL_INDICES_KERNEL_H), toF64(r, MAX_POOL_INDICES_IN_H)) *
    min(toF64(r, MAX_POOL_INDICES_KERNEL_W), toF64(r, MAX_POOL_INDICES_IN_W));
  source(
    r,
    MAX_POOL_INDICES_SOURCE,
    channels * toF64(r, MAX_POOL_INDICES_IN_H) * toF64(r, MAX_POOL_INDICES_IN_W) * size,
    <u32>size,
  );
  targetOf(0, r, MAX_POOL_INDICES_TARGET, channels * pixels * 4, 4);
  countWork(channels * pixels * window * WORK_PER_ELEMENT);
}

/**
 * The pixel of a window with the first maximum of a channel, as row · width + column.
 *
 * @param at the channel of the window's first pixel
 * @param width pixels of a row of the image
 */
function placeOf<T>(at: usize, rows: i32, columns: i32, width: i32, C: i32): i32 {
  let most = load<T>(at);
  let best = 0;
  for (let y = 0; y < rows; y++) {
    const end = y * width + columns;
    for (let place = y * width; place < end; place++) {
      const value = load<T>(at + place * C * sizeof<T>());
      if (value > most) {
        most = value;
        best = place;
      }
    }
  }
  return best;
}

export function runMaxPoolIndices(r: usize): void {
  const C = int(r, MAX_POOL_INDICES_CHANNELS);
  const inH = int(r, MAX_POOL_INDICES_IN_H);
  const inW = int(r, MAX_POOL_INDICES_IN_W);
  const outH = int(r, MAX_POOL_INDICES_OUT_H);
  const outW = int(r, MAX_POOL_INDICES_OUT_W);
  const isFloat = dtypeOf(r) == DTYPE_F32;
  const size = isFloat ? 4 : 1;
  let image = <usize>int(r, MAX_POOL_INDICES_SOURCE);
  let out = <usize>int(r, MAX_POOL_INDICES_TARGET);
  for (let batch = int(r, MAX_POOL_INDICES_BATCH); batch > 0; batch--) {
    for (let y = 0; y < outH; y++) {
      const iy = y * int(r, MAX_POOL_INDICES_STRIDE_Y) - int(r, MAX_POOL_INDICES_PAD_TOP);
      const top = max(iy, 0);
      const rows = min(iy + int(r, MAX_POOL_INDICES_KERNEL_H), inH) - top;
      for (let x = 0; x < outW; x++) {
        const ix = x * int(r, MAX_POOL_INDICES_STRIDE_X) - int(r, MAX_POOL_INDICES_PAD_LEFT);
        const left = max(ix, 0);
        const columns = min(ix + int(r, MAX_POOL_INDICES_KERNEL_W), inW) - left;
        const first = top * inW + left;
        for (let c = 0; c < C; c++) {
          const at = image + (first * C + c) * size;
          const place = isFloat ? placeOf<f32>(at, rows, columns, inW, C) : placeOf<i8>(at, rows, columns, inW, C);
          store<i32>(out, first + place);
          out += 4;
        }
      }
    }
    image += inH * inW * C * size;
  }
}
