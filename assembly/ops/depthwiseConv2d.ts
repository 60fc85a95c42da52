import { DEPTHWISE_BATCH, DEPTHWISE_BIAS, DEPTHWISE_BYTES, DEPTHWISE_CHANNELS, DEPTHWISE_DILATION_X,
  DEPTHWISE_DILATION_Y, DEPTHWISE_IN_H, DEPTHWISE_IN_W, DEPTHWISE_KERNEL_H, DEPTHWISE_KERNEL_W, DEPTHWISE_MAX,
  DEPTHWISE_MIN, DEPTHWISE_OUT_H, DEPTHWISE_OUT_W, DEPTHWISE_PAD_LEFT, DEPTHWISE_PAD_TOP, DEPTHWISE_SCALE,
  DEPTHWISE_SOURCE, DEPTHWISE_SOURCE_ZERO, DEPTHWISE_STRIDE_X, DEPTHWISE_STRIDE_Y, DEPTHWISE_TARGET,
  DEPTHWISE_TARGET_ZERO, DEPTHWISE_WEIGHTS, DEPTHWISE_WEIGHTS_ZERO, DTYPE_F32, DTYPE_I8 } from '../layout';
import { depthwise_i8, depthwise_i8_3x3_s1, depthwise_i8_3x3_s2, HAS_QUADS, pair_taps_i8, pair_taps_i8_3x3,
  WEIGHTS_3X3 } from '../kernels/depthwise';
import { depthwise_f32, depthwise_f32_3x3 } from '../kernels/depthwiseF32';
import { COLUMN, copy_taps_f32, depthwise_f32_windows, depthwise_i8_windows, fill_plane,
  list_offsets } from '../kernels/depthwiseWindows';
import { depthwise_relaxed_3x3_s1, quad_taps_i8_3x3 } from '../kernels/depthwiseRelaxed';
import { DOT_SPLIT, dotForm } from '../kernels/dot';
import { toF64, bytesOf, checkRecord, dtypeOf, float, int, needScratch, scratch, table } from '../record';
import { outerFrom, outerTo, panelFrom, panelTo, rowFrom, rowTo, share, shareFrom, shareProduct,
  shareTo } from '../threads';
import { checkActivation, describeRequantization } from './checks';
import { describeDepthwise, listTaps } from './window';

// Scratch: a pixel of zero points [C] + 16, then
//
//   3×3     widened weights (i8) │ addresses u32 of the rows, 4 pairs of address and stride
//   others  weights of a block │ offsets u32 of their taps │ planes
//   scalar  widened weights (i8) │ addresses u32 of the taps, KH·KW rounded up to 2
//
// The last two are of kernels/depthwiseWindows.ts and kernels/depthwise.ts. All flavors request the
// maximum.

const PLANES = 32768;

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
  // also 3×3 of i8, whose sums may be too large for its own kernels
  if (!(f32s && isPlain3x3(r))) {
    const columns = planWindows(r);
    needScratch(C * size + 80 + 36 * toF64(r, DEPTHWISE_KERNEL_W - turn) * windowPlanes +
      Math.max(roomForPlanes(r), windowPlanes * columns * COLUMN));
  }
  needScratch(C * size + 64 + (f32s ? 0 : blocks * Math.max(WEIGHTS_3X3, Math.ceil(taps / 2) * 32)) +
    Math.ceil(taps / 2) * 8);
}

/** Whether the record has a kernel for 3×3 with SIMD. */
function isPlain3x3(r: usize): bool {
  return int(r, DEPTHWISE_KERNEL_H) == 3 && int(r, DEPTHWISE_KERNEL_W) == 3 && int(r, DEPTHWISE_DILATION_Y) == 1 &&
    int(r, DEPTHWISE_DILATION_X) == 1 && (dtypeOf(r) == DTYPE_F32 || int(r, DEPTHWISE_STRIDE_X) <= 2);
}

/** Bytes of scratch for planes, unless a row of windows needs more. */
function roomForPlanes(r: usize): i32 {
  return isPlain3x3(r) ? 0 : PLANES;
}

/** Fills the row of zero points at the start of scratch. @returns the address after it */
function zeroRow(bytes: i32, zero: u8): usize {
  memory.fill(scratch(), zero, bytes + 16);
  return (scratch() + bytes + 16 + 15) & ~15;
}

/**
 * Lists the input rows y to y + 3 of windows as u32 [4][2]: the address, and the bytes from one
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

/** Form of the activations for 3×3, or DOT_SPLIT if no block may have quads */
let form: i32 = DOT_SPLIT;

/**
 * Prepares the weights of 3×3 in i8, for relaxed products where they and the instruction allow it.
 *
 * @returns whether sums are small enough for the kernels
 */
function prepare3x3(r: usize, blocks: i32, out: usize, quads: bool): bool {
  const w = int(r, DEPTHWISE_WEIGHTS);
  const zeroPoint = int(r, DEPTHWISE_WEIGHTS_ZERO);
  const bias = <usize>int(r, DEPTHWISE_BIAS);
  if (ASC_FEATURE_RELAXED_SIMD) {
    form = quads ? dotForm(blocks >> 30) : DOT_SPLIT;
    if (form != DOT_SPLIT) quad_taps_i8_3x3(w, zeroPoint, bias, blocks, form, out);
    else for (let block = 0; block < blocks; block++) store<i32>(out + block * WEIGHTS_3X3, 0, HAS_QUADS);
  }
  return pair_taps_i8_3x3(w, zeroPoint, bias, int(r, DEPTHWISE_SCALE), blocks, out);
}

/**
 * One row of `count` outputs with relaxed SIMD, or two that are `outRow` bytes apart. Consecutive
 * blocks with quads take one call, and so do those without.
 */
function runQuads(r: usize, rows: usize, column: i32, weights: usize, out: usize, outRow: i32, count: i32): void {
  const C = int(r, DEPTHWISE_CHANNELS);
  const inW = int(r, DEPTHWISE_IN_W);
  const padding = int(r, DEPTHWISE_SOURCE_ZERO);
  const zero = int(r, DEPTHWISE_TARGET_ZERO);
  const low = int(r, DEPTHWISE_MIN);
  const high = int(r, DEPTHWISE_MAX);
  for (let c = 0; c < C;) {
    const block = weights + (c >> 3) * WEIGHTS_3X3;
    const hasQuads = load<i32>(block, HAS_QUADS);
    let to = c;
    for (let b = block; to < C && load<i32>(b, HAS_QUADS) == hasQuads; b += WEIGHTS_3X3) to += 8;
    if (hasQuads == 0) {
      depthwise_i8_3x3_s1(rows, column, inW, padding, block, out, count, C, c, to, zero, low, high);
      if (outRow != 0) {
        depthwise_i8_3x3_s1(rows + 8, column, inW, padding, block, out + outRow, count, C, c, to, zero, low, high);
      }
    } else if (!depthwise_relaxed_3x3_s1(
      rows,
      column,
      inW,
      padding,
      form,
      block,
      out,
      outRow,
      count,
      C,
      c,
      to,
      zero,
      low,
      high,
    )) {
      // all blocks again, in the other layout
      prepare3x3(r, (C + 7) >> 3, weights, false);
      continue;
    }
    c = to;
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
  const zero = int(r, DEPTHWISE_TARGET_ZERO);
  const clampMin = int(r, DEPTHWISE_MIN);
  const clampMax = int(r, DEPTHWISE_MAX);
  const pixelBytes = f32s ? C << 2 : C;
  const zeros = scratch();
  const prepared = zeroRow(pixelBytes, f32s ? 0 : <u8>padding);
  const weights = f32s ? <usize>int(r, DEPTHWISE_WEIGHTS) : prepared;
  const rowBytes = inW * pixelBytes;
  const blocks = (C + 7) >> 3;
  const rows = prepared + (f32s ? 0 : blocks * WEIGHTS_3X3);
  if (!f32s && !prepare3x3(r, blocks, prepared, stride == 1)) {
    runStrips(r);
    return;
  }
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
      } else if (ASC_FEATURE_RELAXED_SIMD && form != DOT_SPLIT) {
        // The next row of outputs has two rows of inputs in common, so that both take less.
        const both = strideY == 1 && count == outW && (y + 2) * outW <= to;
        runQuads(r, rows, column, prepared, q, both ? outW * C : 0, count);
        y += i32(both);
      } else if (stride == 1) {
        depthwise_i8_3x3_s1(rows, column, inW, padding, weights, q, count, C, 0, C, zero, clampMin, clampMax);
      } else {
        depthwise_i8_3x3_s2(rows, column, inW, padding, weights, q, count, C, zero, clampMin, clampMax);
      }
    }
    out += pixels * pixelBytes;
    image += inH * rowBytes;
  }
}

// Any filter with SIMD. A strip is rows of outputs whose windows are in the planes together.

/** 4 if rows and columns change places, because the image has one column; otherwise 0 */
let turn: usize = 0;
/** Planes of a window */
let windowPlanes = 0;

/**
 * Sets `turn` and `windowPlanes`. The fields of rows and of columns are adjacent.
 *
 * @returns columns of a plane
 */
function planWindows(r: usize): f64 {
  const isColumn = int(r, DEPTHWISE_IN_W) == 1 && int(r, DEPTHWISE_OUT_W) == 1 && int(r, DEPTHWISE_KERNEL_W) == 1;
  turn = isColumn ? 4 : 0;
  const kernelH = int(r, DEPTHWISE_KERNEL_H + turn);
  windowPlanes = dtypeOf(r) == DTYPE_F32 ? kernelH : (kernelH + 1) >> 1;
  // the windows of four outputs are read, even if there are fewer
  const steps = max<f64>(toF64(r, DEPTHWISE_OUT_W - turn), 4) - 1;
  return steps * toF64(r, DEPTHWISE_STRIDE_X - turn) +
    (toF64(r, DEPTHWISE_KERNEL_W - turn) - 1) * toF64(r, DEPTHWISE_DILATION_X - turn) + 1;
}

function runStrips(r: usize): void {
  const columns = <i32>planWindows(r);
  const f32s = dtypeOf(r) == DTYPE_F32;
  const C = int(r, DEPTHWISE_CHANNELS);
  const kernelH = int(r, DEPTHWISE_KERNEL_H + turn);
  const kernelW = int(r, DEPTHWISE_KERNEL_W - turn);
  const outH = int(r, DEPTHWISE_OUT_H + turn);
  const outW = int(r, DEPTHWISE_OUT_W - turn);
  const stride = int(r, DEPTHWISE_STRIDE_Y + turn);
  const pixelBytes = f32s ? C << 2 : C;
  const planeBytes: usize = columns * COLUMN;
  const taps = kernelW * windowPlanes;
  const weights = zeroRow(pixelBytes, f32s ? 0 : <u8>int(r, DEPTHWISE_SOURCE_ZERO));
  const offsets = weights + taps * COLUMN;
  const planes = (offsets + (taps << 2) + 15) & ~15;
  // rows of the image from a plane of a window to the next one, and from a plane to the next
  const windowStep = int(r, DEPTHWISE_DILATION_Y + turn) << i32(!f32s);
  let planeStep = 2 - ((stride | windowStep) & 1);
  const more = <i32>(roomForPlanes(r) / planeBytes) - (windowPlanes - 1) * windowStep / planeStep - 1;
  let stripRows = more * planeStep / stride + 1;
  if (stripRows < 2) {
    // windows share no planes, and need none between theirs
    planeStep = windowStep;
    stripRows = 1;
  }
  const tapStep = int(r, DEPTHWISE_DILATION_X - turn) * COLUMN;
  list_offsets(kernelW, windowPlanes, tapStep, windowStep / planeStep * planeBytes, offsets);
  shareProduct(int(r, DEPTHWISE_BATCH), outH, (C + 7) >> 3, 1);
  for (let batch = outerFrom; batch < outerTo; batch++) {
    const image = int(r, DEPTHWISE_SOURCE) + batch * int(r, DEPTHWISE_IN_H) * int(r, DEPTHWISE_IN_W) * pixelBytes;
    const out = int(r, DEPTHWISE_TARGET) + batch * outH * outW * pixelBytes;
    for (let y = rowFrom; y < rowTo; y += stripRows) {
      const rows = min(stripRows, rowTo - y);
      const count = ((rows - 1) * stride + (windowPlanes - 1) * windowStep) / planeStep + 1;
      for (let block = panelFrom; block < panelTo; block++) {
        const table = block << 5;
        const shift = f32s ? table : block << 3;
        const lanes = min(8, C - (block << 3));
        const bias = int(r, DEPTHWISE_BIAS) + table;
        const range = r + DEPTHWISE_TARGET_ZERO;
        const outStep = int(r, DEPTHWISE_STRIDE_X - turn) * COLUMN;
        if (f32s) {
          copy_taps_f32(int(r, DEPTHWISE_WEIGHTS) + shift, pixelBytes, taps, weights);
        } else {
          const w = int(r, DEPTHWISE_WEIGHTS) + shift * kernelH * kernelW;
          pair_taps_i8(w, int(r, DEPTHWISE_WEIGHTS_ZERO), kernelH, kernelW, weights);
        }
        fillPlanes(r, f32s, image, shift, y, planeStep, pixelBytes, planes, count, columns);
        let window = planes;
        for (let q = out + y * outW * pixelBytes + shift, end = q + rows * outW * pixelBytes; q < end;) {
          if (f32s) {
            depthwise_f32_windows(window, outStep, offsets, taps, weights, bias, 0, q, pixelBytes, outW, lanes, range);
          } else {
            const scale = int(r, DEPTHWISE_SCALE) + table;
            depthwise_i8_windows(
              window,
              outStep,
              offsets,
              taps,
              weights,
              bias,
              scale,
              q,
              pixelBytes,
              outW,
              lanes,
              range,
            );
          }
          q += outW * pixelBytes;
          window += stride / planeStep * planeBytes;
        }
      }
    }
  }
}

/** Fills `count` planes for the windows from output row y on, with the 8 channels at `shift`. */
function fillPlanes(
  r: usize,
  f32s: bool,
  image: usize,
  shift: usize,
  y: i32,
  planeStep: i32,
  pixelBytes: i32,
  plane: usize,
  count: i32,
  columns: i32,
): void {
  const inH = int(r, DEPTHWISE_IN_H + turn);
  const inW = int(r, DEPTHWISE_IN_W - turn);
  const dilation = int(r, DEPTHWISE_DILATION_Y + turn);
  const padding = f32s ? 0 : int(r, DEPTHWISE_SOURCE_ZERO);
  const zeros = scratch();
  const rowBytes = inW * pixelBytes;
  let iy = y * int(r, DEPTHWISE_STRIDE_Y + turn) - int(r, DEPTHWISE_PAD_TOP + turn);
  for (; count > 0; count--) {
    const upper = <u32>iy < <u32>inH;
    const lower = <u32>(iy + dilation) < <u32>inH;
    fill_plane(
      f32s,
      shift + (upper ? image + iy * rowBytes : zeros),
      upper ? pixelBytes : 0,
      shift + (lower ? image + (iy + dilation) * rowBytes : zeros),
      lower ? pixelBytes : 0,
      -int(r, DEPTHWISE_PAD_LEFT - turn),
      inW,
      padding,
      plane,
      columns,
    );
    plane += columns * COLUMN;
    iy += planeStep;
  }
}

/** Any filter without SIMD, pixel by pixel. */
function runPixels(r: usize): void {
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

export function runDepthwiseConv2d(r: usize): void {
  if (!ASC_FEATURE_SIMD) runPixels(r);
  else if (isPlain3x3(r)) runRows3x3(r, dtypeOf(r) == DTYPE_F32);
  else runStrips(r);
}
