import { CONV2D_BATCH, CONV2D_BATCH_STRIDE, CONV2D_BLOCK_ROWS, CONV2D_DILATION_X, CONV2D_DILATION_Y, CONV2D_GROUPS,
  CONV2D_IN_C, CONV2D_IN_H, CONV2D_IN_W, CONV2D_KERNEL_H, CONV2D_KERNEL_W, CONV2D_OUT_C, CONV2D_OUT_H, CONV2D_OUT_W,
  CONV2D_PAD_LEFT, CONV2D_PAD_TOP, CONV2D_PIXEL_STRIDE, CONV2D_ROW_STRIDE, CONV2D_SOURCE, CONV2D_STRIDE_X,
  CONV2D_STRIDE_Y, CONV2D_TARGET, DEPTHWISE_BATCH, DEPTHWISE_CHANNELS, DEPTHWISE_DILATION_X, DEPTHWISE_DILATION_Y,
  DEPTHWISE_IN_H, DEPTHWISE_IN_W, DEPTHWISE_KERNEL_H, DEPTHWISE_KERNEL_W, DEPTHWISE_OUT_H, DEPTHWISE_OUT_W,
  DEPTHWISE_PAD_LEFT, DEPTHWISE_PAD_TOP, DEPTHWISE_SOURCE, DEPTHWISE_STRIDE_X, DEPTHWISE_STRIDE_Y, DEPTHWISE_TARGET,
  FAULT_ATTRIBUTE } from '../layout';
import { checkCounts, checkRange, fail, int, parallel, source, target, targetSpan, toF64 } from '../record';
import { outerFrom, outerTo, shareProduct } from '../threads';

// What all convolutions have in common, whatever their element types: the geometry of the record,
// the addresses of the outputs, and the shares of threads.

/** Cost of an output besides its products, in multiply-adds. */
export const OUTPUT_WORK: f64 = 16;
/** Limit of input coordinates, so that they do not overflow i32. */
const MAX_REACH: f64 = 536870912;
/**
 * Limit of K of a dense matrix. The accumulators of products wrap around, so that an output is
 * exact if it fits i32, as the compiler makes sure.
 */
export const MAX_K: f64 = 4194304;

/**
 * Describes what all convolutions have in common: geometry, source and target.
 *
 * @returns K, at most `maxK`
 */
export function describeGeometry(r: usize, size: f64, maxK: f64): f64 {
  checkCounts(r, CONV2D_BATCH, 7);
  checkCounts(r, CONV2D_KERNEL_H, 6);
  checkRange(r, CONV2D_PAD_TOP, -(1 << 24), 1 << 24);
  checkRange(r, CONV2D_PAD_LEFT, -(1 << 24), 1 << 24);
  checkCounts(r, CONV2D_GROUPS, 5);
  checkRange(r, CONV2D_BLOCK_ROWS, 4, 65536);
  for (let field = CONV2D_KERNEL_H; field <= CONV2D_DILATION_X; field += 4) checkRange(r, field, 1, 65536);
  if ((int(r, CONV2D_BLOCK_ROWS) & 3) != 0) fail(FAULT_ATTRIBUTE);
  const groups = int(r, CONV2D_GROUPS);
  const inC = int(r, CONV2D_IN_C);
  const outC = int(r, CONV2D_OUT_C);
  if (groups < 1 || inC % groups != 0 || outC % groups != 0) {
    fail(FAULT_ATTRIBUTE);
    return 1;
  }
  const K = toF64(r, CONV2D_KERNEL_H) * toF64(r, CONV2D_KERNEL_W) * <f64>(inC / groups);
  if (K < 1 || K > maxK) {
    fail(FAULT_ATTRIBUTE);
    return 1;
  }
  source(
    r,
    CONV2D_SOURCE,
    toF64(r, CONV2D_BATCH) * toF64(r, CONV2D_IN_H) * toF64(r, CONV2D_IN_W) * <f64>inC * size,
    <u32>size,
  );
  const extent = (toF64(r, CONV2D_BATCH) - 1) * toF64(r, CONV2D_BATCH_STRIDE) +
    (toF64(r, CONV2D_OUT_H) - 1) * toF64(r, CONV2D_ROW_STRIDE)
    + (toF64(r, CONV2D_OUT_W) - 1) * toF64(r, CONV2D_PIXEL_STRIDE) + <f64>outC;
  // Each output is written once, because pixels, rows and images do not overlap.
  const image = extent - (toF64(r, CONV2D_BATCH) - 1) * toF64(r, CONV2D_BATCH_STRIDE);
  const row = image - (toF64(r, CONV2D_OUT_H) - 1) * toF64(r, CONV2D_ROW_STRIDE);
  if (toF64(r, CONV2D_PIXEL_STRIDE) < <f64>outC || (int(r, CONV2D_OUT_H) > 1 && toF64(r, CONV2D_ROW_STRIDE) < row)
    || (int(r, CONV2D_BATCH) > 1 && toF64(r, CONV2D_BATCH_STRIDE) < image)) fail(FAULT_ATTRIBUTE);
  if (toF64(r, CONV2D_OUT_H) * toF64(r, CONV2D_STRIDE_Y) > MAX_REACH ||
    toF64(r, CONV2D_OUT_W) * toF64(r, CONV2D_STRIDE_X) > MAX_REACH) fail(FAULT_ATTRIBUTE);
  if (toF64(r, CONV2D_KERNEL_H) * toF64(r, CONV2D_DILATION_Y) > MAX_REACH ||
    toF64(r, CONV2D_KERNEL_W) * toF64(r, CONV2D_DILATION_X) > MAX_REACH) fail(FAULT_ATTRIBUTE);
  const pixels = toF64(r, CONV2D_BATCH) * toF64(r, CONV2D_OUT_H) * toF64(r, CONV2D_OUT_W);
  targetSpan(r, CONV2D_TARGET, extent * size, pixels * <f64>outC * size, <u32>size);
  parallel(r, pixels * panelsOf(r) * 8 * (K + OUTPUT_WORK));
  return K;
}

/** Number of panels of 8 output channels in all groups. */
export function panelsOf(r: usize): f64 {
  const groups = max(1, int(r, CONV2D_GROUPS));
  return <f64>groups * <f64>((int(r, CONV2D_OUT_C) / groups + 7) >> 3);
}

/**
 * Lists the output addresses of the `count` pixels from m0 on, then the sink, up to `padded`
 * entries.
 */
export function listOutputs(
  r: usize,
  batch: i32,
  m0: i32,
  count: i32,
  padded: i32,
  list: usize,
  sink: usize,
  size: i32,
): void {
  const outW = int(r, CONV2D_OUT_W);
  const pixel = int(r, CONV2D_PIXEL_STRIDE) * size;
  const rowStride = int(r, CONV2D_ROW_STRIDE) * size;
  const y = m0 / outW;
  let x = m0 - y * outW;
  let out = <usize>int(r, CONV2D_TARGET) + batch * int(r, CONV2D_BATCH_STRIDE) * size + y * rowStride + x * pixel;
  for (let i = 0; i < count; i++) {
    store<usize>(list + (i << 2), out);
    out += pixel;
    if (++x == outW) {
      x = 0;
      out += rowStride - outW * pixel;
    }
  }
  for (let i = count; i < padded; i++) store<usize>(list + (i << 2), sink);
}

/** The threads share the products (images and groups), the pixels, or the panels of channels. */
export function shareConvolution(r: usize, panels: i32, tile: i32): void {
  shareProduct(int(r, CONV2D_BATCH) * int(r, CONV2D_GROUPS), int(r, CONV2D_OUT_H) * int(r, CONV2D_OUT_W), panels, tile);
}

/** Whether this thread has a share of the product of a group of an image. */
export function isMine(r: usize, batch: i32, group: i32): bool {
  const index = batch * int(r, CONV2D_GROUPS) + group;
  return index >= outerFrom && index < outerTo;
}

/**
 * Describes what depthwise convolutions have in common: geometry, source and target.
 *
 * @returns the number of taps
 */
export function describeDepthwise(r: usize, size: f64): f64 {
  checkCounts(r, DEPTHWISE_BATCH, 12);
  for (let field = DEPTHWISE_KERNEL_H; field <= DEPTHWISE_DILATION_X; field += 4) checkRange(r, field, 1, 65536);
  checkRange(r, DEPTHWISE_PAD_TOP, -(1 << 24), 1 << 24);
  checkRange(r, DEPTHWISE_PAD_LEFT, -(1 << 24), 1 << 24);
  if (toF64(r, DEPTHWISE_OUT_H) * toF64(r, DEPTHWISE_STRIDE_Y) > MAX_REACH ||
    toF64(r, DEPTHWISE_OUT_W) * toF64(r, DEPTHWISE_STRIDE_X) > MAX_REACH) fail(FAULT_ATTRIBUTE);
  if (toF64(r, DEPTHWISE_KERNEL_H) * toF64(r, DEPTHWISE_DILATION_Y) > MAX_REACH ||
    toF64(r, DEPTHWISE_KERNEL_W) * toF64(r, DEPTHWISE_DILATION_X) > MAX_REACH) fail(FAULT_ATTRIBUTE);
  const taps = toF64(r, DEPTHWISE_KERNEL_H) * toF64(r, DEPTHWISE_KERNEL_W);
  const C = toF64(r, DEPTHWISE_CHANNELS);
  if (taps > 65536) fail(FAULT_ATTRIBUTE);
  const images = toF64(r, DEPTHWISE_BATCH) * C;
  const outputs = images * toF64(r, DEPTHWISE_OUT_H) * toF64(r, DEPTHWISE_OUT_W);
  parallel(r, outputs / C * ceil(C / 8) * 8 * (taps + OUTPUT_WORK));
  const inputs = images * toF64(r, DEPTHWISE_IN_H) * toF64(r, DEPTHWISE_IN_W);
  source(r, DEPTHWISE_SOURCE, inputs * size, <u32>size);
  target(r, DEPTHWISE_TARGET, outputs * size, <u32>size);
  return taps;
}

/** Lists the addresses of the taps of output pixel (y, x), column by column. */
export function listTaps(r: usize, image: usize, y: i32, x: i32, pixelBytes: i32, zeros: usize, list: usize): void {
  const inH = int(r, DEPTHWISE_IN_H);
  const inW = int(r, DEPTHWISE_IN_W);
  const kernelH = int(r, DEPTHWISE_KERNEL_H);
  const kernelW = int(r, DEPTHWISE_KERNEL_W);
  const iy0 = y * int(r, DEPTHWISE_STRIDE_Y) - int(r, DEPTHWISE_PAD_TOP);
  const ix0 = x * int(r, DEPTHWISE_STRIDE_X) - int(r, DEPTHWISE_PAD_LEFT);
  const dilationX = int(r, DEPTHWISE_DILATION_X);
  const dilationY = int(r, DEPTHWISE_DILATION_Y);
  for (let kx = 0; kx < kernelW; kx++) {
    const ix = ix0 + kx * dilationX;
    const outside = <u32>ix >= <u32>inW;
    for (let ky = 0; ky < kernelH; ky++) {
      const iy = iy0 + ky * dilationY;
      store<usize>(list, outside || <u32>iy >= <u32>inH ? zeros : image + (iy * inW + ix) * pixelBytes);
      list += 4;
    }
  }
  // The partner of an odd last tap has weight 0, so any readable address is correct.
  if ((kernelH * kernelW & 1) != 0) store<usize>(list, load<usize>(list - 4));
}
