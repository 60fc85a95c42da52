import { DTYPE_F32, DTYPE_I8, FAULT_ATTRIBUTE, POOL2D_AVERAGE, POOL2D_BATCH, POOL2D_BYTES, POOL2D_CHANNELS, POOL2D_IN_H,
  POOL2D_IN_W, POOL2D_KERNEL_H, POOL2D_KERNEL_W, POOL2D_KIND, POOL2D_MAX, POOL2D_MAXIMUM, POOL2D_MIN, POOL2D_OUT_H,
  POOL2D_OUT_W, POOL2D_PAD_LEFT, POOL2D_PAD_TOP, POOL2D_ROUNDING_OFFSET, POOL2D_SOURCE, POOL2D_STRIDE_X,
  POOL2D_STRIDE_Y, POOL2D_TARGET } from '../layout';
import { pool_average_f32, pool_average_i8, pool_max_f32, pool_max_i8 } from '../kernels/pool';
import { toF64, bytesOf, checkCounts, checkRange, checkRecord, dtypeOf, fail, float, int, source, parallel,
  target } from '../record';
import { share, shareFrom, shareTo } from '../threads';
import { checkActivation, checkWindows } from './checks';

/** The threads share the channels if there are fewer output pixels than this. */
const FEW_PIXELS = 16;
/** Cost of one element of a window, in multiply-adds. */
const WORK_PER_ELEMENT = 4;
/** Cost of a pixel of a window, in elements. */
const STEPS = 8;
/** Maximum number of pixels of a window, so that their i8 sum with the rounding offset fits i32. */
const MAX_WINDOW: f64 = 4194304;

export function describePool2d(r: usize): void {
  checkRecord(r, POOL2D_BYTES, (1 << DTYPE_I8) | (1 << DTYPE_F32));
  checkRange(r, POOL2D_KIND, POOL2D_AVERAGE, POOL2D_MAXIMUM);
  checkCounts(r, POOL2D_BATCH, 10);
  checkWindows(r, POOL2D_KERNEL_H, POOL2D_STRIDE_Y, POOL2D_PAD_TOP, POOL2D_IN_H, POOL2D_OUT_H);
  checkWindows(r, POOL2D_KERNEL_W, POOL2D_STRIDE_X, POOL2D_PAD_LEFT, POOL2D_IN_W, POOL2D_OUT_W);
  if (min<f64>(toF64(r, POOL2D_KERNEL_H), toF64(r, POOL2D_IN_H)) *
      min<f64>(toF64(r, POOL2D_KERNEL_W), toF64(r, POOL2D_IN_W)) > MAX_WINDOW) fail(FAULT_ATTRIBUTE);
  const work = toF64(r, POOL2D_BATCH) * toF64(r, POOL2D_OUT_H) * toF64(r, POOL2D_OUT_W) * toF64(r, POOL2D_CHANNELS)
    * min<f64>(toF64(r, POOL2D_KERNEL_H), toF64(r, POOL2D_IN_H)) *
    min<f64>(toF64(r, POOL2D_KERNEL_W), toF64(r, POOL2D_IN_W));
  parallel(r, (work + work / toF64(r, POOL2D_CHANNELS) * STEPS) * WORK_PER_ELEMENT);
  const size = bytesOf(dtypeOf(r));
  const channels = toF64(r, POOL2D_BATCH) * toF64(r, POOL2D_CHANNELS) * size;
  source(r, POOL2D_SOURCE, channels * toF64(r, POOL2D_IN_H) * toF64(r, POOL2D_IN_W), <u32>size);
  target(r, POOL2D_TARGET, channels * toF64(r, POOL2D_OUT_H) * toF64(r, POOL2D_OUT_W), <u32>size);
  checkRange(r, POOL2D_ROUNDING_OFFSET, -128, 128);
  checkActivation(r, POOL2D_MIN, POOL2D_MAX, dtypeOf(r) == DTYPE_F32);
}

export function runPool2d(r: usize): void {
  const f32s = dtypeOf(r) == DTYPE_F32;
  const averages = int(r, POOL2D_KIND) == POOL2D_AVERAGE;
  const C = int(r, POOL2D_CHANNELS);
  const pixelBytes = f32s ? C << 2 : C;
  const inH = int(r, POOL2D_IN_H);
  const inW = int(r, POOL2D_IN_W);
  const outH = int(r, POOL2D_OUT_H);
  const outW = int(r, POOL2D_OUT_W);
  const rowBytes = inW * pixelBytes;
  const kernelH = int(r, POOL2D_KERNEL_H);
  const kernelW = int(r, POOL2D_KERNEL_W);
  const strideY = int(r, POOL2D_STRIDE_Y);
  const strideX = int(r, POOL2D_STRIDE_X);
  const padTop = int(r, POOL2D_PAD_TOP);
  const padLeft = int(r, POOL2D_PAD_LEFT);
  const offset = int(r, POOL2D_ROUNDING_OFFSET);
  const clampMin = int(r, POOL2D_MIN);
  const clampMax = int(r, POOL2D_MAX);
  const clampMinF32 = float(r, POOL2D_MIN);
  const clampMaxF32 = float(r, POOL2D_MAX);
  // The threads share pixels, or channels if there are few pixels.
  const pixels = outH * outW;
  const byChannels = pixels < FEW_PIXELS;
  share(byChannels ? C : pixels, byChannels ? 64 : 1);
  const from = shareFrom;
  const to = shareTo;
  const fromPixel = byChannels ? 0 : from;
  const toPixel = byChannels ? pixels : to;
  const fromByte = f32s ? from << 2 : from;
  const skipped = byChannels ? fromByte : 0;
  const channels = byChannels ? to - from : C;
  let image = <usize>int(r, POOL2D_SOURCE) + skipped;
  for (let batch = 0; batch < int(r, POOL2D_BATCH); batch++) {
    let out = <usize>int(r, POOL2D_TARGET) + (batch * pixels + fromPixel) * pixelBytes + skipped;
    for (let y = fromPixel / outW; y * outW < toPixel; y++) {
      const iy = y * strideY - padTop;
      const top = max(iy, 0);
      const rows = min(iy + kernelH, inH) - top;
      for (let x = max(fromPixel - y * outW, 0), end = min(toPixel - y * outW, outW); x < end; x++) {
        const ix = x * strideX - padLeft;
        const left = max(ix, 0);
        const columns = min(ix + kernelW, inW) - left;
        const window = image + top * rowBytes + left * pixelBytes;
        if (f32s) {
          const n = <f32>(rows * columns);
          if (averages) {
            pool_average_f32(window, rows, columns, rowBytes, pixelBytes, out, channels, n, clampMinF32, clampMaxF32);
          } else pool_max_f32(window, rows, columns, rowBytes, pixelBytes, out, channels, clampMinF32, clampMaxF32);
        } else {
          if (averages) {
            pool_average_i8(window, rows, columns, rowBytes, pixelBytes, out, channels, offset, clampMin, clampMax);
          } else pool_max_i8(window, rows, columns, rowBytes, pixelBytes, out, channels, clampMin, clampMax);
        }
        out += pixelBytes;
      }
    }
    image += inH * rowBytes;
  }
}
