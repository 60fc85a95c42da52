import { squares_f32, sum_f32 } from './fold';
import { clamp } from './lanes';
import { add, mul, splat, sub } from './math';

// Elementwise operations of float recurrent cells, between the matrix products and the activations.
// Arrays are f32 [n], n a multiple of 8 unless stated otherwise.

/** out = a·b */
export function multiply_f32(a: usize, b: usize, out: usize, n: i32): void {
  if (ASC_FEATURE_SIMD) {
    for (let i = 0; i < n; i += 4) {
      v128.store(out + (i << 2), f32x4.mul(v128.load(a + (i << 2)), v128.load(b + (i << 2))));
    }
  } else for (let i = 0; i < n; i++) store<f32>(out + (i << 2), load<f32>(a + (i << 2)) * load<f32>(b + (i << 2)));
}

/** out += a·b */
export function multiply_add_f32(a: usize, b: usize, out: usize, n: i32): void {
  if (ASC_FEATURE_SIMD) {
    for (let i = 0; i < n; i += 4) {
      v128.store(
        out + (i << 2),
        f32x4.add(v128.load(out + (i << 2)), f32x4.mul(v128.load(a + (i << 2)), v128.load(b + (i << 2)))),
      );
    }
  } else {for (let i = 0; i < n; i++) {
      store<f32>(out + (i << 2), load<f32>(out + (i << 2)) + load<f32>(a + (i << 2)) * load<f32>(b + (i << 2)));
    }}
}

/** out += a */
export function add_f32(a: usize, out: usize, n: i32): void {
  if (ASC_FEATURE_SIMD) {
    for (let i = 0; i < n; i += 4) {
      v128.store(out + (i << 2), f32x4.add(v128.load(out + (i << 2)), v128.load(a + (i << 2))));
    }
  } else for (let i = 0; i < n; i++) store<f32>(out + (i << 2), load<f32>(out + (i << 2)) + load<f32>(a + (i << 2)));
}

/** out = 1 − a */
export function one_less_f32(a: usize, out: usize, n: i32): void {
  if (ASC_FEATURE_SIMD) {
    for (let i = 0; i < n; i += 4) v128.store(out + (i << 2), f32x4.sub(f32x4.splat(1), v128.load(a + (i << 2))));
  } else for (let i = 0; i < n; i++) store<f32>(out + (i << 2), 1 - load<f32>(a + (i << 2)));
}

/** a = clamp(a, −clip, clip) */
export function clip_f32(a: usize, n: i32, clip: f32): void {
  if (ASC_FEATURE_SIMD) {
    for (let i = 0; i < n; i += 4) v128.store(a + (i << 2), clipped<v128>(v128.load(a + (i << 2)), clip));
  } else for (let i = 0; i < n; i++) store<f32>(a + (i << 2), clipped<f32>(load<f32>(a + (i << 2)), clip));
}

@inline
function clipped<T>(x: T, clip: f32): T {
  return clamp<T>(x, splat<T>(-clip), splat<T>(clip));
}

/** h = z·h + (1 − z)·g */
export function blend_f32(z: usize, g: usize, h: usize, n: i32): void {
  if (ASC_FEATURE_SIMD) {
    for (let i = 0; i < n; i += 4) {
      v128.store(
        h + (i << 2),
        blended<v128>(v128.load(z + (i << 2)), v128.load(g + (i << 2)), v128.load(h + (i << 2))),
      );
    }
  } else {for (let i = 0; i < n; i++) {
      store<f32>(h + (i << 2), blended<f32>(load<f32>(z + (i << 2)), load<f32>(g + (i << 2)), load<f32>(h + (i << 2))));
    }}
}

@inline
function blended<T>(z: T, g: T, h: T): T {
  return add<T>(mul<T>(z, h), mul<T>(sub<T>(splat<T>(1), z), g));
}

/** gate [n] = (gate − mean) / √(variance + 1e-8)·weights + bias, any n */
export function norm_f32(gate: usize, n: i32, weights: usize, bias: usize): void {
  const mean = sum_f32(gate, n) / <f32>n;
  for (let i = 0; i < n; i++) store<f32>(gate + (i << 2), load<f32>(gate + (i << 2)) - mean);
  const inverse = <f32>1 / sqrt<f32>(squares_f32(gate, n) / <f32>n + <f32>1e-8);
  for (let i = 0; i < n; i++) {
    const p = i << 2;
    store<f32>(gate + p, load<f32>(gate + p) * inverse * load<f32>(weights + p) + load<f32>(bias + p));
  }
}

/**
 * Scales integer accumulators back to float: out += f32(acc − zeroPoint·weightSums)·scale, acc and
 * weightSums i32 [n].
 */
export function rescale_add_f32(acc: usize, weightSums: usize, out: usize, n: i32, zeroPoint: i32, scale: f32): void {
  if (ASC_FEATURE_SIMD) {
    const z = i32x4.splat(zeroPoint);
    const s = f32x4.splat(scale);
    for (let i = 0; i < n; i += 4) {
      const p = i << 2;
      const x = i32x4.sub(v128.load(acc + p), i32x4.mul(z, v128.load(weightSums + p)));
      v128.store(out + p, f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(x), s), v128.load(out + p)));
    }
  } else {
    for (let i = 0; i < n; i++) {
      const p = i << 2;
      store<f32>(
        out + p,
        <f32>(load<i32>(acc + p) - zeroPoint * load<i32>(weightSums + p)) * scale + load<f32>(out + p),
      );
    }
  }
}
