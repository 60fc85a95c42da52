import { clamp } from './lanes';
import { storeWords } from './store';

// float32 matrix product. Lanes are output channels. An accumulator starts at the bias and adds one
// product after the other in the order of k, without fused multiply-add, so that every flavor gives
// the same bits. A row of a consists of runs of contiguous floats, which are read in place, for
// example the pixels of a convolution's window:
//
//   runs  u32 [count][step / 4] addresses: row m is the f32 [length] at runs[0][m], then the one at
//         runs[1][m], …; K = count·length
//   b     f32 [K][8] one panel of 8 channels; all panels in gemv and product: [⌈n/8⌉][K][8]
//   bias  f32 [8] per panel
//   out   u32 [rows] output addresses; `lanes` (1 to 8) or n floats are written from `channel` on
//
// Loop order: panel, tile of 4 rows, run, k. The remaining rows: row, two panels, run, k.

/** All rows times all panels: tiles of 4 rows, then the remaining rows one by one. */
export function product_f32(
  runs: usize,
  step: usize,
  count: i32,
  length: i32,
  rows: i32,
  b: usize,
  bias: usize,
  out: usize,
  channel: i32,
  n: i32,
  min: f32,
  max: f32,
): void {
  const K = count * length;
  const tiled = ASC_FEATURE_SIMD ? rows & ~3 : 0;
  if (tiled > 0) {
    for (let i = 0; i < n; i += 8) {
      gemm_f32_4x8(
        runs,
        step,
        count,
        length,
        tiled,
        b + i * (K << 2),
        bias + (i << 2),
        out,
        channel + i,
        n - i < 8 ? n - i : 8,
        min,
        max,
      );
    }
  }
  for (let m = tiled; m < rows; m++) {
    gemv_f32(runs + (m << 2), step, count, length, b, bias, load<usize>(out + (m << 2)) + (channel << 2), n, min, max);
  }
}

function gemm_f32_4x8(
  runs: usize,
  step: usize,
  count: i32,
  length: i32,
  rows: i32,
  b: usize,
  bias: usize,
  out: usize,
  channel: i32,
  lanes: i32,
  min: f32,
  max: f32,
): void {
  const bias0 = v128.load(bias);
  const bias1 = v128.load(bias, 16);
  const low = f32x4.splat(min);
  const high = f32x4.splat(max);
  for (let m = 0; m < rows; m += 4) {
    let c00 = bias0, c01 = bias1, c10 = bias0, c11 = bias1, c20 = bias0, c21 = bias1, c30 = bias0, c31 = bias1;
    let bp = b;
    let list = runs + (m << 2);
    for (let t = count; t > 0; t--) {
      let a0 = load<usize>(list), a1 = load<usize>(list, 4), a2 = load<usize>(list, 8), a3 = load<usize>(list, 12);
      for (let k = length; k > 0; k--) {
        const b0 = v128.load(bp), b1 = v128.load(bp, 16);
        let x = v128.load32_splat(a0);
        c00 = f32x4.add(c00, f32x4.mul(b0, x));
        c01 = f32x4.add(c01, f32x4.mul(b1, x));
        x = v128.load32_splat(a1);
        c10 = f32x4.add(c10, f32x4.mul(b0, x));
        c11 = f32x4.add(c11, f32x4.mul(b1, x));
        x = v128.load32_splat(a2);
        c20 = f32x4.add(c20, f32x4.mul(b0, x));
        c21 = f32x4.add(c21, f32x4.mul(b1, x));
        x = v128.load32_splat(a3);
        c30 = f32x4.add(c30, f32x4.mul(b0, x));
        c31 = f32x4.add(c31, f32x4.mul(b1, x));
        bp += 32;
        a0 += 4;
        a1 += 4;
        a2 += 4;
        a3 += 4;
      }
      list += step;
    }
    const p = out + (m << 2);
    const at = channel << 2;
    c00 = clamp<v128>(c00, low, high);
    c01 = clamp<v128>(c01, low, high);
    c10 = clamp<v128>(c10, low, high);
    c11 = clamp<v128>(c11, low, high);
    c20 = clamp<v128>(c20, low, high);
    c21 = clamp<v128>(c21, low, high);
    c30 = clamp<v128>(c30, low, high);
    c31 = clamp<v128>(c31, low, high);
    if (lanes == 8) {
      const p0 = load<usize>(p) + at, p1 = load<usize>(p, 4) + at, p2 = load<usize>(p, 8) + at,
        p3 = load<usize>(p, 12) + at;
      v128.store(p0, c00);
      v128.store(p0, c01, 16);
      v128.store(p1, c10);
      v128.store(p1, c11, 16);
      v128.store(p2, c20);
      v128.store(p2, c21, 16);
      v128.store(p3, c30);
      v128.store(p3, c31, 16);
    } else {
      storeFloats(load<usize>(p) + at, c00, c01, lanes);
      storeFloats(load<usize>(p, 4) + at, c10, c11, lanes);
      storeFloats(load<usize>(p, 8) + at, c20, c21, lanes);
      storeFloats(load<usize>(p, 12) + at, c30, c31, lanes);
    }
  }
}

/**
 * One row times n channels, added in the order of k. With SIMD, two panels at a time: four
 * accumulators hide the latency of the addition.
 *
 * @param runs as above; if `count` is 0, the row itself, f32 [length]
 * @param out f32 [n]; may equal `bias`
 */
export function gemv_f32(
  runs: usize,
  step: usize,
  count: i32,
  length: i32,
  b: usize,
  bias: usize,
  out: usize,
  n: i32,
  min: f32,
  max: f32,
): void {
  const direct = count == 0;
  if (direct) count = 1;
  const panel = <usize>(count * length) << 5;
  if (ASC_FEATURE_SIMD) {
    const low = f32x4.splat(min);
    const high = f32x4.splat(max);
    for (; n > 8; n -= 16) {
      let c0 = v128.load(bias);
      let c1 = v128.load(bias, 16);
      let c2 = v128.load(bias, 32);
      let c3 = v128.load(bias, 48);
      let d = b + panel;
      let list = runs;
      for (let t = count; t > 0; t--) {
        let ap = direct ? list : load<usize>(list);
        let k = length;
        for (; k > 1; k -= 2) {
          let x = v128.load32_splat(ap);
          c0 = f32x4.add(c0, f32x4.mul(v128.load(b), x));
          c1 = f32x4.add(c1, f32x4.mul(v128.load(b, 16), x));
          c2 = f32x4.add(c2, f32x4.mul(v128.load(d), x));
          c3 = f32x4.add(c3, f32x4.mul(v128.load(d, 16), x));
          x = v128.load32_splat(ap, 4);
          c0 = f32x4.add(c0, f32x4.mul(v128.load(b, 32), x));
          c1 = f32x4.add(c1, f32x4.mul(v128.load(b, 48), x));
          c2 = f32x4.add(c2, f32x4.mul(v128.load(d, 32), x));
          c3 = f32x4.add(c3, f32x4.mul(v128.load(d, 48), x));
          ap += 8;
          b += 64;
          d += 64;
        }
        if (k > 0) {
          const x = v128.load32_splat(ap);
          c0 = f32x4.add(c0, f32x4.mul(v128.load(b), x));
          c1 = f32x4.add(c1, f32x4.mul(v128.load(b, 16), x));
          c2 = f32x4.add(c2, f32x4.mul(v128.load(d), x));
          c3 = f32x4.add(c3, f32x4.mul(v128.load(d, 16), x));
          b += 32;
          d += 32;
        }
        list += step;
      }
      storeFloats(out, clamp<v128>(c0, low, high), clamp<v128>(c1, low, high), 8);
      storeFloats(out + 32, clamp<v128>(c2, low, high), clamp<v128>(c3, low, high), n - 8);
      b = d;
      bias += 64;
      out += 64;
    }
    if (n > 0) {
      let c0 = v128.load(bias);
      let c1 = v128.load(bias, 16);
      let list = runs;
      for (let t = count; t > 0; t--) {
        let ap = direct ? list : load<usize>(list);
        for (let k = length; k > 0; k--) {
          const x = v128.load32_splat(ap);
          c0 = f32x4.add(c0, f32x4.mul(v128.load(b), x));
          c1 = f32x4.add(c1, f32x4.mul(v128.load(b, 16), x));
          ap += 4;
          b += 32;
        }
        list += step;
      }
      storeFloats(out, clamp<v128>(c0, low, high), clamp<v128>(c1, low, high), n);
    }
  } else {
    for (let i = 0; i < n; i += 2) {
      let c0 = load<f32>(bias + (i << 2));
      let c1 = load<f32>(bias + (i << 2), 4);
      let bp = b + (i >> 3) * panel + ((i & 7) << 2);
      let list = runs;
      for (let t = count; t > 0; t--) {
        let ap = direct ? list : load<usize>(list);
        for (let k = length; k > 0; k--) {
          const x = load<f32>(ap);
          c0 += x * load<f32>(bp);
          c1 += x * load<f32>(bp, 4);
          ap += 4;
          bp += 32;
        }
        list += step;
      }
      store<f32>(out + (i << 2), clamp<f32>(c0, min, max));
      if (i + 1 < n) store<f32>(out + (i << 2), clamp<f32>(c1, min, max), 4);
    }
  }
}

/** out f32 [panels][8] += Σ a·b, added in the order of k; a f32 [K], b f32 [panels][K][8] */
export function gemv_add_f32(a: usize, b: usize, K: i32, out: usize, panels: i32): void {
  gemv_f32(a, 0, 0, K, b, out, out, panels << 3, -<f32>Infinity, <f32>Infinity);
}

function storeFloats(p: usize, c0: v128, c1: v128, lanes: i32): void {
  storeWords(p, c0, lanes);
  if (lanes > 4) storeWords(p + 16, c1, lanes - 4);
}
