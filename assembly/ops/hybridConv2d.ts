import { CONV2D_BATCH, CONV2D_BIAS, CONV2D_BYTES, CONV2D_GROUPS, CONV2D_IN_C, CONV2D_IN_H, CONV2D_IN_W, CONV2D_KERNEL_H,
  CONV2D_KERNEL_W, CONV2D_MAX, CONV2D_MIN, CONV2D_OUT_C, CONV2D_OUT_H, CONV2D_OUT_W, CONV2D_SCALE, CONV2D_SOURCE,
  CONV2D_WEIGHTS, DTYPE_F32, HYBRID_ASYMMETRIC, HYBRID_MODE, HYBRID_SUMS } from '../layout';
import { gemv_i8_i32 } from '../kernels/gemv';
import { dequantize_sums, quantize_range, rangeZero, range_f32 } from '../kernels/hybrid';
import { GATHERED } from '../kernels/widen';
import { checkRange, checkRecord, float, int, needScratch, scratch, table, toF64 } from '../record';
import { outerFrom, outerTo, panelFrom, panelTo, rowFrom, rowTo } from '../threads';
import { gatherRowsI8, MAX_K_LISTED, multiplyPanels, paddedRows } from './conv2d';
import { describeGeometry, isMine, listOutputs, panelsOf, shareConvolution } from './window';
import { checkActivation, checkFilling } from './checks';

// Scratch, with R = blockRows and K' = K rounded up to 4:
//
//   quantized image i8 [H][W][C] + 32 │ outs u32 [R] │ zeros i32 [8] │ sums i32 [N + 8]
//   │ rows i16 [R][K'] + 32, or two planes of bytes (relaxed) │ panel i16 [K'][8] + 32
//
// With the roundings to 16, that is less than H·W·C + 4·N + (2·R + 16)·K' + 4·R + 512. The sums are
// those of a single row, and a sink for the rows that pad the last tile.
/** A multiple of the 4 and 6 rows of a tile */
const ROWS = 24;
const MAX_ROWS = 72;
/** Bytes of gathered rows (i16) that more rows than ROWS may take, so that they stay in a cache */
const BLOCK_BYTES = 32768;
/** Padding after each part, with room to round an offset up to 16. */
const TAIL = 32;

/** R for K' = K and the rows of an image */
function blockRows(r: usize, K: i32): i32 {
  const rows = int(r, CONV2D_OUT_H) * int(r, CONV2D_OUT_W);
  return min(min(max(BLOCK_BYTES / (2 * K * ROWS), 1) * ROWS, (rows + ROWS - 1) / ROWS * ROWS), MAX_ROWS);
}

/** Offset in scratch of the lists, after an image of `count` values. */
@inline
function listsOffset(count: i32): i32 {
  return (count + TAIL) & ~15;
}

/** Offset in scratch of the rows, after the lists and the sums of `outC` channels. */
@inline
function rowsOffset(count: i32, block: i32, outC: i32): i32 {
  return (listsOffset(count) + 4 * block + 32 + (outC + 8 << 2) + 15) & ~15;
}

/** Number of values of one image. */
function imageCount(r: usize): i32 {
  return int(r, CONV2D_IN_H) * int(r, CONV2D_IN_W) * int(r, CONV2D_IN_C);
}

/** Bytes of scratch, for K' = K */
function scratchFor(r: usize, K: f64): f64 {
  const block = blockRows(r, <i32>K);
  return <f64>imageCount(r) + 4 * toF64(r, CONV2D_OUT_C) + (2 * block + 16) * K + 4 * block + 512;
}

export function describeHybridConv2d(r: usize): void {
  checkRecord(r, CONV2D_BYTES, 1 << DTYPE_F32);
  const inputs = describeGeometry(r, 4, MAX_K_LISTED);
  const K = <f64>((<i32>inputs + 3) & ~3);
  const panels = panelsOf(r);
  table(r, CONV2D_WEIGHTS, panels * 8 * K, 16);
  checkFilling(r, CONV2D_WEIGHTS, panels, inputs, 0);
  table(r, CONV2D_BIAS, panels * 32, 16);
  table(r, CONV2D_SCALE, panels * 32, 16);
  table(r, HYBRID_SUMS, panels * 32, 16);
  checkRange(r, HYBRID_MODE, 0, HYBRID_ASYMMETRIC);
  checkActivation(r, CONV2D_MIN, CONV2D_MAX, true);
  needScratch(scratchFor(r, K));
}

export function runHybridConv2d(r: usize): void {
  const groups = int(r, CONV2D_GROUPS);
  const inC = int(r, CONV2D_IN_C);
  const C = inC / groups;
  const N = int(r, CONV2D_OUT_C) / groups;
  const K = int(r, CONV2D_KERNEL_H) * int(r, CONV2D_KERNEL_W) * C;
  const quads = (K + 3) >> 2;
  const lda = quads << (2 + GATHERED);
  const panels = (N + 7) >> 3;
  const count = imageCount(r);
  const block = blockRows(r, quads << 2);
  const image = scratch();
  const outs = image + listsOffset(count);
  const zeros = outs + (block << 2);
  const sums = zeros + 32;
  const rows = image + rowsOffset(count, block, int(r, CONV2D_OUT_C));
  const plane: usize = ASC_FEATURE_RELAXED_SIMD ? (block * lda + TAIL + 15) & ~15 : 0;
  const panel = (rows + block * lda + TAIL + 15) & ~15;
  memory.fill(zeros, 0, 32);
  shareConvolution(r, panels, ASC_FEATURE_RELAXED_SIMD ? 6 : 4);
  const from = panelFrom << 3;
  const to = min(panelTo << 3, N);
  for (let batch = 0; batch < int(r, CONV2D_BATCH); batch++) {
    // Each thread that has a share in an image quantizes the whole image.
    if (batch * groups >= outerTo || (batch + 1) * groups <= outerFrom) continue;
    const source = <usize>int(r, CONV2D_SOURCE) + (batch * count << 2);
    range_f32(source, count, int(r, HYBRID_MODE) == HYBRID_ASYMMETRIC);
    quantize_range(source, image, count);
    for (let group = 0; group < groups; group++) {
      if (!isMine(r, batch, group)) continue;
      const first = group * panels + panelFrom;
      const lanes = <usize>first << 5;
      for (let m0 = rowFrom; m0 < rowTo; m0 += block) {
        const rowCount = min(block, rowTo - m0);
        const weights = <usize>int(r, CONV2D_WEIGHTS) + first * (quads << 5);
        gatherRowsI8(r, image + group * C, m0, rowCount, C, rangeZero(), rows, lda);
        listOutputs(r, batch, m0, rowCount, paddedRows(rowCount), outs, sums - (group * N << 2), 4);
        if (rowCount == 1) gemv_i8_i32(rows, weights, quads, sums, panelTo - panelFrom);
        else {
          multiplyPanels(
            rows,
            rows,
            plane,
            lda,
            rowCount,
            panel,
            weights,
            0,
            zeros,
            0,
            0,
            0,
            outs,
            group * N + from,
            to - from,
            0,
          );
        }
        for (let i = 0; i < rowCount; i++) {
          const out = load<usize>(outs + (i << 2)) + (group * N + from << 2);
          dequantize_sums(
            rowCount == 1 ? sums : out,
            int(r, HYBRID_SUMS) + lanes,
            int(r, CONV2D_SCALE) + lanes,
            int(r, CONV2D_BIAS) + lanes,
            out,
            to - from,
            float(r, CONV2D_MIN),
            float(r, CONV2D_MAX),
          );
        }
      }
    }
  }
}
