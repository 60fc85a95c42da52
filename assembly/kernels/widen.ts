/** a: i8 [n] → out: i16 [n]. May read and write up to 7 elements past n. out is 2-byte aligned. */
export function widen_i8_i16(a: usize, out: usize, n: i32): void {
  if (ASC_FEATURE_SIMD) {
    for (let i = 0; i < n; i += 8) v128.store(out + (i << 1), v128.load8x8_s(a + i));
  } else {
    for (let i = 0; i < n; i++) store<i16>(out + (i << 1), load<i8>(a + i));
  }
}

/** out: i16 [n] = value. May write up to 7 elements past n. */
export function fill_i16(out: usize, value: i32, n: i32): void {
  if (ASC_FEATURE_SIMD) {
    const v = i16x8.splat(<i16>value);
    for (let i = 0; i < n; i += 8) v128.store(out + (i << 1), v);
  } else {
    for (let i = 0; i < n; i++) store<i16>(out + (i << 1), value);
  }
}

/** a: i8 [n] → out: i16 [n] = a − zero. May read and write up to 7 elements past n. */
export function widen_less_i8_i16(a: usize, zero: i32, out: usize, n: i32): void {
  if (ASC_FEATURE_SIMD) {
    const z = i16x8.splat(<i16>zero);
    for (let i = 0; i < n; i += 8) v128.store(out + (i << 1), i16x8.sub(v128.load8x8_s(a + i), z));
  } else {
    for (let i = 0; i < n; i++) store<i16>(out + (i << 1), <i32>load<i8>(a + i) - zero);
  }
}

/** w: i8 [quads][8][4], a panel as it lies in the file → panel: i16 [2·quads][8][2] = w − zero */
export function widen_panel_i8(w: usize, zero: i32, panel: usize, quads: i32): void {
  if (ASC_FEATURE_SIMD) {
    const z = i16x8.splat(<i16>zero);
    for (; quads > 0; quads--) {
      const w0 = i16x8.sub(v128.load8x8_s(w), z), w1 = i16x8.sub(v128.load8x8_s(w, 8), z);
      const w2 = i16x8.sub(v128.load8x8_s(w, 16), z), w3 = i16x8.sub(v128.load8x8_s(w, 24), z);
      v128.store(panel, i32x4.shuffle(w0, w1, 0, 2, 4, 6));
      v128.store(panel, i32x4.shuffle(w2, w3, 0, 2, 4, 6), 16);
      v128.store(panel, i32x4.shuffle(w0, w1, 1, 3, 5, 7), 32);
      v128.store(panel, i32x4.shuffle(w2, w3, 1, 3, 5, 7), 48);
      w += 32; panel += 64;
    }
  } else {
    for (; quads > 0; quads--) {
      for (let lane = 0; lane < 32; lane += 4) {
        store<i16>(panel + lane, <i32>load<i8>(w + lane) - zero);
        store<i16>(panel + lane, <i32>load<i8>(w + lane, 1) - zero, 2);
        store<i16>(panel + lane, <i32>load<i8>(w + lane, 2) - zero, 32);
        store<i16>(panel + lane, <i32>load<i8>(w + lane, 3) - zero, 34);
      }
      w += 32; panel += 64;
    }
  }
}

/** Σ a, a: i16 [n]; |a| ≤ 255, n ≤ 65,536 */
export function sum_i16(a: usize, n: i32): i32 {
  let sum = 0, i = 0;
  if (ASC_FEATURE_SIMD) {
    let acc = i32x4.splat(0);
    const ones = i16x8.splat(1);
    for (; i <= n - 8; i += 8) acc = i32x4.add(acc, i32x4.dot_i16x8_s(v128.load(a + (i << 1)), ones));
    sum = i32x4.extract_lane(acc, 0) + i32x4.extract_lane(acc, 1) + i32x4.extract_lane(acc, 2) + i32x4.extract_lane(acc, 3);
  }
  for (; i < n; i++) sum += load<i16>(a + (i << 1));
  return sum;
}
