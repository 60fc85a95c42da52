import { sumLanes } from './lanes';

// Row times 4-bit matrix. A weight w is stored as w + 8, which is in the range of the second
// operand of a relaxed dot product on every processor (kernels/dot.ts).
//
//   Σ a·w = Σ a·(w + 8) − 8·Σ a
//
//   b  u8 [panels][2·pairs][4][4]: byte [c][i] of a quad has the weights of input i, of channel c
//      in the low bits and of channel c + 4 in the high bits
//   a  the row, K rounded up to 8·pairs with zeros: i8, or for plain SIMD i16 with inputs 1 and 2
//      of each quad exchanged, because 16-bit lanes of b hold every second input

/**
 * a i8 [K] → out, the row that `gemv_i4_i32` multiplies; at most 16·⌈K/8⌉ bytes.
 *
 * @returns 8·Σ a
 */
export function gather_i4(a: usize, out: usize, K: i32): i32 {
  let sum = 0;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const ones = i16x8.splat(1);
    let acc = i32x4.splat(0);
    for (; i <= K - 8; i += 8) {
      const x = v128.load8x8_s(a + i);
      acc = i32x4.add(acc, i32x4.dot_i16x8_s(x, ones));
      if (ASC_FEATURE_RELAXED_SIMD) store<u64>(out + i, load<u64>(a + i, 0, 1), 0, 1);
      else v128.store(out + (i << 1), i16x8.shuffle(x, x, 0, 2, 1, 3, 4, 6, 5, 7));
    }
    sum = sumLanes(acc);
  }
  for (const end = (K + 7) & ~7; i < end; i++) {
    const x = i < K ? <i32>load<i8>(a + i) : 0;
    sum += x;
    if (!ASC_FEATURE_SIMD || ASC_FEATURE_RELAXED_SIMD) store<i8>(out + i, x);
    else store<i16>(out + ((i & ~3 | (i & 1) << 1 | i >> 1 & 1) << 1), x);
  }
  return sum << 3;
}

/**
 * out i32 [panels][8] = Σ a·w, where `correction` is 8·Σ a. Loop order: two panels, k. The last
 * panel of an odd number is computed twice.
 */
export function gemv_i4_i32(a: usize, b: usize, pairs: i32, correction: i32, out: usize, panels: i32): void {
  const panelBytes = <usize>pairs << 5;
  if (ASC_FEATURE_SIMD) {
    const begin = i32x4.splat(-correction);
    // from a variable, because V8 rematerializes constant vectors at each use
    const mask = ASC_FEATURE_RELAXED_SIMD
      ? i8x16.splat(<i8>(15 | panels >>> 31))
      : i16x8.splat(<i16>(15 | panels >>> 31));
    for (let panel = 0; panel < panels; panel += 2) {
      const isPair = panel + 1 < panels;
      let ap = a;
      let c0 = begin, c1 = begin, d0 = begin, d1 = begin;
      let bp = b;
      let dp = isPair ? b + panelBytes : b;
      if (ASC_FEATURE_RELAXED_SIMD) {
        let c2 = i32x4.splat(0), c3 = c2, d2 = c2, d3 = c2;
        for (let k = pairs; k > 0; k--) {
          const x = v128.load32_splat(ap), y = v128.load32_splat(ap, 4);
          let w = v128.load(bp);
          c0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, v128.and(w, mask), c0);
          c1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, v128.and(i16x8.shr_u(w, 4), mask), c1);
          w = v128.load(dp);
          d0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, v128.and(w, mask), d0);
          d1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, v128.and(i16x8.shr_u(w, 4), mask), d1);
          w = v128.load(bp, 16);
          c2 = i32x4.relaxed_dot_i8x16_i7x16_add_s(y, v128.and(w, mask), c2);
          c3 = i32x4.relaxed_dot_i8x16_i7x16_add_s(y, v128.and(i16x8.shr_u(w, 4), mask), c3);
          w = v128.load(dp, 16);
          d2 = i32x4.relaxed_dot_i8x16_i7x16_add_s(y, v128.and(w, mask), d2);
          d3 = i32x4.relaxed_dot_i8x16_i7x16_add_s(y, v128.and(i16x8.shr_u(w, 4), mask), d3);
          ap += 8;
          bp += 32;
          dp += 32;
        }
        c0 = i32x4.add(c0, c2);
        c1 = i32x4.add(c1, c3);
        d0 = i32x4.add(d0, d2);
        d1 = i32x4.add(d1, d3);
      } else {
        for (let k = pairs << 1; k > 0; k--) {
          const x = v128.load32_splat(ap), y = v128.load32_splat(ap, 4);
          let w = v128.load(bp);
          c0 = i32x4.add(c0, i32x4.dot_i16x8_s(v128.and(w, mask), x));
          c1 = i32x4.add(c1, i32x4.dot_i16x8_s(v128.and(i16x8.shr_u(w, 4), mask), x));
          c0 = i32x4.add(c0, i32x4.dot_i16x8_s(v128.and(i16x8.shr_u(w, 8), mask), y));
          c1 = i32x4.add(c1, i32x4.dot_i16x8_s(i16x8.shr_u(w, 12), y));
          w = v128.load(dp);
          d0 = i32x4.add(d0, i32x4.dot_i16x8_s(v128.and(w, mask), x));
          d1 = i32x4.add(d1, i32x4.dot_i16x8_s(v128.and(i16x8.shr_u(w, 4), mask), x));
          d0 = i32x4.add(d0, i32x4.dot_i16x8_s(v128.and(i16x8.shr_u(w, 8), mask), y));
          d1 = i32x4.add(d1, i32x4.dot_i16x8_s(i16x8.shr_u(w, 12), y));
          ap += 8;
          bp += 16;
          dp += 16;
        }
      }
      v128.store(out, c0);
      v128.store(out, c1, 16);
      if (isPair) {
        v128.store(out, d0, 32);
        v128.store(out, d1, 48);
      }
      b += panelBytes << 1;
      out += 64;
    }
  } else {
    for (; panels > 0; panels--) {
      for (let lane: usize = 0; lane < 16; lane += 4) {
        let low = -correction;
        let high = low;
        let bp = b + lane;
        for (let ap = a, end = a + (<usize>pairs << 3); ap < end; ap += 4) {
          for (let i: usize = 0; i < 4; i++) {
            const x = <i32>load<i8>(ap + i);
            const w = <i32>load<u8>(bp + i);
            low += x * (w & 15);
            high += x * (w >> 4);
          }
          bp += 16;
        }
        store<i32>(out + lane, low);
        store<i32>(out + lane, high, 16);
      }
      b += panelBytes;
      out += 32;
    }
  }
}
