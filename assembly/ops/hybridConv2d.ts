import { CONV2D_BATCH, CONV2D_BATCH_STRIDE, CONV2D_BIAS, CONV2D_BYTES, CONV2D_GROUPS, CONV2D_IN_C, CONV2D_IN_H,
  CONV2D_IN_W, CONV2D_KERNEL_H, CONV2D_KERNEL_W, CONV2D_MAX, CONV2D_MIN, CONV2D_OUT_C, CONV2D_OUT_W,
  CONV2D_PIXEL_STRIDE, CONV2D_ROW_STRIDE, CONV2D_SCALE, CONV2D_SOURCE, CONV2D_TARGET, CONV2D_WEIGHTS, DTYPE_F32,
  HYBRID_ASYMMETRIC, HYBRID_MODE, HYBRID_SUMS } from '../layout';
import { gemm_hybrid_1x8, quantize_range, rangeZero, range_f32 } from '../kernels/hybrid';
import { GATHERED, widen_panel_i8 } from '../kernels/widen';
import { checkRange, checkRecord, float, int, needScratch, scratch, table } from '../record';
import { outerFrom, outerTo, panelFrom, panelTo, rowFrom, rowTo } from '../threads';
import { gatherRowsI8, MAX_K_LISTED } from './conv2d';
import { describeGeometry, isMine, panelsOf, shareConvolution } from './window';
import { checkActivation, checkFilling } from './checks';

// Scratch, with R = ROWS and K' = K rounded up to 4:
//
//   quantized image i8 [H][W][C] + 16 │ rows i16 [R][K'] + 32 │ one widened panel i16 [K'][8] + 32
const ROWS = 16;
/** Padding after each part, with room to round an offset down to 16. */
const TAIL = 32;

/** Offset in scratch of the rows, not rounded, after an image of `count` values. */
@inline
function rowsOffset(count: i32): i32 {
  return count + TAIL;
}

/** Offset in scratch of the panel, not rounded, after rows of `lda` bytes. */
@inline
function panelOffset(count: i32, lda: i32): i32 {
  return rowsOffset(count) + ROWS * lda + TAIL;
}

/** Number of values of one image. */
function imageCount(r: usize): i32 {
  return int(r, CONV2D_IN_H) * int(r, CONV2D_IN_W) * int(r, CONV2D_IN_C);
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
  needScratch(<f64>panelOffset(imageCount(r), <i32>K << 1) + K * 16 + TAIL);
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
  const outW = int(r, CONV2D_OUT_W);
  const count = imageCount(r);
  const clampMin = float(r, CONV2D_MIN);
  const clampMax = float(r, CONV2D_MAX);
  const image = scratch();
  const rows = image + (rowsOffset(count) & ~15);
  const panel = image + (panelOffset(count, lda) & ~15);
  const plane: usize = ASC_FEATURE_RELAXED_SIMD ? panel - rows : 0;
  shareConvolution(r, panels, 1);
  for (let batch = 0; batch < int(r, CONV2D_BATCH); batch++) {
    // Each thread that has a share in an image quantizes the whole image.
    if (batch * groups >= outerTo || (batch + 1) * groups <= outerFrom) continue;
    const from = <usize>int(r, CONV2D_SOURCE) + (batch * count << 2);
    const to = <usize>int(r, CONV2D_TARGET) + (batch * int(r, CONV2D_BATCH_STRIDE) << 2);
    range_f32(from, count, int(r, HYBRID_MODE) == HYBRID_ASYMMETRIC);
    quantize_range(from, image, count);
    for (let group = 0; group < groups; group++) {
      if (!isMine(r, batch, group)) continue;
      for (let m0 = rowFrom; m0 < rowTo; m0 += ROWS) {
        const block = min(ROWS, rowTo - m0);
        gatherRowsI8(r, image + group * C, m0, block, C, rangeZero(), rows, plane, lda);
        for (let n = panelFrom << 3, end = min(panelTo << 3, N); n < end; n += 8) {
          const index = group * panels + (n >> 3);
          const lanes = <usize>index << 5;
          const weights = <usize>int(r, CONV2D_WEIGHTS) + index * (quads << 5);
          if (!ASC_FEATURE_RELAXED_SIMD) widen_panel_i8(weights, 0, panel, quads);
          for (let i = 0; i < block; i++) {
            const y = (m0 + i) / outW;
            const x = m0 + i - y * outW;
            const out = to + (y * int(r, CONV2D_ROW_STRIDE) + x * int(r, CONV2D_PIXEL_STRIDE) + group * N + n << 2);
            gemm_hybrid_1x8(
              rows + i * lda,
              plane,
              ASC_FEATURE_RELAXED_SIMD ? weights : panel,
              quads,
              int(r, HYBRID_SUMS) + lanes,
              int(r, CONV2D_SCALE) + lanes,
              int(r, CONV2D_BIAS) + lanes,
              out,
              min(8, N - n),
              clampMin,
              clampMax,
            );
          }
        }
      }
    }
  }
}
