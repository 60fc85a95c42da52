import { addPairs, joinPlanes } from './lanes';

// Row times matrix, for recurrent layers: unscaled accumulators, because the products with the
// input and with the hidden state have different scales. Lanes are columns of the matrix. Loop
// order: two panels, k.

/**
 * out i32 [panels][8] = Σ a·b
 *
 *   a  the row i8 [4·quads] as gather_i8 stores it; its padding is multiplied by weights of 0
 *   b  i8 [panels][quads][8][4] as stored in the file
 *   |acc| ≤ K·128·128 < 2^31 for K ≤ 65,536
 */
export function gemv_i8_i32(a: usize, plane: usize, b: usize, quads: i32, out: usize, panels: i32): void {
  const panelBytes = <usize>quads << 5;
  if (ASC_FEATURE_SIMD) {
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
      if (ASC_FEATURE_RELAXED_SIMD) {
        for (let k = quads; k > 0; k--) {
          const low = v128.load32_splat(ap);
          const high = v128.load32_splat(ap + plane);
          const w0 = v128.load(b);
          const w1 = v128.load(b, 16);
          const w2 = v128.load(d);
          const w3 = v128.load(d, 16);
          c0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w0, low, c0);
          c4 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w0, high, c4);
          c1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w1, low, c1);
          c5 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w1, high, c5);
          c2 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w2, low, c2);
          c6 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w2, high, c6);
          c3 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w3, low, c3);
          c7 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w3, high, c7);
          b += 32;
          d += 32;
          ap += 4;
        }
        v128.store(out, joinPlanes(c0, c4));
        v128.store(out, joinPlanes(c1, c5), 16);
        v128.store(out, joinPlanes(c2, c6), 32);
        v128.store(out, joinPlanes(c3, c7), 48);
      } else {
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
      }
      b += panelBytes;
      out += 64;
    }
    if (panels > 0) {
      let c0 = zeros, c1 = zeros, c2 = zeros, c3 = zeros;
      if (ASC_FEATURE_RELAXED_SIMD) {
        for (let k = quads; k > 0; k--) {
          const low = v128.load32_splat(a);
          const high = v128.load32_splat(a + plane);
          const w0 = v128.load(b);
          const w1 = v128.load(b, 16);
          c0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w0, low, c0);
          c2 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w0, high, c2);
          c1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w1, low, c1);
          c3 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w1, high, c3);
          b += 32;
          a += 4;
        }
        v128.store(out, joinPlanes(c0, c2));
        v128.store(out, joinPlanes(c1, c3), 16);
      } else {
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
