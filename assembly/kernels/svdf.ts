import { sumLanes } from './lanes';

// The state of an svdf layer: [filters][memory], the last outputs of each filter, newest last, and
// its products with the time weights.

/** Shifts the state by one time step. Elements have `bytes` (2 or 4) bytes. */
export function shift_memory(state: usize, filters: i32, memory: i32, bytes: i32): void {
  // all rows are shifted as one block, because the last element of each row is overwritten next
  for (let p = state, end = state + (filters * memory - 1) * bytes; p < end; p += bytes) {
    if (bytes == 2) store<i16>(p, load<i16>(p, 2));
    else store<f32>(p, load<f32>(p, 4));
  }
}

/** Σ a·b, a and b i16 [n], modulo 2^32 */
export function dot_i16(a: usize, b: usize, n: i32): i32 {
  let sum = 0;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    let acc = i32x4.splat(0);
    for (; i <= n - 8; i += 8) {
      acc = i32x4.add(acc, i32x4.dot_i16x8_s(v128.load(a + (i << 1)), v128.load(b + (i << 1))));
    }
    sum = sumLanes(acc);
  }
  for (; i < n; i++) sum += <i32>load<i16>(a + (i << 1)) * load<i16>(b + (i << 1));
  return sum;
}

/** Σ a·b, added in order, a and b f32 [n] */
export function dot_f32(a: usize, b: usize, n: i32): f32 {
  let sum: f32 = 0;
  for (let i = 0; i < n; i++) sum += load<f32>(a + (i << 2)) * load<f32>(b + (i << 2));
  return sum;
}
