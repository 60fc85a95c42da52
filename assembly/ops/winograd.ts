import { CONV2D_BATCH, CONV2D_BATCH_STRIDE, CONV2D_BIAS, CONV2D_BLOCK_ROWS, CONV2D_DILATION_X, CONV2D_DILATION_Y,
  CONV2D_GROUPS, CONV2D_IN_C, CONV2D_IN_H, CONV2D_IN_W, CONV2D_KERNEL_H, CONV2D_KERNEL_W, CONV2D_OUT_C, CONV2D_OUT_H,
  CONV2D_OUT_W, CONV2D_PAD_LEFT, CONV2D_PAD_TOP, CONV2D_PIXEL_STRIDE, CONV2D_ROW_STRIDE, CONV2D_SCALE, CONV2D_SOURCE,
  CONV2D_SOURCE_ZERO, CONV2D_STRIDE_X, CONV2D_STRIDE_Y, CONV2D_TARGET, CONV2D_TARGET_ZERO, CONV2D_WEIGHTS,
  CONV2D_WEIGHTS_ZERO, WINOGRAD_CHANNELS, WINOGRAD_ROWS } from '../layout';
import { copy_bytes } from '../kernels/copy';
import { gemm_i16_4x8 } from '../kernels/wide';
import { winograd_input, winograd_output, winograd_weights } from '../kernels/winograd';
import { int, scratch, toF64 } from '../record';
import { panelFrom, panelTo, rowFrom, rowTo, shareProduct } from '../threads';
import { isMine } from './window';

// Dense int8 convolutions of 3×3 and stride 1 in tiles of 2×2 outputs. Scratch, with T tiles in a
// block, C input channels of a group and N output channels:
//
//   outs u32 [T][4] │ sink N + 32 │ patch i8 [4][4][C] + 16 │ u i16 [16][C/2][8][2]
//   │ v i16 16 × ([T][C] + 32) │ m i32 16 × ([T][8] + 16)
//
// A cache line is left free after each plane of v and m, because stores to addresses that are a
// multiple of 4096 apart displace each other from the first-level cache.

/** Bytes between planes. */
const GAP = 64;

/** Whether the SIMD cores compute this int8 convolution in tiles. */
export function isWinograd(r: usize): bool {
  const C = int(r, CONV2D_IN_C) / max(1, int(r, CONV2D_GROUPS));
  const isOther = (int(r, CONV2D_KERNEL_H) ^ 3) | (int(r, CONV2D_KERNEL_W) ^ 3) | (int(r, CONV2D_STRIDE_Y) ^ 1) |
    (int(r, CONV2D_STRIDE_X) ^ 1) | (int(r, CONV2D_DILATION_Y) ^ 1) | (int(r, CONV2D_DILATION_X) ^ 1) | (C & 7) |
    (int(r, CONV2D_BLOCK_ROWS) & 15);
  return isOther == 0 && int(r, CONV2D_BLOCK_ROWS) >= WINOGRAD_ROWS && C <= WINOGRAD_CHANNELS;
}

export function winogradScratch(r: usize): f64 {
  const C = toF64(r, CONV2D_IN_C) / toF64(r, CONV2D_GROUPS);
  const rows = toF64(r, CONV2D_BLOCK_ROWS);
  return rows * (4 + 8 * C + 128) + toF64(r, CONV2D_OUT_C) + 272 * C + 32 * GAP + 128;
}

/**
 * Lists the output addresses of `count` tiles from tile m0 on. Outputs beyond the image go to the
 * sink.
 */
function listTiles(r: usize, batch: i32, m0: i32, count: i32, list: usize, sink: usize): void {
  const outH = int(r, CONV2D_OUT_H);
  const outW = int(r, CONV2D_OUT_W);
  const columns = (outW + 1) >> 1;
  const pixel = int(r, CONV2D_PIXEL_STRIDE);
  const rowStride = int(r, CONV2D_ROW_STRIDE);
  const base = <usize>int(r, CONV2D_TARGET) + batch * int(r, CONV2D_BATCH_STRIDE);
  for (let m = m0; m < m0 + count; m++) {
    const y = m / columns;
    const at = base + 2 * y * rowStride + 2 * (m - y * columns) * pixel;
    const hasRight = 2 * (m - y * columns) + 1 < outW;
    const hasBelow = 2 * y + 1 < outH;
    store<usize>(list, at);
    store<usize>(list, hasRight ? at + pixel : sink, 4);
    store<usize>(list, hasBelow ? at + rowStride : sink, 8);
    store<usize>(list, hasRight && hasBelow ? at + rowStride + pixel : sink, 12);
    list += 16;
  }
}

/** Copies the 4×4 pixels at (y, x), of which some are outside the image. */
function gatherPatch(r: usize, base: usize, y: i32, x: i32, C: i32, patch: usize): void {
  const inH = int(r, CONV2D_IN_H);
  const inW = int(r, CONV2D_IN_W);
  const inC = int(r, CONV2D_IN_C);
  memory.fill(patch, <u8>int(r, CONV2D_SOURCE_ZERO), C << 4);
  for (let ky = 0; ky < 4; ky++) {
    if (<u32>(y + ky) >= <u32>inH) continue;
    for (let kx = 0; kx < 4; kx++) {
      if (<u32>(x + kx) >= <u32>inW) continue;
      copy_bytes(base + ((y + ky) * inW + x + kx) * inC, patch + ((ky << 2) + kx) * C, C);
    }
  }
}

/** v of `count` tiles from tile m0 on. */
function transformTiles(
  r: usize,
  base: usize,
  m0: i32,
  count: i32,
  C: i32,
  patch: usize,
  v: usize,
  plane: usize,
): void {
  const inH = int(r, CONV2D_IN_H);
  const inW = int(r, CONV2D_IN_W);
  const inC = int(r, CONV2D_IN_C);
  const columns = (int(r, CONV2D_OUT_W) + 1) >> 1;
  for (let m = m0; m < m0 + count; m++) {
    const row = m / columns;
    const y = 2 * row - int(r, CONV2D_PAD_TOP);
    const x = 2 * (m - row * columns) - int(r, CONV2D_PAD_LEFT);
    if (y >= 0 && y + 4 <= inH && x >= 0 && x + 4 <= inW) {
      winograd_input(base + (y * inW + x) * inC, inW * inC, inC, C, v, plane);
    } else {
      gatherPatch(r, base, y, x, C, patch);
      winograd_input(patch, C << 2, C, C, v, plane);
    }
    v += C << 1;
  }
}

export function runWinograd(r: usize): void {
  const groups = int(r, CONV2D_GROUPS);
  const inC = int(r, CONV2D_IN_C);
  const C = inC / groups;
  const N = int(r, CONV2D_OUT_C) / groups;
  const panels = (N + 7) >> 3;
  const block = int(r, CONV2D_BLOCK_ROWS) >> 2;
  const columns = (int(r, CONV2D_OUT_W) + 1) >> 1;
  const plane = (block * C << 1) + GAP;
  const sums = (block << 5) + GAP;
  const outs = scratch();
  const sink = outs + (block << 4);
  const patch = (sink + int(r, CONV2D_OUT_C) + 47) & ~15;
  const u = patch + (C << 4) + 16;
  const v = u + (C << 8);
  const m = v + 16 * plane;
  const outer = int(r, CONV2D_BATCH) * groups;
  shareProduct(outer, ((int(r, CONV2D_OUT_H) + 1) >> 1) * columns, panels, 4);
  for (let batch = 0; batch < int(r, CONV2D_BATCH); batch++) {
    const image = <usize>int(r, CONV2D_SOURCE) + batch * int(r, CONV2D_IN_H) * int(r, CONV2D_IN_W) * inC;
    for (let group = 0; group < groups; group++) {
      if (!isMine(r, batch, group)) continue;
      for (let m0 = rowFrom; m0 < rowTo; m0 += block) {
        const count = min(block, rowTo - m0);
        listTiles(r, batch, m0, count, outs, sink);
        transformTiles(r, image + group * C, m0, count, C, patch, v, plane);
        for (let panel = panelFrom; panel < panelTo; panel++) {
          const index = group * panels + panel;
          winograd_weights(<usize>int(r, CONV2D_WEIGHTS) + index * (C * 72), int(r, CONV2D_WEIGHTS_ZERO), C, u);
          for (let p = 0; p < 16; p++) {
            for (let tile = 0; tile < count; tile += 4) {
              const acc = m + p * sums + (tile << 5);
              gemm_i16_4x8(v + p * plane + tile * (C << 1), C << 1, u + p * (C << 4), C >> 1, acc);
            }
          }
          winograd_output(
            m,
            sums,
            count,
            <usize>int(r, CONV2D_BIAS) + (index << 5),
            <usize>int(r, CONV2D_SCALE) + (index << 5),
            outs,
            group * N + (panel << 3),
            min(8, N - (panel << 3)),
            r + CONV2D_TARGET_ZERO,
          );
        }
      }
    }
  }
}
