import { STATIC_DATA } from '../layout';
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

// Engines build a constant vector with three instructions at each use. A load takes one, so the
// constants of the functions below are in memory.

const LOG2_E = STATIC_DATA;
/** ln 2 = LN2_HIGH + LN2_LOW; the first has 15 bits, so that its product with n is exact. */
const LN2_HIGH = LOG2_E + 4;
const LN2_LOW = LN2_HIGH + 4;
/** MAGIC: x + MAGIC is rounded to an integer, and MAGIC_BITS are its bits */
const ROUND = LN2_LOW + 4;
const ONE = ROUND + 4;
const HALF = ONE + 4;
/** The bits of 127, the bias of exponents */
const BIAS = HALF + 4;
/** Limits of x, and the coefficients of e^r from the highest power on */
const EXP_MIN = BIAS + 4;
const EXP_MAX = EXP_MIN + 4;
const EXPM1_MIN = EXP_MAX + 4;
const EXP = EXPM1_MIN + 4;
/** Limit of x, and the coefficients of P and Q from the highest power on */
const TANH_LIMIT = EXP + 6 * 4;
const TANH_P = TANH_LIMIT + 4;
const TANH_Q = TANH_P + 7 * 4;
const ERF_P = TANH_Q + 4 * 4;
const ERF_Q = ERF_P + 7 * 4;

let stored: usize = 0;

function put(x: f32): void {
  store<f32>(stored, x);
  stored += 4;
}

/** Stores the constants in the order above. `prepare` calls this. */
export function storeConstants(): void {
  stored = STATIC_DATA;
  put(1.44269504);
  put(0.693145751953125);
  put(1.42860677e-6);
  put(MAGIC);
  put(1);
  put(0.5);
  put(reinterpret<f32>(127));
  put(-104);
  put(89);
  put(-20);
  // Cephes expf
  put(1.9875691500e-4);
  put(1.3981999507e-3);
  put(8.3334519073e-3);
  put(4.1665795894e-2);
  put(1.6666665459e-1);
  put(5.0000001201e-1);
  // tanh of Eigen
  put(7.90531110763549805);
  put(-2.76076847742355e-16);
  put(2.00018790482477e-13);
  put(-8.60467152213735e-11);
  put(5.12229709037114e-8);
  put(1.48572235717979e-5);
  put(6.37261928875436e-4);
  put(4.89352455891786e-3);
  put(1.19825839466702e-6);
  put(1.18534705686654e-4);
  put(2.26843463243900e-3);
  put(4.89352518554385e-3);
  // erf of Eigen
  put(-2.72614225801306e-10);
  put(2.77068142495902e-8);
  put(-2.10102402082508e-6);
  put(-5.69250639462346e-5);
  put(-7.34990630326855e-4);
  put(-2.95459980854025e-3);
  put(-1.60960333262415e-2);
  put(-1.45660718464996e-5);
  put(-2.13374055278905e-4);
  put(-1.68282697438203e-3);
  put(-7.37332916720468e-3);
  put(-1.42647390514189e-2);
}

/** The constant at an address */
@inline
function constant<T>(at: usize): T {
  if (isVector<T>()) return v128.load32_splat(at);
  else return load<f32>(at);
}

/** c + y·x, c the constant at an address */
@inline
function plus<T>(at: usize, y: T, x: T): T {
  return add<T>(constant<T>(at), mul<T>(y, x));
}

/** The polynomial in x with n coefficients, 4 to 7, that begin at an address, by Horner's rule */
@inline
function polynomial<T>(at: usize, n: i32, x: T): T {
  let y = plus<T>(at + 4, constant<T>(at), x);
  y = plus<T>(at + 8, y, x);
  y = plus<T>(at + 12, y, x);
  if (n > 4) y = plus<T>(at + 16, y, x);
  if (n > 5) y = plus<T>(at + 20, y, x);
  if (n > 6) y = plus<T>(at + 24, y, x);
  return y;
}

/**
 * 2^⌊n/2⌋ for t = n + MAGIC. With `powerRest`, a product of two factors covers every exponent n.
 */
@inline
function powerHalf<T>(t: T): T {
  if (isVector<T>()) {
    return i32x4.shl(i32x4.add(i32x4.shr_s(i32x4.sub(t, constant<v128>(ROUND)), 1), constant<v128>(BIAS)), 23);
  } else {
    return reinterpret<f32>((((reinterpret<i32>(t) - MAGIC_BITS) >> 1) + 127) << 23);
  }
}

/** 2^(n − ⌊n/2⌋) for t = n + MAGIC */
@inline
function powerRest<T>(t: T): T {
  if (isVector<T>()) {
    const n = i32x4.sub(t, constant<v128>(ROUND));
    return i32x4.shl(i32x4.add(i32x4.sub(n, i32x4.shr_s(n, 1)), constant<v128>(BIAS)), 23);
  } else {
    const n = reinterpret<i32>(t) - MAGIC_BITS;
    return reinterpret<f32>((n - (n >> 1) + 127) << 23);
  }
}

/** e^r − 1 for |r| ≤ ln 2 / 2 */
@inline
function expm1Reduced<T>(r: T): T {
  const p = polynomial<T>(EXP, 6, r);
  return add<T>(mul<T>(p, mul<T>(r, r)), r);
}

/** e^x within 2 units in the last place; 0 below −103.97, infinity above 88.72 */
@inline
export function exp<T>(x: T): T {
  x = clamp<T>(x, constant<T>(EXP_MIN), constant<T>(EXP_MAX));
  const t = add<T>(mul<T>(x, constant<T>(LOG2_E)), constant<T>(ROUND));
  const n = sub<T>(t, constant<T>(ROUND));
  const r = sub<T>(sub<T>(x, mul<T>(n, constant<T>(LN2_HIGH))), mul<T>(n, constant<T>(LN2_LOW)));
  // two factors, because 2^n alone leaves the range of floats before e^x does
  return mul<T>(mul<T>(add<T>(expm1Reduced<T>(r), constant<T>(ONE)), powerHalf<T>(t)), powerRest<T>(t));
}

/** e^x − 1 for x ≤ 88 */
@inline
export function expm1<T>(x: T): T {
  x = greater<T>(x, constant<T>(EXPM1_MIN));
  const t = add<T>(mul<T>(x, constant<T>(LOG2_E)), constant<T>(ROUND));
  const n = sub<T>(t, constant<T>(ROUND));
  const r = sub<T>(sub<T>(x, mul<T>(n, constant<T>(LN2_HIGH))), mul<T>(n, constant<T>(LN2_LOW)));
  const power = mul<T>(powerHalf<T>(t), powerRest<T>(t));
  return add<T>(mul<T>(expm1Reduced<T>(r), power), sub<T>(power, constant<T>(ONE)));
}

/** 1 / (1 + e^−x) */
@inline
export function logistic<T>(x: T): T {
  return div<T>(constant<T>(ONE), add<T>(constant<T>(ONE), exp<T>(negate<T>(x))));
}

/** The rational function x·P(x²) / Q(x²) of Eigen; ±1 for |x| ≥ 9 */
@inline
export function tanh<T>(x: T): T {
  const limit = constant<T>(TANH_LIMIT);
  const c = clamp<T>(x, negate<T>(limit), limit);
  const s = mul<T>(c, c);
  const p = polynomial<T>(TANH_P, 7, s);
  const q = polynomial<T>(TANH_Q, 4, s);
  return saturateBeyond<T>(x, div<T>(mul<T>(c, p), q), 9);
}

/** y, or ±1 if |x| ≥ limit, clamped to ±1 */
@inline
function saturateBeyond<T>(x: T, y: T, limit: f32): T {
  // 2^20·(|x| − limit) is large enough to move y past ±1; it is 0 for NaN
  const over = mul<T>(greater<T>(splat<T>(0), sub<T>(magnitude<T>(x), splat<T>(limit))), splat<T>(1048576));
  y = add<T>(y, ifNotNegative<T>(x, over, negate<T>(over)));
  return clamp<T>(y, splat<T>(-1), constant<T>(ONE));
}

/** The error function, a rational function of Eigen; ±1 for |x| ≥ 4 */
@inline
export function erf<T>(x: T): T {
  const c = clamp<T>(x, splat<T>(-4), splat<T>(4));
  const s = mul<T>(c, c);
  const p = polynomial<T>(ERF_P, 7, s);
  const q = polynomial<T>(ERF_Q, 5, s);
  return saturateBeyond<T>(x, div<T>(mul<T>(c, p), q), 4);
}

/** x/2 · (1 + erf(x/√2)) */
@inline
export function gelu<T>(x: T): T {
  return mul<T>(mul<T>(x, constant<T>(HALF)), add<T>(constant<T>(ONE), erf<T>(mul<T>(x, splat<T>(0.70710678)))));
}

/** x/2 · (1 + tanh(√(2/π)·(x + 0.044715·x³))) */
@inline
export function geluTanh<T>(x: T): T {
  const cube = mul<T>(mul<T>(x, x), x);
  const inner = mul<T>(add<T>(x, mul<T>(cube, splat<T>(0.044715))), splat<T>(0.79788456));
  return mul<T>(mul<T>(x, constant<T>(HALF)), add<T>(constant<T>(ONE), tanh<T>(inner)));
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
