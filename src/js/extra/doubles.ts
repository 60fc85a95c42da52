// Functions of doubles that assembly/extra takes from AssemblyScript's standard library, with the
// same operations, because Math's functions differ between engines. All are by FreeBSD's msun as in
// musl, except for powers of floats, which are by jdh8's metallic.

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);

/** The upper 32 bits of a double */
function upperOf(x: number): number {
  double[0] = x;
  return words[1]!;
}

export function copySign(x: number, sign: number): number {
  const negative = sign < 0 || (sign === 0 && 1 / sign < 0);
  return negative ? -Math.abs(x) : Math.abs(x);
}

const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
const LOG2_E = 1.4426950408889634;

/** Rounds x / ln 2 for the reduction of x; `upper` is the upper half of |x| */
function exponentOf(x: number, upper: number): number {
  const sign = x < 0 ? -1 : 1;
  if (upper < 0x3ff0a2b2) return sign;
  const t = LOG2_E * x + 0.5 * sign;
  return t < 0 ? Math.ceil(t) : Math.floor(t);
}

/** e^x */
export function exp(x: number): number {
  const upper = upperOf(x) & 0x7fffffff;
  if (upper >= 0x4086232b) {
    if (x !== x) return x;
    if (x > 709.782712893384) return Infinity;
    if (x < -745.1332191019411) return 0;
  }
  let top = x;
  let rest = 0;
  let k = 0;
  if (upper > 0x3fd62e42) {
    k = exponentOf(x, upper);
    top = x - k * LN2_HIGH;
    rest = k * LN2_LOW;
    x = top - rest;
  } else if (upper <= 0x3e300000) return 1 + x;
  const s = x * x;
  const q = s * s;
  const c = x -
    (s * 0.16666666666666602 +
      q *
        ((-0.0027777777777015593 + s * 0.00006613756321437934) +
          q * (-0.0000016533902205465252 + s * 4.1381367970572385e-8)));
  const y = 1 + (x * c / (2 - c) - rest + top);
  // two factors, because 2^1024 is infinite
  return k === 0 ? y : y * Math.pow(2, k - 1) * 2;
}

/** e^x − 1 */
export function expm1(x: number): number {
  const upper = upperOf(x) & 0x7fffffff;
  if (upper >= 0x4043687a) {
    if (x !== x) return x;
    if (x < 0) return -1;
    if (x > 709.782712893384) return Infinity;
  }
  let k = 0;
  let c = 0;
  if (upper > 0x3fd62e42) {
    k = exponentOf(x, upper);
    const top = x - k * LN2_HIGH;
    const rest = k * LN2_LOW;
    x = top - rest;
    c = (top - x) - rest;
  } else if (upper < 0x3c900000) return x;
  const half = 0.5 * x;
  const s = x * half;
  const q = s * s;
  const r = (1 + s * -0.03333333333333313) +
    q *
      ((0.0015873015872548146 + s * -0.0000793650757867488) +
        q * (0.000004008217827329362 + s * -2.0109921818362437e-7));
  const t = 3 - r * half;
  let e = s * ((r - t) / (6 - x * t));
  if (k === 0) return x - (x * e - s);
  e = x * (e - c) - c;
  e -= s;
  if (k === -1) return 0.5 * (x - e) - 0.5;
  if (k === 1) return x < -0.25 ? -2 * (e - (x + 0.5)) : 1 + 2 * (x - e);
  if (k < 0 || k > 56) {
    const y = x - e + 1;
    return (k === 1024 ? y * 2 * Math.pow(2, 1023) : y * Math.pow(2, k)) - 1;
  }
  const small = Math.pow(2, -k);
  return (x + (k < 20 ? (1 - small) - e : 1 - (e + small))) * Math.pow(2, k);
}

/** log(1 + x) */
export function log1p(x: number): number {
  const upper = upperOf(x);
  let k = 1;
  let c = 0;
  let f = 0;
  if (upper < 0x3fda827a || upper >= 0x80000000) {
    if (upper >= 0xbff00000) return x === -1 ? -Infinity : NaN;
    if ((upper & 0x7fffffff) < 0x3ca00000) return x;
    if (upper <= 0xbfd2bec4) {
      k = 0;
      f = x;
    }
  } else if (upper >= 0x7ff00000) return x;
  if (k !== 0) {
    const u = 1 + x;
    const top = upperOf(u) + 0x3ff00000 - 0x3fe6a09e;
    k = (top >>> 20) - 0x3ff;
    if (k < 54) c = (k >= 2 ? 1 - (u - x) : x - (u - 1)) / u;
    double[0] = u;
    words[1] = (top & 0x000fffff) + 0x3fe6a09e;
    f = double[0] - 1;
  }
  const half = 0.5 * f * f;
  const s = f / (2 + f);
  const z = s * s;
  const w = z * z;
  const even = w * (0.3999999999940942 + w * (0.22222198432149784 + w * 0.15313837699209373));
  const odd = z * (0.6666666666666735 + w * (0.2857142874366239 + w * (0.1818357216161805 + w * 0.14798198605116586)));
  return s * (half + (odd + even)) + (k * LN2_LOW + c) - half + f + k * LN2_HIGH;
}

/** The arctangents of ½, 1, 3/2 and ∞, and what is missing in them */
const arcs = [0.4636476090008061, 0.7853981633974483, 0.982793723247329, 1.5707963267948966];
const rests = [2.2698777452961687e-17, 3.061616997868383e-17, 1.3903311031230998e-17, 6.123233995736766e-17];

export function atan(sx: number): number {
  let x = Math.abs(sx);
  if (x !== x || x < 7.450580596923828e-9) return sx;
  if (x >= 73786976294838206464) return copySign(arcs[3]!, sx);
  let arc = -1;
  if (x < 0.4375) x = sx;
  else if (x < 0.6875) {
    arc = 0;
    x = (2 * x - 1) / (2 + x);
  } else if (x < 1.1875) {
    arc = 1;
    x = (x - 1) / (x + 1);
  } else if (x < 2.4375) {
    arc = 2;
    x = (x - 1.5) / (1 + 1.5 * x);
  } else {
    arc = 3;
    x = -1 / x;
  }
  const z = x * x;
  const w = z * z;
  const odd = z *
    (0.3333333333333293 +
      w *
        (0.14285714272503466 +
          w *
            (0.09090887133436507 + w * (0.06661073137387531 + w * (0.049768779946159324 + w * 0.016285820115365782)))));
  const even = w *
    (-0.19999999999876483 +
      w * (-0.11111110405462356 + w * (-0.0769187620504483 + w * (-0.058335701337905735 + w * -0.036531572744216916))));
  const sum = x * (odd + even);
  if (arc < 0) return x - sum;
  return copySign(arcs[arc]! - ((sum - rests[arc]!) - x), sx);
}

/** The binary logarithm of a positive normal number, for `power` */
function log2(x: number): number {
  const upper = upperOf(x);
  // relative to √½
  const exponent = (upper - 0x3fe6a09e - (words[0]! < 0x667f3bcd ? 1 : 0)) >> 20;
  words[1] = upper - exponent * 1048576;
  x = double[0]!;
  x = (x - 1) / (x + 1);
  const s = x * x;
  const y = x +
    x * s * (0.3333333282272823 + 0.20000167595436263 * s + (0.14268654271188685 + 0.11791075649681414 * s) * (s * s));
  return 2 * 1.4426950408889634 * y + exponent;
}

/** 2^x with the digits of a float */
function exp2(x: number): number {
  if (x < -1022) return 0;
  if (x >= 1024) return Infinity;
  const n = x + 6755399441055744 - 6755399441055744;
  x -= n;
  const s = x * x;
  const y = 1 +
    x *
      (0.6931471880289533 + 0.24022651084211735 * x +
        (0.055503571054988744 + 0.009618030771171498 * x) * s +
        (0.001339086685300951 + 0.00015469734999890288 * x) * (s * s));
  return y * Math.pow(2, n);
}

/** Whether x is an odd or an even integer: 1 or 2; 0 otherwise. Infinity is even. */
function parityOf(x: number): number {
  if (Math.floor(x) !== x) return 0;
  return Math.floor(x / 2) === x / 2 ? 2 : 1;
}

/** x^y of floats, to be rounded to a float */
export function power(x: number, y: number): number {
  if (y === 2) return x * x;
  if (y === 0.5) return x === -Infinity ? Infinity : Math.abs(Math.sqrt(x));
  if (y === -1) return 1 / x;
  if (y === 1) return x;
  if (y === 0) return 1;
  if (x !== x || y !== y) return NaN;
  const parity = parityOf(y);
  const negative = x < 0 || (x === 0 && 1 / x < 0);
  const sign = negative && parity === 1 ? -1 : 1;
  const size = Math.abs(x);
  if (size === 1) return (negative && parity === 0) || Math.abs(y) === Infinity ? NaN : sign;
  if (size === 0) return y < 0 ? sign * Infinity : sign * 0;
  if (size === Infinity) return y < 0 ? sign * 0 : sign * Infinity;
  if (negative && parity === 0) return NaN;
  return sign * exp2(y * log2(size));
}
