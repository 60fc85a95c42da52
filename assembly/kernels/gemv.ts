import { DOT_SIGNED, DOT_UNSIGNED, probe, signsOf, suits } from './dot';
import { addPairs } from './lanes';
import { sum_row_i8 } from './widen';

// Row times matrix, for recurrent layers and few rows: unscaled accumulators, because the products
// with the input and with the hidden state have different scales. Lanes are columns of the matrix.
// Loop order: two panels, k.

/**
 * out i32 [panels][8] = Σ a·b
 *
 *   a  the row i8 [4·quads] as rowOf gives it, which nobody else may change; its padding is
 *      multiplied by weights of 0
 *   b  i8 [panels][quads][8][4] as stored in the file
 *   |acc| ≤ K·128·128 < 2^31 for K ≤ 65,536; for larger K the compiler bounds the weights. Partial
 *   sums may wrap around.
 */
export function gemv_i8_i32(a: usize, b: usize, quads: i32, out: usize, panels: i32): void {
  const panelBytes = <usize>quads << 5;
  if (ASC_FEATURE_RELAXED_SIMD) {
    const kind = probe(panels >> 30);
    const start = i32x4.splat(kind == DOT_UNSIGNED ? -128 * sum_row_i8(a, quads << 2) : 0);
    const flip = i8x16.splat(kind == DOT_UNSIGNED ? -128 : 0);
    for (; panels > 0; panels -= 2) {
      // a single panel is computed twice
      const next = panels > 1 ? panelBytes : 0;
      const isSplit = kind != DOT_UNSIGNED && !suits(kind, DOT_SIGNED, b, panelBytes + next);
      let c0 = start, c1 = start, c2 = start, c3 = start;
      let c4 = i32x4.splat(0), c5 = c4, c6 = c4, c7 = c4;
      let ap = a;
      let bp = b;
      const end = b + panelBytes;
      // two groups of 4 along k, so that additions wait less for each other
      if (isSplit) {
        const low = i8x16.splat(127);
        for (; bp < end; bp += 32) {
          const d = bp + next;
          const x = v128.load32_splat(ap);
          const w0 = v128.load(bp), w1 = v128.load(bp, 16), w2 = v128.load(d), w3 = v128.load(d, 16);
          c0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, signsOf(w0), c0);
          c4 = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, v128.and(w0, low), c4);
          c1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, signsOf(w1), c1);
          c5 = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, v128.and(w1, low), c5);
          c2 = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, signsOf(w2), c2);
          c6 = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, v128.and(w2, low), c6);
          c3 = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, signsOf(w3), c3);
          c7 = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, v128.and(w3, low), c7);
          ap += 4;
        }
        const factor = i32x4.splat(-128);
        c0 = i32x4.mul(c0, factor);
        c1 = i32x4.mul(c1, factor);
        c2 = i32x4.mul(c2, factor);
        c3 = i32x4.mul(c3, factor);
      } else if (kind != DOT_UNSIGNED) {
        for (; bp + 64 <= end; bp += 64) {
          const d = bp + next;
          let x = v128.load32_splat(ap);
          c0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, v128.load(bp), c0);
          c1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, v128.load(bp, 16), c1);
          c2 = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, v128.load(d), c2);
          c3 = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, v128.load(d, 16), c3);
          x = v128.load32_splat(ap, 4);
          c4 = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, v128.load(bp, 32), c4);
          c5 = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, v128.load(bp, 48), c5);
          c6 = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, v128.load(d, 32), c6);
          c7 = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, v128.load(d, 48), c7);
          ap += 8;
        }
      } else {
        for (; bp + 64 <= end; bp += 64) {
          const d = bp + next;
          let x = v128.load32_splat(ap);
          c0 = addProducts(x, v128.load(bp), flip, c0);
          c1 = addProducts(x, v128.load(bp, 16), flip, c1);
          c2 = addProducts(x, v128.load(d), flip, c2);
          c3 = addProducts(x, v128.load(d, 16), flip, c3);
          x = v128.load32_splat(ap, 4);
          c4 = addProducts(x, v128.load(bp, 32), flip, c4);
          c5 = addProducts(x, v128.load(bp, 48), flip, c5);
          c6 = addProducts(x, v128.load(d, 32), flip, c6);
          c7 = addProducts(x, v128.load(d, 48), flip, c7);
          ap += 8;
        }
      }
      if (bp < end) {
        const d = bp + next;
        const x = v128.load32_splat(ap);
        c0 = addProducts(x, v128.load(bp), flip, c0);
        c1 = addProducts(x, v128.load(bp, 16), flip, c1);
        c2 = addProducts(x, v128.load(d), flip, c2);
        c3 = addProducts(x, v128.load(d, 16), flip, c3);
      }
      v128.store(out, i32x4.add(c0, c4));
      v128.store(out, i32x4.add(c1, c5), 16);
      if (next != 0) {
        v128.store(out, i32x4.add(c2, c6), 32);
        v128.store(out, i32x4.add(c3, c7), 48);
      }
      b += panelBytes << 1;
      out += 64;
    }
  } else if (ASC_FEATURE_SIMD) {
    const zeros = i32x4.splat(0);
    for (; panels >= 2; panels -= 2) {
      let c0 = zeros;
      let c1 = zeros;
      let c2 = zeros;
      let c3 = zeros;
      let c4 = zeros;
      let c5 = zeros;
      let c6 = zeros;
      let c7 = zeros;
      let ap = a;
      let d = b + panelBytes;
      for (let k = quads; k > 0; k--) {
        const x = v128.load64_splat(ap);
        c0 = i32x4.add(c0, i32x4.dot_i16x8_s(v128.load8x8_s(b), x));
        c1 = i32x4.add(c1, i32x4.dot_i16x8_s(v128.load8x8_s(b, 8), x));
        c2 = i32x4.add(c2, i32x4.dot_i16x8_s(v128.load8x8_s(b, 16), x));
        c3 = i32x4.add(c3, i32x4.dot_i16x8_s(v128.load8x8_s(b, 24), x));
        c4 = i32x4.add(c4, i32x4.dot_i16x8_s(v128.load8x8_s(d), x));
        c5 = i32x4.add(c5, i32x4.dot_i16x8_s(v128.load8x8_s(d, 8), x));
        c6 = i32x4.add(c6, i32x4.dot_i16x8_s(v128.load8x8_s(d, 16), x));
        c7 = i32x4.add(c7, i32x4.dot_i16x8_s(v128.load8x8_s(d, 24), x));
        b += 32;
        d += 32;
        ap += 8;
      }
      v128.store(out, addPairs(c0, c1));
      v128.store(out, addPairs(c2, c3), 16);
      v128.store(out, addPairs(c4, c5), 32);
      v128.store(out, addPairs(c6, c7), 48);
      b += panelBytes;
      out += 64;
    }
    if (panels > 0) {
      let c0 = zeros, c1 = zeros, c2 = zeros, c3 = zeros;
      for (let k = quads; k > 0; k--) {
        const x = v128.load64_splat(a);
        c0 = i32x4.add(c0, i32x4.dot_i16x8_s(v128.load8x8_s(b), x));
        c1 = i32x4.add(c1, i32x4.dot_i16x8_s(v128.load8x8_s(b, 8), x));
        c2 = i32x4.add(c2, i32x4.dot_i16x8_s(v128.load8x8_s(b, 16), x));
        c3 = i32x4.add(c3, i32x4.dot_i16x8_s(v128.load8x8_s(b, 24), x));
        b += 32;
        a += 8;
      }
      v128.store(out, addPairs(c0, c1));
      v128.store(out, addPairs(c2, c3), 16);
    }
  } else {
    for (let lane = 0, lanes = panels << 3; lane < lanes; lane++) {
      let acc = 0;
      let bp = b + (lane >> 3) * panelBytes + ((lane & 7) << 2);
      let ap = a;
      for (let k = quads; k > 0; k--) {
        acc += <i32>load<i16>(ap) * load<i8>(bp) + <i32>load<i16>(ap, 2) * load<i8>(bp, 1)
          + <i32>load<i16>(ap, 4) * load<i8>(bp, 2) + <i32>load<i16>(ap, 6) * load<i8>(bp, 3);
        ap += 8;
        bp += 32;
      }
      store<i32>(out + (lane << 2), acc);
    }
  }
}

/** acc + Σ x·w of four products in each lane, w with its highest bits flipped */
@inline
function addProducts(x: v128, w: v128, flip: v128, acc: v128): v128 {
  return i32x4.relaxed_dot_i8x16_i7x16_add_s(x, v128.xor(w, flip), acc);
}
