import { CONV2D_BATCH, CONV2D_BIAS, CONV2D_BLOCK_ROWS, CONV2D_BYTES, CONV2D_DILATION_X, CONV2D_DILATION_Y,
  CONV2D_GROUPS, CONV2D_IN_C, CONV2D_IN_H, CONV2D_IN_W, CONV2D_KERNEL_H, CONV2D_KERNEL_W, CONV2D_MAX, CONV2D_MIN,
  CONV2D_OUT_C, CONV2D_OUT_W, CONV2D_PAD_LEFT, CONV2D_PAD_TOP, CONV2D_SCALE, CONV2D_SOURCE, CONV2D_STRIDE_X,
  CONV2D_STRIDE_Y, CONV2D_WEIGHTS, DTYPE_I16, WIDE_CONV2D_CHUNK } from '../layout';
import { copy_bytes } from '../kernels/copy';
import { add_wide, gemm_i16_4x8, gemv_i16_1x8, requantize_wide } from '../kernels/wide';
import { widen_panel_i8 } from '../kernels/widen';
import { describeWideFactors } from './wideFactors';
import { checkFilling } from '../ops/checks';
import { describeGeometry, isMine, listOutputs, MAX_K, panelsOf, shareConvolution } from '../ops/window';
import { checkCounts, checkRange, checkRecord, int, needScratch, scratch, table, toF64 } from '../record';
import { panelFrom, panelTo, rowFrom, rowTo } from '../threads';

// Scratch, with R = BLOCK_ROWS and K' = K rounded up to 4:
//
//   outs u32 [R] │ accumulators i32 [4][8] │ sums f64 [4][8] │ rows i16 [R][K'] + 32
//   │ panel i16 [K'][8] + 32
const SIZE = 2;
const TAIL = 32;
const TILE = 4;
const WORK_BYTES = TILE * 8 * 12;

export function describeWideConv2d(r: usize): void {
  if (!checkRecord(r, CONV2D_BYTES, 1 << DTYPE_I16)) return;
  const inputs = describeGeometry(r, SIZE, MAX_K);
  const K = <f64>((<i32>inputs + 3) & ~3);
  const panels = panelsOf(r);
  table(r, CONV2D_WEIGHTS, panels * 8 * K, 16);
  checkFilling(r, CONV2D_WEIGHTS, panels, inputs, 0);
  describeWideFactors(r, CONV2D_BIAS, panels * 8);
  checkRange(r, CONV2D_MIN, -32768, 32767);
  checkRange(r, CONV2D_MAX, int(r, CONV2D_MIN), 32767);
  checkCounts(r, WIDE_CONV2D_CHUNK, 1);
  const rows = toF64(r, CONV2D_BLOCK_ROWS);
  needScratch(rows * 4 + WORK_BYTES + rows * K * SIZE + K * 16 + 2 * TAIL);
}

/** Copies `bytes` from a, or zeros without one. @returns the end of the copy */
@inline
function put(a: usize, out: usize, bytes: i32): usize {
  if (a == 0) memory.fill(out, 0, bytes);
  else copy_bytes(a, out, bytes);
  return out + bytes;
}

/** Gathers the receptive field [KH][KW][C] of output pixel (y, x): C channels from `base` on. */
function gather(r: usize, base: usize, y: i32, x: i32, C: i32, out: usize): void {
  const inH = int(r, CONV2D_IN_H);
  const inW = int(r, CONV2D_IN_W);
  const kernelW = int(r, CONV2D_KERNEL_W);
  const dilationX = int(r, CONV2D_DILATION_X);
  const ix = x * int(r, CONV2D_STRIDE_X) - int(r, CONV2D_PAD_LEFT);
  const pixelBytes = int(r, CONV2D_IN_C) * SIZE;
  const bytes = C * SIZE;
  // The taps of a kernel row are adjacent: one run, cut at the left and right of the image.
  const isRun = bytes == pixelBytes && dilationX == 1;
  const before = max(0, min(kernelW, -ix));
  const inside = max(0, min(kernelW, inW - ix) - before);
  let iy = y * int(r, CONV2D_STRIDE_Y) - int(r, CONV2D_PAD_TOP);
  for (let ky = int(r, CONV2D_KERNEL_H); ky > 0; ky--) {
    const row = base + iy * inW * pixelBytes;
    if (<u32>iy >= <u32>inH) {
      out = put(0, out, kernelW * bytes);
    } else if (isRun) {
      if (before > 0) out = put(0, out, before * bytes);
      if (inside > 0) out = put(row + (ix + before) * bytes, out, inside * bytes);
      const after = kernelW - before - inside;
      if (after > 0) out = put(0, out, after * bytes);
    } else {
      for (let kx = 0; kx < kernelW; kx++) {
        const at = ix + kx * dilationX;
        out = put(<u32>at < <u32>inW ? row + at * pixelBytes : 0, out, bytes);
      }
    }
    iy += int(r, CONV2D_DILATION_Y);
  }
}

/** Gathers the receptive fields of `count` output pixels from m0 on; rows are `lda` bytes apart. */
function gatherRows(r: usize, base: usize, m0: i32, count: i32, C: i32, rows: usize, lda: i32): void {
  const outW = int(r, CONV2D_OUT_W);
  let y = m0 / outW;
  let x = m0 - y * outW;
  for (; count > 0; count--) {
    gather(r, base, y, x, C, rows);
    rows += lda;
    if (++x == outW) {
      x = 0;
      y++;
    }
  }
}

/** The accumulators and the sums of a tile. */
let acc: usize = 0;
let sums: usize = 0;
/** Bias and scale of a panel, and where its outputs go. */
let bias: usize = 0;
let scale: usize = 0;
let channel = 0;
let lanes = 0;

/** The products of up to 4 rows, whose outputs are listed, with a widened panel. */
function multiplyTile(r: usize, rows: usize, count: i32, panel: usize, quads: i32, outs: usize): void {
  const chunk = int(r, WIDE_CONV2D_CHUNK);
  let isFirst = true;
  for (let at = 0; at < quads; at += chunk) {
    const part = min(chunk, quads - at);
    gemm_i16_4x8(rows + (at << 3), quads << 3, panel + (at << 6), part << 1, acc);
    const isLast = at + part >= quads;
    for (let i = 0; i < count; i++) {
      const from = isFirst ? bias : sums + (i << 6);
      if (isLast) {
        const out = load<usize>(outs + (i << 2)) + channel * SIZE;
        requantize_wide(acc + (i << 5), from, scale, out, lanes, r + CONV2D_MIN);
      } else {
        add_wide(acc + (i << 5), from, sums + (i << 6));
      }
    }
    if (isLast) return;
    isFirst = false;
  }
}

/** The products of one row with a panel as it is stored in the file. */
function multiplyRow(r: usize, row: usize, weights: usize, quads: i32, outs: usize): void {
  const chunk = int(r, WIDE_CONV2D_CHUNK);
  let from = bias;
  while (quads > chunk) {
    gemv_i16_1x8(row, weights, chunk, acc);
    add_wide(acc, from, sums);
    from = sums;
    row += chunk << 3;
    weights += chunk << 5;
    quads -= chunk;
  }
  gemv_i16_1x8(row, weights, quads, acc);
  requantize_wide(acc, from, scale, load<usize>(outs) + channel * SIZE, lanes, r + CONV2D_MIN);
}

export function runWideConv2d(r: usize): void {
  const groups = int(r, CONV2D_GROUPS);
  const inC = int(r, CONV2D_IN_C);
  const C = inC / groups;
  const N = int(r, CONV2D_OUT_C) / groups;
  const K = int(r, CONV2D_KERNEL_H) * int(r, CONV2D_KERNEL_W) * C;
  const quads = (K + 3) >> 2;
  const lda = quads << 3;
  const block = int(r, CONV2D_BLOCK_ROWS);
  const panels = (N + 7) >> 3;
  const outs = scratch();
  acc = outs + (block << 2);
  sums = acc + TILE * 32;
  const rows = acc + WORK_BYTES;
  const panel = (rows + block * lda + TAIL + 15) & ~15;
  shareConvolution(r, panels, TILE);
  for (let batch = 0; batch < int(r, CONV2D_BATCH); batch++) {
    const image = <usize>int(r, CONV2D_SOURCE) + batch * int(r, CONV2D_IN_H) * int(r, CONV2D_IN_W) * inC * SIZE;
    for (let group = 0; group < groups; group++) {
      if (!isMine(r, batch, group)) continue;
      for (let m0 = rowFrom; m0 < rowTo; m0 += block) {
        const count = min(block, rowTo - m0);
        gatherRows(r, image + group * C * SIZE, m0, count, C, rows, lda);
        listOutputs(r, batch, m0, count, count, outs, 0, SIZE);
        for (let p = panelFrom; p < panelTo; p++) {
          const index = group * panels + p;
          const weights = <usize>int(r, CONV2D_WEIGHTS) + index * (quads << 5);
          bias = <usize>int(r, CONV2D_BIAS) + (index << 6);
          scale = <usize>int(r, CONV2D_SCALE) + (index << 6);
          channel = group * N + (p << 3);
          lanes = min(8, N - (p << 3));
          if (count == 1) {
            multiplyRow(r, rows, weights, quads, outs);
            continue;
          }
          widen_panel_i8(weights, 0, panel, quads);
          for (let m = 0; m < count; m += TILE) {
            multiplyTile(r, rows + m * lda, min(TILE, count - m), panel, quads, outs + (m << 2));
          }
        }
      }
    }
  }
}
