import { roundEven } from '../arithmetic';
import { atan, copySign, expm1, log1p } from './doubles';

// Real functions, as in assembly/extra/reals.ts: in doubles, and accurate to the last bit of a
// float32 after one rounding.

/** e^x */
function exponential(x: number): number {
  // 1 + expm1(x) would cancel for negative x
  return x < 0 ? 1 / (1 + expm1(-x)) : 1 + expm1(x);
}

function polynomial(coefficients: number[], x: number): number {
  let p = coefficients[0]!;
  for (let i = 1; i < coefficients.length; i++) p = p * x + coefficients[i]!;
  return p;
}

// W. J. Cody, "Rational Chebyshev approximations for the error function", Mathematics of
// Computation 23 (1969)
const smallP = [0.18577770618460315, 3.1611237438705655, 113.86415415105016, 377.485237685302, 3209.3775891384694];
const smallQ = [1, 23.601290952344122, 244.02463793444417, 1282.6165260773723, 2844.236833439171];
const largeP = [2.1531153547440383e-8, 0.5641884969886701, 8.883149794388377, 66.11919063714163, 298.6351381974001,
  881.952221241769, 1712.0476126340707, 2051.0783778260716, 1230.3393547979972];
const largeQ = [1, 15.744926110709835, 117.6939508913125, 537.1811018620099, 1621.3895745666903, 3290.7992357334597,
  4362.619090143247, 3439.3676741437216, 1230.3393548037495];

export function erf(x: number): number {
  const z = Math.abs(x);
  const s = z * z;
  if (z <= 0.46875) return x * polynomial(smallP, s) / polynomial(smallQ, s);
  if (z > 4) return copySign(1, x);
  return copySign(1 - exponential(-s) * polynomial(largeP, z) / polynomial(largeQ, z), x);
}

/** log(1 + e^x) */
export function softplus(x: number): number {
  return log1p(exponential(-Math.abs(x))) + Math.max(x, 0);
}

/** x·tanh(softplus(x)) */
export function mish(x: number): number {
  if (x > 40) return x;
  const e = exponential(x);
  const n = e * (e + 2);
  return x * (n / (n + 2));
}

export function tangent(x: number): number {
  if (!(x - x === 0)) return NaN;
  const n = roundEven(x * 0.6366197723675814);
  const r = Math.max(-0.8, Math.min(0.8, x - n * 1.5707963109016418 - n * 1.5893254712295857e-8));
  // coefficients: musl __tandf
  const z = r * r;
  const w = z * z;
  const upper = 0.002974357433599673 + z * 0.009465647849436732;
  const middle = 0.05338123784456704 + z * 0.024528318116654728;
  const lower = 0.3333313950307914 + z * 0.13339200271297674;
  const t = r + z * r * lower + z * r * w * (middle + w * upper);
  return n - 2 * Math.floor(n * 0.5) === 0 ? t : -1 / t;
}

export function sinh(x: number): number {
  // the result is beyond float32 from 90 on
  const m = expm1(Math.min(Math.abs(x), 100));
  return copySign(0.5 * (m + m / (m + 1)), x);
}

export function cosh(x: number): number {
  const e = exponential(Math.min(Math.abs(x), 100));
  return 0.5 * (e + 1 / e);
}

export function asin(x: number): number {
  return atan(x / Math.sqrt((1 - x) * (1 + x)));
}

export function acos(x: number): number {
  return 2 * atan(Math.sqrt((1 - x) / (1 + x)));
}

export function asinh(x: number): number {
  const z = Math.abs(x);
  return copySign(log1p(z + (Math.sqrt(z * z + 1) - 1)), x);
}

export function acosh(x: number): number {
  const t = x - 1;
  return log1p(t + Math.sqrt(t) * Math.sqrt(t + 2));
}

export function atanh(x: number): number {
  const z = Math.abs(x);
  return copySign(0.5 * log1p(2 * z / (1 - z)), x);
}
