import { interleaveHigh, interleaveLow } from './lanes';
import { storeHalf, storeVector } from './store';

// Bilinear interpolation of one output pixel between four input pixels: top left (tl), top right
// (tr), bottom left (bl), bottom right (br). Lanes are channels.

/**
 * i8 [C] each. x and y are the weights of the right and of the bottom pixels, 0 to 2048.
 *
 *   top    = (tl << 11) + (tr − tl)·x
 *   bottom = (bl << 11) + (br − bl)·x
 *   out    = ((top << 11) + (bottom − top)·y + 2^21) >> 22
 *
 * Intermediate values are at most 2^29.
 */
export function bilinear_i8(
  topLeft: usize,
  topRight: usize,
  bottomLeft: usize,
  bottomRight: usize,
  x: i32,
  y: i32,
  out: usize,
  C: i32,
): void {
  if (ASC_FEATURE_SIMD) {
    const across = i32x4.splat((2048 - x) | (x << 16));
    const down = i32x4.splat(y);
    const half = i32x4.splat(1 << 21);
    for (let c = 0; c < C; c += 8) {
      const tl = v128.load8x8_s(topLeft + c);
      const tr = v128.load8x8_s(topRight + c);
      const bl = v128.load8x8_s(bottomLeft + c);
      const br = v128.load8x8_s(bottomRight + c);
      const t0 = i32x4.dot_i16x8_s(interleaveLow(tl, tr), across);
      const t1 = i32x4.dot_i16x8_s(interleaveHigh(tl, tr), across);
      const b0 = i32x4.dot_i16x8_s(interleaveLow(bl, br), across);
      const b1 = i32x4.dot_i16x8_s(interleaveHigh(bl, br), across);
      const s0 = i32x4.add(i32x4.add(i32x4.shl(t0, 11), i32x4.mul(i32x4.sub(b0, t0), down)), half);
      const s1 = i32x4.add(i32x4.add(i32x4.shl(t1, 11), i32x4.mul(i32x4.sub(b1, t1), down)), half);
      const q = i16x8.narrow_i32x4_s(i32x4.shr_s(s0, 22), i32x4.shr_s(s1, 22));
      storeHalf(out + c, i8x16.narrow_i16x8_s(q, q), C - c);
    }
  } else {
    for (let c = 0; c < C; c++) {
      const tl = <i32>load<i8>(topLeft + c);
      const tr = <i32>load<i8>(topRight + c);
      const bl = <i32>load<i8>(bottomLeft + c);
      const br = <i32>load<i8>(bottomRight + c);
      const top = (tl << 11) + (tr - tl) * x;
      const bottom = (bl << 11) + (br - bl) * x;
      store<i8>(out + c, ((top << 11) + (bottom - top) * y + (1 << 21)) >> 22);
    }
  }
}

/**
 * f32 [C] each. top = tl + (tr − tl)·x; bottom = bl + (br − bl)·x; out = top + (bottom − top)·y
 */
export function bilinear_f32(
  topLeft: usize,
  topRight: usize,
  bottomLeft: usize,
  bottomRight: usize,
  x: f32,
  y: f32,
  out: usize,
  C: i32,
): void {
  if (ASC_FEATURE_SIMD) {
    const x4 = f32x4.splat(x), y4 = f32x4.splat(y);
    for (let c = 0; c < C; c += 4) {
      const at = <usize>c << 2;
      const tl = v128.load(topLeft + at);
      const bl = v128.load(bottomLeft + at);
      const top = f32x4.add(tl, f32x4.mul(f32x4.sub(v128.load(topRight + at), tl), x4));
      const bottom = f32x4.add(bl, f32x4.mul(f32x4.sub(v128.load(bottomRight + at), bl), x4));
      storeVector(out + at, f32x4.add(top, f32x4.mul(f32x4.sub(bottom, top), y4)), (C - c) << 2);
    }
  } else {
    for (let c = 0; c < C; c++) {
      const at = <usize>c << 2;
      const tl = load<f32>(topLeft + at);
      const bl = load<f32>(bottomLeft + at);
      const top = tl + (load<f32>(topRight + at) - tl) * x;
      const bottom = bl + (load<f32>(bottomRight + at) - bl) * x;
      store<f32>(out + at, top + (bottom - top) * y);
    }
  }
}
