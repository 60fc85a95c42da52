import { DEPTHWISE_BATCH, DEPTHWISE_BIAS, DEPTHWISE_BYTES, DEPTHWISE_CHANNELS, DEPTHWISE_DILATION_X,
  DEPTHWISE_DILATION_Y, DEPTHWISE_IN_H, DEPTHWISE_IN_W, DEPTHWISE_KERNEL_H, DEPTHWISE_KERNEL_W, DEPTHWISE_MAX,
  DEPTHWISE_MIN, DEPTHWISE_OUT_H, DEPTHWISE_OUT_W, DEPTHWISE_PAD_LEFT, DEPTHWISE_PAD_TOP, DEPTHWISE_SCALE,
  DEPTHWISE_SOURCE, DEPTHWISE_SOURCE_ZERO, DEPTHWISE_STRIDE_X, DEPTHWISE_STRIDE_Y, DEPTHWISE_TARGET,
  DEPTHWISE_TARGET_ZERO, DEPTHWISE_WEIGHTS, DEPTHWISE_WEIGHTS_ZERO, DTYPE_F32, DTYPE_I8 } from '../layout';
import { depthwise_i8, depthwise_i8_3x3_s1, depthwise_i8_3x3_s2, pair_taps_i8,
  pair_taps_i8_3x3 } from '../kernels/depthwise';
import { depthwise_f32, depthwise_f32_3x3 } from '../kernels/depthwiseF32';
import { depthwise_split_3x3_s1, depthwise_split_3x3_s2, SPLIT_WEIGHTS_3X3,
  split_taps_i8_3x3 } from '../kernels/depthwiseRelaxed';
import { toF64, bytesOf, checkRecord, dtypeOf, float, int, needScratch, scratch, table } from '../record';
import { share, shareFrom, shareTo } from '../threads';
import { checkActivation, describeRequantization } from './checks';
import { describeDepthwise, listTaps } from './window';

// Scratch: a pixel of zero points [C] + 16 │ widened weights (i8) │ addresses u32: of the taps,
// KH·KW rounded up to 2; of the rows, 4 pairs of address and stride (3×3)

/** Accumulators that start from smaller biases cannot reach −2^31, whose negation overflows. */
const MAX_NEGATED: i32 = 1 << 30;

export function describeDepthwiseConv2d(r: usize): void {
  checkRecord(r, DEPTHWISE_BYTES, (1 << DTYPE_I8) | (1 << DTYPE_F32));
  const f32s = dtypeOf(r) == DTYPE_F32;
  const size = bytesOf(dtypeOf(r));
  const taps = describeDepthwise(r, size);
  const C = toF64(r, DEPTHWISE_CHANNELS);
  const blocks = Math.ceil(C / 8);
  table(r, DEPTHWISE_WEIGHTS, f32s ? taps * C * 4 : blocks * taps * 8, 16);
  table(r, DEPTHWISE_BIAS, blocks * 32, 16);
  if (f32s) checkActivation(r, DEPTHWISE_MIN, DEPTHWISE_MAX, true);
  else describeRequantization(r, DEPTHWISE_SCALE, DEPTHWISE_SOURCE_ZERO, blocks);
  needScratch(C * size + 64 + (f32s ? 0 : blocks * Math.max(SPLIT_WEIGHTS_3X3, Math.ceil(taps / 2) * 32)) +
    Math.ceil(taps / 2) * 8);
}

/** Fills the row of zero points at the start of scratch. @returns the address after it */
function zeroRow(bytes: i32, zero: u8): usize {
  memory.fill(scratch(), zero, bytes + 16);
  return (scratch() + bytes + 16 + 15) & ~15;
}

/** Whether the n numbers at p are all in (−limit, limit). */
function below(p: usize, n: i32, limit: i32): bool {
  for (let i = 0; i < n; i++) {
    const x = load<i32>(p + (i << 2));
    if (x >= limit || x <= -limit) return false;
  }
  return true;
}

/**
 * Lists the input rows y to y + 3 of a window as u32 [4][2]: the address, and the bytes from one
 * pixel to the next. A row outside the image is the pixel `zeros`.
 */
function listRows(list: usize, y: i32, inH: i32, image: usize, rowBytes: i32, pixelBytes: i32, zeros: usize): void {
  for (let end = y + 4; y < end; y++) {
    const inside = <u32>y < <u32>inH;
    store<usize>(list, inside ? image + y * rowBytes : zeros);
    store<usize>(list, inside ? pixelBytes : 0, 4);
    list += 8;
  }
}

/** 3×3 without dilation, row by row; i8 with stride 1 or 2. */
function runRows3x3(r: usize, f32s: bool): void {
  const C = int(r, DEPTHWISE_CHANNELS);
  const inH = int(r, DEPTHWISE_IN_H);
  const inW = int(r, DEPTHWISE_IN_W);
  const outH = int(r, DEPTHWISE_OUT_H);
  const outW = int(r, DEPTHWISE_OUT_W);
  const stride = int(r, DEPTHWISE_STRIDE_X);
  const strideY = int(r, DEPTHWISE_STRIDE_Y);
  const padTop = int(r, DEPTHWISE_PAD_TOP);
  const first = -int(r, DEPTHWISE_PAD_LEFT);
  const padding = int(r, DEPTHWISE_SOURCE_ZERO);
  const bias = <usize>int(r, DEPTHWISE_BIAS);
  const scale = <usize>int(r, DEPTHWISE_SCALE);
  const zero = int(r, DEPTHWISE_TARGET_ZERO);
  const clampMin = int(r, DEPTHWISE_MIN);
  const clampMax = int(r, DEPTHWISE_MAX);
  const pixelBytes = f32s ? C << 2 : C;
  const zeros = scratch();
  const prepared = zeroRow(pixelBytes, f32s ? 0 : <u8>padding);
  const weights = f32s ? <usize>int(r, DEPTHWISE_WEIGHTS) : prepared;
  const rowBytes = inW * pixelBytes;
  const blocks = (C + 7) >> 3;
  const rows = prepared + (f32s ? 0 : blocks * SPLIT_WEIGHTS_3X3);
  const weightsZero = int(r, DEPTHWISE_WEIGHTS_ZERO);
  const split = ASC_FEATURE_RELAXED_SIMD && !f32s && (weightsZero >= 0 || below(bias, blocks << 3, MAX_NEGATED));
  if (ASC_FEATURE_RELAXED_SIMD) {
    if (split) split_taps_i8_3x3(int(r, DEPTHWISE_WEIGHTS), weightsZero, bias, scale, blocks, stride == 1, prepared);
  }
  if (!f32s && !split) pair_taps_i8_3x3(int(r, DEPTHWISE_WEIGHTS), weightsZero, bias, scale, blocks, prepared);
  let out = <usize>int(r, DEPTHWISE_TARGET);
  let image = <usize>int(r, DEPTHWISE_SOURCE);
  // The threads share pixels, so the first and the last row of a share may be partial.
  const pixels = outH * outW;
  share(pixels, 1);
  const from = shareFrom;
  const to = shareTo;
  for (let batch = 0; batch < int(r, DEPTHWISE_BATCH); batch++) {
    for (let y = from / outW; y * outW < to; y++) {
      const x = max(from - y * outW, 0);
      const count = min(to - y * outW, outW) - x;
      const column = first + x * stride;
      const q = out + (y * outW + x) * pixelBytes;
      listRows(rows, y * strideY - padTop, inH, image, rowBytes, pixelBytes, zeros);
      if (f32s) {
        depthwise_f32_3x3(
          rows,
          column,
          inW,
          stride,
          weights,
          bias,
          q,
          count,
          C,
          float(r, DEPTHWISE_MIN),
          float(r, DEPTHWISE_MAX),
        );
      } else if (ASC_FEATURE_RELAXED_SIMD && split && stride == 1) {
        // With stride 1, the next output row needs the same inputs, so both are computed together.
        const both = strideY == 1 && count == outW && (y + 2) * outW <= to;
        depthwise_split_3x3_s1(
          rows,
          column,
          inW,
          padding,
          weights,
          q,
          both ? outW * C : 0,
          count,
          C,
          zero,
          clampMin,
          clampMax,
        );
        y += i32(both);
      } else if (ASC_FEATURE_RELAXED_SIMD && split) {
        depthwise_split_3x3_s2(rows, column, inW, padding, weights, q, count, C, zero, clampMin, clampMax);
      } else if (stride == 1) {
        depthwise_i8_3x3_s1(rows, column, inW, padding, weights, q, count, C, zero, clampMin, clampMax);
      } else {
        depthwise_i8_3x3_s2(rows, column, inW, padding, weights, q, count, C, zero, clampMin, clampMax);
      }
    }
    out += pixels * pixelBytes;
    image += inH * rowBytes;
  }
}

export function runDepthwiseConv2d(r: usize): void {
  const f32s = dtypeOf(r) == DTYPE_F32;
  const size = f32s ? 4 : 1;
  const C = int(r, DEPTHWISE_CHANNELS);
  const pixelBytes = C * size;
  const inH = int(r, DEPTHWISE_IN_H);
  const inW = int(r, DEPTHWISE_IN_W);
  const outH = int(r, DEPTHWISE_OUT_H);
  const outW = int(r, DEPTHWISE_OUT_W);
  const kernelH = int(r, DEPTHWISE_KERNEL_H);
  const kernelW = int(r, DEPTHWISE_KERNEL_W);
  const taps = kernelH * kernelW;
  const pairs = (taps + 1) >> 1;
  const bias = <usize>int(r, DEPTHWISE_BIAS);
  const blocks = (C + 7) >> 3;
  const strideY = int(r, DEPTHWISE_STRIDE_Y);
  const strideX = int(r, DEPTHWISE_STRIDE_X);
  const padTop = int(r, DEPTHWISE_PAD_TOP);
  const padLeft = int(r, DEPTHWISE_PAD_LEFT);
  if (ASC_FEATURE_SIMD) {
    if (kernelH == 3 && kernelW == 3 && int(r, DEPTHWISE_DILATION_Y) == 1 && int(r, DEPTHWISE_DILATION_X) == 1 &&
      (f32s || strideX == 1 || strideX == 2))
    {
      runRows3x3(r, f32s);
      return;
    }
  }
  const reachY = (kernelH - 1) * int(r, DEPTHWISE_DILATION_Y);
  const reachX = (kernelW - 1) * int(r, DEPTHWISE_DILATION_X);
  const zeros = scratch();
  const widened = zeroRow(pixelBytes, f32s ? 0 : <u8>int(r, DEPTHWISE_SOURCE_ZERO));
  const list = f32s ? widened : widened + (blocks * pairs << 5);
  const weights = f32s ? <usize>int(r, DEPTHWISE_WEIGHTS) : widened;
  if (!f32s) pair_taps_i8(int(r, DEPTHWISE_WEIGHTS), int(r, DEPTHWISE_WEIGHTS_ZERO), taps, blocks, widened);
  const pixels = outH * outW;
  share(pixels, 1);
  const from = shareFrom;
  const to = shareTo;
  for (let batch = 0; batch < int(r, DEPTHWISE_BATCH); batch++) {
    const image = <usize>int(r, DEPTHWISE_SOURCE) + batch * inH * inW * pixelBytes;
    let out = <usize>int(r, DEPTHWISE_TARGET) + (batch * pixels + from) * pixelBytes;
    for (let y = from / outW; y * outW < to; y++) {
      const iy = y * strideY - padTop;
      const rowsInside = iy >= 0 && iy + reachY < inH;
      // Inside the image, one list of addresses serves the rest of the row, with an offset.
      let first = -1;
      for (let x = max(from - y * outW, 0), end = min(to - y * outW, outW); x < end; x++) {
        const ix = x * strideX - padLeft;
        let shift: usize = 0;
        if (first >= 0 && ix + reachX < inW) {
          shift = (x - first) * strideX * pixelBytes;
        } else {
          listTaps(r, image, y, x, pixelBytes, zeros, list);
          first = rowsInside && ix >= 0 && ix + reachX < inW ? x : -1;
        }
        if (f32s) {
          depthwise_f32(list, taps, shift, weights, bias, out, C, float(r, DEPTHWISE_MIN), float(r, DEPTHWISE_MAX));
        } else {
          depthwise_i8(
            list,
            pairs,
            shift,
            weights,
            bias,
            int(r, DEPTHWISE_SCALE),
            out,
            C,
            int(r, DEPTHWISE_TARGET_ZERO),
            int(r, DEPTHWISE_MIN),
            int(r, DEPTHWISE_MAX),
          );
        }
        out += pixelBytes;
      }
    }
  }
}
