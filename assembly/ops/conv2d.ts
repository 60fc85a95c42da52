import { CONV2D_BATCH, CONV2D_BIAS, CONV2D_BLOCK_ROWS, CONV2D_BYTES, CONV2D_DILATION_X, CONV2D_DILATION_Y,
  CONV2D_GROUPS, CONV2D_IN_C, CONV2D_IN_H, CONV2D_IN_W, CONV2D_KERNEL_H, CONV2D_KERNEL_W, CONV2D_MAX, CONV2D_MIN,
  CONV2D_OUT_C, CONV2D_OUT_H, CONV2D_OUT_W, CONV2D_PAD_LEFT, CONV2D_PAD_TOP, CONV2D_SCALE, CONV2D_SOURCE,
  CONV2D_SOURCE_ZERO, CONV2D_STRIDE_X, CONV2D_STRIDE_Y, CONV2D_TARGET_ZERO, CONV2D_WEIGHTS, CONV2D_WEIGHTS_ZERO,
  DTYPE_F32, DTYPE_I8, RECORD_WIDTH, WIDTH_FULL, WIDTH_NARROW } from '../layout';
import { copy_bytes } from '../kernels/copy';
import { gemm_i8_4x8, gemm_relaxed_6x8 } from '../kernels/gemm';
import { product_f32 } from '../kernels/gemmF32';
import { gemv_i8_i32 } from '../kernels/gemv';
import { requantize_i32_i8 } from '../kernels/requantize';
import { GATHERED, gather_fields_i8, gather_fill, gather_i8, LISTED_WEIGHTS, list_panel_i8, middleOf, NARROW, split_i8,
  sum_i16, sum_i8, widen_panel_i8 } from '../kernels/widen';
import { toF64, bytesOf, checkRecord, dtypeOf, float, int, needScratch, scratch, source, table } from '../record';
import { panelFrom, panelTo, rowFrom, rowTo } from '../threads';
import { checkActivation, checkFilling, describeRequantization } from './checks';
import { runWinograd, tileOf, winogradScratch } from './winograd';
import { describeGeometry, isMine, listOutputs, MAX_K, panelsOf, shareConvolution } from './window';

// Scratch: the output addresses of the block, the addresses of its runs (f32), a sink for the rows
// that pad the last tile (i8), the gathered rows, and one widened or narrow panel (i8).
//
//   i8       outs u32 [R] │ sink N + 32 │ rows i16 [R][K'] + 32 │ panel i16 [K'][8] + 32
//   relaxed  outs u32 [R + 2] │ sums i32 [R + 2] │ sink N + 32
//            │ rows i8 [R + 2][K'] + 32, or low u8 │ listed panel, or high u8 [R + 2][K'] + 32
//   in place the same without the rows, and with more rows R in the other parts
//   i8, one  the same with accumulators i32 [4·K'] in place of the panel or behind the planes' row
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
 * i16 or two planes of bytes (relaxed). Rows are `lda` bytes apart. If all taps are inside the
 * image, the taps of a kernel row are copied as one run.
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

/** Bytes of a block of pixels in place. Each panel reads it, so it should stay in a cache. */
const IN_PLACE_BYTES = 65536;

/**
 * Rows of a block of pixels that are read in place: at least a tile, and at most so many that outs
 * and sums take the room of the gathered rows.
 */
function rowsInPlace(block: i32, lda: i32): i32 {
  return max(max(block, 6), min(block + (block * lda >> 3), IN_PLACE_BYTES / lda));
}

/** Room for a listed panel: the scratch without outs, sums, the sink and the rows */
@inline
function roomForPanel(block: i32, lda: i32): i32 {
  return (block + 14) * lda - TAIL - 16;
}

/** Time of listing an entry, in rows that are multiplied by it */
const LISTING_ROWS = 60;

/**
 * Whether listed weights take less time than split activations, which the first run finds out.
 *
 * A panel has quads / 2 blocks of 4 channels with 16 weights each. In each row, lists save at most
 * 4 products of such a block, of which 3.8 are counted. An entry takes as long as 1.35 products. So
 * lists pay for up to 7/5 · quads · rows / (rows + LISTING_ROWS) entries of a panel, less one for
 * the loops.
 */
export function hasNarrowWeights(
  r: usize,
  weightsZero: i32,
  quads: i32,
  rows: i32,
  bias: usize,
  panel: usize,
  capacity: i32,
): bool {
  let width = <i32>load<u8>(r, RECORD_WIDTH);
  if (width == 0) {
    const panels = <i32>panelsOf(r);
    // entries of all panels for which lists still pay
    let left = panels * max(<i64>quads * rows * 7 / (5 * (rows + LISTING_ROWS)) - 1, 0);
    let weights = <usize>int(r, CONV2D_WEIGHTS);
    for (let i = 0; i < panels && left >= 0; i++) {
      const entries = list_panel_i8(weights, weightsZero, quads, bias, panel, panel + capacity);
      left = entries < 0 ? -1 : left - entries;
      weights += quads << 5;
    }
    width = left < 0 ? WIDTH_FULL : WIDTH_NARROW;
    // every thread that runs the record for the first time stores the same byte
    store<u8>(r, width, RECORD_WIDTH);
  }
  return width == WIDTH_NARROW;
}

/** Stores `factor` times the sum of each of `count` rows i8 [lda]. */
export function listSums(a: usize, lda: i32, count: i32, factor: i32, out: usize): void {
  for (; count > 0; count--) {
    store<i32>(out, factor * sum_i8(a, lda));
    a += lda;
    out += 4;
  }
}

/** One row, which is not worth a panel: N outputs from `out` on. a is the row as gathered. */
function multiplyRow(
  a: usize,
  row: usize,
  plane: usize,
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
  const lda = quads << (2 + GATHERED);
  let correction = 0;
  if (weightsZero != 0) correction = weightsZero * (ASC_FEATURE_RELAXED_SIMD ? sum_i8(a, lda) : sum_i16(a, lda >> 1));
  if (ASC_FEATURE_RELAXED_SIMD) split_i8(a, row, plane, lda);
  const step = quads << 4;
  for (; N > 0; N -= step) {
    const lanes = min(step, N);
    gemv_i8_i32(row, plane, weights, quads, accumulators, (lanes + 7) >> 3);
    requantize_i32_i8(accumulators, bias, scale, correction, out, lanes, range);
    weights += step * (quads << 2);
    bias += step << 2;
    scale += step << 2;
    out += step;
  }
}

function runI8(r: usize): void {
  const groups = int(r, CONV2D_GROUPS);
  const inC = int(r, CONV2D_IN_C);
  const C = inC / groups;
  const N = int(r, CONV2D_OUT_C) / groups;
  const K = int(r, CONV2D_KERNEL_H) * int(r, CONV2D_KERNEL_W) * C;
  const quads = (K + 3) >> 2;
  const lda = quads << (2 + GATHERED);
  const outW = int(r, CONV2D_OUT_W);
  // The scratch for tiles (describeConv2d) holds a quarter of the rows in the scalar core.
  let block = !ASC_FEATURE_SIMD && tileOf(r) != 0 ? int(r, CONV2D_BLOCK_ROWS) >> 2 : int(r, CONV2D_BLOCK_ROWS);
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
  const plane: usize = ASC_FEATURE_RELAXED_SIMD ? ((block + 2) * lda + TAIL + 15) & ~15 : 0;
  const capacity = roomForPanel(block, lda);
  let isNarrow = false;
  let inPlace = false;
  if (ASC_FEATURE_RELAXED_SIMD && rowTo - rowFrom > 1) {
    const most = pointwise ? rowsInPlace(block, lda) : block;
    const pixels = min(int(r, CONV2D_OUT_H) * outW, most);
    isNarrow = hasNarrowWeights(r, weightsZero, quads, pixels, int(r, CONV2D_BIAS), outs, capacity);
    inPlace = isNarrow && pointwise && rowTo - rowFrom >= 6;
    if (inPlace) block = most;
  }
  const sums = outs + (block + 2 << 2);
  const sink = ASC_FEATURE_RELAXED_SIMD ? sums + (block + 2 << 2) : outs + (block << 2);
  const rows = sink + sinkBytes(r);
  let panel = ASC_FEATURE_RELAXED_SIMD ? rows + plane : (rows + block * lda + TAIL + 15) & ~15;
  // A single row needs neither panel nor further rows, so that there is room for the accumulators
  // of 16 channels for each quad.
  const accumulators = ASC_FEATURE_RELAXED_SIMD ? (panel + lda + 15) & ~15 : panel;
  if (inPlace) panel = rows;
  const factor = isNarrow ? weightsZero - middleOf(weightsZero) + NARROW : weightsZero;
  const gathersPixels = ASC_FEATURE_RELAXED_SIMD ? isNarrow && !inPlace : true;
  if (ASC_FEATURE_RELAXED_SIMD) memory.fill(sums, 0, block << 2);
  for (let batch = 0; batch < int(r, CONV2D_BATCH); batch++) {
    const image = <usize>int(r, CONV2D_SOURCE) + batch * int(r, CONV2D_IN_H) * int(r, CONV2D_IN_W) * inC;
    for (let group = 0; group < groups; group++) {
      if (!isMine(r, batch, group)) continue;
      for (let begin = rowFrom; begin < rowTo; begin += block) {
        // In place, the last rows are computed with some before them, so that they fill a tile.
        const m0 = inPlace ? min(begin, rowTo - 6) : begin;
        const count = min(block, rowTo - m0);
        const padded = paddedRows(count);
        const a = ASC_FEATURE_RELAXED_SIMD && pointwise ? image + m0 * C : rows;
        if (!pointwise) gatherRowsI8(r, image + group * C, m0, count, C, int(r, CONV2D_SOURCE_ZERO), rows, lda);
        else if (gathersPixels) gather_i8(image + m0 * C, rows, count * C);
        listOutputs(r, batch, m0, count, padded, outs, sink, 1);
        const first = group * panels + panelFrom;
        let weights = <usize>int(r, CONV2D_WEIGHTS) + first * (quads << 5);
        let bias = <usize>int(r, CONV2D_BIAS) + (first << 5);
        let scale = <usize>int(r, CONV2D_SCALE) + (first << 5);
        if (count == 1) {
          const out = load<usize>(outs) + group * N + from;
          multiplyRow(a, rows, plane, quads, weightsZero, weights, bias, scale, accumulators, out, to - from, range);
          continue;
        }
        if (ASC_FEATURE_RELAXED_SIMD) {
          if (factor != 0) listSums(a, lda, count, factor, sums);
          if (!isNarrow) split_i8(a, rows, plane, count * lda);
          for (let n = from; n < to; n += 8) {
            if (isNarrow) list_panel_i8(weights, weightsZero, quads, bias, panel, panel + capacity);
            gemm_relaxed_6x8(
              inPlace ? a : rows,
              isNarrow ? 0 : plane,
              lda,
              padded,
              isNarrow ? panel + LISTED_WEIGHTS : weights,
              isNarrow ? panel : bias,
              scale,
              sums,
              outs,
              group * N + n,
              min(8, N - n),
              range,
            );
            weights += quads << 5;
            bias += 32;
            scale += 32;
          }
          continue;
        }
        for (let n = from; n < to; n += 8) {
          widen_panel_i8(weights, weightsZero, panel, quads);
          gemm_i8_4x8(rows, padded, panel, quads << 1, bias, scale, outs, group * N + n, min(8, N - n), range);
          weights += quads << 5;
          bias += 32;
          scale += 32;
        }
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
  if (dtypeOf(r) == DTYPE_F32) runF32(r);
  else if (ASC_FEATURE_SIMD && tileOf(r) != 0) runWinograd(r);
  else runI8(r);
}
