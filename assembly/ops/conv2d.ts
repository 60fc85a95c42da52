import { CONV2D_BATCH, CONV2D_BIAS, CONV2D_BLOCK_ROWS, CONV2D_BYTES, CONV2D_DILATION_X, CONV2D_DILATION_Y,
  CONV2D_GROUPS, CONV2D_IN_C, CONV2D_IN_H, CONV2D_IN_W, CONV2D_KERNEL_H, CONV2D_KERNEL_W, CONV2D_MAX, CONV2D_MIN,
  CONV2D_OUT_C, CONV2D_OUT_H, CONV2D_OUT_W, CONV2D_PAD_LEFT, CONV2D_PAD_TOP, CONV2D_SCALE, CONV2D_SOURCE,
  CONV2D_SOURCE_ZERO, CONV2D_STRIDE_X, CONV2D_STRIDE_Y, CONV2D_TARGET_ZERO, CONV2D_WEIGHTS, CONV2D_WEIGHTS_ZERO,
  DTYPE_F32, DTYPE_I8 } from '../layout';
import { copy_bytes } from '../kernels/copy';
import { DOT_SPLIT, DOT_UNSIGNED, dotForm, shape_i8, split_i8 } from '../kernels/dot';
import { gemm_i8_4x8, gemm_relaxed_6x8 } from '../kernels/gemm';
import { product_f32 } from '../kernels/gemmF32';
import { gemv_i8_i32 } from '../kernels/gemv';
import { requantize_i32_i8 } from '../kernels/requantize';
import { GATHERED, gather_fields_i8, gather_fill, gather_i8, sum_i16, sum_row_i8, sum_rows_i8,
  widen_panel_i8 } from '../kernels/widen';
import { toF64, bytesOf, checkRecord, dtypeOf, float, int, needScratch, scratch, source, table } from '../record';
import { panelFrom, panelTo, rowFrom, rowTo } from '../threads';
import { checkActivation, checkFilling, describeRequantization } from './checks';
import { isLine, runWinograd, tileOf, winogradScratch } from './winograd';
import { describeGeometry, isMine, listOutputs, MAX_K, panelsOf, shareConvolution } from './window';

// Scratch: the output addresses of the block, the addresses of its runs (f32), a sink for the rows
// that pad the last tile (i8), the gathered rows, and one widened panel (i8).
//
//   i8       outs u32 [R] │ sink N + 32 │ rows i16 [R][K'] + 32 │ panel i16 [K'][8] + 32
//   relaxed  outs u32 [R + 2] │ corrections i32 [R + 2] │ sink N + 32
//            │ rows i8 [2][R + 2][K'], planes if they are split, + 64
//   i8, one  the same with accumulators i32 [4·K'] in place of the panel, or behind the rows
//   f32      outs u32 [R] │ runs u32 [KH·KW][R] │ runs that cross the border f32, at most [R][K]
//
// R = BLOCK_ROWS, K' = K rounded up to 4. All flavors request the maximum, so that a file fits each
// of them.
const TAIL = 32;
/** Limit of K of lists of weights, and of activations that are quantized at run time. */
export const MAX_K_LISTED: f64 = 65536;

function sinkBytes(r: usize): usize {
  return (<usize>int(r, CONV2D_OUT_C) * <usize>bytesOf(dtypeOf(r)) + TAIL + 15) & ~15;
}

export function describeConv2d(r: usize): void {
  checkRecord(r, CONV2D_BYTES, (1 << DTYPE_I8) | (1 << DTYPE_F32));
  const f32s = dtypeOf(r) == DTYPE_F32;
  const size = bytesOf(dtypeOf(r));
  const outC = int(r, CONV2D_OUT_C);
  const K = describeGeometry(r, size, MAX_K);
  const panels = panelsOf(r);
  const kPadded = f32s ? K : <f64>((<i32>K + 3) & ~3);
  table(r, CONV2D_WEIGHTS, panels * 8 * kPadded * size, 16);
  table(r, CONV2D_BIAS, panels * 32, 16);
  const rows = toF64(r, CONV2D_BLOCK_ROWS);
  const sink = <f64>outC * size + TAIL + 16;
  if (f32s) {
    checkActivation(r, CONV2D_MIN, CONV2D_MAX, true);
    needScratch(rows * 4 * (1 + toF64(r, CONV2D_KERNEL_H) * toF64(r, CONV2D_KERNEL_W) + K));
  } else {
    describeRequantization(r, CONV2D_SCALE, CONV2D_SOURCE_ZERO, panels);
    checkFilling(r, CONV2D_WEIGHTS, panels, K, int(r, CONV2D_WEIGHTS_ZERO));
    if (tileOf(r) != 0) needScratch(winogradScratch(r));
    else needScratch(rows * 8 + 32 + sink + rows * kPadded * 2 + TAIL + kPadded * 16 + TAIL);
  }
}

/** Gathers the receptive field [KH][KW][C] of output pixel (y, x): C channels from `base` on. */
function gatherI8(r: usize, base: usize, y: i32, x: i32, C: i32, zero: i32, out: usize): void {
  const inH = int(r, CONV2D_IN_H);
  const inW = int(r, CONV2D_IN_W);
  const inC = int(r, CONV2D_IN_C);
  const kernelH = int(r, CONV2D_KERNEL_H);
  const kernelW = int(r, CONV2D_KERNEL_W);
  const dilationY = int(r, CONV2D_DILATION_Y);
  const dilationX = int(r, CONV2D_DILATION_X);
  const iy0 = y * int(r, CONV2D_STRIDE_Y) - int(r, CONV2D_PAD_TOP);
  const ix0 = x * int(r, CONV2D_STRIDE_X) - int(r, CONV2D_PAD_LEFT);
  const whole = C == inC && dilationX == 1;
  const span = kernelW * C;
  for (let ky = 0; ky < kernelH; ky++) {
    const iy = iy0 + ky * dilationY;
    if (<u32>iy >= <u32>inH) {
      gather_fill(out, zero, span);
      out += span << GATHERED;
      continue;
    }
    const row = base + iy * inW * inC;
    if (whole) {
      // The taps of a kernel row are adjacent: one run, cut at the left and right of the image.
      const before = max(0, min(kernelW, -ix0));
      const inside = max(0, min(kernelW, inW - ix0) - before);
      const after = kernelW - before - inside;
      if (before > 0) gather_fill(out, zero, before * C);
      if (inside > 0) gather_i8(row + (ix0 + before) * C, out + (before * C << GATHERED), inside * C);
      if (after > 0) gather_fill(out + ((before + inside) * C << GATHERED), zero, after * C);
      out += span << GATHERED;
    } else {
      for (let kx = 0; kx < kernelW; kx++) {
        const ix = ix0 + kx * dilationX;
        if (<u32>ix >= <u32>inW) gather_fill(out, zero, C);
        else gather_i8(row + ix * inC, out, C);
        out += C << GATHERED;
      }
    }
  }
}

/**
 * Gathers the receptive fields of `count` output pixels from m0 on, C channels from `base` on, as
 * i16 or bytes (relaxed). Rows are `lda` bytes apart. If all taps are inside the image, the taps of
 * a kernel row are copied as one run.
 */
export function gatherRowsI8(
  r: usize,
  base: usize,
  m0: i32,
  count: i32,
  C: i32,
  zero: i32,
  rows: usize,
  lda: i32,
): void {
  const inH = int(r, CONV2D_IN_H);
  const inW = int(r, CONV2D_IN_W);
  const outW = int(r, CONV2D_OUT_W);
  const kernelH = int(r, CONV2D_KERNEL_H);
  const kernelW = int(r, CONV2D_KERNEL_W);
  const strideY = int(r, CONV2D_STRIDE_Y);
  const strideX = int(r, CONV2D_STRIDE_X);
  const padTop = int(r, CONV2D_PAD_TOP);
  const padLeft = int(r, CONV2D_PAD_LEFT);
  const inC = int(r, CONV2D_IN_C);
  const rowBytes = inW * inC;
  const stepY = int(r, CONV2D_DILATION_Y) * rowBytes;
  const reachY = (kernelH - 1) * int(r, CONV2D_DILATION_Y);
  const whole = ASC_FEATURE_SIMD && C == inC && (int(r, CONV2D_DILATION_X) == 1 || kernelW == 1);
  const span = kernelW * C;
  let y = m0 / outW;
  let x = m0 - y * outW;
  while (count > 0) {
    const iy = y * strideY - padTop;
    const ix = x * strideX - padLeft;
    let fields = 1;
    if (whole && iy >= 0 && iy + reachY < inH && ix >= 0 && ix + kernelW <= inW) {
      // so are the following fields of the row, up to the right border of the image
      fields = min(min(count, outW - x), <i32>(<u32>(inW - kernelW - ix) / strideX) + 1);
      const from = base + iy * rowBytes + ix * inC;
      gather_fields_i8(from, strideX * inC, stepY, kernelH, span, rows, lda, fields);
    } else {
      gatherI8(r, base, y, x, C, zero, rows);
    }
    rows += fields * lda;
    count -= fields;
    x += fields;
    if (x == outW) {
      x = 0;
      y++;
    }
  }
}

/** Number of rows that the kernel computes for `count` rows. */
@inline
export function paddedRows(count: i32): i32 {
  if (ASC_FEATURE_RELAXED_SIMD) return max(count, 6);
  return ASC_FEATURE_SIMD ? (count + 3) & ~3 : count;
}

/**
 * Rows times the panels of `lanes` channels from `channel` on.
 *
 * @param a - rows of lda bytes as gathered; in relaxed SIMD also the pixels themselves
 * @param rows - where a is, or room for the form of the activations (relaxed), of which planes are
 *   `plane` bytes apart
 * @param panel - room for a widened panel
 * @param step - bytes from the bias and scale of a panel to those of the next
 * @param corrections - room for i32 [count], if the weights have a zero point (relaxed)
 * @param outs - as for the kernels in kernels/gemm.ts, like `range`
 */
export function multiplyPanels(
  a: usize,
  rows: usize,
  plane: usize,
  lda: i32,
  count: i32,
  panel: usize,
  weights: usize,
  weightsZero: i32,
  bias: usize,
  scale: usize,
  step: usize,
  corrections: usize,
  outs: usize,
  channel: i32,
  lanes: i32,
  range: usize,
): void {
  const padded = paddedRows(count);
  const quads = lda >> (2 + GATHERED);
  let form = DOT_SPLIT;
  if (ASC_FEATURE_RELAXED_SIMD) {
    if (weightsZero != 0) sum_rows_i8(a, lda, count, weightsZero, corrections);
    form = dotForm(count >> 30);
    shape_i8(a, rows, plane, count * lda, form);
  }
  while (lanes > 0) {
    const width = min(8, lanes);
    if (!ASC_FEATURE_RELAXED_SIMD) {
      widen_panel_i8(weights, weightsZero, panel, quads);
      gemm_i8_4x8(rows, padded, panel, quads << 1, bias, scale, outs, channel, width, range);
    } else if (!gemm_relaxed_6x8(
      rows,
      form,
      plane,
      lda,
      padded,
      weights,
      bias,
      scale,
      corrections,
      weightsZero != 0,
      outs,
      channel,
      width,
      range,
    )) {
      split_i8(rows, rows, plane, count * lda, form == DOT_UNSIGNED);
      form = DOT_SPLIT;
      continue;
    }
    weights += quads << 5;
    bias += step;
    scale += step;
    channel += 8;
    lanes -= 8;
  }
}

/** Rows up to which one product for each is faster than a tile */
const FEW_ROWS = ASC_FEATURE_RELAXED_SIMD ? 4 : 3;

/** N outputs of one row, from `out` on. a is the row as gathered. */
function multiplyRow(
  a: usize,
  quads: i32,
  weightsZero: i32,
  weights: usize,
  bias: usize,
  scale: usize,
  accumulators: usize,
  out: usize,
  N: i32,
  range: usize,
): void {
  const K = quads << 2;
  let correction = 0;
  if (weightsZero != 0) correction = weightsZero * (ASC_FEATURE_RELAXED_SIMD ? sum_row_i8(a, K) : sum_i16(a, K));
  const step = quads << 4;
  for (; N > 0; N -= step) {
    const lanes = min(step, N);
    gemv_i8_i32(a, weights, quads, accumulators, (lanes + 7) >> 3);
    requantize_i32_i8(accumulators, bias, scale, correction, out, lanes, range);
    weights += step * K;
    bias += step << 2;
    scale += step << 2;
    out += step;
  }
}

/** @param block - rows that are gathered and multiplied together */
function runI8(r: usize, block: i32): void {
  const groups = int(r, CONV2D_GROUPS);
  const inC = int(r, CONV2D_IN_C);
  const C = inC / groups;
  const N = int(r, CONV2D_OUT_C) / groups;
  const K = int(r, CONV2D_KERNEL_H) * int(r, CONV2D_KERNEL_W) * C;
  const quads = (K + 3) >> 2;
  const lda = quads << (2 + GATHERED);
  const outW = int(r, CONV2D_OUT_W);
  const panels = (N + 7) >> 3;
  const weightsZero = int(r, CONV2D_WEIGHTS_ZERO);
  const range = r + CONV2D_TARGET_ZERO;
  // With one tap and a dense source, the rows of the product are the pixels themselves.
  const pointwise = K == C && groups == 1 && (K & 3) == 0 && int(r, CONV2D_STRIDE_Y) == 1 &&
    int(r, CONV2D_STRIDE_X) == 1
    && int(r, CONV2D_PAD_TOP) == 0 && int(r, CONV2D_PAD_LEFT) == 0 && int(r, CONV2D_OUT_H) <= int(r, CONV2D_IN_H) &&
    outW == int(r, CONV2D_IN_W);
  shareConvolution(r, panels, ASC_FEATURE_RELAXED_SIMD ? 6 : 4);
  const from = panelFrom << 3;
  const to = min(panelTo << 3, N);
  const outs = scratch();
  const corrections = outs + (block + 2 << 2);
  const sink = ASC_FEATURE_RELAXED_SIMD ? corrections + (block + 2 << 2) : outs + (block << 2);
  const rows = sink + sinkBytes(r);
  const plane: usize = ASC_FEATURE_RELAXED_SIMD ? ((block + 2) * lda + TAIL + 15) & ~15 : 0;
  const panel = ASC_FEATURE_RELAXED_SIMD ? rows + plane : (rows + block * lda + TAIL + 15) & ~15;
  for (let batch = 0; batch < int(r, CONV2D_BATCH); batch++) {
    const image = <usize>int(r, CONV2D_SOURCE) + batch * int(r, CONV2D_IN_H) * int(r, CONV2D_IN_W) * inC;
    for (let group = 0; group < groups; group++) {
      if (!isMine(r, batch, group)) continue;
      for (let m0 = rowFrom; m0 < rowTo; m0 += block) {
        const count = min(block, rowTo - m0);
        let a = rows;
        if (!pointwise) gatherRowsI8(r, image + group * C, m0, count, C, int(r, CONV2D_SOURCE_ZERO), rows, lda);
        else if (ASC_FEATURE_RELAXED_SIMD) a = image + m0 * C;
        else gather_i8(image + m0 * C, rows, count * C);
        listOutputs(r, batch, m0, count, paddedRows(count), outs, sink, 1);
        const first = group * panels + panelFrom;
        const weights = <usize>int(r, CONV2D_WEIGHTS) + first * (quads << 5);
        const bias = <usize>int(r, CONV2D_BIAS) + (first << 5);
        const scale = <usize>int(r, CONV2D_SCALE) + (first << 5);
        if (count <= FEW_ROWS) {
          for (let row = 0; row < count; row++) {
            const out = load<usize>(outs + (row << 2)) + group * N + from;
            multiplyRow(a + row * lda, quads, weightsZero, weights, bias, scale, panel, out, to - from, range);
          }
          continue;
        }
        multiplyPanels(
          a,
          rows,
          plane,
          lda,
          count,
          panel,
          weights,
          weightsZero,
          bias,
          scale,
          32,
          corrections,
          outs,
          group * N + from,
          to - from,
          range,
        );
      }
    }
  }
}

/** Gathers `taps` taps of C floats from column `ix` of the row on; 0 outside the image. */
function gatherRunF32(row: usize, inW: i32, inC: i32, ix: i32, taps: i32, C: i32, inside: bool, out: usize): void {
  const before = inside ? max(0, min(taps, -ix)) : taps;
  const within = max(0, min(taps, inW - ix) - before);
  const after = taps - before - within;
  memory.fill(out, 0, before * C << 2);
  if (within > 0) copy_bytes(row + ((ix + before) * inC << 2), out + (before * C << 2), within * C << 2);
  memory.fill(out + ((before + within) * C << 2), 0, after * C << 2);
}

/**
 * Lists the runs of `count` receptive fields from output pixel m0 on. A run is a row of the kernel
 * if its taps are adjacent, and otherwise one tap. The kernel reads it in place; only a run that
 * crosses the border of the image is copied, to `gathered`.
 */
function listRunsF32(
  r: usize,
  base: usize,
  m0: i32,
  count: i32,
  C: i32,
  whole: bool,
  list: usize,
  step: usize,
  gathered: usize,
): void {
  const inH = int(r, CONV2D_IN_H);
  const inW = int(r, CONV2D_IN_W);
  const inC = int(r, CONV2D_IN_C);
  const outW = int(r, CONV2D_OUT_W);
  const strideY = int(r, CONV2D_STRIDE_Y);
  const strideX = int(r, CONV2D_STRIDE_X);
  const padTop = int(r, CONV2D_PAD_TOP);
  const padLeft = int(r, CONV2D_PAD_LEFT);
  const kernelH = int(r, CONV2D_KERNEL_H);
  const dilationY = int(r, CONV2D_DILATION_Y);
  const dilationX = int(r, CONV2D_DILATION_X);
  const rowBytes = inW * inC << 2;
  const taps = whole ? int(r, CONV2D_KERNEL_W) : 1;
  const columns = whole ? 1 : int(r, CONV2D_KERNEL_W);
  const runBytes = taps * C << 2;
  const stepX = strideX * inC << 2;
  const steps = ASC_FEATURE_SIMD ? i32x4.mul(i32x4.splat(stepX), i32x4(0, 1, 2, 3)) : 0;
  let y = m0 / outW;
  let x = m0 - y * outW;
  while (count > 0) {
    const n = min(count, outW - x);
    const end = list + (n << 2);
    let iy = y * strideY - padTop;
    let row = base + iy * rowBytes;
    let to: usize = 0;
    for (let ky = kernelH; ky > 0; ky--) {
      const inside = <u32>iy < <u32>inH;
      for (let kx = 0; kx < columns; kx++) {
        let ix = x * strideX - padLeft + kx * dilationX;
        let from = row + (ix * inC << 2);
        for (let p = list; p < end;) {
          if (ASC_FEATURE_SIMD && inside && ix >= 0 && ix + 3 * strideX + taps <= inW && p + 16 <= end) {
            v128.store(p + to, i32x4.add(i32x4.splat(from), steps));
            p += 16;
            ix += strideX << 2;
            from += stepX << 2;
            continue;
          }
          if (inside && ix >= 0 && ix + taps <= inW) {
            store<usize>(p + to, from);
          } else {
            gatherRunF32(row, inW, inC, ix, taps, C, inside, gathered);
            store<usize>(p + to, gathered);
            gathered += runBytes;
          }
          p += 4;
          ix += strideX;
          from += stepX;
        }
        to += step;
      }
      iy += dilationY;
      row += dilationY * rowBytes;
    }
    list = end;
    count -= n;
    x = 0;
    y++;
  }
}

function runF32(r: usize): void {
  const groups = int(r, CONV2D_GROUPS);
  const inC = int(r, CONV2D_IN_C);
  const C = inC / groups;
  const N = int(r, CONV2D_OUT_C) / groups;
  const kernelH = int(r, CONV2D_KERNEL_H);
  const kernelW = int(r, CONV2D_KERNEL_W);
  const panels = (N + 7) >> 3;
  const block = int(r, CONV2D_BLOCK_ROWS);
  const clampMin = float(r, CONV2D_MIN);
  const clampMax = float(r, CONV2D_MAX);
  const whole = kernelW == 1 || (C == inC && int(r, CONV2D_DILATION_X) == 1);
  const runs = whole ? kernelH : kernelH * kernelW;
  const length = whole ? kernelW * C : C;
  const step = block << 2;
  const outs = scratch();
  const list = outs + step;
  const gathered = list + kernelH * kernelW * step;
  shareConvolution(r, panels, 4);
  const from = panelFrom << 3;
  const to = min(panelTo << 3, N);
  for (let batch = 0; batch < int(r, CONV2D_BATCH); batch++) {
    const image = <usize>int(r, CONV2D_SOURCE) + (batch * int(r, CONV2D_IN_H) * int(r, CONV2D_IN_W) * inC << 2);
    for (let group = 0; group < groups; group++) {
      if (!isMine(r, batch, group)) continue;
      const first = group * panels + panelFrom;
      const weights = <usize>int(r, CONV2D_WEIGHTS) + first * (runs * length << 5);
      const bias = <usize>int(r, CONV2D_BIAS) + (first << 5);
      for (let m0 = rowFrom; m0 < rowTo; m0 += block) {
        const count = min(block, rowTo - m0);
        listRunsF32(r, image + (group * C << 2), m0, count, C, whole, list, step, gathered);
        listOutputs(r, batch, m0, count, count, outs, 0, 4);
        product_f32(
          list,
          step,
          runs,
          length,
          count,
          weights,
          bias,
          outs,
          group * N + from,
          to - from,
          clampMin,
          clampMax,
        );
      }
    }
  }
}

export function runConv2d(r: usize): void {
  if (dtypeOf(r) == DTYPE_F32) {
    runF32(r);
    return;
  }
  let block = int(r, CONV2D_BLOCK_ROWS);
  if (tileOf(r) != 0) {
    // A relaxed product of each weight takes less time than tiles along one axis.
    if (ASC_FEATURE_SIMD && !(ASC_FEATURE_RELAXED_SIMD && isLine(r))) {
      runWinograd(r);
      return;
    }
    // what the scratch for tiles (describeConv2d) has room for
    block >>= ASC_FEATURE_RELAXED_SIMD || isLine(r) ? 1 : 2;
  }
  runI8(r, block);
}
