/**
 * AssemblyScript kernels, compiled when training starts: matrix products, convolutions along bands
 * and a whole GRU layer, forward and backward (through time). All tensors are f32, row-major,
 * addressed by byte.
 */

const VECTOR: usize = 16; // bytes

/**
 * out [M][N] = start [N] + a [M][K] · b [K][N], or out += a · b if start is 0. M is a multiple of
 * 4, N of 8. The row stride of a is rowA bytes, less than a row's length if rows are overlapping
 * windows.
 */
function multiply(a: usize, rowA: usize, b: usize, start: usize, out: usize, m: i32, k: i32, n: i32): void {
  const rowB = <usize>n * 4;
  for (let i = 0; i < m; i += 4, a += 4 * rowA, out += 4 * rowB) {
    for (let j: usize = 0; j < rowB; j += 2 * VECTOR) {
      const o0 = out + j, o1 = o0 + rowB, o2 = o1 + rowB, o3 = o2 + rowB;
      let c00: v128, c01: v128, c10: v128, c11: v128, c20: v128, c21: v128, c30: v128, c31: v128;
      if (start) {
        c00 =
          c10 =
          c20 =
          c30 =
            v128.load(start + j);
        c01 =
          c11 =
          c21 =
          c31 =
            v128.load(start + j, VECTOR);
      } else {
        c00 = v128.load(o0);
        c01 = v128.load(o0, VECTOR);
        c10 = v128.load(o1);
        c11 = v128.load(o1, VECTOR);
        c20 = v128.load(o2);
        c21 = v128.load(o2, VECTOR);
        c30 = v128.load(o3);
        c31 = v128.load(o3, VECTOR);
      }
      let from = b + j;
      for (let at = a, end = a + <usize>k * 4; at < end; at += 4, from += rowB) {
        const b0 = v128.load(from), b1 = v128.load(from, VECTOR);
        const a0 = v128.load32_splat(at), a1 = v128.load32_splat(at + rowA);
        const a2 = v128.load32_splat(at + 2 * rowA), a3 = v128.load32_splat(at + 3 * rowA);
        c00 = f32x4.add(c00, f32x4.mul(a0, b0));
        c01 = f32x4.add(c01, f32x4.mul(a0, b1));
        c10 = f32x4.add(c10, f32x4.mul(a1, b0));
        c11 = f32x4.add(c11, f32x4.mul(a1, b1));
        c20 = f32x4.add(c20, f32x4.mul(a2, b0));
        c21 = f32x4.add(c21, f32x4.mul(a2, b1));
        c30 = f32x4.add(c30, f32x4.mul(a3, b0));
        c31 = f32x4.add(c31, f32x4.mul(a3, b1));
      }
      v128.store(o0, c00);
      v128.store(o0, c01, VECTOR);
      v128.store(o1, c10);
      v128.store(o1, c11, VECTOR);
      v128.store(o2, c20);
      v128.store(o2, c21, VECTOR);
      v128.store(o3, c30);
      v128.store(o3, c31, VECTOR);
    }
  }
}

/** out [M][N] = x [M][K] · w [K][N] + bias [N]; M a multiple of 4, N of 8 */
export function dense(x: usize, w: usize, bias: usize, rows: i32, k: i32, n: i32, out: usize): void {
  multiply(x, <usize>k * 4, w, bias, out, rows, k, n);
}

/**
 * A convolution along bands. Pads x [M][S][C] with zero bands to padded [M][P][C], `before` of them
 * in front. Then y [M][O][N] = relu6(windows · w [K·C][N] + bias [N]), where a window has K · C
 * numbers and windows are stride · C numbers apart. O is a multiple of 4, N of 8.
 */
export function convolution(
  x: usize,
  w: usize,
  bias: usize,
  rows: i32,
  bands: i32,
  channels: i32,
  before: i32,
  reach: i32,
  outputs: i32,
  kernel: i32,
  stride: i32,
  n: i32,
  padded: usize,
  y: usize,
): void {
  const pixel = <usize>channels * 4;
  let from = x;
  let window = padded;
  let to = y;
  for (let m = 0; m < rows; m++) {
    memory.copy(window + <usize>before * pixel, from, <usize>bands * pixel);
    multiply(window, <usize>stride * pixel, w, bias, to, outputs, kernel * channels, n);
    from += <usize>bands * pixel;
    window += <usize>reach * pixel;
    to += <usize>(outputs * n) * 4;
  }
  for (let at = y; at < to; at += VECTOR) {
    v128.store(at, f32x4.min(f32x4.max(v128.load(at), f32x4.splat(0)), f32x4.splat(6)));
  }
}

/**
 * Gradients of convolution, from its padded and y. dy [M][O][N], wt [N][K·C] = w transposed, zeros
 * [K·C] → dw [K·C][N], dBias [N] and, if wantsInput, dx [M][P][C] including the padding. d [O][N]
 * and patches [O][K·C] are scratch.
 */
export function convolutionGradients(
  dy: usize,
  y: usize,
  padded: usize,
  wt: usize,
  wantsInput: i32,
  zeros: usize,
  rows: i32,
  channels: i32,
  reach: i32,
  outputs: i32,
  kernel: i32,
  stride: i32,
  n: i32,
  d: usize,
  patches: usize,
  dw: usize,
  dBias: usize,
  dx: usize,
): void {
  const pixel = <usize>channels * 4;
  const k = kernel * channels;
  const size = <usize>(outputs * n) * 4;
  for (let m = 0; m < rows; m++, dy += size, y += size, padded += <usize>reach * pixel, dx += <usize>reach * pixel) {
    for (let i: usize = 0; i < size; i += VECTOR) {
      const v = v128.load(y + i);
      v128.store(
        d + i,
        v128.and(v128.load(dy + i), v128.and(f32x4.gt(v, f32x4.splat(0)), f32x4.lt(v, f32x4.splat(6)))),
      );
    }
    addWeightGradients(padded, <usize>stride * pixel, d, outputs, k, n, dw, dBias);
    if (!wantsInput) continue;
    multiply(d, <usize>n * 4, wt, zeros, patches, outputs, n, k);
    for (let o = 0; o < outputs; o++) {
      const to = dx + <usize>(o * stride) * pixel;
      const from = patches + <usize>(o * k) * 4;
      for (let i: usize = 0; i < <usize>k * 4; i += VECTOR) {
        v128.store(to + i, f32x4.add(v128.load(to + i), v128.load(from + i)));
      }
    }
  }
}

/**
 * e^x with x clamped to ±80: 2^n through the exponent bits, the remaining factor through a
 * polynomial (relative error below 1e-6).
 */
// @ts-ignore: decorator
@inline
function exp4(x: v128): v128 {
  x = f32x4.min(f32x4.max(x, f32x4.splat(-80)), f32x4.splat(80));
  const n = f32x4.nearest(f32x4.mul(x, f32x4.splat(1.44269504)));
  const r = f32x4.sub(x, f32x4.mul(n, f32x4.splat(0.69314718)));
  let p = f32x4.splat(<f32>(1.0 / 720));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(<f32>(1.0 / 120)));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(<f32>(1.0 / 24)));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(<f32>(1.0 / 6)));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(0.5));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1));
  return f32x4.mul(p, i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23));
}

// @ts-ignore: decorator
@inline
function sigmoid4(x: v128): v128 {
  const one = f32x4.splat(1);
  return f32x4.div(one, f32x4.add(one, exp4(f32x4.neg(x))));
}

/**
 * A GRU layer. T = frames, B = streams of the batch, a multiple of 4, H = units, a multiple of 8.
 * Gates are stored in the order z (update), r (reset), n (candidate):
 *
 *     z = σ(gx.z + gu.z)    r = σ(gx.r + gu.r)    n = tanh(gx.n + r · gu.n)    h' = n + z · (h − n)
 *
 * The caller computes gx = x·W + b for all frames at once; this kernel computes gu = h·U + c.
 *
 * gx [T][B][3H], u [H][3H], c [3H] → h [T + 1][B][H] with h[0] = 0, and for the backward pass gates
 * [T][B][3H] = z, r, n and gu [T][B][3H].
 */
export function gru(
  gx: usize,
  u: usize,
  c: usize,
  frames: i32,
  batch: i32,
  units: i32,
  h: usize,
  gates: usize,
  gu: usize,
): void {
  const row = <usize>units * 4;
  const one = f32x4.splat(1);
  const two = f32x4.splat(2);
  for (let t = 0; t < frames; t++) {
    multiply(h, row, u, c, gu, batch, units, 3 * units);
    for (let b = 0; b < batch; b++, h += row, gx += 3 * row, gu += 3 * row, gates += 3 * row) {
      const next = h + <usize>batch * row;
      for (let i: usize = 0; i < row; i += VECTOR) {
        const z = sigmoid4(f32x4.add(v128.load(gx + i), v128.load(gu + i)));
        const r = sigmoid4(f32x4.add(v128.load(gx + row + i), v128.load(gu + row + i)));
        const a = f32x4.add(v128.load(gx + 2 * row + i), f32x4.mul(r, v128.load(gu + 2 * row + i)));
        const n = f32x4.sub(f32x4.mul(two, sigmoid4(f32x4.mul(two, a))), one); // tanh
        v128.store(gates + i, z);
        v128.store(gates + row + i, r);
        v128.store(gates + 2 * row + i, n);
        v128.store(next + i, f32x4.add(n, f32x4.mul(z, f32x4.sub(v128.load(h + i), n))));
      }
    }
  }
}

/**
 * Gradients of gru. dy [T][B][H], the outputs of gru, ut [3H][H] = u transposed → dgx [T][B][3H]
 * and dgu [T][B][3H]. carry [B][H] is scratch and must be zero at the start.
 */
export function gruGradients(
  dy: usize,
  h: usize,
  gates: usize,
  gu: usize,
  ut: usize,
  frames: i32,
  batch: i32,
  units: i32,
  carry: usize,
  dgx: usize,
  dgu: usize,
): void {
  const row = <usize>units * 4;
  const one = f32x4.splat(1);
  for (let t = frames - 1; t >= 0; t--) {
    const first = <usize>(t * batch) * row;
    for (let b: usize = 0; b < <usize>batch; b++) {
      const at = first + b * row;
      const wide = 3 * at;
      for (let i: usize = 0; i < row; i += VECTOR) {
        const d = f32x4.add(v128.load(dy + at + i), v128.load(carry + b * row + i));
        const z = v128.load(gates + wide + i);
        const r = v128.load(gates + wide + row + i);
        const n = v128.load(gates + wide + 2 * row + i);
        const keep = f32x4.sub(one, z);
        const dn = f32x4.mul(f32x4.mul(d, keep), f32x4.sub(one, f32x4.mul(n, n)));
        const dz = f32x4.mul(f32x4.mul(d, f32x4.sub(v128.load(h + at + i), n)), f32x4.mul(z, keep));
        const dr = f32x4.mul(f32x4.mul(dn, v128.load(gu + wide + 2 * row + i)), f32x4.mul(r, f32x4.sub(one, r)));
        v128.store(dgx + wide + i, dz);
        v128.store(dgx + wide + row + i, dr);
        v128.store(dgx + wide + 2 * row + i, dn);
        v128.store(dgu + wide + i, dz);
        v128.store(dgu + wide + row + i, dr);
        v128.store(dgu + wide + 2 * row + i, f32x4.mul(dn, r));
        v128.store(carry + b * row + i, f32x4.mul(d, z));
      }
    }
    multiply(dgu + 3 * first, 3 * row, ut, 0, carry, batch, 3 * units, units);
  }
}

const BLOCK = 128; // rows per block, so that its parts of a and d stay in the L1 cache

/** Gradients of dense. x [M][K], dy [M][N], N a multiple of 8 → dw [K][N] and dBias [N] */
export function weightGradients(x: usize, dy: usize, rows: i32, k: i32, n: i32, dw: usize, dBias: usize): void {
  addWeightGradients(x, <usize>k * 4, dy, rows, k, n, dw, dBias);
}

/** out [K][N] += aᵀ · d and sums [N] += Σ d; the row stride of a is rowA bytes. */
function addWeightGradients(a: usize, rowA: usize, d: usize, rows: i32, k: i32, n: i32, out: usize, sums: usize): void {
  const width = <usize>k * 4;
  const rowD = <usize>n * 4;
  for (let m = 0, from = d; m < rows; m++, from += rowD) {
    for (let j: usize = 0; j < rowD; j += VECTOR) {
      v128.store(sums + j, f32x4.add(v128.load(sums + j), v128.load(from + j)));
    }
  }
  for (let first = 0; first < rows; first += BLOCK) {
    const end = <usize>min(rows, first + BLOCK);
    let i: usize = 0;
    for (; i + 16 <= width; i += 16) {
      for (let j: usize = 0; j < rowD; j += 2 * VECTOR) {
        const o0 = out + (i >> 2) * rowD + j, o1 = o0 + rowD, o2 = o1 + rowD, o3 = o2 + rowD;
        let c00 = v128.load(o0), c01 = v128.load(o0, VECTOR), c10 = v128.load(o1), c11 = v128.load(o1, VECTOR);
        let c20 = v128.load(o2), c21 = v128.load(o2, VECTOR), c30 = v128.load(o3), c31 = v128.load(o3, VECTOR);
        let at = a + <usize>first * rowA + i;
        let from = d + <usize>first * rowD + j;
        for (let m = <usize>first; m < end; m++, at += rowA, from += rowD) {
          const d0 = v128.load(from), d1 = v128.load(from, VECTOR);
          const a0 = v128.load32_splat(at), a1 = v128.load32_splat(at, 4), a2 = v128.load32_splat(at, 8),
            a3 = v128.load32_splat(at, 12);
          c00 = f32x4.add(c00, f32x4.mul(a0, d0));
          c01 = f32x4.add(c01, f32x4.mul(a0, d1));
          c10 = f32x4.add(c10, f32x4.mul(a1, d0));
          c11 = f32x4.add(c11, f32x4.mul(a1, d1));
          c20 = f32x4.add(c20, f32x4.mul(a2, d0));
          c21 = f32x4.add(c21, f32x4.mul(a2, d1));
          c30 = f32x4.add(c30, f32x4.mul(a3, d0));
          c31 = f32x4.add(c31, f32x4.mul(a3, d1));
        }
        v128.store(o0, c00);
        v128.store(o0, c01, VECTOR);
        v128.store(o1, c10);
        v128.store(o1, c11, VECTOR);
        v128.store(o2, c20);
        v128.store(o2, c21, VECTOR);
        v128.store(o3, c30);
        v128.store(o3, c31, VECTOR);
      }
    }
    for (; i < width; i += 4) {
      for (let j: usize = 0; j < rowD; j += VECTOR) {
        const o = out + (i >> 2) * rowD + j;
        let c = v128.load(o);
        for (let m = <usize>first; m < end; m++) {
          c = f32x4.add(c, f32x4.mul(v128.load32_splat(a + m * rowA + i), v128.load(d + m * rowD + j)));
        }
        v128.store(o, c);
      }
    }
  }
}
