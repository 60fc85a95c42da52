import { CONV2D_BATCH, CONV2D_BATCH_STRIDE, CONV2D_BIAS, CONV2D_BLOCK_ROWS, CONV2D_DILATION_X, CONV2D_DILATION_Y,
  CONV2D_GROUPS, CONV2D_IN_C, CONV2D_IN_H, CONV2D_IN_W, CONV2D_KERNEL_H, CONV2D_KERNEL_W, CONV2D_OUT_C, CONV2D_OUT_H,
  CONV2D_OUT_W, CONV2D_PAD_LEFT, CONV2D_PAD_TOP, CONV2D_PIXEL_STRIDE, CONV2D_ROW_STRIDE, CONV2D_SCALE, CONV2D_SOURCE,
  CONV2D_SOURCE_ZERO, CONV2D_STRIDE_X, CONV2D_STRIDE_Y, CONV2D_TARGET, CONV2D_TARGET_ZERO, CONV2D_WEIGHTS,
  CONV2D_WEIGHTS_ZERO, WINOGRAD_CHANNELS, WINOGRAD_REACH, WINOGRAD_ROWS } from '../layout';
import { copy_bytes } from '../kernels/copy';
import { gemm_i16_4x8 } from '../kernels/wide';
import { winograd_input, winograd_output, winograd_weights } from '../kernels/winograd';
import { int, scratch, toF64 } from '../record';
import { panelFrom, panelTo, rowFrom, rowTo, shareProduct } from '../threads';
import { isMine } from './window';

// Dense int8 convolutions of stride 1 in tiles: of 2×2 or 4×4 outputs for kernels 3×3, and in plain
// SIMD of 4×1 or 1×4 for kernels 3×1 or 1×3. Scratch, with P inputs and Q outputs of a tile, T
// tiles in a block, C input channels of a group and N output channels:
//
//   outs u32 [T][Q] │ sink N + 32 │ patch i8 [P][C] + 16 │ u i16 P × ([C/2][8][2] + 32)
//   │ v i16 P × ([T][C] + 32) │ m i32 P × ([T][8] + 16)
//
// A cache line is left free after each plane of u, v and m, because stores to addresses that are a
// multiple of 4096 apart displace each other from the first-level cache.

/** Bytes between planes. */
const GAP = 64;

/** Whether a convolution in tiles has a kernel of 3×1 or 1×3. */
@inline
export function isLine(r: usize): bool {
  return int(r, CONV2D_KERNEL_H) != int(r, CONV2D_KERNEL_W);
}

/**
 * Side of the tiles in which the SIMD cores, or for one axis the core with plain SIMD, compute this
 * int8 convolution, or 0
 */
export function tileOf(r: usize): i32 {
  const C = int(r, CONV2D_IN_C) / max(1, int(r, CONV2D_GROUPS));
  const rows = int(r, CONV2D_BLOCK_ROWS);
  const kernelH = int(r, CONV2D_KERNEL_H);
  const kernelW = int(r, CONV2D_KERNEL_W);
  // 3×3, 3×1 or 1×3
  const isOther = ((kernelH | kernelW) ^ 3) | (kernelH & kernelW & 1 ^ 1) | (int(r, CONV2D_STRIDE_Y) ^ 1) |
    (int(r, CONV2D_STRIDE_X) ^ 1) | (int(r, CONV2D_DILATION_Y) ^ 1) | (int(r, CONV2D_DILATION_X) ^ 1) | (C & 7) |
    (rows & 15);
  if (isOther != 0 || rows < WINOGRAD_ROWS) return 0;
  const weightsZero = int(r, CONV2D_WEIGHTS_ZERO);
  const reach = C * (128 + max(weightsZero, -weightsZero));
  if (isLine(r)) return reach <= 24 * WINOGRAD_REACH ? 4 : 0;
  if (C > WINOGRAD_CHANNELS) return 0;
  return (rows & 63) == 0 && reach <= WINOGRAD_REACH ? 4 : 2;
}

export function winogradScratch(r: usize): f64 {
  const C = toF64(r, CONV2D_IN_C) / toF64(r, CONV2D_GROUPS);
  const rows = toF64(r, CONV2D_BLOCK_ROWS);
  const tile = <f64>tileOf(r);
  const planes = isLine(r) ? 6 : (tile + 2) * (tile + 2);
  const outputs = isLine(r) ? 4 : tile * tile;
  return rows * 4 + toF64(r, CONV2D_OUT_C) + planes * (17 * C + 3 * GAP + rows / outputs * (2 * C + 32)) + 128;
}

/**
 * Lists the output addresses of `count` tiles from tile m0 on. Outputs beyond the image go to the
 * sink.
 */
function listTiles(
  r: usize,
  batch: i32,
  m0: i32,
  count: i32,
  height: i32,
  width: i32,
  columns: i32,
  list: usize,
  sink: usize,
): void {
  const outH = int(r, CONV2D_OUT_H);
  const outW = int(r, CONV2D_OUT_W);
  const pixel = int(r, CONV2D_PIXEL_STRIDE);
  const rowStride = int(r, CONV2D_ROW_STRIDE);
  const base = <usize>int(r, CONV2D_TARGET) + batch * int(r, CONV2D_BATCH_STRIDE);
  for (let m = m0; m < m0 + count; m++) {
    const row = m / columns;
    const left = width * (m - row * columns);
    for (let y = height * row, bottom = y + height; y < bottom; y++) {
      for (let x = left; x < left + width; x++) {
        store<usize>(list, x < outW && y < outH ? base + y * rowStride + x * pixel : sink);
        list += 4;
      }
    }
  }
}

/** Copies the pixels of a tile at (y, x), of which some are outside the image. */
function gatherPatch(r: usize, base: usize, y: i32, x: i32, height: i32, width: i32, C: i32, patch: usize): void {
  const inH = int(r, CONV2D_IN_H);
  const inW = int(r, CONV2D_IN_W);
  const inC = int(r, CONV2D_IN_C);
  memory.fill(patch, <u8>int(r, CONV2D_SOURCE_ZERO), height * width * C);
  for (let bottom = y + height; y < bottom; y++) {
    for (let ix = x; ix < x + width; ix++) {
      if (<u32>y < <u32>inH && <u32>ix < <u32>inW) copy_bytes(base + (y * inW + ix) * inC, patch, C);
      patch += C;
    }
  }
}

/** v of `count` tiles from tile m0 on. */
function transformTiles(
  r: usize,
  base: usize,
  m0: i32,
  count: i32,
  height: i32,
  width: i32,
  columns: i32,
  C: i32,
  patch: usize,
  v: usize,
  plane: usize,
): void {
  const inH = int(r, CONV2D_IN_H);
  const inW = int(r, CONV2D_IN_W);
  const inC = int(r, CONV2D_IN_C);
  const fieldH = height == 1 ? 1 : height + 2;
  const fieldW = width == 1 ? 1 : width + 2;
  const tile = max(height, width);
  // columns to transform
  const lines = min(fieldH, fieldW);
  for (let m = m0; m < m0 + count; m++) {
    const row = m / columns;
    const y = height * row - int(r, CONV2D_PAD_TOP);
    const x = width * (m - row * columns) - int(r, CONV2D_PAD_LEFT);
    let from = base + (y * inW + x) * inC;
    let rowBytes = inW * inC;
    let pixelBytes = inC;
    if (y < 0 || y + fieldH > inH || x < 0 || x + fieldW > inW) {
      gatherPatch(r, base, y, x, fieldH, fieldW, C, patch);
      from = patch;
      rowBytes = fieldW * C;
      pixelBytes = C;
    }
    // a row of outputs is transformed like a column
    winograd_input(from, height == 1 ? pixelBytes : rowBytes, pixelBytes, C, tile, lines, v, plane);
    v += C << 1;
  }
}

export function runWinograd(r: usize): void {
  const groups = int(r, CONV2D_GROUPS);
  const inC = int(r, CONV2D_IN_C);
  const C = inC / groups;
  const N = int(r, CONV2D_OUT_C) / groups;
  const panels = (N + 7) >> 3;
  const tile = tileOf(r);
  const height = int(r, CONV2D_KERNEL_H) == 1 ? 1 : tile;
  const width = int(r, CONV2D_KERNEL_W) == 1 ? 1 : tile;
  const lines = isLine(r) ? 1 : tile + 2;
  const planes = lines * (tile + 2);
  const block = int(r, CONV2D_BLOCK_ROWS) / (height * width);
  const columns = (int(r, CONV2D_OUT_W) + width - 1) / width;
  const plane = (block * C << 1) + GAP;
  const sums = (block << 5) + GAP;
  const outs = scratch();
  const sink = outs + (int(r, CONV2D_BLOCK_ROWS) << 2);
  const patch = (sink + int(r, CONV2D_OUT_C) + 47) & ~15;
  const u = patch + planes * C + 16;
  const step = (C << 4) + GAP;
  const v = u + planes * step;
  const m = v + planes * plane;
  const range = r + CONV2D_TARGET_ZERO;
  const weightsZero = int(r, CONV2D_WEIGHTS_ZERO);
  const panelBytes = min(lines, 3) * C * 24;
  shareProduct(int(r, CONV2D_BATCH) * groups, (int(r, CONV2D_OUT_H) + height - 1) / height * columns, panels, 4);
  for (let batch = 0; batch < int(r, CONV2D_BATCH); batch++) {
    const image = <usize>int(r, CONV2D_SOURCE) + batch * int(r, CONV2D_IN_H) * int(r, CONV2D_IN_W) * inC;
    for (let group = 0; group < groups; group++) {
      if (!isMine(r, batch, group)) continue;
      for (let m0 = rowFrom; m0 < rowTo; m0 += block) {
        const count = min(block, rowTo - m0);
        listTiles(r, batch, m0, count, height, width, columns, outs, sink);
        transformTiles(r, image + group * C, m0, count, height, width, columns, C, patch, v, plane);
        for (let panel = panelFrom; panel < panelTo; panel++) {
          const index = group * panels + panel;
          const weights = <usize>int(r, CONV2D_WEIGHTS) + index * panelBytes;
          winograd_weights(weights, weightsZero, C, tile, lines, u, step);
          for (let p = 0; p < planes; p++) {
            for (let row = 0; row < count; row += 4) {
              const acc = m + p * sums + (row << 5);
              gemm_i16_4x8(v + p * plane + row * (C << 1), C << 1, u + p * step, C >> 1, acc);
            }
          }
          const bias = <usize>int(r, CONV2D_BIAS) + (index << 5);
          const scale = <usize>int(r, CONV2D_SCALE) + (index << 5);
          const channel = group * N + (panel << 3);
          const lanes = min(8, N - (panel << 3));
          winograd_output(m, sums, count, tile, lines, bias, scale, outs, channel, lanes, range);
        }
      }
    }
  }
}
