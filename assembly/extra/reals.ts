// Real functions in f64, which are accurate to the last bit of a float32 after one rounding. None
// of them traps; infinities and NaN give what the limits and C's functions give.

/** e^x */
export function exponential(x: f64): f64 {
  // 1 + expm1(x) would cancel for negative x
  return x < 0 ? 1 / (1 + NativeMath.expm1(-x)) : 1 + NativeMath.expm1(x);
}

/**
 * The error function: rational approximations of W. J. Cody, "Rational Chebyshev approximations for
 * the error function", Mathematics of Computation 23 (1969). ±1 from 4 on, where 1 − |erf| < 2^−25.
 */
export function erf(x: f64): f64 {
  const z = abs<f64>(x);
  const s = z * z;
  if (z <= 0.46875) {
    const p =
      (((1.85777706184603153e-1 * s + 3.16112374387056560) * s + 1.13864154151050156e2) * s + 3.77485237685302021e2) *
        s + 3.20937758913846947e3;
    const q = (((s + 2.36012909523441209e1) * s + 2.44024637934444173e2) * s + 1.28261652607737228e3) * s +
      2.84423683343917062e3;
    return x * p / q;
  }
  if (z > 4) return copysign<f64>(1, x);
  const p =
    (((((((2.15311535474403846e-8 * z + 5.64188496988670089e-1) * z + 8.88314979438837594) * z +
                        6.61191906371416295e1) * z + 2.98635138197400131e2) * z + 8.81952221241769090e2) * z +
            1.71204761263407058e3) * z + 2.05107837782607147e3) * z + 1.23033935479799725e3;
  const q =
    (((((((z + 1.57449261107098347e1) * z + 1.17693950891312499e2) * z + 5.37181101862009858e2) * z +
                    1.62138957456669019e3) * z + 3.29079923573345963e3) * z + 4.36261909014324716e3) * z +
        3.43936767414372164e3) * z + 1.23033935480374942e3;
  return copysign<f64>(1 - exponential(-s) * p / q, x);
}

/** log(1 + e^x) */
export function softplus(x: f64): f64 {
  return NativeMath.log1p(exponential(-abs<f64>(x))) + max<f64>(x, 0);
}

/** x·tanh(softplus(x)) = x·n / (n + 2) with n = e^x·(e^x + 2) */
export function mish(x: f64): f64 {
  if (x > 40) return x;
  const e = exponential(x);
  const n = e * (e + 2);
  return x * (n / (n + 2));
}

/**
 * The tangent. The argument is reduced in f64, which is accurate for |x| up to 2^28, and beyond
 * that no number has a meaning.
 */
export function tangent(x: f64): f64 {
  if (!(x - x == 0)) return NaN;
  const n = nearest<f64>(x * 0.63661977236758134308);
  const r = max<f64>(-0.8, min<f64>(0.8, x - n * 1.5707963109016418 - n * 1.5893254712295857e-8));
  // coefficients: musl __tandf
  const z = r * r;
  const w = z * z;
  const high = 0.00297435743359967304927 + z * 0.00946564784943673166728;
  const middle = 0.0533812378445670393523 + z * 0.0245283181166547278873;
  const low = 0.333331395030791399758 + z * 0.133392002712976742718;
  const t = r + z * r * low + z * r * w * (middle + w * high);
  return n - 2 * floor<f64>(n * 0.5) == 0 ? t : -1 / t;
}

export function sinh(x: f64): f64 {
  // the result is beyond f32 from 90 on
  const m = NativeMath.expm1(min<f64>(abs<f64>(x), 100));
  return copysign<f64>(0.5 * (m + m / (m + 1)), x);
}

export function cosh(x: f64): f64 {
  const e = exponential(min<f64>(abs<f64>(x), 100));
  return 0.5 * (e + 1 / e);
}

export function asin(x: f64): f64 {
  return NativeMath.atan(x / sqrt<f64>((1 - x) * (1 + x)));
}

export function acos(x: f64): f64 {
  return 2 * NativeMath.atan(sqrt<f64>((1 - x) / (1 + x)));
}

export function asinh(x: f64): f64 {
  const z = abs<f64>(x);
  return copysign<f64>(NativeMath.log1p(z + (sqrt<f64>(z * z + 1) - 1)), x);
}

export function acosh(x: f64): f64 {
  const t = x - 1;
  return NativeMath.log1p(t + sqrt<f64>(t) * sqrt<f64>(t + 2));
}

export function atanh(x: f64): f64 {
  const z = abs<f64>(x);
  return copysign<f64>(0.5 * NativeMath.log1p(2 * z / (1 - z)), x);
}
