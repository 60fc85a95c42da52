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
import { clear_last_split, GATHERED, gather_fields_i8, gather_fill, gather_i8, join_i8, list_panel_i8, LISTED_BYTES,
  NARROW, sum_i16, sum_i8, sum_split, widen_panel_i8 } from '../kernels/widen';
import { toF64, bytesOf, checkRecord, dtypeOf, float, int, needScratch, scratch, source, table } from '../record';
import { panelFrom, panelTo, rowFrom, rowTo } from '../threads';
import { checkActivation, checkFilling, describeRequantization } from './checks';
import { runWinograd, tileOf, winogradScratch } from './winograd';
import { describeGeometry, isMine, listOutputs, MAX_K, panelsOf, shareConvolution } from './window';

// Scratch: the output addresses of the block, the addresses of its runs (f32), a sink for the rows
// that pad the last tile (i8), the gathered rows, and one widened or narrow panel (i8).
//
//   i8       outs u32 [R] │ sink N + 32 │ rows i16 [R][K'] + 32 │ panel i16 [K'][8] + 32
//   relaxed  outs u32 [R + 2] │ sums i32 [R + 2] │ passes u32 [2][3] │ sink N + 32
//            │ low u8 [R + 2][K'] + 32 │ high u8 [R + 2][K'] + 32
//   narrow   the same with rows i8 [R + 2][K'] in place of low, and a listed panel in place of high
//   i8, one  the same with accumulators i32 [4·K'] in place of the panel or behind the planes' row
//   f32      outs u32 [R] │ runs u32 [KH·KW][R] │ runs that cross the border f32, at most [R][K]
//
// R = BLOCK_ROWS, K' = K rounded up to 4. All flavors request the maximum, so that a file fits each
// of them.
const TAIL = 32;
/** Bytes of the passes of gemm_relaxed_6x8 */
export const PASSES_BYTES = 24;
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
function gatherI8(r: usize, base: usize, y: i32, x: i32, C: i32, zero: i32, out: usize, plane: usize): void {
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
      gather_fill(out, plane, zero, span);
      out += span << GATHERED;
      continue;
    }
    const row = base + iy * inW * inC;
    if (whole) {
      // The taps of a kernel row are adjacent: one run, cut at the left and right of the image.
      const before = max(0, min(kernelW, -ix0));
      const inside = max(0, min(kernelW, inW - ix0) - before);
      const after = kernelW - before - inside;
      if (before > 0) gather_fill(out, plane, zero, before * C);
      if (inside > 0) gather_i8(row + (ix0 + before) * C, out + (before * C << GATHERED), plane, inside * C);
      if (after > 0) gather_fill(out + ((before + inside) * C << GATHERED), plane, zero, after * C);
      out += span << GATHERED;
    } else {
      for (let kx = 0; kx < kernelW; kx++) {
        const ix = ix0 + kx * dilationX;
        if (<u32>ix >= <u32>inW) gather_fill(out, plane, zero, C);
        else gather_i8(row + ix * inC, out, plane, C);
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
  plane: usize,
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
      gather_fields_i8(from, strideX * inC, stepY, kernelH, span, rows, plane, lda, fields);
    } else {
      if (ASC_FEATURE_RELAXED_SIMD) clear_last_split(rows + lda, plane);
      gatherI8(r, base, y, x, C, zero, rows, plane);
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

/** The passes of a panel whose rows are split: the high plane, then the low one. */
export function listPlanes(passes: usize, weights: usize, quads: i32): void {
  for (let pass = passes; pass < passes + PASSES_BYTES; pass += PASSES_BYTES >> 1) {
    store<usize>(pass, weights);
    store<usize>(pass, weights + (quads << 5), 4);
  }
}

/** Number of rows that the kernel computes for `count` rows. */
@inline
export function paddedRows(count: i32): i32 {
  if (ASC_FEATURE_RELAXED_SIMD) return max(count, 6);
  return ASC_FEATURE_SIMD ? (count + 3) & ~3 : count;
}

/** Groups that lists may have, in eighths of those of the weights. Two products take 16. */
const LISTED_LIMIT = 14;

/**
 * Whether one product and a second one of listed weights take less time than two, which the first
 * run finds out.
 */
function hasNarrowWeights(r: usize, quads: i32, panel: usize, capacity: i32, passes: usize): bool {
  let width = <i32>load<u8>(r, RECORD_WIDTH);
  if (width == 0) {
    const zero = int(r, CONV2D_WEIGHTS_ZERO);
    const panels = <i32>panelsOf(r);
    // groups that may be left until the lists take as long
    let left = <i64>panels * (quads * LISTED_LIMIT >> 3);
    let weights = <usize>int(r, CONV2D_WEIGHTS);
    for (let i = 0; i < panels && left >= 0; i++) {
      const groups = list_panel_i8(weights, zero, quads, panel, capacity, passes);
      left = groups > capacity ? -1 : left - groups;
      weights += quads << 5;
    }
    width = left < 0 ? WIDTH_FULL : WIDTH_NARROW;
    // every thread that runs the record for the first time stores the same byte
    store<u8>(r, width, RECORD_WIDTH);
  }
  return width == WIDTH_NARROW;
}

/** Σ a of a gathered row of `lda` bytes. */
@inline
function sumOfRow(row: usize, plane: usize, lda: i32): i32 {
  return ASC_FEATURE_RELAXED_SIMD ? sum_split(row, plane, lda) : sum_i16(row, lda >> 1);
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
  const block = !ASC_FEATURE_SIMD && tileOf(r) != 0 ? int(r, CONV2D_BLOCK_ROWS) >> 2 : int(r, CONV2D_BLOCK_ROWS);
  const panels = (N + 7) >> 3;
  const weightsZero = int(r, CONV2D_WEIGHTS_ZERO);
  const range = r + CONV2D_TARGET_ZERO;
  const outs = scratch();
  const sums = outs + (block + 2 << 2);
  const passes = sums + (block + 2 << 2);
  const sink = ASC_FEATURE_RELAXED_SIMD ? passes + PASSES_BYTES : outs + (block << 2);
  const rows = sink + sinkBytes(r);
  const plane: usize = ASC_FEATURE_RELAXED_SIMD ? ((block + 2) * lda + TAIL + 15) & ~15 : 0;
  const panel = ASC_FEATURE_RELAXED_SIMD ? rows + plane : (rows + block * lda + TAIL + 15) & ~15;
  const capacity = i32(2 * block * lda + 16 * lda - plane) / LISTED_BYTES;
  // A single row needs neither panel nor further rows, so that there is room for the accumulators
  // of 16 channels for each quad.
  const accumulators = ASC_FEATURE_RELAXED_SIMD ? (rows + plane + lda + 15) & ~15 : panel;
  const step = quads << 4;
  // With one tap and a dense source, the rows of the product are the pixels themselves.
  const pointwise = K == C && groups == 1 && (K & 3) == 0 && int(r, CONV2D_STRIDE_Y) == 1 &&
    int(r, CONV2D_STRIDE_X) == 1
    && int(r, CONV2D_PAD_TOP) == 0 && int(r, CONV2D_PAD_LEFT) == 0 && int(r, CONV2D_OUT_H) <= int(r, CONV2D_IN_H) &&
    outW == int(r, CONV2D_IN_W);
  if (ASC_FEATURE_RELAXED_SIMD) memory.fill(sums, 0, block << 2);
  shareConvolution(r, panels, ASC_FEATURE_RELAXED_SIMD ? 6 : 4);
  const from = panelFrom << 3;
  const to = min(panelTo << 3, N);
  for (let batch = 0; batch < int(r, CONV2D_BATCH); batch++) {
    const image = <usize>int(r, CONV2D_SOURCE) + batch * int(r, CONV2D_IN_H) * int(r, CONV2D_IN_W) * inC;
    for (let group = 0; group < groups; group++) {
      if (!isMine(r, batch, group)) continue;
      for (let m0 = rowFrom; m0 < rowTo; m0 += block) {
        const count = min(block, rowTo - m0);
        const padded = paddedRows(count);
        const isNarrow = ASC_FEATURE_RELAXED_SIMD
          ? count > 1 && hasNarrowWeights(r, quads, panel, capacity, passes)
          : false;
        // The pixels are read in place if they fill a tile.
        const inPlace = isNarrow && pointwise && count >= 6;
        const a = inPlace ? image + m0 * C : rows;
        if (pointwise && !inPlace) gather_i8(image + m0 * C, rows, plane, count * C);
        else if (!inPlace) {
          gatherRowsI8(r, image + group * C, m0, count, C, int(r, CONV2D_SOURCE_ZERO), rows, plane, lda);
        }
        listOutputs(r, batch, m0, count, padded, outs, sink, 1);
        const first = group * panels + panelFrom;
        let weights = <usize>int(r, CONV2D_WEIGHTS) + first * (quads << 5);
        let bias = <usize>int(r, CONV2D_BIAS) + (first << 5);
        let scale = <usize>int(r, CONV2D_SCALE) + (first << 5);
        if (count == 1) {
          const out = load<usize>(outs) + group * N;
          for (let n = from; n < to; n += step) {
            gemv_i8_i32(rows, plane, weights, quads, accumulators, (min(step, to - n) + 7) >> 3);
            requantize_i32_i8(
              accumulators,
              bias,
              scale,
              weightsZero != 0 ? weightsZero * sumOfRow(rows, plane, lda) : 0,
              out + n,
              min(step, to - n),
              range,
            );
            weights += step * (quads << 2);
            bias += step << 2;
            scale += step << 2;
          }
          continue;
        }
        if (ASC_FEATURE_RELAXED_SIMD) {
          if (isNarrow && !inPlace) join_i8(rows, plane, count * lda);
          if (isNarrow) {
            for (let i = 0; i < count; i++) store<i32>(sums + (i << 2), NARROW * sum_i8(a + i * lda, lda));
          } else if (weightsZero != 0) {
            for (let i = 0; i < count; i++) {
              store<i32>(sums + (i << 2), weightsZero * sum_split(rows + i * lda, plane, lda));
            }
          }
          for (let n = from; n < to; n += 8) {
            if (isNarrow) {
              list_panel_i8(weights, weightsZero, quads, panel, capacity, passes);
            } else {
              listPlanes(passes, weights, quads);
            }
            gemm_relaxed_6x8(
              a,
              isNarrow ? 0 : plane,
              lda,
              padded,
              passes,
              bias,
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
