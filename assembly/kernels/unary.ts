import { UNARY_ABS, UNARY_CEIL, UNARY_COS, UNARY_ELU, UNARY_EXP, UNARY_FLOOR, UNARY_GELU, UNARY_GELU_TANH,
  UNARY_HARD_SWISH, UNARY_LEAKY_RELU, UNARY_LOG, UNARY_LOGISTIC, UNARY_NEG, UNARY_RELU, UNARY_RELU6, UNARY_RELU_0_TO_1,
  UNARY_RELU_N1_TO_1, UNARY_ROUND, UNARY_RSQRT, UNARY_SIN, UNARY_SQRT, UNARY_SQUARE, UNARY_TANH } from '../layout';
import { clamp, greater } from './lanes';
import { div, exp, expm1, gelu, geluTanh, hardSwish, ifNotNegative, log, logistic, magnitude, mul, negate, root,
  roundDown, roundNearest, roundUp, sine, splat, tanh } from './math';
import { storeVector } from './store';

// Elementwise functions of one float operand: out[i] = f(a[i]), in order. `kind` is a UNARY_
// constant of layout.ts, and a constant where the loop is inlined, so that each function has its
// own loop.

@inline
function apply<T>(kind: i32, x: T, alpha: T): T {
  if (kind == UNARY_RELU) return greater<T>(x, splat<T>(0));
  if (kind == UNARY_RELU6) return clamp<T>(x, splat<T>(0), splat<T>(6));
  if (kind == UNARY_RELU_N1_TO_1) return clamp<T>(x, splat<T>(-1), splat<T>(1));
  if (kind == UNARY_RELU_0_TO_1) return clamp<T>(x, splat<T>(0), splat<T>(1));
  if (kind == UNARY_LEAKY_RELU) return ifNotNegative<T>(x, x, mul<T>(x, alpha));
  if (kind == UNARY_HARD_SWISH) return hardSwish<T>(x);
  if (kind == UNARY_LOGISTIC) return logistic<T>(x);
  if (kind == UNARY_TANH) return tanh<T>(x);
  if (kind == UNARY_ELU) return ifNotNegative<T>(x, x, mul<T>(expm1<T>(x), alpha));
  if (kind == UNARY_GELU) return gelu<T>(x);
  if (kind == UNARY_GELU_TANH) return geluTanh<T>(x);
  if (kind == UNARY_EXP) return exp<T>(x);
  if (kind == UNARY_SQRT) return root<T>(x);
  if (kind == UNARY_RSQRT) return div<T>(splat<T>(1), root<T>(x));
  if (kind == UNARY_ABS) return magnitude<T>(x);
  if (kind == UNARY_NEG) return negate<T>(x);
  if (kind == UNARY_SQUARE) return mul<T>(x, x);
  if (kind == UNARY_FLOOR) return roundDown<T>(x);
  if (kind == UNARY_CEIL) return roundUp<T>(x);
  return roundNearest<T>(x);
}

@inline
function loop(kind: i32, a: usize, out: usize, n: i32, alpha: f32): void {
  if (ASC_FEATURE_SIMD) {
    const alpha4 = f32x4.splat(alpha);
    for (let i = 0; i < n; i += 4) {
      const y = apply<v128>(kind, v128.load(a), alpha4);
      storeVector(out, y, (n - i) << 2);
      a += 16;
      out += 16;
    }
  } else {
    for (let i = 0; i < n; i++) {
      store<f32>(out, apply<f32>(kind, load<f32>(a), alpha));
      a += 4;
      out += 4;
    }
  }
}

/** a f32 [n] → out f32 [n]. `alpha` is the slope of leakyRelu or of elu. `out` may equal `a`. */
export function unary_f32(kind: i32, a: usize, out: usize, n: i32, alpha: f32): void {
  switch (kind) {
    case UNARY_RELU:
      loop(UNARY_RELU, a, out, n, alpha);
      break;
    case UNARY_RELU6:
      loop(UNARY_RELU6, a, out, n, alpha);
      break;
    case UNARY_RELU_N1_TO_1:
      loop(UNARY_RELU_N1_TO_1, a, out, n, alpha);
      break;
    case UNARY_RELU_0_TO_1:
      loop(UNARY_RELU_0_TO_1, a, out, n, alpha);
      break;
    case UNARY_LEAKY_RELU:
      loop(UNARY_LEAKY_RELU, a, out, n, alpha);
      break;
    case UNARY_HARD_SWISH:
      loop(UNARY_HARD_SWISH, a, out, n, alpha);
      break;
    case UNARY_LOGISTIC:
      loop(UNARY_LOGISTIC, a, out, n, alpha);
      break;
    case UNARY_TANH:
      loop(UNARY_TANH, a, out, n, alpha);
      break;
    case UNARY_ELU:
      loop(UNARY_ELU, a, out, n, alpha);
      break;
    case UNARY_GELU:
      loop(UNARY_GELU, a, out, n, alpha);
      break;
    case UNARY_GELU_TANH:
      loop(UNARY_GELU_TANH, a, out, n, alpha);
      break;
    case UNARY_EXP:
      loop(UNARY_EXP, a, out, n, alpha);
      break;
    case UNARY_SQRT:
      loop(UNARY_SQRT, a, out, n, alpha);
      break;
    case UNARY_RSQRT:
      loop(UNARY_RSQRT, a, out, n, alpha);
      break;
    case UNARY_ABS:
      loop(UNARY_ABS, a, out, n, alpha);
      break;
    case UNARY_NEG:
      loop(UNARY_NEG, a, out, n, alpha);
      break;
    case UNARY_SQUARE:
      loop(UNARY_SQUARE, a, out, n, alpha);
      break;
    case UNARY_FLOOR:
      loop(UNARY_FLOOR, a, out, n, alpha);
      break;
    case UNARY_CEIL:
      loop(UNARY_CEIL, a, out, n, alpha);
      break;
    case UNARY_ROUND:
      loop(UNARY_ROUND, a, out, n, alpha);
      break;
    case UNARY_LOG:
      for (let i = 0; i < n; i++) store<f32>(out + (i << 2), log(load<f32>(a + (i << 2))));
      break;
    case UNARY_SIN:
      for (let i = 0; i < n; i++) store<f32>(out + (i << 2), sine(load<f32>(a + (i << 2)), 0));
      break;
    case UNARY_COS:
      for (let i = 0; i < n; i++) store<f32>(out + (i << 2), sine(load<f32>(a + (i << 2)), 1));
      break;
  }
}
