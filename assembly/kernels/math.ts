import { clamp, greater, MAGIC, MAGIC_BITS } from './lanes';

// Float functions, each written once over T: f32 (one value) or v128 (four lanes). Both forms do
// the same operations in the same order, so every flavor gives the same bits. No function traps,
// and NaN gives NaN.

@inline
export function splat<T>(x: f32): T {
  if (isVector<T>()) return f32x4.splat(x);
  else return x;
}

@inline
export function add<T>(a: T, b: T): T {
  if (isVector<T>()) return f32x4.add(a, b);
  else return a + b;
}

@inline
export function sub<T>(a: T, b: T): T {
  if (isVector<T>()) return f32x4.sub(a, b);
  else return a - b;
}

@inline
export function mul<T>(a: T, b: T): T {
  if (isVector<T>()) return f32x4.mul(a, b);
  else return a * b;
}

@inline
export function div<T>(a: T, b: T): T {
  if (isVector<T>()) return f32x4.div(a, b);
  else return a / b;
}

/** x ≥ 0 ? a : b */
@inline
export function ifNotNegative<T>(x: T, a: T, b: T): T {
  if (isVector<T>()) return v128.bitselect(a, b, f32x4.ge(x, f32x4.splat(0)));
  else return x >= 0 ? a : b;
}

@inline
export function magnitude<T>(x: T): T {
  if (isVector<T>()) return f32x4.abs(x);
  else return abs<f32>(x);
}

@inline
export function negate<T>(x: T): T {
  if (isVector<T>()) return f32x4.neg(x);
  else return -x;
}

@inline
export function root<T>(x: T): T {
  if (isVector<T>()) return f32x4.sqrt(x);
  else return sqrt<f32>(x);
}

@inline
export function roundDown<T>(x: T): T {
  if (isVector<T>()) return f32x4.floor(x);
  else return floor<f32>(x);
}

@inline
export function roundUp<T>(x: T): T {
  if (isVector<T>()) return f32x4.ceil(x);
  else return ceil<f32>(x);
}

@inline
export function roundNearest<T>(x: T): T {
  if (isVector<T>()) return f32x4.nearest(x);
  else return nearest<f32>(x);
}

/** c₀ + x·y */
@inline
function plus<T>(c: f32, x: T, y: T): T {
  return add<T>(splat<T>(c), mul<T>(x, y));
}

const LOG2_E: f32 = 1.44269504;
/** ln 2 = LN2_HIGH + LN2_LOW; the first has 15 bits, so that its product with n is exact. */
const LN2_HIGH: f32 = 0.693145751953125;
const LN2_LOW: f32 = 1.42860677e-6;

/**
 * 2^⌊n/2⌋ for t = n + MAGIC. With `powerRest`, a product of two factors covers every exponent n.
 */
@inline
function powerHalf<T>(t: T): T {
  if (isVector<T>()) {
    return i32x4.shl(i32x4.add(i32x4.shr_s(i32x4.sub(t, i32x4.splat(MAGIC_BITS)), 1), i32x4.splat(127)), 23);
  } else {
    return reinterpret<f32>((((reinterpret<i32>(t) - MAGIC_BITS) >> 1) + 127) << 23);
  }
}

/** 2^(n − ⌊n/2⌋) for t = n + MAGIC */
@inline
function powerRest<T>(t: T): T {
  if (isVector<T>()) {
    const n = i32x4.sub(t, i32x4.splat(MAGIC_BITS));
    return i32x4.shl(i32x4.add(i32x4.sub(n, i32x4.shr_s(n, 1)), i32x4.splat(127)), 23);
  } else {
    const n = reinterpret<i32>(t) - MAGIC_BITS;
    return reinterpret<f32>((n - (n >> 1) + 127) << 23);
  }
}

/** e^r − 1 for |r| ≤ ln 2 / 2 (coefficients: Cephes expf) */
@inline
function expm1Reduced<T>(r: T): T {
  let p = plus<T>(1.3981999507e-3, splat<T>(1.9875691500e-4), r);
  p = plus<T>(8.3334519073e-3, p, r);
  p = plus<T>(4.1665795894e-2, p, r);
  p = plus<T>(1.6666665459e-1, p, r);
  p = plus<T>(5.0000001201e-1, p, r);
  return add<T>(mul<T>(p, mul<T>(r, r)), r);
}

/** e^x within 2 units in the last place; 0 below −103.97, infinity above 88.72 */
@inline
export function exp<T>(x: T): T {
  x = clamp<T>(x, splat<T>(-104), splat<T>(89));
  const t = add<T>(mul<T>(x, splat<T>(LOG2_E)), splat<T>(MAGIC));
  const n = sub<T>(t, splat<T>(MAGIC));
  const r = sub<T>(sub<T>(x, mul<T>(n, splat<T>(LN2_HIGH))), mul<T>(n, splat<T>(LN2_LOW)));
  // two factors, because 2^n alone leaves the range of floats before e^x does
  return mul<T>(mul<T>(add<T>(expm1Reduced<T>(r), splat<T>(1)), powerHalf<T>(t)), powerRest<T>(t));
}

/** e^x − 1 for x ≤ 88 */
@inline
export function expm1<T>(x: T): T {
  x = greater<T>(x, splat<T>(-20));
  const t = add<T>(mul<T>(x, splat<T>(LOG2_E)), splat<T>(MAGIC));
  const n = sub<T>(t, splat<T>(MAGIC));
  const r = sub<T>(sub<T>(x, mul<T>(n, splat<T>(LN2_HIGH))), mul<T>(n, splat<T>(LN2_LOW)));
  const power = mul<T>(powerHalf<T>(t), powerRest<T>(t));
  return add<T>(mul<T>(expm1Reduced<T>(r), power), sub<T>(power, splat<T>(1)));
}

/** 1 / (1 + e^−x) */
@inline
export function logistic<T>(x: T): T {
  return div<T>(splat<T>(1), add<T>(splat<T>(1), exp<T>(negate<T>(x))));
}

/** The rational function x·P(x²) / Q(x²) of Eigen; ±1 for |x| ≥ 9 */
@inline
export function tanh<T>(x: T): T {
  const c = clamp<T>(x, splat<T>(-7.90531110763549805), splat<T>(7.90531110763549805));
  const s = mul<T>(c, c);
  let p = plus<T>(2.00018790482477e-13, splat<T>(-2.76076847742355e-16), s);
  p = plus<T>(-8.60467152213735e-11, p, s);
  p = plus<T>(5.12229709037114e-8, p, s);
  p = plus<T>(1.48572235717979e-5, p, s);
  p = plus<T>(6.37261928875436e-4, p, s);
  p = plus<T>(4.89352455891786e-3, p, s);
  let q = plus<T>(1.18534705686654e-4, splat<T>(1.19825839466702e-6), s);
  q = plus<T>(2.26843463243900e-3, q, s);
  q = plus<T>(4.89352518554385e-3, q, s);
  return saturateBeyond<T>(x, div<T>(mul<T>(c, p), q), 9);
}

/** y, or ±1 if |x| ≥ limit, clamped to ±1 */
@inline
function saturateBeyond<T>(x: T, y: T, limit: f32): T {
  // 2^20·(|x| − limit) is large enough to move y past ±1; it is 0 for NaN
  const over = mul<T>(greater<T>(splat<T>(0), sub<T>(magnitude<T>(x), splat<T>(limit))), splat<T>(1048576));
  y = add<T>(y, ifNotNegative<T>(x, over, negate<T>(over)));
  return clamp<T>(y, splat<T>(-1), splat<T>(1));
}

/** The error function, a rational function of Eigen; ±1 for |x| ≥ 4 */
@inline
export function erf<T>(x: T): T {
  const c = clamp<T>(x, splat<T>(-4), splat<T>(4));
  const s = mul<T>(c, c);
  let p = plus<T>(2.77068142495902e-8, splat<T>(-2.72614225801306e-10), s);
  p = plus<T>(-2.10102402082508e-6, p, s);
  p = plus<T>(-5.69250639462346e-5, p, s);
  p = plus<T>(-7.34990630326855e-4, p, s);
  p = plus<T>(-2.95459980854025e-3, p, s);
  p = plus<T>(-1.60960333262415e-2, p, s);
  let q = plus<T>(-2.13374055278905e-4, splat<T>(-1.45660718464996e-5), s);
  q = plus<T>(-1.68282697438203e-3, q, s);
  q = plus<T>(-7.37332916720468e-3, q, s);
  q = plus<T>(-1.42647390514189e-2, q, s);
  return saturateBeyond<T>(x, div<T>(mul<T>(c, p), q), 4);
}

/** x/2 · (1 + erf(x/√2)) */
@inline
export function gelu<T>(x: T): T {
  return mul<T>(mul<T>(x, splat<T>(0.5)), add<T>(splat<T>(1), erf<T>(mul<T>(x, splat<T>(0.70710678)))));
}

/** x/2 · (1 + tanh(√(2/π)·(x + 0.044715·x³))) */
@inline
export function geluTanh<T>(x: T): T {
  const cube = mul<T>(mul<T>(x, x), x);
  const inner = mul<T>(add<T>(x, mul<T>(cube, splat<T>(0.044715))), splat<T>(0.79788456));
  return mul<T>(mul<T>(x, splat<T>(0.5)), add<T>(splat<T>(1), tanh<T>(inner)));
}

/** x · clamp(x + 3, 0, 6) · (1/6) */
@inline
export function hardSwish<T>(x: T): T {
  const gate = clamp<T>(add<T>(x, splat<T>(3)), splat<T>(0), splat<T>(6));
  return mul<T>(mul<T>(x, gate), splat<T>(0.16666667));
}

/** Natural logarithm (after musl's logf): −infinity at 0, NaN for negative numbers */
export function log(x: f32): f32 {
  let bits = reinterpret<i32>(x);
  let k = 0;
  if (bits < 0x00800000) {
    if ((bits & 0x7fffffff) == 0) return -Infinity;
    if (bits < 0) return NaN;
    k = -25;
    x *= 33554432;
    bits = reinterpret<i32>(x);
  } else if (bits >= 0x7f800000) {
    return x;
  }
  // x = 2^k · m with m in [√½, √2)
  bits += 0x3f800000 - 0x3f3504f3;
  k += (bits >> 23) - 127;
  const f = reinterpret<f32>((bits & 0x007fffff) + 0x3f3504f3) - 1;
  const s = f / (2 + f);
  const z = s * s;
  const w = z * z;
  const even = w * (<f32>0.40000972152 + w * <f32>0.24279078841);
  const odd = z * (<f32>0.66666662693 + w * <f32>0.28498786688);
  const half = <f32>0.5 * f * f;
  const n = <f32>k;
  return s * (half + (odd + even)) + n * <f32>9.0580006145e-6 - half + f + n * <f32>0.69313812256;
}

/**
 * Sine if `shift` is 0, cosine if 1. The argument is reduced in f64, which is accurate for |x| up
 * to 2^28. Beyond that only the range of the result is right.
 */
export function sine(x: f32, shift: i32): f32 {
  if (!(x - x == 0)) return NaN;
  const y = <f64>x;
  const n = nearest<f64>(y * 0.63661977236758134308);
  let r = y - n * 1.5707963109016418 - n * 1.5893254712295857e-8;
  r = max<f64>(-0.8, min<f64>(0.8, r));
  const quadrant = <i32>(n - 4 * floor<f64>(n * 0.25)) + shift;
  const z = r * r;
  // coefficients: musl __sindf, __cosdf
  const value = (quadrant & 1) == 0
    ? r +
      r * z *
        (-0.166666666416265235595 +
          z * (0.0083333293858894631756 + z * (-0.000198393348360966317347 + z * 0.0000027183114939898219064)))
    : 1 +
      z *
        (-0.499999997251031003120 +
          z * (0.0416666233237390631894 + z * (-0.00138867637746099294692 + z * 0.0000243904487962774090654)));
  return <f32>((quadrant & 2) == 0 ? value : -value);
}
