import { interleaveHigh, interleaveLow, interleaveLowBytes } from './lanes';
import { storePart } from './store';

// Copies of bytes, and of planes of elements with any strides. The transposition of a plane of
// bytes is a kernel of its own.

/**
 * Copies `n` bytes from a to out, which must not overlap. The scalar flavor copies words of 4 if
 * both addresses are aligned.
 */
export function copy_bytes(a: usize, out: usize, n: i32): void {
  if (ASC_FEATURE_SIMD) {
    for (; n >= 16; n -= 16) {
      v128.store(out, v128.load(a));
      a += 16;
      out += 16;
    }
    if (n > 0) storePart(out, v128.load(a), n);
  } else {
    if (((<u32>a | <u32>out) & 3) == 0) {
      for (; n >= 4; n -= 4) {
        store<u32>(out, load<u32>(a));
        a += 4;
        out += 4;
      }
    } else if (n >= 64) {
      memory.copy(out, a, n);
      return;
    }
    for (; n > 0; n--) store<u8>(out++, load<u8>(a++));
  }
}

/** out [n] = value, elements of `bytes` (1 or 4) bytes */
export function fill_elements(out: usize, n: i32, bytes: i32, value: i32): void {
  if (bytes == 1) {
    memory.fill(out, <u8>value, n);
  } else {
    for (let i = 0; i < n; i++) store<i32>(out + (i << 2), value);
  }
}

/** out[i·strideOut] = a[i·stride] for i < n, elements T */
@inline
function strided<T>(a: usize, stride: i32, out: usize, strideOut: i32, n: i32): void {
  const step = stride * sizeof<T>();
  const stepOut = strideOut * sizeof<T>();
  for (; n > 0; n--) {
    store<T>(out, load<T>(a));
    a += step;
    out += stepOut;
  }
}

/**
 * Copies a plane of `rows` × `n` elements of `bytes` (1 or 4) bytes. Strides are in elements; those
 * of the source may be zero or negative.
 */
export function copy_plane(
  a: usize,
  rowStride: i32,
  stride: i32,
  out: usize,
  rowStrideOut: i32,
  strideOut: i32,
  rows: i32,
  n: i32,
  bytes: i32,
): void {
  if (ASC_FEATURE_SIMD) {
    if (bytes == 1 && rowStride == 1 && strideOut == 1 && stride != 1) {
      transpose_i8(a, stride, out, rowStrideOut, rows, n);
      return;
    }
  }
  const step = rowStride * bytes;
  const stepOut = rowStrideOut * bytes;
  for (; rows > 0; rows--) {
    if (stride == 1 && strideOut == 1) copy_bytes(a, out, n * bytes);
    else if (bytes == 1) strided<u8>(a, stride, out, strideOut, n);
    else strided<u32>(a, stride, out, strideOut, n);
    a += step;
    out += stepOut;
  }
}

/**
 * out[y·strideOut + x] = a[x·stride + y] for y < rows, x < columns. Blocks of 8 × 8 bytes are
 * transposed in registers.
 */
function transpose_i8(a: usize, stride: i32, out: usize, strideOut: i32, rows: i32, columns: i32): void {
  let y = 0;
  for (; y <= rows - 8; y += 8) {
    let x = 0;
    for (; x <= columns - 8; x += 8) {
      let p = a + x * stride + y;
      const r0 = v128.load64_zero(p), r1 = v128.load64_zero(p + stride);
      p += stride << 1;
      const r2 = v128.load64_zero(p), r3 = v128.load64_zero(p + stride);
      p += stride << 1;
      const r4 = v128.load64_zero(p), r5 = v128.load64_zero(p + stride);
      p += stride << 1;
      const r6 = v128.load64_zero(p), r7 = v128.load64_zero(p + stride);
      // interleave bytes, then groups of 2, then groups of 4
      const b0 = interleaveLowBytes(r0, r1);
      const b1 = interleaveLowBytes(r2, r3);
      const b2 = interleaveLowBytes(r4, r5);
      const b3 = interleaveLowBytes(r6, r7);
      const c0 = interleaveLow(b0, b1), c1 = interleaveHigh(b0, b1);
      const c2 = interleaveLow(b2, b3), c3 = interleaveHigh(b2, b3);
      let d = i32x4.shuffle(c0, c2, 0, 4, 1, 5);
      let q = out + y * strideOut + x;
      v128.store64_lane(q, d, 0);
      v128.store64_lane(q + strideOut, d, 1);
      q += strideOut << 1;
      d = i32x4.shuffle(c0, c2, 2, 6, 3, 7);
      v128.store64_lane(q, d, 0);
      v128.store64_lane(q + strideOut, d, 1);
      q += strideOut << 1;
      d = i32x4.shuffle(c1, c3, 0, 4, 1, 5);
      v128.store64_lane(q, d, 0);
      v128.store64_lane(q + strideOut, d, 1);
      q += strideOut << 1;
      d = i32x4.shuffle(c1, c3, 2, 6, 3, 7);
      v128.store64_lane(q, d, 0);
      v128.store64_lane(q + strideOut, d, 1);
    }
    if (x < columns) {
      for (let j = y; j < y + 8; j++) {
        strided<u8>(a + x * stride + j, stride, out + j * strideOut + x, 1, columns - x);
      }
    }
  }
  for (; y < rows; y++) strided<u8>(a + y, stride, out + y * strideOut, 1, columns);
}
