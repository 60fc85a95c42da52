// Numbers as the other cores compute them (docs/format/arithmetic.md), in doubles. A result of
// float32 arithmetic is rounded by storing it in a Float32Array. That is exact for +, −, ×, ÷ and √
// of two floats, because a double has more than twice the digits.

const scratch = new Float32Array(1);

/**
 * 1.5·2^52: adding it to |x| < 2^51 and subtracting it again rounds x half to even.
 */
export const EVEN = 6755399441055744;

/** x as a float32 */
export function f32(x: number): number {
  scratch[0] = x;
  return scratch[0];
}

/** x within [low, high]; NaN stays NaN. */
export function clamp(x: number, low: number, high: number): number {
  if (x < low) return low;
  return high < x ? high : x;
}

/** Rounds half to even after clamping, so that infinity is possible. NaN becomes 0. */
export function quantize(x: number, low: number, high: number): number {
  return x === x ? clamp(x, low, high) + EVEN - EVEN : 0;
}

/** x rounded half to even, for any x; −0 for negative numbers that become 0 */
export function roundEven(x: number): number {
  let n = Math.floor(x);
  const rest = x - n;
  if (rest > 0.5 || (rest === 0.5 && n % 2 !== 0)) n++;
  return n === 0 && (x < 0 || 1 / x < 0) ? -0 : n;
}

/** x rounded toward zero */
export function truncate(x: number): number {
  return x < 0 ? Math.ceil(x) : Math.floor(x);
}

export function saturate16(x: number): number {
  return clamp(x, -32768, 32767);
}

/** The low 32 bits of a product of two integers of 32 bits. */
export function product32(a: number, b: number): number {
  return (a * (b & 65535) + (((a * (b >> 16)) & 65535) * 65536)) | 0;
}

/** (x·m + 2^30) / 2^31, rounded down, for integers |x| and |m| ≤ 2^31 */
export function high(x: number, m: number): number {
  if (m < 0) {
    x = -x;
    m = -m;
  }
  const rest = m & 65535;
  return Math.floor((x * ((m - rest) / 65536) + Math.floor((x * rest) / 65536) + 16384) / 32768);
}

/** 2^n for n from 0 to 31 */
const powers = new Float64Array(32);
for (let n = 0; n < 32; n++) powers[n] = Math.pow(2, n);

/** x / 2^n, halves away from zero */
export function shiftRight(x: number, n: number): number {
  const divisor = powers[n]!;
  return x < 0 ? -Math.floor(-x / divisor + 0.5) : Math.floor(x / divisor + 0.5);
}

/**
 * x·multiplier·2^(exponent − 31), rounded twice as in assembly/kernels/fixedPoint.ts: halves up,
 * then halves away from zero. x is clamped first so that x·2^exponent fits in 32 bits.
 */
export function multiplyFixed(x: number, multiplier: number, exponent: number): number {
  const factor = exponent > 0 ? powers[exponent]! : 1;
  const most = Math.floor(2147483647 / factor);
  const product = high(clamp(x, -most - 1, most) * factor, multiplier);
  return exponent < 0 ? shiftRight(product, -exponent) : product;
}

/** The same where x saturates before and after it is multiplied by 2^exponent. */
export function multiplySaturated(x: number, multiplier: number, exponent: number): number {
  const factor = exponent > 0 ? powers[exponent]! : 1;
  const shifted = clamp(clamp(x, -2147483648, 2147483647) * factor, -2147483648, 2147483647);
  const product = high(shifted, multiplier);
  return clamp(exponent < 0 ? shiftRight(product, -exponent) : product, -2147483648, 2147483647);
}
