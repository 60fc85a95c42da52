import { clamp, EVEN, f32, roundEven, truncate } from './arithmetic';

// Float functions: those of assembly/kernels/math.ts, with the same operations in the same order,
// and so the same bits. NaN gives NaN.

const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

/** The constants of the functions below, rounded to float32. */
const c = new Float32Array([1.44269504, 0.693145751953125, 0.00000142860677, 0.000198756915, 0.0013981999507,
  0.0083334519073, 0.041665795894, 0.16666665459, 0.50000001201]);
const tanhP = new Float32Array([-2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-8,
  0.0000148572235717979, 0.000637261928875436, 0.00489352455891786]);
const tanhQ = new Float32Array([1.19825839466702e-6, 0.000118534705686654, 0.002268434632439, 0.00489352518554385]);
const erfP = new Float32Array([-2.72614225801306e-10, 2.77068142495902e-8, -2.10102402082508e-6, -5.69250639462346e-5,
  -0.000734990630326855, -0.00295459980854025, -0.0160960333262415]);
const erfQ = new Float32Array([-0.0000145660718464996, -0.000213374055278905, -0.00168282697438203,
  -0.00737332916720468, -0.0142647390514189]);
const others = new Float32Array([7.905311107635498, 0.70710678, 0.044715, 0.79788456, 0.16666667, 0.40000972152,
  0.24279078841, 0.66666662693, 0.28498786688, 0.0000090580006145, 0.69313812256]);

/** c[n − 1] + x·(c[n − 2] + x·(…)) from coefficient `from` on */
function polynomial(coefficients: Float32Array, from: number, x: number): number {
  let p = coefficients[from]!;
  for (let i = from + 1; i < coefficients.length; i++) p = f32(coefficients[i]! + f32(p * x));
  return p;
}

/** 2^n for an integer −126 ≤ n ≤ 127 */
function power2(n: number): number {
  return Math.pow(2, n);
}

/** e^r − 1 for |r| ≤ ln 2 / 2 */
function expm1Reduced(r: number): number {
  return f32(f32(polynomial(c, 3, r) * f32(r * r)) + r);
}

/** x·log₂ e, rounded half to even */
function exponentOf(x: number): number {
  return f32(x * c[0]!) + EVEN - EVEN;
}

/** x − n·ln 2 */
function reduced(x: number, n: number): number {
  return f32(f32(x - f32(n * c[1]!)) - f32(n * c[2]!));
}

/** e^x */
export function exp(x: number): number {
  x = clamp(x, -104, 89);
  if (x !== x) return x;
  const n = exponentOf(x);
  const half = Math.floor(n / 2);
  // two factors, because 2^n alone leaves the range of floats before e^x does
  return f32(f32(f32(expm1Reduced(reduced(x, n)) + 1) * power2(half)) * power2(n - half));
}

/** e^x − 1 for x ≤ 88 */
export function expm1(x: number): number {
  if (x < -20) x = -20;
  if (x !== x) return x;
  const n = exponentOf(x);
  const power = f32(power2(n));
  return f32(f32(expm1Reduced(reduced(x, n)) * power) + f32(power - 1));
}

/** 1 / (1 + e^−x) */
export function logistic(x: number): number {
  return f32(1 / f32(1 + exp(-x)));
}

/** y, or ±1 if |x| ≥ limit, clamped to ±1 */
function saturateBeyond(x: number, y: number, limit: number): number {
  const beyond = f32(Math.abs(x) - limit);
  const over = beyond > 0 ? f32(beyond * 1048576) : 0;
  return clamp(f32(y + (x >= 0 ? over : -over)), -1, 1);
}

/** An odd rational function x·P(x²) / Q(x²) of x clamped to ±range; ±1 for |x| ≥ limit */
function rational(x: number, range: number, p: Float32Array, q: Float32Array, limit: number): number {
  const bounded = clamp(x, -range, range);
  const square = f32(bounded * bounded);
  const y = f32(f32(bounded * polynomial(p, 0, square)) / polynomial(q, 0, square));
  return saturateBeyond(x, y, limit);
}

export function tanh(x: number): number {
  return rational(x, others[0]!, tanhP, tanhQ, 9);
}

/** The error function */
export function erf(x: number): number {
  return rational(x, 4, erfP, erfQ, 4);
}

/** x/2 · (1 + erf(x/√2)) */
export function gelu(x: number): number {
  return f32(f32(x * 0.5) * f32(1 + erf(f32(x * others[1]!))));
}

/** x/2 · (1 + tanh(√(2/π)·(x + 0.044715·x³))) */
export function geluTanh(x: number): number {
  const cube = f32(f32(x * x) * x);
  const inner = f32(f32(x + f32(cube * others[2]!)) * others[3]!);
  return f32(f32(x * 0.5) * f32(1 + tanh(inner)));
}

/** x · clamp(x + 3, 0, 6) · (1/6) */
export function hardSwish(x: number): number {
  return f32(f32(x * clamp(f32(x + 3), 0, 6)) * others[4]!);
}

/** Natural logarithm: −infinity at 0, NaN for negative numbers */
export function log(x: number): number {
  float[0] = x;
  let word = bits[0]!;
  let k = 0;
  if (word < 0x00800000) {
    if ((word & 0x7fffffff) === 0) return -Infinity;
    if (word < 0) return NaN;
    k = -25;
    float[0] = x * 33554432;
    word = bits[0]!;
  } else if (word >= 0x7f800000) {
    return x;
  }
  // x = 2^k · m with m in [√½, √2)
  word += 0x3f800000 - 0x3f3504f3;
  k += (word >> 23) - 127;
  bits[0] = (word & 0x007fffff) + 0x3f3504f3;
  const f = f32(float[0] - 1);
  const s = f32(f / f32(2 + f));
  const z = f32(s * s);
  const w = f32(z * z);
  const even = f32(w * f32(others[5]! + f32(w * others[6]!)));
  const odd = f32(z * f32(others[7]! + f32(w * others[8]!)));
  const half = f32(f32(0.5 * f) * f);
  const first = f32(s * f32(half + f32(odd + even)));
  return f32(f32(f32(f32(first + f32(k * others[9]!)) - half) + f) + f32(k * others[10]!));
}

/** Sine if `shift` is 0, cosine if 1. */
export function sine(x: number, shift: number): number {
  if (!(x - x === 0)) return NaN;
  const n = roundEven(x * 0.6366197723675814);
  const r = clamp(x - n * 1.5707963109016418 - n * 1.5893254712295857e-8, -0.8, 0.8);
  const quadrant = truncate(n - 4 * Math.floor(n * 0.25)) + shift;
  const z = r * r;
  const value = (quadrant & 1) === 0
    ? r +
      r * z *
        (-0.16666666641626524 +
          z * (0.008333329385889463 + z * (-0.00019839334836096632 + z * 0.000002718311493989822)))
    : 1 +
      z * (-0.499999997251031 + z * (0.04166662332373906 + z * (-0.001388676377460993 + z * 0.00002439044879627741)));
  return f32((quadrant & 2) === 0 ? value : -value);
}
