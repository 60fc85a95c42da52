import { DEPTHWISE_BATCH, DEPTHWISE_BIAS, DEPTHWISE_BYTES, DEPTHWISE_CHANNELS, DEPTHWISE_DILATION_X,
  DEPTHWISE_DILATION_Y, DEPTHWISE_IN_H, DEPTHWISE_IN_W, DEPTHWISE_KERNEL_H, DEPTHWISE_KERNEL_W, DEPTHWISE_MAX,
  DEPTHWISE_MIN, DEPTHWISE_OUT_H, DEPTHWISE_OUT_W, DEPTHWISE_PAD_LEFT, DEPTHWISE_PAD_TOP, DEPTHWISE_SCALE,
  DEPTHWISE_SOURCE, DEPTHWISE_STRIDE_X, DEPTHWISE_STRIDE_Y, DEPTHWISE_TARGET, DEPTHWISE_WEIGHTS,
  DTYPE_I16 } from '../layout';
import { pair_taps_i8 } from '../kernels/depthwise';
import { depthwise_i16, requantize_wide } from '../kernels/wide';
import { describeDepthwise, listTaps } from '../ops/window';
import { checkRange, checkRecord, int, needScratch, scratch, table, toF64 } from '../record';
import { share, shareFrom, shareTo } from '../threads';
import { describeWideFactors } from './wideFactors';

// Scratch: accumulators i32 [8] │ weights i16 [⌈C/8⌉][⌈taps/2⌉][8][2] │ a pixel of zeros [C] + 16 │
// addresses u32 of the taps, KH·KW rounded up to 2

const SIZE = 2;
const ACCUMULATORS = 32;

export function describeWideDepthwiseConv2d(r: usize): void {
  if (!checkRecord(r, DEPTHWISE_BYTES, 1 << DTYPE_I16)) return;
  const taps = describeDepthwise(r, SIZE);
  const C = toF64(r, DEPTHWISE_CHANNELS);
  const blocks = Math.ceil(C / 8);
  table(r, DEPTHWISE_WEIGHTS, blocks * taps * 8, 16);
  describeWideFactors(r, DEPTHWISE_BIAS, blocks * 8);
  checkRange(r, DEPTHWISE_MIN, -32768, 32767);
  checkRange(r, DEPTHWISE_MAX, int(r, DEPTHWISE_MIN), 32767);
  needScratch(ACCUMULATORS + blocks * Math.ceil(taps / 2) * 32 + C * SIZE + 32 + Math.ceil(taps / 2) * 8);
}

export function runWideDepthwiseConv2d(r: usize): void {
  const C = int(r, DEPTHWISE_CHANNELS);
  const blocks = (C + 7) >> 3;
  const taps = int(r, DEPTHWISE_KERNEL_H) * int(r, DEPTHWISE_KERNEL_W);
  const pairs = (taps + 1) >> 1;
  const pixelBytes = C * SIZE;
  const inW = int(r, DEPTHWISE_IN_W);
  const outW = int(r, DEPTHWISE_OUT_W);
  const reachX = (int(r, DEPTHWISE_KERNEL_W) - 1) * int(r, DEPTHWISE_DILATION_X);
  const reachY = (int(r, DEPTHWISE_KERNEL_H) - 1) * int(r, DEPTHWISE_DILATION_Y);
  const weights = scratch() + ACCUMULATORS;
  const zeros = weights + (blocks * pairs << 5);
  const list = (zeros + pixelBytes + 16 + 3) & ~3;
  pair_taps_i8(int(r, DEPTHWISE_WEIGHTS), 0, taps, blocks, weights);
  memory.fill(zeros, 0, pixelBytes + 16);
  const pixels = int(r, DEPTHWISE_OUT_H) * outW;
  share(pixels, 1);
  const from = shareFrom;
  const to = shareTo;
  for (let batch = 0; batch < int(r, DEPTHWISE_BATCH); batch++) {
    const image = <usize>int(r, DEPTHWISE_SOURCE) + batch * int(r, DEPTHWISE_IN_H) * inW * pixelBytes;
    let out = <usize>int(r, DEPTHWISE_TARGET) + (batch * pixels + from) * pixelBytes;
    for (let y = from / outW; y * outW < to; y++) {
      const iy = y * int(r, DEPTHWISE_STRIDE_Y) - int(r, DEPTHWISE_PAD_TOP);
      const rowsInside = iy >= 0 && iy + reachY < int(r, DEPTHWISE_IN_H);
      // Inside the image, one list of addresses serves the rest of the row, with an offset.
      let first = -1;
      for (let x = max(from - y * outW, 0), end = min(to - y * outW, outW); x < end; x++) {
        const ix = x * int(r, DEPTHWISE_STRIDE_X) - int(r, DEPTHWISE_PAD_LEFT);
        let shift: usize = 0;
        if (first >= 0 && ix + reachX < inW) {
          shift = (x - first) * int(r, DEPTHWISE_STRIDE_X) * pixelBytes;
        } else {
          listTaps(r, image, y, x, pixelBytes, zeros, list);
          first = rowsInside && ix >= 0 && ix + reachX < inW ? x : -1;
        }
        pixel(r, list, pairs, shift, weights, out);
        out += pixelBytes;
      }
    }
  }
}

/** All channels of one output pixel. */
function pixel(r: usize, list: usize, pairs: i32, shift: usize, weights: usize, out: usize): void {
  const C = int(r, DEPTHWISE_CHANNELS);
  const acc = scratch();
  let bias = <usize>int(r, DEPTHWISE_BIAS);
  let scale = <usize>int(r, DEPTHWISE_SCALE);
  for (let c = 0; c < C; c += 8) {
    depthwise_i16(list, pairs, shift, weights, acc);
    requantize_wide(acc, bias, scale, out, min(8, C - c), r + DEPTHWISE_MIN);
    shift += 16;
    weights += pairs << 5;
    bias += 64;
    scale += 64;
    out += 16;
  }
}
