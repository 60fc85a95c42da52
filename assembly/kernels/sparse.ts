import { addPairs, interleaveHigh, interleaveHighBytes, interleaveLow, interleaveLowBytes, joinPlanes } from './lanes';
import { narrowBelow, requantize, requantize4, requantizeMagic, requantizeZero } from './requantize';
import { storePart } from './store';
import { signsOf } from './dot';
import { GATHERED } from './widen';

// Products with pruned weights. The remaining weights are listed with their positions, and only
// those are multiplied (docs/kernels/sparse.md). There are lists of pairs and lists of
// blocks.
//
// Pairs. Lanes are output pixels. Each listed pair of weights is splat and multiplied by one pair
// of input channels of up to 32 pixels.
//
//   a       i16 [⌈K/2⌉][4·vectors][2] the tile of pixels, as interleave_i8 stores it
//   weights i8 [groups][4][2]
//   deltas  u8 [groups][4] distance to each pair from the one before, in pairs of k
//   counts  u16 [n] groups of each output channel
//   out     u32 [4·vectors] output addresses, one per pixel; n bytes are written at each
//   quantization i32 [4] zero point of the weights; zero point, minimum and maximum of the output
//   |acc| ≤ K·128·255 + |bias| < 2^31 for K ≤ 65,536
//
// Loop order: 8 channels, channel, listed pair. The caller loops over the tiles.

/** Bytes of scratch for 8 channels of a tile, before they are transposed to channel order */
export const TRANSPOSE_BYTES = 256;

/**
 * rows u32 [4·vectors] addresses of i8 [K] → out i16 [⌈K/2⌉][4·vectors][2]. Reads up to 7 bytes
 * past K and writes up to 3 pairs past it.
 */
export function interleave_i8(rows: usize, vectors: i32, K: i32, out: usize): void {
  const stride = <usize>vectors << 4;
  if (ASC_FEATURE_SIMD) {
    for (let i = 0; i < vectors; i++) {
      const r0 = load<usize>(rows), r1 = load<usize>(rows, 4), r2 = load<usize>(rows, 8), r3 = load<usize>(rows, 12);
      let p = out;
      for (let k = 0; k < K; k += 8) {
        const x0 = v128.load8x8_s(r0 + k), x1 = v128.load8x8_s(r1 + k), x2 = v128.load8x8_s(r2 + k),
          x3 = v128.load8x8_s(r3 + k);
        const a = i32x4.shuffle(x0, x1, 0, 4, 1, 5);
        const b = i32x4.shuffle(x2, x3, 0, 4, 1, 5);
        const c = i32x4.shuffle(x0, x1, 2, 6, 3, 7);
        const d = i32x4.shuffle(x2, x3, 2, 6, 3, 7);
        v128.store(p, i64x2.shuffle(a, b, 0, 2));
        p += stride;
        v128.store(p, i64x2.shuffle(a, b, 1, 3));
        p += stride;
        v128.store(p, i64x2.shuffle(c, d, 0, 2));
        p += stride;
        v128.store(p, i64x2.shuffle(c, d, 1, 3));
        p += stride;
      }
      rows += 16;
      out += 16;
    }
  } else {
    for (let i = 0; i < vectors << 2; i++) {
      const row = load<usize>(rows + (i << 2));
      for (let k = 0; k < K; k += 2) {
        store<i16>(out + (k >> 1) * stride + (i << 2), load<i8>(row + k));
        store<i16>(out + (k >> 1) * stride + (i << 2), load<i8>(row + k, 1), 2);
      }
    }
  }
}

/**
 * All n channels of one tile of 4·vectors pixels, vectors 7 or 8. `tile` is TRANSPOSE_BYTES of
 * scratch.
 */
export function spmm_pairs_i8(
  a: usize,
  vectors: i32,
  weights: usize,
  deltas: usize,
  counts: usize,
  bias: usize,
  scale: usize,
  out: usize,
  n: i32,
  quantization: usize,
  tile: usize,
): void {
  const weightsZero = load<i32>(quantization);
  const zeroPoint = load<i32>(quantization, 4);
  const min = load<i32>(quantization, 8);
  const max = load<i32>(quantization, 12);
  const pixels = vectors << 2;
  if (ASC_FEATURE_SIMD) {
    const low = f32x4.splat(<f32>(min - zeroPoint));
    const high = i8x16.splat(<i8>max);
    const magic = requantizeMagic(zeroPoint);
    const back = requantizeZero(zeroPoint);
    const weightsZero8 = i16x8.splat(<i16>weightsZero);
    for (let channel = 0; channel < n; channel += 8) {
      const lanes = n - channel < 8 ? n - channel : 8;
      for (let q = tile, end = tile + (lanes << 5); q < end; q += 32) {
        const groups = <i32>load<u16>(counts);
        if (vectors == 8) {
          multiplyTile(8, a, weights, deltas, groups, bias, scale, q, weightsZero8, low, magic, back, high);
        } else multiplyTile(7, a, weights, deltas, groups, bias, scale, q, weightsZero8, low, magic, back, high);
        weights += groups << 3;
        deltas += groups << 2;
        counts += 2;
        bias += 4;
        scale += 4;
      }
      if (lanes == 8) {
        for (let i = 0; i < pixels; i += 16) transposeTile(tile + i, out + (i << 2), channel, pixels - i);
      } else {
        for (let i = 0; i < pixels; i++) {
          for (let lane = 0; lane < lanes; lane++) {
            store<u8>(load<usize>(out + (i << 2)) + channel + lane, load<u8>(tile + (lane << 5) + i));
          }
        }
      }
    }
  } else {
    const low = <f32>(min - zeroPoint);
    const high = <f32>(max - zeroPoint);
    const stride = <usize>pixels << 2;
    for (let channel = 0; channel < n; channel++) {
      const entries = <i32>load<u16>(counts + (channel << 1)) << 2;
      const factor = load<f32>(scale + (channel << 2));
      for (let i = 0; i < pixels; i++) {
        let acc = load<i32>(bias + (channel << 2));
        let p = a + (i << 2);
        for (let e = 0; e < entries; e++) {
          p += load<u8>(deltas + e) * stride;
          acc += <i32>load<i16>(p) * (<i32>load<i8>(weights + (e << 1)) - weightsZero) +
            <i32>load<i16>(p, 2) * (<i32>load<i8>(weights + (e << 1), 1) - weightsZero);
        }
        store<i8>(load<usize>(out + (i << 2)) + channel, requantize(acc, factor, low, high, zeroPoint));
      }
      weights += entries << 1;
      deltas += entries;
    }
  }
}

/** One channel of a tile: i8 [4·vectors] → q. `vectors` is a constant where this is inlined. */
@inline
function multiplyTile(
  vectors: i32,
  a: usize,
  weights: usize,
  deltas: usize,
  groups: i32,
  bias: usize,
  scale: usize,
  q: usize,
  weightsZero8: v128,
  low: v128,
  magic: v128,
  back: v128,
  high: v128,
): void {
  const stride = <usize>vectors << 4;
  let c0 = v128.load32_splat(bias);
  let c1 = c0;
  let c2 = c0;
  let c3 = c0;
  let c4 = c0;
  let c5 = c0;
  let c6 = c0;
  let c7 = c0;
  let p = a;
  for (; groups > 0; groups--) {
    const w = i16x8.sub(v128.load8x8_s(weights), weightsZero8);
    p += <usize>load<u8>(deltas) * stride;
    let x = i32x4.shuffle(w, w, 0, 0, 0, 0);
    c0 = i32x4.add(c0, i32x4.dot_i16x8_s(v128.load(p), x));
    c1 = i32x4.add(c1, i32x4.dot_i16x8_s(v128.load(p, 16), x));
    c2 = i32x4.add(c2, i32x4.dot_i16x8_s(v128.load(p, 32), x));
    c3 = i32x4.add(c3, i32x4.dot_i16x8_s(v128.load(p, 48), x));
    c4 = i32x4.add(c4, i32x4.dot_i16x8_s(v128.load(p, 64), x));
    c5 = i32x4.add(c5, i32x4.dot_i16x8_s(v128.load(p, 80), x));
    c6 = i32x4.add(c6, i32x4.dot_i16x8_s(v128.load(p, 96), x));
    if (vectors > 7) c7 = i32x4.add(c7, i32x4.dot_i16x8_s(v128.load(p, 112), x));
    p += <usize>load<u8>(deltas, 1) * stride;
    x = i32x4.shuffle(w, w, 1, 1, 1, 1);
    c0 = i32x4.add(c0, i32x4.dot_i16x8_s(v128.load(p), x));
    c1 = i32x4.add(c1, i32x4.dot_i16x8_s(v128.load(p, 16), x));
    c2 = i32x4.add(c2, i32x4.dot_i16x8_s(v128.load(p, 32), x));
    c3 = i32x4.add(c3, i32x4.dot_i16x8_s(v128.load(p, 48), x));
    c4 = i32x4.add(c4, i32x4.dot_i16x8_s(v128.load(p, 64), x));
    c5 = i32x4.add(c5, i32x4.dot_i16x8_s(v128.load(p, 80), x));
    c6 = i32x4.add(c6, i32x4.dot_i16x8_s(v128.load(p, 96), x));
    if (vectors > 7) c7 = i32x4.add(c7, i32x4.dot_i16x8_s(v128.load(p, 112), x));
    p += <usize>load<u8>(deltas, 2) * stride;
    x = i32x4.shuffle(w, w, 2, 2, 2, 2);
    c0 = i32x4.add(c0, i32x4.dot_i16x8_s(v128.load(p), x));
    c1 = i32x4.add(c1, i32x4.dot_i16x8_s(v128.load(p, 16), x));
    c2 = i32x4.add(c2, i32x4.dot_i16x8_s(v128.load(p, 32), x));
    c3 = i32x4.add(c3, i32x4.dot_i16x8_s(v128.load(p, 48), x));
    c4 = i32x4.add(c4, i32x4.dot_i16x8_s(v128.load(p, 64), x));
    c5 = i32x4.add(c5, i32x4.dot_i16x8_s(v128.load(p, 80), x));
    c6 = i32x4.add(c6, i32x4.dot_i16x8_s(v128.load(p, 96), x));
    if (vectors > 7) c7 = i32x4.add(c7, i32x4.dot_i16x8_s(v128.load(p, 112), x));
    p += <usize>load<u8>(deltas, 3) * stride;
    x = i32x4.shuffle(w, w, 3, 3, 3, 3);
    c0 = i32x4.add(c0, i32x4.dot_i16x8_s(v128.load(p), x));
    c1 = i32x4.add(c1, i32x4.dot_i16x8_s(v128.load(p, 16), x));
    c2 = i32x4.add(c2, i32x4.dot_i16x8_s(v128.load(p, 32), x));
    c3 = i32x4.add(c3, i32x4.dot_i16x8_s(v128.load(p, 48), x));
    c4 = i32x4.add(c4, i32x4.dot_i16x8_s(v128.load(p, 64), x));
    c5 = i32x4.add(c5, i32x4.dot_i16x8_s(v128.load(p, 80), x));
    c6 = i32x4.add(c6, i32x4.dot_i16x8_s(v128.load(p, 96), x));
    if (vectors > 7) c7 = i32x4.add(c7, i32x4.dot_i16x8_s(v128.load(p, 112), x));
    weights += 8;
    deltas += 4;
  }
  const s = v128.load32_splat(scale);
  c0 = i16x8.narrow_i32x4_s(requantize4(c0, s, low, magic, back), requantize4(c1, s, low, magic, back));
  c2 = i16x8.narrow_i32x4_s(requantize4(c2, s, low, magic, back), requantize4(c3, s, low, magic, back));
  v128.store(q, narrowBelow(c0, c2, high));
  c4 = i16x8.narrow_i32x4_s(requantize4(c4, s, low, magic, back), requantize4(c5, s, low, magic, back));
  c6 = i16x8.narrow_i32x4_s(
    requantize4(c6, s, low, magic, back),
    vectors > 7 ? requantize4(c7, s, low, magic, back) : c6,
  );
  v128.store(q, narrowBelow(c4, c6, high), 16);
}

/** tile i8 [8][32] → 8 bytes at out[pixel] + channel, for 16 pixels, or the last 12 */
function transposeTile(tile: usize, out: usize, channel: i32, pixels: i32): void {
  const r0 = v128.load(tile), r1 = v128.load(tile, 32), r2 = v128.load(tile, 64), r3 = v128.load(tile, 96);
  const r4 = v128.load(tile, 128), r5 = v128.load(tile, 160), r6 = v128.load(tile, 192), r7 = v128.load(tile, 224);
  let a = interleaveLowBytes(r0, r1);
  let b = interleaveLowBytes(r2, r3);
  let c = interleaveLowBytes(r4, r5);
  let d = interleaveLowBytes(r6, r7);
  storeFourPixels(interleaveLow(a, b), interleaveLow(c, d), out, channel);
  storeFourPixels(interleaveHigh(a, b), interleaveHigh(c, d), out + 16, channel);
  a = interleaveHighBytes(r0, r1);
  b = interleaveHighBytes(r2, r3);
  c = interleaveHighBytes(r4, r5);
  d = interleaveHighBytes(r6, r7);
  storeFourPixels(interleaveLow(a, b), interleaveLow(c, d), out + 32, channel);
  if (pixels >= 16) storeFourPixels(interleaveHigh(a, b), interleaveHigh(c, d), out + 48, channel);
}

/** Stores four pixels, whose channels 0 to 3 are in `first` and 4 to 7 in `second`. */
@inline
function storeFourPixels(first: v128, second: v128, out: usize, channel: i32): void {
  const p = i32x4.shuffle(first, second, 0, 4, 1, 5);
  const q = i32x4.shuffle(first, second, 2, 6, 3, 7);
  v128.store64_lane(load<usize>(out) + channel, p, 0);
  v128.store64_lane(load<usize>(out, 4) + channel, p, 1);
  v128.store64_lane(load<usize>(out, 8) + channel, q, 0);
  v128.store64_lane(load<usize>(out, 12) + channel, q, 1);
}

// Blocks. Lanes are output channels, as in gemm.ts. Of each panel of 8 channels, some groups of 4
// along k are listed.
//
//   a       i16 [rows][K' + ROW_TAIL], K' = 4·quads
//   weights i8 [entries][8][4]
//   deltas  u8 [entries] distance to each block from the one before, in groups of 4 along k
//   counts  u16 [⌈n/8⌉] entries of each panel
//   out     u32 [rows] output addresses; n bytes are written at each
//   quantization as for pairs
//
// Loop order: panel, two rows, listed block.

/** Padding after each row of `spmm_blocks_i8`, in i16 */
export const ROW_TAIL = 8;

export function spmm_blocks_i8(
  a: usize,
  rows: i32,
  quads: i32,
  weights: usize,
  deltas: usize,
  counts: usize,
  bias: usize,
  scale: usize,
  out: usize,
  n: i32,
  quantization: usize,
): void {
  const weightsZero = load<i32>(quantization);
  const zeroPoint = load<i32>(quantization, 4);
  const min = load<i32>(quantization, 8);
  const max = load<i32>(quantization, 12);
  const lda = (quads << 2) + ROW_TAIL << 1;
  for (let channel = 0; channel < n; channel += 8) {
    const entries = <i32>load<u16>(counts);
    const lanes = n - channel < 8 ? n - channel : 8;
    let m = 0;
    if (ASC_FEATURE_SIMD) {
      for (; m <= rows - 2; m += 2) {
        multiplyPanel(
          2,
          a + m * lda,
          lda,
          weights,
          deltas,
          entries,
          bias,
          scale,
          out + (m << 2),
          channel,
          lanes,
          quantization,
        );
      }
      if (m < rows) {
        multiplyPanel(
          1,
          a + m * lda,
          lda,
          weights,
          deltas,
          entries,
          bias,
          scale,
          out + (m << 2),
          channel,
          lanes,
          quantization,
        );
      }
    } else {
      const low = <f32>(min - zeroPoint);
      const high = <f32>(max - zeroPoint);
      for (; m < rows; m++) {
        for (let lane = 0; lane < lanes; lane++) {
          let acc = load<i32>(bias + (lane << 2));
          let p = a + m * lda;
          let w = weights + (lane << 2);
          for (let e = 0; e < entries; e++) {
            p += <usize>load<u8>(deltas + e) << 3;
            acc += <i32>load<i16>(p) * (<i32>load<i8>(w) - weightsZero) +
              <i32>load<i16>(p, 2) * (<i32>load<i8>(w, 1) - weightsZero)
              + <i32>load<i16>(p, 4) * (<i32>load<i8>(w, 2) - weightsZero) +
              <i32>load<i16>(p, 6) * (<i32>load<i8>(w, 3) - weightsZero);
            w += 32;
          }
          store<i8>(
            load<usize>(out + (m << 2)) + channel + lane,
            requantize(acc, load<f32>(scale + (lane << 2)), low, high, zeroPoint),
          );
        }
      }
    }
    weights += entries << 5;
    deltas += entries;
    counts += 2;
    bias += 32;
    scale += 32;
  }
}

/** One panel times 1 or 2 rows; `rows` is a constant where this is inlined. */
@inline
function multiplyPanel(
  rows: i32,
  a: usize,
  lda: i32,
  weights: usize,
  deltas: usize,
  entries: i32,
  bias: usize,
  scale: usize,
  out: usize,
  channel: i32,
  lanes: i32,
  quantization: usize,
): void {
  const weightsZero = load<i32>(quantization);
  const zeroPoint = load<i32>(quantization, 4);
  const min = load<i32>(quantization, 8);
  const max = load<i32>(quantization, 12);
  const low = f32x4.splat(<f32>(min - zeroPoint));
  const high = i8x16.splat(<i8>max);
  const magic = requantizeMagic(zeroPoint);
  const back = requantizeZero(zeroPoint);
  const weightsZero8 = i16x8.splat(<i16>weightsZero);
  let c0 = i32x4.splat(0);
  let c1 = c0;
  let c2 = c0;
  let c3 = c0;
  let d0 = c0;
  let d1 = c0;
  let d2 = c0;
  let d3 = c0;
  let p = a;
  let w = weights;
  let s = deltas;
  for (let e = entries; e > 0; e--) {
    p += <usize>load<u8>(s++) << 3;
    const w0 = i16x8.sub(v128.load8x8_s(w), weightsZero8), w1 = i16x8.sub(v128.load8x8_s(w, 8), weightsZero8),
      w2 = i16x8.sub(v128.load8x8_s(w, 16), weightsZero8), w3 = i16x8.sub(v128.load8x8_s(w, 24), weightsZero8);
    let x = v128.load64_splat(p);
    c0 = i32x4.add(c0, i32x4.dot_i16x8_s(w0, x));
    c1 = i32x4.add(c1, i32x4.dot_i16x8_s(w1, x));
    c2 = i32x4.add(c2, i32x4.dot_i16x8_s(w2, x));
    c3 = i32x4.add(c3, i32x4.dot_i16x8_s(w3, x));
    if (rows > 1) {
      x = v128.load64_splat(p + lda);
      d0 = i32x4.add(d0, i32x4.dot_i16x8_s(w0, x));
      d1 = i32x4.add(d1, i32x4.dot_i16x8_s(w1, x));
      d2 = i32x4.add(d2, i32x4.dot_i16x8_s(w2, x));
      d3 = i32x4.add(d3, i32x4.dot_i16x8_s(w3, x));
    }
    w += 32;
  }
  const bias0 = v128.load(bias), bias1 = v128.load(bias, 16), scale0 = v128.load(scale), scale1 = v128.load(scale, 16);
  const q = i16x8.narrow_i32x4_s(
    requantize4(i32x4.add(bias0, addPairs(c0, c1)), scale0, low, magic, back),
    requantize4(i32x4.add(bias1, addPairs(c2, c3)), scale1, low, magic, back),
  );
  storePart(load<usize>(out) + channel, narrowBelow(q, q, high), lanes);
  if (rows > 1) {
    const t = i16x8.narrow_i32x4_s(
      requantize4(i32x4.add(bias0, addPairs(d0, d1)), scale0, low, magic, back),
      requantize4(i32x4.add(bias1, addPairs(d2, d3)), scale1, low, magic, back),
    );
    storePart(load<usize>(out, 4) + channel, narrowBelow(t, t, high), lanes);
  }
}

/**
 * One row: out i32 [panels][8] = Σ a·w over the listed blocks. a is the row i8 [K] as rowOf
 * gives it. Loop order: panel, listed block.
 */
export function spmv_blocks_i8_i32(
  a: usize,
  weights: usize,
  deltas: usize,
  counts: usize,
  out: usize,
  panels: i32,
): void {
  const low = ASC_FEATURE_RELAXED_SIMD ? i8x16.splat(127) : 0;
  for (; panels > 0; panels--) {
    const entries = <i32>load<u16>(counts);
    if (ASC_FEATURE_SIMD) {
      let c0 = i32x4.splat(0);
      let c1 = c0;
      let c2 = c0;
      let c3 = c0;
      let p = a;
      for (let e = entries; e > 0; e--) {
        p += <usize>load<u8>(deltas++) << (2 + GATHERED);
        if (ASC_FEATURE_RELAXED_SIMD) {
          const x = v128.load32_splat(p);
          const w0 = v128.load(weights);
          const w1 = v128.load(weights, 16);
          c0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, v128.and(w0, low), c0);
          c1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, signsOf(w0), c1);
          c2 = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, v128.and(w1, low), c2);
          c3 = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, signsOf(w1), c3);
        } else {
          const x = v128.load64_splat(p);
          c0 = i32x4.add(c0, i32x4.dot_i16x8_s(v128.load8x8_s(weights), x));
          c1 = i32x4.add(c1, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 8), x));
          c2 = i32x4.add(c2, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 16), x));
          c3 = i32x4.add(c3, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 24), x));
        }
        weights += 32;
      }
      v128.store(out, ASC_FEATURE_RELAXED_SIMD ? joinPlanes(c0, c1) : addPairs(c0, c1));
      v128.store(out, ASC_FEATURE_RELAXED_SIMD ? joinPlanes(c2, c3) : addPairs(c2, c3), 16);
    } else {
      for (let lane = 0; lane < 32; lane += 4) {
        let acc = 0;
        let p = a;
        let w = weights + lane;
        for (let e = 0; e < entries; e++) {
          p += <usize>load<u8>(deltas + e) << 3;
          acc += <i32>load<i16>(p) * load<i8>(w) + <i32>load<i16>(p, 2) * load<i8>(w, 1) +
            <i32>load<i16>(p, 4) * load<i8>(w, 2) + <i32>load<i16>(p, 6) * load<i8>(w, 3);
          w += 32;
        }
        store<i32>(out + lane, acc);
      }
      weights += entries << 5;
      deltas += entries;
    }
    counts += 2;
    out += 32;
  }
}
