import { interleaveHigh, interleaveLow } from './lanes';

// Packing for products of two activations (batchMatmul), in the layouts of kernels/gemm.ts and
// kernels/gemmF32.ts.
//
//   rows   i16 [rows][2·pairs] = a − zeroPoint          pairs = ⌈K/2⌉
//   panel  i16 [pairs][8][2] = b − zeroPoint, 8 columns; the second of an odd last pair is 0; lanes
//          after the last column hold any value
//   |a − za|·|b − zb|·K ≤ 255²·32,768 < 2^31

/** Columns of a i8 [K][stride] → rows i16 [count][2·pairs] */
export function pack_columns_i8(
  a: usize,
  stride: i32,
  zeroPoint: i32,
  rows: usize,
  count: i32,
  K: i32,
  pairs: i32,
): void {
  const lda = pairs << 2;
  for (let k = 0; k < K; k++) {
    let p = rows + (k << 1);
    for (let i = 0; i < count; i++) {
      store<i16>(p, <i32>load<i8>(a + i) - zeroPoint);
      p += lda;
    }
    a += stride;
  }
}

/** `lanes` columns of b i8 [K][stride] → panel */
export function pack_panel_i8(b: usize, stride: i32, zeroPoint: i32, panel: usize, lanes: i32, K: i32): void {
  if (ASC_FEATURE_SIMD) {
    const z = i16x8.splat(<i16>zeroPoint);
    for (let k = 0; k < K; k += 2) {
      const x = i16x8.sub(v128.load8x8_s(b), z);
      const y = k + 1 < K ? i16x8.sub(v128.load8x8_s(b + stride), z) : i16x8.splat(0);
      v128.store(panel, interleaveLow(x, y));
      v128.store(panel, interleaveHigh(x, y), 16);
      b += stride << 1;
      panel += 32;
    }
  } else {
    for (let k = 0; k < K; k += 2) {
      for (let lane = 0; lane < lanes; lane++) {
        store<i16>(panel + (lane << 2), <i32>load<i8>(b + lane) - zeroPoint);
        store<i16>(panel + (lane << 2), k + 1 < K ? <i32>load<i8>(b + stride + lane) - zeroPoint : 0, 2);
      }
      b += stride << 1;
      panel += 32;
    }
  }
}

/** `lanes` rows of b i8 [lanes][K] → panel */
export function pack_panel_rows_i8(b: usize, zeroPoint: i32, panel: usize, lanes: i32, K: i32): void {
  for (let lane = 0; lane < lanes; lane++) {
    let p = panel + (lane << 2);
    let k = 0;
    if (ASC_FEATURE_SIMD) {
      const z = i16x8.splat(<i16>zeroPoint);
      for (; k <= K - 8; k += 8) {
        const x = i16x8.sub(v128.load8x8_s(b + k), z);
        v128.store32_lane(p, x, 0);
        v128.store32_lane(p, x, 1, 32);
        v128.store32_lane(p, x, 2, 64);
        v128.store32_lane(p, x, 3, 96);
        p += 128;
      }
    }
    for (; k < K; k += 2) {
      store<i16>(p, <i32>load<i8>(b + k) - zeroPoint);
      store<i16>(p, k + 1 < K ? <i32>load<i8>(b + k, 1) - zeroPoint : 0, 2);
      p += 32;
    }
    b += K;
  }
}

/**
 * b f32, element (k, lane) at k·stepK + lane·stepLane bytes → panel f32 [K][8], lanes past the last
 * column 0
 */
export function pack_panel_f32(b: usize, stepK: i32, stepLane: i32, panel: usize, lanes: i32, K: i32): void {
  for (let k = 0; k < K; k++) {
    let p = b;
    for (let lane = 0; lane < 8; lane++) {
      store<f32>(panel + (lane << 2), lane < lanes ? load<f32>(p) : 0);
      p += stepLane;
    }
    b += stepK;
    panel += 32;
  }
}
