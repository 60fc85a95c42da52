import { CONV2D_BATCH, CONV2D_BIAS, CONV2D_BLOCK_ROWS, CONV2D_DILATION_X, CONV2D_DILATION_Y, CONV2D_GROUPS, CONV2D_IN_C,
  CONV2D_IN_H, CONV2D_IN_W, CONV2D_KERNEL_H, CONV2D_KERNEL_W, CONV2D_OUT_C, CONV2D_OUT_H, CONV2D_OUT_W, CONV2D_PAD_LEFT,
  CONV2D_PAD_TOP, CONV2D_SCALE, CONV2D_SOURCE, CONV2D_SOURCE_ZERO, CONV2D_STRIDE_X, CONV2D_STRIDE_Y, CONV2D_WEIGHTS,
  CONV2D_WEIGHTS_ZERO, DTYPE_I8, FAULT_ATTRIBUTE, SPARSE_BLOCKS, SPARSE_BYTES, SPARSE_COUNTS, SPARSE_ENTRIES,
  SPARSE_PAIRS, SPARSE_PATTERN, SPARSE_DELTAS, SPARSE_TILE, SPARSE_TILE_WIDE } from '../layout';
import { interleave_i8, ROW_TAIL, spmm_blocks_i8, spmm_pairs_i8, TRANSPOSE_BYTES } from '../kernels/sparse';
import { widen_i8_i16 } from '../kernels/widen';
import { toF64, checkCounts, checkedTable, checkRange, checkRecord, fail, int, isProved, needScratch, RULE_LISTS,
  scratch, table } from '../record';
import { share, shareFrom, shareTo } from '../threads';
import { MAX_K_LISTED } from './conv2d';
import { describeGeometry, listOutputs, panelsOf } from './window';
import { describeRequantization } from './checks';

// Scratch of a tile, with R = BLOCK_ROWS and K' = K rounded up to 4:
//
//   output addresses u32 [R] │ input addresses u32 [R] │ a pixel of zero points i8 [C] + 16 │
//
//   then for pairs    transposed outputs i8 [8][32] │ tile i16 [⌈K/2⌉ + 3][R][2]
//   and for blocks    rows i16 [R][K' + 8]

function isPairs(r: usize): bool {
  return int(r, SPARSE_PATTERN) == SPARSE_PAIRS;
}

/** Offset in scratch of the transposed outputs or the rows, not rounded down to 16. */
@inline
function tileOffset(r: usize): i32 {
  return (int(r, CONV2D_BLOCK_ROWS) << 3) + int(r, CONV2D_IN_C) + 32;
}

export function describeSparseConv2d(r: usize): void {
  if (!checkRecord(r, SPARSE_BYTES, 1 << DTYPE_I8)) return;
  const K = describeGeometry(r, 1, MAX_K_LISTED);
  const panels = panelsOf(r);
  const rows = int(r, CONV2D_BLOCK_ROWS);
  const taps = toF64(r, CONV2D_KERNEL_H) * toF64(r, CONV2D_KERNEL_W);
  table(r, CONV2D_BIAS, panels * 32, 16);
  describeRequantization(r, CONV2D_SCALE, CONV2D_SOURCE_ZERO, panels);
  checkRange(r, CONV2D_GROUPS, 1, 1);
  checkRange(r, SPARSE_PATTERN, SPARSE_PAIRS, SPARSE_BLOCKS);
  checkCounts(r, SPARSE_ENTRIES, 1);
  table(r, SPARSE_DELTAS, toF64(r, SPARSE_ENTRIES), 16);
  const common = <f64>tileOffset(r);
  if (isPairs(r)) {
    if ((rows != SPARSE_TILE && rows != SPARSE_TILE_WIDE) || (taps > 1 && (int(r, CONV2D_IN_C) & 1) != 0)) {
      fail(FAULT_ATTRIBUTE);
    }
    table(r, CONV2D_WEIGHTS, toF64(r, SPARSE_ENTRIES) * 2, 16);
    table(r, SPARSE_COUNTS, toF64(r, CONV2D_OUT_C) * 2, 16);
    checkEntries(r, SPARSE_COUNTS, int(r, CONV2D_OUT_C), 4, <i32>K, CONV2D_WEIGHTS, int(r, CONV2D_WEIGHTS_ZERO));
    needScratch(common + TRANSPOSE_BYTES + <f64>(((<i32>K + 1) >> 1) + 3) * <f64>rows * 4);
  } else {
    table(r, CONV2D_WEIGHTS, toF64(r, SPARSE_ENTRIES) * 32, 16);
    table(r, SPARSE_COUNTS, panels * 2, 16);
    checkEntries(r, SPARSE_COUNTS, <i32>panels, 1, <i32>K, CONV2D_WEIGHTS, int(r, CONV2D_WEIGHTS_ZERO));
    needScratch(common + <f64>rows * <f64>(((<i32>K + 3) & ~3) + ROW_TAIL) * 2);
  }
}

/**
 * Checks `lists` lists, whose COUNTS, DELTAS and ENTRIES are the fields from `field` on, and whose
 * weights are at `weights`. The counts, in units of `unit` entries, must add up to the number of
 * entries, the positions in every list must be below K, and the weights of an entry beyond K must
 * be `zero`. With `unit` 4, entries are pairs; with 1, they are blocks.
 */
export function checkEntries(r: usize, field: usize, lists: i32, unit: i32, K: i32, weights: usize, zero: i32): void {
  const counts = checkedTable(r, field);
  const deltas = checkedTable(r, field + 4);
  const values = checkedTable(r, weights);
  const entries = int(r, field + 8);
  // K ≤ 65,536, zero is an i8, and unit is 1 or 4
  const numbers = (K << 12) + (zero + 128 << 3) + unit;
  if (counts == 0 ||
    isProved(RULE_LISTS, <f64>entries + <f64>lists, counts, <i32>deltas, <i32>values, entries, lists, numbers)) return;
  const inputs = unit == 4 ? 2 : 4;
  const lanes = unit == 4 ? 1 : 8;
  let at = 0;
  for (let list = 0; list < lists; list++) {
    let left = <i32>load<u16>(counts + (list << 1)) * unit;
    let position = 0;
    if (left > entries - at) {
      fail(FAULT_ATTRIBUTE);
      return;
    }
    for (; left > 0; left--) {
      position += load<u8>(deltas + at) * inputs;
      if (position >= K) {
        fail(FAULT_ATTRIBUTE);
        return;
      }
      for (let k = K - position; k < inputs; k++) {
        for (let lane = 0; lane < lanes; lane++) {
          if (<i32>load<u8>(values + (at * lanes + lane) * inputs + k) != (zero & 255)) fail(FAULT_ATTRIBUTE);
        }
      }
      at++;
    }
  }
  if (at != entries) fail(FAULT_ATTRIBUTE);
}

/**
 * Lists the addresses of tap (ky, kx) of the `count` output pixels from m0 on. The last address is
 * repeated, up to `rows` addresses.
 */
function listInputs(
  r: usize,
  image: usize,
  m0: i32,
  count: i32,
  rows: i32,
  ky: i32,
  kx: i32,
  outside: usize,
  list: usize,
): void {
  const inH = int(r, CONV2D_IN_H);
  const inW = int(r, CONV2D_IN_W);
  const inC = int(r, CONV2D_IN_C);
  const outW = int(r, CONV2D_OUT_W);
  const strideY = int(r, CONV2D_STRIDE_Y);
  const strideX = int(r, CONV2D_STRIDE_X);
  const top = ky * int(r, CONV2D_DILATION_Y) - int(r, CONV2D_PAD_TOP);
  const left = kx * int(r, CONV2D_DILATION_X) - int(r, CONV2D_PAD_LEFT);
  let y = m0 / outW;
  let x = m0 - y * outW;
  let address = outside;
  for (let i = 0; i < rows; i++) {
    if (i < count) {
      const iy = y * strideY + top;
      const ix = x * strideX + left;
      address = <u32>iy < <u32>inH && <u32>ix < <u32>inW ? image + (iy * inW + ix) * inC : outside;
      if (++x == outW) {
        x = 0;
        y++;
      }
    }
    store<usize>(list + (i << 2), address);
  }
}

export function runSparseConv2d(r: usize): void {
  const C = int(r, CONV2D_IN_C);
  const N = int(r, CONV2D_OUT_C);
  const kernelH = int(r, CONV2D_KERNEL_H);
  const kernelW = int(r, CONV2D_KERNEL_W);
  const K = kernelH * kernelW * C;
  const pixels = int(r, CONV2D_OUT_H) * int(r, CONV2D_OUT_W);
  const tile = int(r, CONV2D_BLOCK_ROWS);
  const pairs = isPairs(r);
  const quads = (K + 3) >> 2;
  const weights = <usize>int(r, CONV2D_WEIGHTS);
  const deltas = <usize>int(r, SPARSE_DELTAS);
  const counts = <usize>int(r, SPARSE_COUNTS);
  const bias = <usize>int(r, CONV2D_BIAS);
  const scale = <usize>int(r, CONV2D_SCALE);
  const quantization = r + CONV2D_WEIGHTS_ZERO;
  const outs = scratch();
  const inputs = outs + (tile << 2);
  const outside = inputs + (tile << 2);
  const transposed = outs + (tileOffset(r) & ~15);
  const rows = pairs ? transposed + TRANSPOSE_BYTES : transposed;
  memory.fill(outside, <u8>int(r, CONV2D_SOURCE_ZERO), C);
  const tilesPerImage = (pixels + tile - 1) / tile;
  share(int(r, CONV2D_BATCH) * tilesPerImage, 1);
  for (let at = shareFrom; at < shareTo; at++) {
    const batch = at / tilesPerImage;
    const m = (at - batch * tilesPerImage) * tile;
    const image = <usize>int(r, CONV2D_SOURCE) + batch * int(r, CONV2D_IN_H) * int(r, CONV2D_IN_W) * C;
    // A last tile that is not full begins earlier, or repeats its last pixel.
    const m0 = m + tile <= pixels ? m : max(0, pixels - tile);
    const count = min(tile, pixels);
    listOutputs(r, batch, m0, count, count, outs, 0, 1);
    for (let i = count; i < tile; i++) store<usize>(outs + (i << 2), load<usize>(outs + (count - 1 << 2)));
    let tap = 0;
    for (let ky = 0; ky < kernelH; ky++) {
      for (let kx = 0; kx < kernelW; kx++) {
        listInputs(r, image, m0, count, tile, ky, kx, outside, inputs);
        if (pairs) interleave_i8(inputs, tile >> 2, C, rows + (tap * C >> 1) * (tile << 2));
        else {
          for (let i = 0; i < count; i++) {
            widen_i8_i16(load<usize>(inputs + (i << 2)), rows + (i * ((quads << 2) + ROW_TAIL) + tap * C << 1), C);
          }
        }
        tap++;
      }
    }
    if (pairs) {
      spmm_pairs_i8(rows, tile >> 2, weights, deltas, counts, bias, scale, outs, N, quantization, transposed);
    } else {
      spmm_blocks_i8(rows, count, quads, weights, deltas, counts, bias, scale, outs, N, quantization);
    }
  }
}
